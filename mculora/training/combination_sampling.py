"""Which combination a training utterance shows: drawn and steered by DPFT, or always the same."""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor

from mculora.modality import (
    NUM_COMBINATIONS,
    NUM_MODALITIES,
    ModalityCombination,
    presence_table,
)

EVEN = 0.5
"""The presence probability at which all seven combinations are equally likely."""


class DPFTForm(StrEnum):
    """How the seven ranks move the presence probabilities."""

    ONE_SIDED = "one_sided"
    SYMMETRIC = "symmetric"
    OFF = "off"


_STEPS = {
    DPFTForm.ONE_SIDED: [2.0**-k for k in range(NUM_COMBINATIONS)],
    # Figure 2: the lower half of the ranks is raised, the upper half lowered, the middle stays.
    DPFTForm.SYMMETRIC: [1.0, 0.5, 0.25, 0.0, -0.25, -0.5, -1.0],
    DPFTForm.OFF: [0.0] * NUM_COMBINATIONS,
}


class CombinationSampler:
    """Draws each training utterance's combination and steers the draw from epoch to epoch.

    Source: METHOD, DPFT. Starts with every modality's presence probability at one half.

    Args:
        form: How ranks become steps; `off` leaves all seven equally likely.
        step: eta, at least 0.
        lowest: Lower bound of a presence probability.
        highest: Upper bound of it.
    """

    def __init__(self, form: DPFTForm, *, step: float, lowest: float, highest: float) -> None:
        self.form, self.step, self.lowest, self.highest = form, step, lowest, highest
        self.presence_probability = torch.full((NUM_MODALITIES,), EVEN)

    def combination_probability(self) -> Tensor:
        """q_c = product of p_m or 1 - p_m, conditioned on not being empty: (C,), sums to 1."""
        table = presence_table()
        p = self.presence_probability
        weights = torch.where(table, p, 1 - p).prod(1)
        return weights / weights.sum()

    def draw(self, available: Tensor, generator: torch.Generator) -> Tensor:
        """Draw what each utterance shows in this batch.

        Only combinations that the utterance can offer are drawn, in the ratio of their q.

        Args:
            available: (n, M) bool on the CPU, at least one True per row.
            generator: On the CPU.

        Returns:
            `present`, (n, M) bool, a non-empty subset of `available`.
        """
        table = presence_table()
        possible = ~(table & ~available[:, None]).any(-1)  # (n, C): c within available
        weights = self.combination_probability() * possible
        drawn = torch.multinomial(weights, 1, generator=generator)[:, 0]
        return table[drawn]

    def update(self, previous: Tensor, current: Tensor) -> None:
        """Move the presence probabilities after an epoch.

        Args:
            previous: (C,) separability of epoch T - 1.
            current: (C,) separability of epoch T.
        """
        ranks = torch.argsort((current - previous).abs(), stable=True)  # smallest change first
        for weight, index in zip(_STEPS[self.form], ranks.tolist(), strict=True):
            inside = torch.tensor(ModalityCombination(index).presence)
            change = weight * self.step * torch.where(inside, 1.0, -1.0)
            moved = self.presence_probability + change
            self.presence_probability = moved.clamp(self.lowest, self.highest)


class FixedCombination(CombinationSampler):
    """Shows every utterance with one combination, or with what it offers of it.

    Args:
        combination: What is shown; of `atv` that is everything.
    """

    def __init__(self, combination: ModalityCombination) -> None:
        super().__init__(DPFTForm.OFF, step=0.0, lowest=0.0, highest=1.0)
        self.combination = combination
        self.presence_probability = torch.tensor(combination.presence, dtype=torch.float32)

    def draw(self, available: Tensor, generator: torch.Generator) -> Tensor:
        """Return (n, M) bool; a row of an utterance that offers nothing of it is empty."""
        return available & torch.tensor(self.combination.presence)
