"""The primary metric from counts alone: the same number as `metrics` gives, thousands of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mculora.corpora.manifest import Task

Integers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What was true and what was said of N utterances by S networks, in the metric's own classes.

    Attributes:
        truth: (N,), classes; of a score its sign, 1 where positive.
        said: (S, N), likewise.
        counted: (N,) bool, what the metric counts: something was left, and a score is not zero.
        num_classes: K.
        task: Which metric.
    """

    truth: Integers
    said: Integers
    counted: NDArray[np.bool_]
    num_classes: int
    task: Task

    def by_group(self, group: Integers, num_groups: int) -> Floats:
        """The primary metric of each network on each group of utterances, (S, G).

        Args:
            group: (N,), each utterance's group; below 0 for none.
            num_groups: G.

        Returns:
            Fractions; NaN where a group has nothing to count.
        """
        rows = self.counted & (group >= 0)
        size = self.num_classes**2
        cells = group[rows] * size + self.truth[rows] * self.num_classes + self.said[:, rows]
        cells += np.arange(len(cells))[:, None] * num_groups * size
        counts = np.bincount(cells.ravel(), minlength=len(cells) * num_groups * size)
        shape = (len(cells), num_groups, self.num_classes, self.num_classes)
        return primary_of(counts.reshape(shape), self.task)

    def overall(self) -> Floats:
        """The primary metric of each network, (S,)."""
        return self.by_group(np.zeros_like(self.truth), 1)[:, 0]


def verdicts(predictions: Tensor, labels: Tensor, known: Tensor, task: Task) -> Verdicts:
    """Turn predictions into classes.

    Args:
        predictions: (S, N, K), finite where known.
        labels: (N,).
        known: (N,) bool, where there is a prediction.
        task: Scores or classes.
    """
    said, truth = predictions.cpu().double().numpy(), labels.cpu().double().numpy()
    is_known = known.cpu().numpy()
    if task is Task.CLASSIFICATION:
        classes = np.nan_to_num(said).argmax(2)
        return Verdicts(truth.astype(np.int64), classes, is_known, said.shape[2], task)
    signs = (said[:, :, 0] > 0).astype(np.int64)
    return Verdicts((truth > 0).astype(np.int64), signs, is_known & (truth != 0), 2, task)


def primary_of(counts: Integers, task: Task) -> Floats:
    """WA of classes, weighted F1 of signs, from counts (…, K, K) of (true, said)."""
    total = counts.sum((-2, -1))
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    if task is Task.CLASSIFICATION:
        reached = right.sum(-1).astype(np.float64)
    else:
        true, said = counts.sum(-1), counts.sum(-2)
        f1 = 2 * right / np.maximum(true + said, 1)
        reached = (true * f1).sum(-1)
    result: Floats = np.where(total > 0, reached / np.maximum(total, 1), np.nan)
    return result
