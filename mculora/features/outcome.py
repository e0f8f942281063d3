"""What became of one utterance in one modality: its vector, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from mculora.features.identity import JSON

OUT_OF_MEMORY = "out of memory"
"""The beginning of the one reason that is the machine's and not the utterance's."""


@dataclass(frozen=True)
class Absence:
    """Why an utterance has no vector.

    Attributes:
        reason: As the report will say it.
        facts: What was seen nevertheless (`{"frames": 28, "frames_with_face": 0}`).
    """

    reason: str
    facts: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Extracted:
    """What became of one utterance.

    Attributes:
        utterance_id: Which one.
        outcome: Its vector (D,), or a vector per moment (T, D), or why it has none.
        facts: What was seen on the way (`{"frames": 28, "frames_with_face": 20}`).
    """

    utterance_id: str
    outcome: torch.Tensor | Absence
    facts: Mapping[str, JSON] = field(default_factory=dict)


def pooled(features: torch.Tensor) -> torch.Tensor:
    """One vector (D,) of an utterance's features: itself, or the mean over its moments (T, D)."""
    return features if features.ndim == 1 else features.mean(dim=0)
