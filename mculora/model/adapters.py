"""MCLA: a common low-rank adapter and one per modality combination, for one modality (METHOD 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mculora.modality import Modality, ModalityCombination


@dataclass(frozen=True)
class LowRank:
    """A representation (n, H) in two factors, which is how adapters make it.

    Attributes:
        states: (n, r).
        up: (H, r).
    """

    states: Tensor
    up: Tensor

    def dense(self) -> Tensor:
        """The representation itself, (n, H)."""
        return self.states @ self.up.T

    def through(self, weight: Tensor) -> Tensor:
        """Map it by a weight (O, H) to (n, O), the factors first: r is much smaller than H."""
        return self.states @ (weight @ self.up).T


class LowRankAdapter(nn.Module):
    """The map x -> scale * B A x of rank R, zero at the start (LoRA's initialisation).

    Args:
        width: D, input width.
        hidden: H, output width.
        rank: R, at least 1.
    """

    def __init__(self, width: int, hidden: int, *, rank: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.empty(rank, width))  # A
        self.up = nn.Parameter(torch.zeros(hidden, rank))  # B
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))


@dataclass(frozen=True)
class AdapterOutput:
    """What the adapters of one modality make of n utterances.

    Attributes:
        common: R^{m,com}.
        specific: B^c A^c x with c each utterance's own combination.
    """

    common: LowRank
    specific: LowRank


class ModalityAdapters(nn.Module):
    """The common adapter of a modality and those of the four combinations that contain it.

    Source: MCULoRA (arXiv 2507.11202), Figure 2; the scale alpha / R is reconstructed.

    Args:
        modality: Whose adapters these are.
        width: Of what they read: D_m at the encoder's input, H inside it.
        hidden: H.
        rank: R.
        alpha: Numerator of the scale.
        has_specific: False for the common adapter alone.
    """

    def __init__(
        self,
        modality: Modality,
        width: int,
        hidden: int,
        *,
        rank: int,
        alpha: float,
        has_specific: bool = True,
    ) -> None:
        super().__init__()
        self.scale = alpha / rank
        self.rank = rank
        self.common = LowRankAdapter(width, hidden, rank=rank)
        self.specific = nn.ModuleDict(
            {
                c.word: LowRankAdapter(width, hidden, rank=rank)
                for c in ModalityCombination
                if has_specific and c.contains(modality)
            }
        )

    def forward(
        self, inputs: Tensor, combination: Tensor, used: Sequence[ModalityCombination]
    ) -> AdapterOutput:
        """Adapt each utterance by the common adapter and by that of its own combination.

        Only the adapters of combinations that occur take part, in one product for all of them:
        the others get no gradient at all, not even a zero one that an optimiser would act on.

        Args:
            inputs: (n, D) utterances where the modality is present.
            combination: (n,) int64, each one's combination.
            used: The combinations that occur.
        """
        owners = [c for c in used if c.word in self.specific]
        specific = [self.of(c) for c in owners]
        down = torch.cat([self.common.down, *(adapter.down for adapter in specific)])
        states = inputs @ down.T * self.scale  # (n, R + U R)
        common, own = states[:, : self.rank], states[:, self.rank :]
        if len(owners) > 1:
            numbers = torch.tensor(owners, device=combination.device)
            is_own = combination[:, None] == numbers  # (n, U)
            own = own * is_own.repeat_interleave(self.rank, dim=1)
        up = torch.cat([inputs.new_empty(self.common.up.shape[0], 0), *(a.up for a in specific)], 1)
        return AdapterOutput(LowRank(common, self.common.up), LowRank(own, up))

    def of(self, combination: ModalityCombination) -> LowRankAdapter:
        """The specific adapter of a combination."""
        adapter = self.specific[combination.word]
        assert isinstance(adapter, LowRankAdapter)
        return adapter


def joined(parts: Sequence[LowRank]) -> LowRank:
    """The sum of several representations, their factors side by side."""
    if len(parts) == 1:
        return parts[0]
    return LowRank(torch.cat([p.states for p in parts], 1), torch.cat([p.up for p in parts], 1))
