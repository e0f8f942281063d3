"""Sums over utterances that every metric follows from: a resample then costs a matrix product.

`metrics` scores one set of predictions by scikit-learn; here, the same metrics of thousands of
resamples come from what each utterance adds to a confusion, an error or a product. Both agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from mculora.corpora.manifest import Task
from mculora.evaluation.predicted import PredictedTest

Floats = NDArray[np.float64]
_MOMENTS = 7  # n, |error|, p, p², y, y², p y
_CONSTANT = 1e-12  # variance of what fills [-1, 1]: rounding


@dataclass(frozen=True, eq=False)
class Clusters:
    """Test utterances that are drawn together: the dialogues, within their fold.

    Attributes:
        of: (N,) int64, the cluster of each utterance.
        fold: (G,) int64, the fold of each cluster.
    """

    of: NDArray[np.int64]
    fold: NDArray[np.int64]

    @property
    def have_several(self) -> bool:
        """Whether any of them has more than one utterance."""
        return len(self.fold) < len(self.of)


def clusters_of(record: PredictedTest, dialogues: Mapping[str, str]) -> Clusters:
    """Find the dialogues of a record's utterances.

    Args:
        record: The utterances.
        dialogues: By utterance id; one without stands alone.
    """
    folds = record.fold.tolist()
    keys = [(f, dialogues.get(i, f"\0{i}")) for f, i in zip(folds, record.ids, strict=True)]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return Clusters(
        of=np.array([numbers[key] for key in keys], dtype=np.int64),
        fold=np.array([fold for fold, _ in numbers], dtype=np.int64),
    )


def tally(record: PredictedTest, method: str, clusters: Clusters) -> Floats:
    """Add up, cluster by cluster, what a method's predictions give to the metrics.

    Returns:
        (G, S, Q, T): G clusters, S seeds, Q conditions, T quantities that `metrics_of` knows.
        Utterances that have nothing left under a condition give nothing.
    """
    num, num_clusters = len(record.ids), len(clusters.fold)
    gather = csr_array((np.ones(num), (clusters.of, np.arange(num))), (num_clusters, num))
    labels = record.labels.numpy().astype(np.float64)
    said = record.predictions[method].numpy()
    add_up = _ScoreTally(said, labels) if record.task is Task.REGRESSION else _ClassTally(labels)
    sums = []
    for condition in record.conditions:
        known = record.known(condition).numpy()
        predicted = record.of(method, condition).numpy()[:, known].astype(np.float64)
        given = add_up(predicted, known).swapaxes(0, 1)  # (n, S, T)
        shape = given.shape[1:]
        flat = gather[:, known] @ given.reshape(len(given), math.prod(shape))
        sums.append(flat.reshape(num_clusters, *shape))
    return np.stack(sums, axis=2)


def metrics_of(tallies: Floats, task: Task) -> dict[str, Floats]:
    """Compute every metric of `metrics.score` from sums (..., T); NaN where undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _score_metrics(tallies) if task is Task.REGRESSION else _class_metrics(tallies)


class _ClassTally:
    """One in the K by K confusion, (S, n, K²)."""

    def __init__(self, labels: Floats) -> None:
        self.labels = labels.astype(np.int64)

    def __call__(self, predicted: Floats, known: NDArray[np.bool_]) -> Floats:
        return _confused(self.labels[known], predicted.argmax(2), predicted.shape[2])


class _ScoreTally:
    """Two confusions by sign, right classes, and moments of all and of non-zero: (S, n, 24).

    Correlations do not change with the unit: scores are centred and scaled, all alike, so that the
    sums lose no digits.
    """

    def __init__(self, said: NDArray[np.float32], labels: Floats) -> None:
        self.labels = labels
        self.centre = float(np.nanmean(said)) if np.isfinite(said).any() else 0.0
        self.scale = float(np.nanmax(np.abs(said - self.centre), initial=0.0)) or 1.0

    def __call__(self, predicted: Floats, known: NDArray[np.bool_]) -> Floats:
        truth, predicted = self.labels[known], predicted[..., 0]
        nonzero = (truth != 0).astype(np.float64)
        by_sign = _confused((truth >= 0).astype(np.int64), (predicted >= 0).astype(np.int64), 2)
        positive = _confused((truth > 0).astype(np.int64), (predicted > 0).astype(np.int64), 2)
        right = [_rounded(predicted, limit) == _rounded(truth, limit) for limit in (3, 2)]
        x, y = (predicted - self.centre) / self.scale, np.broadcast_to(truth / 3, predicted.shape)
        one, error = np.ones_like(x), np.abs(predicted - truth)
        moments = np.stack([one, error, x, x * x, y, y * y, x * y], axis=-1)
        parts = [by_sign, positive * nonzero[:, None], np.stack(right, axis=-1)]
        return np.concatenate([*parts, moments, moments * nonzero[:, None]], axis=-1)


def _confused(truth: NDArray[np.int64], predicted: NDArray[np.int64], num_classes: int) -> Floats:
    """One where truth (n,) and prediction (S, n) meet: (S, n, K²), rows the truth."""
    cell = truth * num_classes + predicted
    ones: Floats = (cell[..., None] == np.arange(num_classes**2)).astype(np.float64)
    return ones


def _rounded(scores: Floats, limit: int) -> Floats:
    rounded: Floats = np.rint(scores.clip(-limit, limit))
    return rounded


def _class_metrics(tallies: Floats) -> dict[str, Floats]:
    counts = _square(tallies)
    recall = np.diagonal(counts, axis1=-2, axis2=-1) / counts.sum(-1)
    occurring = np.isfinite(recall)
    ua = np.nansum(recall, axis=-1) / occurring.sum(-1)
    return {"wa": _accuracy(counts), "ua": ua, "weighted_f1": _weighted_f1(counts)}


def _score_metrics(tallies: Floats) -> dict[str, Floats]:
    has_zero, nonzero = _square(tallies[..., :4]), _square(tallies[..., 4:8])
    of_all, of_nonzero = tallies[..., 10 : 10 + _MOMENTS], tallies[..., 10 + _MOMENTS :]
    return {
        "weighted_f1_nonzero": _weighted_f1(nonzero),
        "acc2_nonzero": _accuracy(nonzero),
        "weighted_f1_has_zero": _weighted_f1(has_zero),
        "acc2_has_zero": _accuracy(has_zero),
        "acc7": tallies[..., 8] / of_all[..., 0],
        "acc5": tallies[..., 9] / of_all[..., 0],
        "mae": of_all[..., 1] / of_all[..., 0],
        "corr": _correlation(of_all),
        "mae_nonzero": of_nonzero[..., 1] / of_nonzero[..., 0],
        "corr_nonzero": _correlation(of_nonzero),
    }


def _square(tallies: Floats) -> Floats:
    num_classes = round(tallies.shape[-1] ** 0.5)
    counts: Floats = tallies.reshape(*tallies.shape[:-1], num_classes, num_classes)
    return counts


def _accuracy(counts: Floats) -> Floats:
    share: Floats = np.trace(counts, axis1=-2, axis2=-1) / counts.sum((-2, -1))
    return share


def _weighted_f1(counts: Floats) -> Floats:
    right, support = np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1)
    either = support + counts.sum(-2)
    f1 = np.divide(2 * right, either, out=np.zeros_like(either), where=either > 0)
    weighted: Floats = (f1 * support).sum(-1) / support.sum(-1)
    return weighted


def _correlation(moments: Floats) -> Floats:
    num = moments[..., 0]
    x, xx, y, yy, xy = np.moveaxis(moments[..., 2:] / num[..., None], -1, 0)
    spread_x, spread_y = xx - x * x, yy - y * y
    found = (xy - x * y) / np.sqrt(spread_x * spread_y)
    found = np.where(spread_x > _CONSTANT, found, 0.0)
    correlation: Floats = np.where(spread_y > _CONSTANT, found, np.nan)
    return correlation
