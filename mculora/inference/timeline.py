"""A recording predicted: what is said of each utterance, when, and what mattered most to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mculora.features.observation import Observation
from mculora.inference.prediction import Prediction
from mculora.inference.predictor import Predictor
from mculora.inference.recording import Recording
from mculora.modality import Modality


@dataclass(frozen=True, eq=False)
class Moment:
    """One utterance and its prediction.

    Attributes:
        file: The media file.
        start_seconds: Where it starts in the file.
        end_seconds: Where it ends; None where nobody can tell how long the file is.
        transcript: Its words; `""` if there are none.
        prediction: What is predicted.
    """

    file: str
    start_seconds: float
    end_seconds: float | None
    transcript: str
    prediction: Prediction

    def to_json(self) -> dict[str, Any]:
        """The utterance and its prediction as plain JSON values."""
        mattered = mattered_most(self.prediction)
        return {
            "file": self.file,
            "start": self.start_seconds,
            "end": self.end_seconds,
            "transcript": self.transcript,
            **self.prediction.to_json(),
            "mattered_most": mattered.word if mattered is not None else None,
        }


@dataclass(frozen=True, eq=False)
class Timeline:
    """A recording and what is predicted of each of its utterances, in time order."""

    recording: Recording
    moments: tuple[Moment, ...]

    @property
    def has_prediction(self) -> bool:
        """Whether any utterance offers something."""
        return any(moment.prediction.used for moment in self.moments)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        return {
            "file": self.recording.name,
            "seconds": self.recording.seconds,
            "cut": self.recording.cut,
            "utterances": [moment.to_json() for moment in self.moments],
            "left_out": list(self.recording.left_out),
        }


def predict_recording(
    predictor: Predictor, recording: Recording, absent: Mapping[Modality, str]
) -> Timeline:
    """Predict the utterances of a recording as one dialogue.

    Args:
        predictor: What predicts.
        recording: What it offers.
        absent: Modalities not to be tried, each with its reason.

    Raises:
        InputError: An encoder is not to be had.
    """
    unwanted = {**recording.absent, **absent}
    predictions = predictor.predict_observations(recording.utterances, unwanted)
    pairs = zip(recording.utterances, predictions, strict=True)
    return Timeline(recording, tuple(_moment(recording, *pair) for pair in pairs))


def changes(prediction: Prediction) -> dict[Modality, float]:
    """How much leaving each used modality out would change a prediction.

    For a score the difference, as it is minus as it would be; for classes the share of probability
    that would move (0 to 1).
    """
    moved = {m: prediction.values - values for m, values in prediction.without.items()}
    if not prediction.class_names:
        return {m: float(difference[0]) for m, difference in moved.items()}
    return {m: float(difference.abs().sum()) / 2 for m, difference in moved.items()}


def mattered_most(prediction: Prediction) -> Modality | None:
    """The modality without which a prediction would change most; None with nothing to compare."""
    changed = changes(prediction)
    return max(changed, key=lambda m: abs(changed[m]), default=None)


def _moment(recording: Recording, utterance: Observation, prediction: Prediction) -> Moment:
    begins = utterance.audio_begins_seconds
    end = recording.seconds if utterance.end_seconds is None else utterance.end_seconds - begins
    file = utterance.audio_path or utterance.video_path or recording.name
    start = utterance.start_seconds - begins
    return Moment(str(file), start, end, utterance.transcript, prediction)
