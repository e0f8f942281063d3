"""Which classes a method takes for which, by seed and fold, from the record of all predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mculora.evaluation.metrics import classes_of, confusion, recall_by_class
from mculora.evaluation.predicted import PredictedTest
from mculora.evaluation.statistics import Summary, mean_metrics, summarise_metrics


@dataclass(frozen=True, eq=False)
class Confusions:
    """The confusions of one method under one condition.

    Attributes:
        classes: The K classes.
        counts: (S, F, K, K) int64 by seed and fold: rows are the truth, columns the prediction.
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]

    @property
    def total(self) -> NDArray[np.int64]:
        """Added up over seeds and folds: (K, K)."""
        total: NDArray[np.int64] = self.counts.sum((0, 1))
        return total

    def recall(self) -> dict[str, Summary]:
        """Each class's recall: the mean over the folds that have the class, over the seeds."""
        return summarise_metrics(
            [
                mean_metrics([recall_by_class(counts, self.classes) for counts in folds])
                for folds in self.counts
            ]
        )


def confusions(record: PredictedTest, method: str, condition: str) -> Confusions:
    """Count what was predicted for the utterances that have anything left."""
    classes = classes_of(record.task, record.class_names)
    said, known = record.of(method, condition), record.known(condition)
    of_folds = [known & (record.fold == fold) for fold in range(len(record.folds))]
    counts = [
        [
            confusion(of_seed[rows], record.labels[rows], record.task, num_classes=len(classes))
            for rows in of_folds
        ]
        for of_seed in said
    ]
    return Confusions(classes, np.array(counts, dtype=np.int64))
