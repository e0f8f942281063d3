"""What is predicted of one utterance, what it rests on, and what each modality did to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from mculora.modality import Modality, ModalityCombination

NEUTRAL = 0.5
"""Scores nearer to zero than this are called neutral: the middle class of ACC7."""

COVERAGE = 0.9
"""How often an interval contains the truth, on recordings like those of validation."""


class Interval(NamedTuple):
    """Where a score lies with a probability of `COVERAGE`."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says of one utterance.

    Attributes:
        values: (K,): the score (K = 1) or the calibrated probability of each class; NaN where the
            utterance offers nothing, for which there is no guess.
        class_names: The K classes; empty for a score.
        used: The modalities that the prediction rests on, in column order.
        absent: Every other modality, with the reason.
        interval: Of a score, where the truth lies 9 times in 10; None without calibration.
        without: For each used modality, the values had it been left out; empty where only one is
            used, for then nothing would be left.
        seconds: How long each stage took for this utterance (`audio decode`, `model` …).
    """

    values: Tensor
    class_names: tuple[str, ...]
    used: tuple[Modality, ...]
    absent: Mapping[Modality, str]
    interval: Interval | None = None
    without: Mapping[Modality, Tensor] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def combination(self) -> ModalityCombination | None:
        """What is used as a modality combination; None where nothing is."""
        if not self.used:
            return None
        return ModalityCombination.from_presence(tuple(m in self.used for m in Modality))

    @property
    def label(self) -> str:
        """The likeliest class, or `positive`, `neutral`, `negative`; `nothing` where nothing is."""
        return label_of(self.values, self.class_names) if self.used else "nothing"

    def to_json(self) -> dict[str, Any]:
        """The prediction as plain JSON values; `values` and all that needs them is null for NaN."""
        return {
            "label": self.label if self.used else None,
            "values": named(self.values, self.class_names) if self.used else None,
            "interval": list(self.interval) if self.interval else None,
            "used": [m.word for m in self.used],
            "absent": {m.word: reason for m, reason in self.absent.items()},
            "without": {m.word: named(v, self.class_names) for m, v in self.without.items()},
            "seconds": dict(self.seconds),
        }

    def __str__(self) -> str:
        """One line: what is predicted, from what, and why not from the rest."""
        reasons = "; ".join(f"no {m.word}: {reason}" for m, reason in self.absent.items())
        told = f" ({reasons})" if reasons else ""
        if not self.used:
            return f"nothing to predict from{told}"
        shown = ", ".join(f"{k} {v:.2f}" for k, v in named(self.values, self.class_names).items())
        around = f" [{self.interval.low:+.2f}, {self.interval.high:+.2f}]" if self.interval else ""
        return f"{self.label}: {shown}{around} from {', '.join(m.word for m in self.used)}{told}"


def label_of(values: Tensor, class_names: tuple[str, ...]) -> str:
    """Name values (K,): the likeliest class, or on which side of zero a score lies."""
    if class_names:
        return class_names[int(values.argmax())]
    score = float(values[0])
    if abs(score) < NEUTRAL:
        return "neutral"
    return "positive" if score > 0 else "negative"


def named(values: Tensor, class_names: tuple[str, ...]) -> dict[str, float]:
    """Values (K,) by class, or the `score`."""
    return dict(zip(class_names or ("score",), map(float, values), strict=True))
