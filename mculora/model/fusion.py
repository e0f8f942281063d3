"""Fusion and classifier on representations of three modalities that are never concatenated."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mculora.modality import NUM_MODALITIES, Modality
from mculora.model.adapters import LowRank
from mculora.model.dropout import Dropout
from mculora.model.packing import PackedBatch

Part = Tensor | LowRank
"""One modality's representation of its present utterances, (n_m, H)."""


class FusedLinear(nn.Module):
    """A linear map of the concatenation over the modalities, zeros where one is absent.

    A map of a concatenation is a sum of maps of its parts, so an absent modality costs nothing and
    a low-rank part is mapped factor by factor. Each modality's columns are a matrix of their own:
    the gradient of a slice would be a whole matrix, mostly zeros.

    Args:
        hidden: H of each modality.
        outputs: O.
    """

    def __init__(self, hidden: int, outputs: int) -> None:
        super().__init__()
        bound = (NUM_MODALITIES * hidden) ** -0.5  # as nn.Linear of the concatenation
        self.weights = nn.ParameterList(
            nn.Parameter(torch.empty(outputs, hidden).uniform_(-bound, bound)) for _ in Modality
        )
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound))

    def weight_of(self, modality: Modality) -> Tensor:
        """The columns that read one modality, (O, H)."""
        weight: Tensor = self.weights[modality]
        return weight

    def over(self, parts: Sequence[Part], batch: PackedBatch) -> Tensor:
        """Map the parts of a batch to (n, O)."""
        total = self.bias.expand(batch.num_utterances, -1)
        for modality, part in zip(Modality, parts, strict=True):
            weight = self.weight_of(modality)
            mapped = part.through(weight) if isinstance(part, LowRank) else part @ weight.T
            total = total.index_add(0, batch.modalities[modality].rows, mapped)
        return total


class Predictor(nn.Module):
    """cls(h(x)) with h(x) = x + Dropout(ReLU(W x)), for both representations (METHOD 3, 4).

    Args:
        hidden: H.
        outputs: K.
        dropout: In [0, 1).
    """

    def __init__(self, hidden: int, outputs: int, *, dropout: float) -> None:
        super().__init__()
        self.fusion = FusedLinear(hidden, NUM_MODALITIES * hidden)
        self.dropout = Dropout(dropout)
        self.classifier = FusedLinear(hidden, outputs)

    def forward(self, parts: Sequence[Part], batch: PackedBatch) -> Tensor:
        """Predict (n, K) from one representation of a batch."""
        fused = self.dropout(self.fusion.over(parts, batch).relu())
        weight = torch.cat([self.classifier.weight_of(m) for m in Modality], 1)  # (K, 3 H)
        predicted: Tensor = self.classifier.over(parts, batch) + fused @ weight.T
        return predicted


class WeightMLP(nn.Module):
    """The weight w in (0, 1) of the specific prediction, from R^s (METHOD 4).

    Args:
        hidden: H.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.first = FusedLinear(hidden, hidden)
        self.second = nn.Linear(hidden, 1)

    def forward(self, parts: Sequence[Part], batch: PackedBatch) -> Tensor:
        """Weigh the utterances of a batch: (n, 1)."""
        weight: Tensor = self.second(self.first.over(parts, batch).relu()).sigmoid()
        return weight
