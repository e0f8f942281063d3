"""L = L_task + L_ort: the prediction, and the two forces on the representations (METHOD 5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mculora.modality import Modality
from mculora.model.network import ModelOutput

SMALLEST_SQUARE = 1e-3
"""Added under the roots of the norms: adapters start at zero, where a cosine has no gradient."""


@dataclass(frozen=True)
class OrthogonalityLoss:
    """The two parts of L_ort, each a mean over present modalities.

    Attributes:
        separation: cos²(R^{m,c}, R^{m,com}) + cos²(R^{m,c}, R^m), in [0, 2].
        keep: 1 - cos(R^{m,com}, R^m), R^m without gradient, in [0, 2].
    """

    separation: Tensor
    keep: Tensor


def task_loss(prediction: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    """Squared error of a score (K = 1) or cross-entropy of logits, over valid utterances.

    Args:
        prediction: (B, L, K).
        labels: (B, L), scores or class indices.
        valid: (B, L) bool.
    """
    if prediction.shape[-1] == 1:
        return functional.mse_loss(prediction[valid][:, 0], labels[valid])
    return functional.cross_entropy(prediction[valid], labels[valid].long())


def orthogonality_loss(output: ModelOutput, present: Tensor) -> OrthogonalityLoss:
    """L_ort of a batch (reconstructed from Figure 2).

    Args:
        output: Of a network with adapters.
        present: (B, L, M) bool.
    """
    separation, keep = [], []
    for modality in Modality:
        where = present[..., modality]
        base, common, specific = (
            part[modality][where] for part in (output.base, output.common, output.specific)
        )
        separation.append(cosine(specific, common) ** 2 + cosine(specific, base) ** 2)
        keep.append(1 - cosine(common, base.detach()))
    return OrthogonalityLoss(torch.cat(separation).mean(), torch.cat(keep).mean())


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Cosine of the angle between rows (n, H) -> (n,), 0 where one is zero, smooth there."""
    squares = (first.square().sum(-1) + SMALLEST_SQUARE) * (
        second.square().sum(-1) + SMALLEST_SQUARE
    )
    return (first * second).sum(-1) / squares.sqrt()
