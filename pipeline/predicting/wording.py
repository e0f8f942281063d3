"""How predictions are told: scores, classes, times and what mattered, for people."""

from __future__ import annotations

from mculora.inference.bundle import Bundle
from mculora.inference.prediction import Prediction
from mculora.inference.timeline import changes, mattered_most
from mculora.modality import Modality

_SENTIMENT = ("sample", "mosei", "mosi")  # corpora whose score runs from -3 to 3
SENTIMENT_RANGE = (-3.0, 3.0)


def is_sentiment(bundle: Bundle) -> bool:
    """Whether a network's score is a sentiment, from -3 to 3."""
    return not bundle.class_names and bundle.corpus in _SENTIMENT


def tell(prediction: Prediction, *, with_label: bool) -> str:
    """A prediction in few words: `positive +1.23 ±0.80`, `+1.23 ±0.80` or `anger 0.82`."""
    if not prediction.used:
        return "nothing usable"
    if prediction.class_names:
        return f"{prediction.label} {float(prediction.values.max()):.2f}"
    score = f"{float(prediction.values[0]):+.2f}"
    if prediction.interval:
        score += f" ±{(prediction.interval.high - prediction.interval.low) / 2:.2f}"
    return f"{prediction.label} {score}" if with_label else score


def tell_used(prediction: Prediction) -> str:
    """The letters of what is used, a dot for each modality that is not."""
    return " ".join(m.letter if m in prediction.used else "·" for m in Modality)


def tell_mattered(prediction: Prediction) -> str:
    """The modality that mattered most, and by how much the prediction would be another."""
    modality = mattered_most(prediction)
    if modality is None:
        return f"only {prediction.used[0].word}" if len(prediction.used) == 1 else ""
    change = changes(prediction)[modality]
    return (
        f"{modality.word} {change:.2f}"
        if prediction.class_names
        else (f"{modality.word} {change:+.2f}")
    )


def printable(text: str) -> str:
    """A text without what would move a terminal's cursor or change its colours."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def clock(seconds: float | None) -> str:
    """A moment as `1:02.3` or `1:01:02.3`."""
    if seconds is None:
        return "end"
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{rest / 10:04.1f}"
