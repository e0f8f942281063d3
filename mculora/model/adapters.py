"""MCLA: a common low-rank adapter and one per modality combination, for one modality (METHOD 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mculora.modality import Modality, ModalityCombination


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
        common: R^{m,com}, (n, H).
        specific: B^c A^c x with c each utterance's own combination, (n, H).
    """

    common: Tensor
    specific: Tensor


class ModalityAdapters(nn.Module):
    """The common adapter of a modality and those of the four combinations that contain it.

    Source: MCULoRA (arXiv 2507.11202), Figure 2; the scale alpha / R is reconstructed.

    Args:
        modality: Whose adapters these are.
        width: D_m.
        hidden: H.
        rank: R.
        alpha: Numerator of the scale.
    """

    def __init__(
        self, modality: Modality, width: int, hidden: int, *, rank: int, alpha: float
    ) -> None:
        super().__init__()
        self.scale = alpha / rank
        self.rank = rank
        self.common = LowRankAdapter(width, hidden, rank=rank)
        self.specific = nn.ModuleDict(
            {
                c.word: LowRankAdapter(width, hidden, rank=rank)
                for c in ModalityCombination
                if c.contains(modality)
            }
        )

    def forward(self, inputs: Tensor, combination: Tensor) -> AdapterOutput:
        """Adapt each utterance by the common adapter and by that of its own combination.

        Only the adapters of combinations that occur take part, in one product for all of them:
        the others get no gradient at all, not even a zero one that an optimiser would act on.

        Args:
            inputs: (n, D) utterances where the modality is present.
            combination: (n,) int64, each one's combination.
        """
        words = {ModalityCombination(i).word for i in torch.unique(combination).tolist()}
        used = [name for name in self.specific if name in words]
        owners = torch.tensor([ModalityCombination[name.upper()] for name in used])
        down = torch.cat([self.common.down, *(self._adapter(name).down for name in used)])
        states = inputs @ down.T * self.scale  # (n, R + U R)
        common = states[:, : self.rank] @ self.common.up.T
        if not used:
            return AdapterOutput(common, torch.zeros_like(common))
        own = combination[:, None] == owners.to(combination.device)  # (n, U)
        own_states = states[:, self.rank :] * own.repeat_interleave(self.rank, dim=1)
        up = torch.cat([self._adapter(name).up for name in used], dim=1)  # (H, U R)
        return AdapterOutput(common, own_states @ up.T)

    def _adapter(self, name: str) -> LowRankAdapter:
        adapter = self.specific[name]
        assert isinstance(adapter, LowRankAdapter)
        return adapter
