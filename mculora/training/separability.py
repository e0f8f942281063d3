"""How far each combination's specific representation is from the common one (METHOD, DPFT)."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log

import torch
from torch import Tensor

from mculora.modality import NUM_COMBINATIONS
from mculora.model.network import ModelOutput
from mculora.model.packing import PackedBatch


@dataclass
class Separability:
    """Running mean, over one epoch's training batches, of JSD(specific, common) per combination.

    The divergence is that of softmax(R^{m,c}) and softmax(R^{m,com}), in nats, in [0, ln 2].
    """

    device: torch.device
    total: Tensor = field(init=False)
    count: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.total, self.count = torch.zeros(2, NUM_COMBINATIONS, device=self.device)

    @torch.no_grad()
    def add(self, output: ModelOutput, batch: PackedBatch) -> None:
        """Count the utterances of a training batch, once for each modality that they show."""
        divergence = jensen_shannon(torch.cat(output.specific), torch.cat(output.common))
        combination = torch.cat([shown.combination for shown in batch.modalities])
        self.total.index_add_(0, combination, divergence)
        self.count.index_add_(0, combination, torch.ones_like(divergence))

    def mean(self, otherwise: Tensor) -> Tensor:
        """(C,) mean per combination, on the CPU; that of `otherwise` where none was trained."""
        total, count = self.total.cpu(), self.count.cpu()
        return torch.where(count > 0, total / count.clamp(min=1), otherwise)


def jensen_shannon(first: Tensor, second: Tensor) -> Tensor:
    """Jensen-Shannon divergence between the softmaxes of rows (n, H) -> (n,), in nats.

    It is the entropy of the mean minus the mean of the entropies.
    """
    log_p, log_q = first.log_softmax(-1), second.log_softmax(-1)
    p, q = log_p.exp(), log_q.exp()
    together = p + q
    # together * log(together / 2), and nothing where both have vanished
    joint = (torch.xlogy(together, together) - log(2.0) * together).sum(-1)
    divergence = 0.5 * ((p * log_p).sum(-1) + (q * log_q).sum(-1) - joint)
    return divergence.clamp(min=0)  # rounding
