"""Stage `predict`: recordings, and a trained network -> predictions on the screen and in files."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mculora.errors import InputError, MediaError
from mculora.inference.bundle import Bundle
from mculora.inference.predictor import Predictor, nothing_usable
from mculora.inference.recording import Recording
from mculora.inference.speech_recognition import SpeechRecognition, add_words
from mculora.inference.timeline import Timeline, predict_recording
from mculora.modality import Modality
from pipeline.bundles import find_bundle
from pipeline.console import progress, say
from pipeline.device import pick_device
from pipeline.predicting.outputs import Outputs, Predicted
from pipeline.predicting.screen import show
from pipeline.predicting.sources import Skipped, Source, find_sources
from pipeline.predicting.wording import printable


@dataclass(frozen=True)
class Wishes:
    """What is to be predicted, and how.

    Attributes:
        transcript: Of the one file that is named: its words or a file that has them.
        without: Modalities to leave out.
        asr: A speech recognition model, for what has no transcript; `""` for none.
        model: The folder of an exported bundle; None for the network that is trained here.
        device: Where networks compute.
    """

    transcript: str = ""
    without: tuple[str, ...] = ()
    asr: str = ""
    model: Path | None = None
    device: str = "auto"


def run(paths: Sequence[Path], wishes: Wishes, outputs: Outputs) -> None:
    """Predict everything that paths name, tell it, and write what is asked for.

    What cannot be predicted is told with its reason; only if nothing can be, that is an error.
    """
    absent = _left_out(wishes)
    sources = find_sources(
        paths, transcript=wishes.transcript, reads_transcripts=Modality.TEXT not in absent
    )
    outputs.check(sources)
    bundle = _usable_bundle(wishes.model)
    device = str(pick_device(wishes.device))
    recognition = SpeechRecognition(wishes.asr, device=device) if wishes.asr else None
    predictor = Predictor(bundle, device)
    timelines: list[Timeline] = []
    skipped: list[Skipped] = []
    for source in progress(sources, label="predict", total=len(sources)):
        recording = _open(source, outputs)
        if isinstance(recording, Skipped):
            skipped.append(recording)
            continue
        if recognition:
            recording = add_words(recording, recognition)
        timeline = predict_recording(predictor, recording, absent)
        if timeline.has_prediction:
            timelines.append(timeline)
        else:
            error = nothing_usable(recording.name, timeline.moments[0].prediction)
            skipped.append(Skipped(recording.name, error))
    _tell_skipped(skipped, num_sources=len(sources))
    predicted = Predicted(timelines, skipped, bundle, recognition.name if recognition else None)
    if not outputs.takes_stdout:
        show(timelines, bundle)
    for path in outputs.write(predicted):
        if not outputs.takes_stdout:
            say(f"  wrote {path}")


def _left_out(wishes: Wishes) -> Mapping[Modality, str]:
    absent = {Modality.parse(word): "left out by --without" for word in wishes.without}
    if len(absent) == len(Modality):
        raise InputError("--without", found="all three", expected="a modality that is left")
    if wishes.asr and Modality.TEXT in absent:
        raise InputError("--asr", found="--without text beside it", expected="one of the two")
    return absent


def _usable_bundle(folder: Path | None) -> Bundle:
    bundle = find_bundle(folder)
    if not bundle.encoders:
        raise InputError(
            "params.yaml: key features" if folder is None else folder,
            found="published: nothing here can make such features of a clip",
            expected="a network trained on extracted features",
            remedy="set features: extracted and run `dvc repro`",
        )
    return bundle


def _open(source: Source | Skipped, outputs: Outputs) -> Recording | Skipped:
    """Look at a recording, or say why it cannot be used; what is asked of it must be possible."""
    if isinstance(source, Skipped):
        return source
    try:
        recording = source.open()
        outputs.check_recording(recording)
    except (InputError, MediaError, OSError) as error:
        return Skipped(source.name, error)
    return recording


def _tell_skipped(skipped: Sequence[Skipped], *, num_sources: int) -> None:
    """Name what was skipped on standard error.

    Raises:
        InputError: That is everything.
    """
    if num_sources == 1 and skipped:
        raise skipped[0].error
    for one in skipped:
        sys.stderr.write(f"skipped: {printable(one.name)}: {printable(one.reason)}\n")
    if len(skipped) == num_sources:
        found = f"nothing to predict from in any of {num_sources}"
        raise InputError("recordings", found=found, expected="one that can be used")
