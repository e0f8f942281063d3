"""Bundles of tiny networks that have learnt nothing, with encoders that need no download."""

import torch

from mculora.features.encoder import EncoderSpec, identify
from mculora.features.loading import load_encoder
from mculora.inference.bundle import Bundle
from mculora.modality import Modality, ModalityCombination
from mculora.model.network import MCULoRA, NetworkConfig

ENCODERS = {Modality.AUDIO: "logmel", Modality.TEXT: "hashed-ngrams", Modality.VISUAL: "hog"}
HALF_WIDTH = 1.25


def untrained_bundle(*class_names, corpus="sample", seed=0):
    """A bundle that names these classes, or gives a score with an interval if there are none."""
    torch.manual_seed(seed)
    specs = {modality: EncoderSpec(modality, name) for modality, name in ENCODERS.items()}
    features = {
        m.word: identify(load_encoder(spec, device="cpu"), corpus=corpus, corpus_fingerprint="0")
        for m, spec in specs.items()
    }
    widths = tuple(features[m.word].width for m in Modality)
    config = NetworkConfig(widths, outputs=len(class_names) or 1, hidden=16, depth=1, rank=2)
    calibration = {"temperature": 1.5} if class_names else {"half_width": HALF_WIDTH}
    provenance = {
        "method": "mculora",
        "corpus": corpus,
        "task": "classification" if class_names else "regression",
        "class_names": list(class_names),
        "features": {word: identity.to_json() for word, identity in features.items()},
        "seed": seed,
        "validation_mean": 0.5,
        "calibration": {c.word: calibration for c in ModalityCombination},
    }
    return Bundle(MCULoRA(config).eval(), specs, provenance)
