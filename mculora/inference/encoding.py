"""The encoders of training again: the ones that a bundle names, checked to be the same."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch

from mculora.errors import InputError
from mculora.features.encoder import DTypeName, Encoder, identify
from mculora.features.identity import check_same
from mculora.features.loading import load_encoder
from mculora.inference.bundle import Bundle
from mculora.modality import Modality


def load_trained_encoder(bundle: Bundle, modality: Modality, device: torch.device) -> Encoder:
    """Make the encoder that a bundle names, if it is the one that its network was trained with.

    Raises:
        InputError: It is not, or is not to be had here, or the network was trained on features
            that nothing here can make.
    """
    spec, trained = bundle.encoders.get(modality), bundle.features(modality)
    if spec is None:
        raise InputError(
            f"{modality.word} features",
            found=f"a network trained on published ones ({trained.encoder})",
            expected="a network trained on features that can be made of a recording",
            remedy="set features: extracted and run `dvc repro`, or predict from features",
        )
    if spec.dtype == "auto":  # a pretrained model: this one computes in what that one did
        dtype = trained.settings.get("dtype", "auto")
        spec = replace(spec, dtype=cast("DTypeName", dtype))
    encoder = load_encoder(spec, device=str(device))
    here = identify(encoder, corpus=trained.corpus, corpus_fingerprint=trained.corpus_fingerprint)
    remedy = f"set extract.{modality.word} back, or run `dvc repro`"
    check_same(here, trained, remedy=remedy)
    return encoder
