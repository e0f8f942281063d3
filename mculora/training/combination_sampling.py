"""DPFT: how often each combination is trained follows how separable its representation is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import torch
from torch import Tensor

from mculora.modality import (
    NUM_COMBINATIONS,
    NUM_MODALITIES,
    Modality,
    ModalityCombination,
    combination_index,
    presence_table,
)
from mculora.model.network import ModelOutput

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


@dataclass
class Separability:
    """Running mean, over one epoch's training batches, of JSD(specific, common) per combination.

    The divergence is that of softmax(R^{m,c}) and softmax(R^{m,com}), in nats, in [0, ln 2].
    """

    total: Tensor = field(default_factory=lambda: torch.zeros(NUM_COMBINATIONS))
    count: Tensor = field(default_factory=lambda: torch.zeros(NUM_COMBINATIONS))

    @torch.no_grad()
    def add(self, output: ModelOutput, present: Tensor) -> None:
        """Count the utterances of a training batch; `present` is (B, L, M) bool."""
        combination = combination_index(present)
        for modality in Modality:
            where = present[..., modality]
            values = jensen_shannon(
                output.specific[modality][where], output.common[modality][where]
            )
            index = combination[where].cpu()
            self.total.index_add_(0, index, values.float().cpu())
            self.count.index_add_(0, index, torch.ones(len(index)))

    def mean(self, otherwise: Tensor) -> Tensor:
        """(C,) mean per combination; the value of `otherwise` where none was trained."""
        return torch.where(self.count > 0, self.total / self.count.clamp(min=1), otherwise)


def jensen_shannon(first: Tensor, second: Tensor) -> Tensor:
    """Jensen-Shannon divergence between the softmaxes of rows (n, H) -> (n,), in nats."""
    p, q = first.log_softmax(-1), second.log_softmax(-1)
    middle = torch.logaddexp(p, q) - torch.log(torch.tensor(2.0, device=p.device))
    divergence = 0.5 * (p.exp() * (p - middle) + q.exp() * (q - middle)).sum(-1)
    return divergence.clamp(min=0)  # rounding


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
            available: (B, L, M) bool; all False in the padding, which stays so.
            generator: On the CPU.

        Returns:
            `present`, (B, L, M) bool, a non-empty subset of `available`.
        """
        table = presence_table()
        offered = available.cpu()
        possible = ~(table & ~offered[..., None, :]).any(-1)  # (B, L, C): c within available
        weights = self.combination_probability() * possible
        padding = ~offered.any(-1)
        weights[padding] = 1.0  # anything: masked below
        flat = weights.view(-1, NUM_COMBINATIONS)
        drawn = torch.multinomial(flat, 1, generator=generator).view(padding.shape)
        return (table[drawn] & ~padding[..., None]).to(available.device)

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
