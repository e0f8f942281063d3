"""The three modalities and the seven non-empty combinations of them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from mculora.errors import InputError

if TYPE_CHECKING:
    import torch


class Modality(IntEnum):
    """A modality; its value is its column in every (…, M) tensor: order a, t, v."""

    AUDIO = 0
    TEXT = 1
    VISUAL = 2

    @property
    def word(self) -> str:
        """The name that users type: `audio`, `text` or `visual`."""
        return self.name.lower()

    @property
    def letter(self) -> str:
        """The first letter, as combinations are spelled."""
        return self.word[0]

    @classmethod
    def parse(cls, word: str) -> Modality:
        """Read a modality's word.

        Raises:
            InputError: `word` is none of the three.
        """
        for modality in cls:
            if modality.word == word:
                return modality
        raise InputError("modality", found=repr(word), expected="audio, text or visual")


class ModalityCombination(IntEnum):
    """The seven non-empty combinations, in the paper's order; the value is the class index."""

    ATV = 0
    AT = 1
    AV = 2
    TV = 3
    A = 4
    T = 5
    V = 6

    @property
    def word(self) -> str:
        """The name that users type: letters in the order a, t, v."""
        return self.name.lower()

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities it contains, in column order."""
        return tuple(m for m in Modality if m.letter in self.word)

    @property
    def presence(self) -> tuple[bool, ...]:
        """One flag per modality, in column order."""
        return tuple(m in self.modalities for m in Modality)

    def contains(self, modality: Modality) -> bool:
        """Tell whether `modality` is in the combination."""
        return modality in self.modalities

    @classmethod
    def from_presence(cls, presence: tuple[bool, ...]) -> ModalityCombination:
        """Find the combination with exactly these modalities.

        Raises:
            InputError: No modality is present, or there are not three flags.
        """
        for combination in cls:
            if combination.presence == tuple(presence):
                return combination
        raise InputError("presence", found=str(presence), expected="three flags, at least one True")


NUM_MODALITIES = len(Modality)
NUM_COMBINATIONS = len(ModalityCombination)
ABSENT = -1
"""The combination index of an utterance that offers nothing (padding)."""


def presence_table() -> torch.Tensor:
    """Which modalities each combination contains: (C, M) bool."""
    import torch

    return torch.tensor([c.presence for c in ModalityCombination])


def combination_index(present: torch.Tensor) -> torch.Tensor:
    """Map presence (…, M) bool to the combination index (…) int64; `ABSENT` where nothing is."""
    import torch

    weights = torch.tensor([1, 2, 4], device=present.device)
    lookup = torch.full((8,), ABSENT, dtype=torch.long, device=present.device)
    for combination in ModalityCombination:
        code = sum(int(flag) << bit for bit, flag in enumerate(combination.presence))
        lookup[code] = combination.value
    return lookup[(present.long() * weights).sum(-1)]
