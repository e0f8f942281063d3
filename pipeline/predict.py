"""Stage `predict`: the best trained network and a clip -> a prediction on the screen."""

from __future__ import annotations

from pathlib import Path

from mculora.errors import InputError
from mculora.features.observation import Observation
from mculora.inference.bundle import Bundle
from mculora.inference.prediction import Prediction
from mculora.inference.predictor import Predictor, nothing_usable
from mculora.modality import Modality
from pipeline.bundles import find_bundle
from pipeline.console import say
from pipeline.device import pick_device


def run(clip: Path, *, transcript: str, without: list[str], device: str) -> None:
    """Predict one clip from whatever it offers and say what that was."""
    absent = {Modality.parse(word): "left out by --without" for word in without}
    bundle = find_bundle(None)
    if not bundle.encoders:
        raise InputError(
            "params.yaml: key features",
            found="published: nothing here can make such features of a clip",
            expected="a network trained on extracted features",
            remedy="set features: extracted and run `dvc repro`",
        )
    if not clip.is_file():
        raise InputError(clip, found="no such file", expected="an audio or video file")
    if not transcript:
        absent.setdefault(Modality.TEXT, "no transcript: give one with --transcript")
    observation = Observation(transcript=transcript, audio_path=clip, video_path=clip)
    predictor = Predictor(bundle, pick_device(device))
    [prediction] = predictor.predict_observations([observation], absent)
    if not prediction.used:
        raise nothing_usable(clip, prediction)
    _tell(clip, prediction, bundle)


def _tell(clip: Path, prediction: Prediction, bundle: Bundle) -> None:
    """Print the prediction, what it rests on, and why the rest was not used."""
    provenance = bundle.provenance
    say(f"{clip.name}: {_sentence(prediction)}")
    say(f"  used:     {', '.join(m.word for m in prediction.used)}")
    for modality, reason in prediction.absent.items():
        say(f"  not used: {modality.word} ({reason})")
    say(
        f"  network:  {provenance['method']} trained on {bundle.corpus}, seed "
        f"{provenance['seed']}, chosen on validation ({provenance['validation_mean']:.3f})"
    )
    if bundle.corpus == "sample":
        say("  the sample corpus is synthetic: this shows that the road works, not what is felt")


def _sentence(prediction: Prediction) -> str:
    names, values = prediction.class_names, prediction.values
    if names:
        order = values.argsort(descending=True).tolist()
        return ", ".join(f"{names[i]} {values[i]:.2f}" for i in order)
    return f"{prediction.label}, sentiment {float(values[0]):+.2f} in [-3, 3]"
