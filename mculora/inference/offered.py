"""What utterances offer, as tensors, and why the rest is absent: between encoders and network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mculora.errors import InputError
from mculora.features.outcome import Absence, Extracted, pooled
from mculora.modality import NUM_MODALITIES, Modality

_NO_FEATURES = "no features given"


@dataclass
class Offered:
    """n utterances of some dialogues, dialogue after dialogue, filled modality by modality.

    Attributes:
        features: (n, D_m) per modality, zeros where absent.
        present: (n, M) bool.
        dialogue: (n,) int64, each one's dialogue; equal numbers stand together.
        reasons: For each utterance, why a modality is absent.
        seconds: For each utterance, how long each stage took.
    """

    features: list[Tensor]
    present: Tensor
    dialogue: Tensor
    reasons: list[dict[Modality, str]]
    seconds: list[dict[str, float]]

    @classmethod
    def nothing(cls, lengths: Sequence[int], widths: Sequence[int]) -> Offered:
        """Dialogues of these lengths that offer nothing yet."""
        num = sum(lengths)
        return cls(
            features=[torch.zeros(num, width) for width in widths],
            present=torch.zeros(num, NUM_MODALITIES, dtype=torch.bool),
            dialogue=torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths)),
            reasons=[{} for _ in range(num)],
            seconds=[{} for _ in range(num)],
        )

    @classmethod
    def of_tensors(
        cls, features: Mapping[Modality, Any], present: Any | None, widths: Sequence[int]
    ) -> Offered:
        """One dialogue whose features are there already.

        Args:
            features: (L, D_m) per modality, arrays or tensors.
            present: (L, M) bool, or None for all that is given.
            widths: D_m in column order.

        Raises:
            InputError: Shapes do not fit, or a present value is not finite.
        """
        given = {m: torch.as_tensor(v, dtype=torch.float32) for m, v in features.items()}
        length = next((len(v) for v in given.values() if v.ndim), 0)
        offered = cls.nothing([length], widths)
        shown = torch.zeros_like(offered.present)
        shown[:, list(given)] = True
        if present is not None:
            shown &= _presence(present, shown)
        for modality, vectors in given.items():
            where = shown[:, modality].to(vectors.device)
            _check(modality, vectors, where, width=widths[modality])
            offered.features[modality] = vectors.where(where[:, None], 0)
        offered.present = shown
        for row, reasons in enumerate(offered.reasons):
            reasons.update({m: _NO_FEATURES for m in Modality if not shown[row, m]})
        return offered

    def lack(self, modality: Modality, reason: str) -> None:
        """Note that no utterance has a modality."""
        for reasons in self.reasons:
            reasons[modality] = reason

    def take(self, modality: Modality, row: int, extracted: Extracted) -> None:
        """Note what an encoder made of an utterance."""
        if isinstance(extracted.outcome, Absence):
            self.reasons[row][modality] = extracted.outcome.reason
        else:
            self.features[modality][row] = pooled(extracted.outcome)
            self.present[row, modality] = True

    def used(self, row: int) -> tuple[Modality, ...]:
        """What an utterance has, in column order."""
        return tuple(m for m in Modality if bool(self.present[row, m]))


def _check(modality: Modality, vectors: Tensor, where: Tensor, *, width: int) -> None:
    """Refuse features of another shape, or that are no numbers where they count."""
    wanted = (len(where), width)
    if vectors.shape != wanted:
        found, expected = str(tuple(vectors.shape)), f"{wanted}: (L, D_m)"
        raise InputError(f"{modality.word} features", found=found, expected=expected)
    if not bool(vectors[where].isfinite().all()):
        where_found = f"{modality.word} features"
        raise InputError(where_found, found="NaN or infinity", expected="numbers where present")


def _presence(present: Any, like: Tensor) -> Tensor:
    shown = torch.as_tensor(present).cpu()
    if shown.shape != like.shape or shown.dtype != torch.bool:
        found = f"{shown.dtype} of shape {tuple(shown.shape)}"
        raise InputError("presence", found=found, expected=f"bool of shape {tuple(like.shape)}")
    return shown
