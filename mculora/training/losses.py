"""L = L_task + L_ort: the prediction, and the two forces on the representations (METHOD 5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mculora.model.network import ModelOutput

SMALLEST_SQUARE = 1e-3
"""Added under the roots of the norms: adapters start at zero, where a cosine has no gradient."""


@dataclass(frozen=True)
class OrthogonalityLoss:
    """The two parts of L_ort, each a mean over present modalities.

    Attributes:
        separation: cos²(R^{m,c}, R^{m,com}) + cos²(R^{m,c}, R^m), in [0, 2]; 0 without specific
            adapters.
        keep: 1 - cos(R^{m,com}, R^m), R^m without gradient, in [0, 2].
    """

    separation: Tensor
    keep: Tensor


def task_loss(prediction: Tensor, labels: Tensor) -> Tensor:
    """Squared error of a score (K = 1) or cross-entropy of logits, mean over utterances.

    Args:
        prediction: (n, K).
        labels: (n,), scores or class indices.
    """
    if prediction.shape[1] == 1:
        return functional.mse_loss(prediction[:, 0], labels)
    return functional.cross_entropy(prediction, labels.long())


def orthogonality_loss(output: ModelOutput) -> OrthogonalityLoss:
    """L_ort of a batch (reconstructed from Figure 2).

    Args:
        output: Of a network with adapters.
    """
    base, common = torch.cat(output.base), torch.cat(output.common)
    keep = (1 - cosine(common, base.detach())).mean()
    if not output.specific:
        return OrthogonalityLoss(torch.zeros_like(keep), keep)
    specific = torch.cat(output.specific)
    separation = cosine(specific, common) ** 2 + cosine(specific, base) ** 2
    return OrthogonalityLoss(separation.mean(), keep)


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Cosine of the angle between rows (n, H) -> (n,), 0 where one is zero, smooth there."""
    squares = (first.square().sum(-1) + SMALLEST_SQUARE) * (
        second.square().sum(-1) + SMALLEST_SQUARE
    )
    return (first * second).sum(-1) / squares.sqrt()
