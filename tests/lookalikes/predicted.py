"""Recordings with made-up predictions: what outputs are tried on, without any network."""

import torch

from mculora.features.observation import Observation
from mculora.inference.bundle import Bundle
from mculora.inference.prediction import Interval, Prediction
from mculora.inference.recording import Recording
from mculora.inference.timeline import Moment, Timeline
from mculora.modality import Modality

CLASSES = ("anger", "happiness", "<neutral & calm>")
EVERY = tuple(Modality)


def score(value, *, used=EVERY, half=None, without=None):
    """A score with an interval, if half its width is told."""
    values = torch.tensor([value if used else torch.nan])
    without = {m: torch.tensor([v]) for m, v in (without or {}).items()}
    interval = None if half is None else Interval(value - half, value + half)
    return Prediction(values, (), used, absent_without(used), interval, without)


def classes(*shares, used=EVERY, without=None):
    """Probabilities of `CLASSES`."""
    without = {m: torch.tensor(v) for m, v in (without or {}).items()}
    return Prediction(torch.tensor(shares), CLASSES, used, absent_without(used), None, without)


def absent_without(used):
    return {m: f"no {m.word} here" for m in Modality if m not in used}


def timeline_of(*predictions, file="talk.mp4", seconds=4.0, transcripts=()):
    """Utterances of `seconds` each, a second between them."""
    words = [*transcripts, *[""] * len(predictions)]
    moments = tuple(
        Moment(file, place * (seconds + 1), place * (seconds + 1) + seconds, words[place], one)
        for place, one in enumerate(predictions)
    )
    observations = tuple(Observation(m.start_seconds, m.end_seconds) for m in moments)
    recording = Recording(file, observations, "where speech pauses", moments[-1].end_seconds)
    return Timeline(recording, moments)


def bundle_of(corpus="sample", class_names=()):
    """A bundle of which only the account of itself is looked at."""
    account = {
        "corpus": corpus,
        "class_names": list(class_names),
        "task": "classification" if class_names else "regression",
        "method": "mculora",
        "seed": 0,
        "fold": "official",
        "validation_mean": 0.8,
    }
    return Bundle(None, {}, account)
