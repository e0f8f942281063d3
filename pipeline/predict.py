"""Stage `predict`: the best trained network and a clip -> a prediction on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from mculora.errors import InputError
from mculora.features.encoder import DTypeName, Encoder, identify
from mculora.features.identity import check_same
from mculora.features.observation import Observation
from mculora.inference import ClipPrediction, predict_clip
from mculora.modality import Modality
from mculora.model.checkpoint import Checkpoint, load_checkpoint, read_provenance
from mculora.training.methods import MAIN
from pipeline.console import say
from pipeline.device import pick_device
from pipeline.encoders import make_encoder
from pipeline.inputs import trained_features
from pipeline.layout import Layout, require
from pipeline.params import Params, read_params

NEUTRAL = 0.5
"""Scores nearer to zero than this are called neutral: the middle class of ACC7."""


def run(clip: Path, *, transcript: str, without: list[str], device: str) -> None:
    """Predict one clip from whatever it offers and say what that was."""
    absent = {Modality.parse(word): "left out by --without" for word in without}
    params = read_params()
    layout = Layout(params.dataset)
    require(layout.models, command="mculora train")
    if params.features == "published":
        raise InputError(
            "params.yaml: key features",
            found="published: nothing here can make such features of a clip",
            expected="a network trained on extracted features",
            remedy="set features: extracted and run `dvc repro`",
        )
    if not clip.is_file():
        raise InputError(clip, found="no such file", expected="an audio or video file")
    checkpoint = _best_checkpoint(layout)
    network = checkpoint.network.to(pick_device(device))
    if not transcript:
        absent.setdefault(Modality.TEXT, "no transcript: give one with --transcript")
    encoders = {
        m: _encoder(params, checkpoint, m, device=device) for m in Modality if m not in absent
    }
    observation = Observation(transcript=transcript, audio_path=clip, video_path=clip)
    prediction = predict_clip(network, encoders, observation, absent)
    _tell(clip, prediction, checkpoint)


def _best_checkpoint(layout: Layout) -> Checkpoint:
    """The network of our method that did best on validation."""
    paths = sorted((layout.models / MAIN).glob("*.safetensors"))
    if not paths:
        require(layout.models / MAIN / "*.safetensors", command="mculora train")
    return load_checkpoint(max(paths, key=lambda p: float(read_provenance(p)["validation_mean"])))


def _encoder(params: Params, checkpoint: Checkpoint, modality: Modality, *, device: str) -> Encoder:
    """The encoder of params.yaml, if it is the one that the network was trained with."""
    trained = trained_features(checkpoint, modality)
    dtype = trained.settings.get("dtype")  # of a pretrained model: this one computes in it, too
    encoder = make_encoder(params, modality, device=device, dtype=cast("DTypeName | None", dtype))
    here = identify(encoder, corpus=trained.corpus, corpus_fingerprint=trained.corpus_fingerprint)
    remedy = f"set extract.{modality.word} back, or run `dvc repro`"
    check_same(here, trained, remedy=remedy)
    return encoder


def _tell(clip: Path, prediction: ClipPrediction, checkpoint: Checkpoint) -> None:
    """Print the prediction, what it rests on, and why the rest was not used."""
    provenance = checkpoint.provenance
    say(f"{clip.name}: {_sentence(prediction, list(provenance['class_names']))}")
    say(f"  used:     {', '.join(m.word for m in prediction.used)}")
    for modality, reason in prediction.absent.items():
        say(f"  not used: {modality.word} ({reason})")
    say(
        f"  network:  {provenance['method']} trained on {provenance['corpus']}, seed "
        f"{provenance['seed']}, chosen on validation ({provenance['validation_mean']:.3f})"
    )
    if provenance["corpus"] == "sample":
        say("  the sample corpus is synthetic: this shows that the road works, not what is felt")


def _sentence(prediction: ClipPrediction, class_names: list[str]) -> str:
    if class_names:
        order = prediction.values.argsort(descending=True).tolist()
        return ", ".join(f"{class_names[i]} {prediction.values[i]:.2f}" for i in order)
    score = float(prediction.values[0])
    if abs(score) < NEUTRAL:
        return f"neutral, sentiment {score:+.2f} in [-3, 3]"
    return f"{'positive' if score > 0 else 'negative'}, sentiment {score:+.2f} in [-3, 3]"
