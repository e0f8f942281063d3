"""The field's metrics under unambiguous names; an undefined one is None, never NaN.

Scores (MOSI, MOSEI) follow MMSA's `MetricsTop`: `nonzero` drops the utterances whose truth is 0 and
compares signs, `has_zero` keeps them as non-negative; every F1 takes (truth, prediction) in this
order, so that its weights are the truth's. `mae` and `corr` are over all utterances; the authors of
the method take them over the non-zero ones, which are `mae_nonzero` and `corr_nonzero` here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from mculora.corpora.manifest import Task
from mculora.errors import InputError

if TYPE_CHECKING:
    import torch

Values: TypeAlias = "torch.Tensor | NDArray[np.floating] | NDArray[np.integer]"
Metrics: TypeAlias = dict[str, float | None]

REGRESSION_METRICS = (
    "weighted_f1_nonzero",
    "acc2_nonzero",
    "weighted_f1_has_zero",
    "acc2_has_zero",
    "acc7",
    "acc5",
    "mae",
    "corr",
    "mae_nonzero",
    "corr_nonzero",
)
CLASSIFICATION_METRICS = ("wa", "ua", "weighted_f1")
PRIMARY = {Task.REGRESSION: "weighted_f1_nonzero", Task.CLASSIFICATION: "wa"}
"""The metric that decides and that headlines quote."""
LOWER_IS_BETTER = frozenset({"mae", "mae_nonzero"})
_RANGES = {
    **dict.fromkeys(("mae", "mae_nonzero"), (0.0, np.inf)),
    **dict.fromkeys(("corr", "corr_nonzero"), (-1.0, 1.0)),
}
SCORE_CLASSES = ("-3", "-2", "-1", "0", "1", "2", "3")
"""The classes of a score, by ACC7: rounded half to even, after clipping to [-3, 3]."""


def range_of(metric: str) -> tuple[float, float]:
    """The least and the greatest value that a metric can have."""
    return _RANGES.get(metric, (0.0, 1.0))


def score(predictions: Values, labels: Values, task: Task) -> Metrics:
    """Compute every metric of a task; see `regression_metrics` and `classification_metrics`."""
    if task is Task.REGRESSION:
        return regression_metrics(predictions, labels)
    return classification_metrics(predictions, labels)


def regression_metrics(predictions: Values, labels: Values) -> Metrics:
    """Compare predicted scores with the true ones.

    Args:
        predictions: Scores, (N,) or (N, 1), finite, not clipped.
        labels: True scores, (N,), in [-3, 3].

    Returns:
        `REGRESSION_METRICS`: fractions in [0, 1], `mae` in score units, `corr` in [-1, 1]. A
        constant prediction, as one of one utterance, explains nothing: its `corr` is 0. None where
        the labels define no value: no utterance at all, none non-zero, or (`corr`) all labels
        equal.

    Raises:
        InputError: A value is not finite, or the shapes disagree.
    """
    truth = _vector(labels, "labels")
    predicted = _same_length(_vector(predictions, "predictions"), truth)
    if not truth.size:
        return dict.fromkeys(REGRESSION_METRICS)
    nonzero = truth != 0
    has_zero_truth, has_zero_predicted = truth >= 0, predicted >= 0
    nonzero_truth, nonzero_predicted = truth[nonzero] > 0, predicted[nonzero] > 0
    return {
        "weighted_f1_nonzero": _weighted_f1(nonzero_truth, nonzero_predicted),
        "acc2_nonzero": _accuracy(nonzero_truth, nonzero_predicted),
        "weighted_f1_has_zero": _weighted_f1(has_zero_truth, has_zero_predicted),
        "acc2_has_zero": _accuracy(has_zero_truth, has_zero_predicted),
        "acc7": _accuracy(_rounded(truth, 3), _rounded(predicted, 3)),
        "acc5": _accuracy(_rounded(truth, 2), _rounded(predicted, 2)),
        "mae": _mean_error(truth, predicted),
        "corr": _correlation(truth, predicted),
        "mae_nonzero": _mean_error(truth[nonzero], predicted[nonzero]),
        "corr_nonzero": _correlation(truth[nonzero], predicted[nonzero]),
    }


def classification_metrics(predictions: Values, labels: Values) -> Metrics:
    """Compare predicted classes with the true ones.

    Args:
        predictions: Logits (N, K) with K > 1, or class indices (N,).
        labels: True class indices, (N,).

    Returns:
        `wa` (accuracy), `ua` (mean recall over the classes that occur in the labels) and
        `weighted_f1`, fractions in [0, 1]; None each where there is no utterance.

    Raises:
        InputError: A value is not finite or no class index, or the shapes disagree.
    """
    truth = _class_indices(_vector(labels, "labels"), "labels")
    predicted = _same_length(_predicted_classes(predictions), truth)
    if not truth.size:
        return dict.fromkeys(CLASSIFICATION_METRICS)
    classes = np.unique(truth)
    recall = recall_score(truth, predicted, labels=classes, average="macro", zero_division=0)
    return {
        "wa": _accuracy(truth, predicted),
        "ua": float(recall),
        "weighted_f1": _weighted_f1(truth, predicted),
    }


def classes_of(task: Task, class_names: Sequence[str]) -> tuple[str, ...]:
    """Name the classes that a confusion is between: the corpus's, or `SCORE_CLASSES`."""
    return SCORE_CLASSES if task is Task.REGRESSION else tuple(class_names)


def confusion(
    predictions: Values, labels: Values, task: Task, *, num_classes: int
) -> NDArray[np.int64]:
    """Count how often each class was taken for each.

    Args:
        predictions: As `score` takes them, N.
        labels: Likewise.
        task: Scores are rounded to `SCORE_CLASSES`, as ACC7 does.
        num_classes: K, the length of `classes_of`.

    Returns:
        (K, K): rows are the truth, columns the prediction, which add up to N.

    Raises:
        InputError: A value is not finite or no class, or the shapes disagree.
    """
    truth = _vector(labels, "labels")
    if task is Task.REGRESSION:
        predicted = _rounded(_vector(predictions, "predictions"), 3) + 3
        truth = _rounded(truth, 3) + 3
    else:
        predicted = _predicted_classes(predictions)
        truth = _class_indices(truth, "labels")
    _same_length(predicted, truth)
    for values, where in ((truth, "labels"), (predicted, "predictions")):
        if (values >= num_classes).any():
            found = f"class {values.max():.0f}"
            raise InputError(where, found=found, expected=f"classes below {num_classes}")
    if not truth.size:  # which scikit-learn refuses
        return np.zeros((num_classes, num_classes), dtype=np.int64)
    counts: NDArray[np.int64] = confusion_matrix(truth, predicted, labels=np.arange(num_classes))
    return counts


def recall_by_class(counts: NDArray[np.int64], classes: Sequence[str]) -> Metrics:
    """Return each class's recall from a confusion (K, K); None for a class that is no truth."""
    return {
        name: float(row[place] / row.sum()) if row.any() else None
        for place, (name, row) in enumerate(zip(classes, counts, strict=True))
    }


def majority_metrics(train_labels: Values, test_labels: Values, task: Task) -> Metrics:
    """Score the constants that a person would predict who has seen the training labels only.

    Classes: the most frequent class. Scores: one constant per kind of metric, namely the most
    frequent sign for ACC2 and F1 (as ±1), the most frequent rounded score for ACC7 and ACC5, the
    mean for MAE. Ties go to the smaller constant.

    Raises:
        InputError: There are no training labels.
    """
    train, test = _vector(train_labels, "training labels"), _vector(test_labels, "test labels")
    if not train.size:
        raise InputError("training labels", found="none", expected="at least one")
    if task is Task.CLASSIFICATION:
        return classification_metrics(np.full(test.shape, _most_frequent(train)), test)
    nonzero_sign = _most_frequent(np.sign(train[train != 0])) if train.any() else 1.0
    has_zero_sign = _most_frequent(np.where(train >= 0, 1.0, -1.0))
    constants = {
        "weighted_f1_nonzero": nonzero_sign,
        "acc2_nonzero": nonzero_sign,
        "weighted_f1_has_zero": has_zero_sign,
        "acc2_has_zero": has_zero_sign,
        "acc7": _most_frequent(_rounded(train, 3)),
        "acc5": _most_frequent(_rounded(train, 2)),
        "mae": float(train.mean()),
        "corr": 0.0,
        "mae_nonzero": float(train[train != 0].mean()) if train.any() else 0.0,
        "corr_nonzero": 0.0,
    }
    return {
        name: regression_metrics(np.full(test.shape, constants[name]), test)[name]
        for name in REGRESSION_METRICS
    }


def _finite(values: Values, where: str) -> NDArray[np.float64]:
    """Return values of a tensor or an array as float64, on the CPU, all finite."""
    tensor_free = values if isinstance(values, np.ndarray) else values.detach().cpu().numpy()
    array = tensor_free.astype(np.float64)
    num_bad = int((~np.isfinite(array)).sum())
    if num_bad:
        raise InputError(
            where, found=f"{num_bad} of {array.size} values not finite", expected="numbers"
        )
    return array


def _vector(values: Values, where: str) -> NDArray[np.float64]:
    """Return finite values (N,) of (N,) or (N, 1)."""
    array = _finite(values, where)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(where, found=f"shape {array.shape}", expected="one value per utterance")
    return array


def _same_length(predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    if predicted.shape != truth.shape:
        raise InputError(
            "predictions", found=f"{predicted.size} values", expected=f"{truth.size}, as labels"
        )
    return predicted


def _class_indices(values: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    if ((values < 0) | (values % 1 != 0)).any():
        raise InputError(where, found="negative or broken numbers", expected="class indices")
    return values


def _predicted_classes(predictions: Values) -> NDArray[np.float64]:
    """Return class indices (N,) of logits (N, K) or class indices."""
    finite = _finite(predictions, "predictions")
    if finite.ndim == 2 and finite.shape[1] > 1:
        finite = finite.argmax(axis=1).astype(np.float64)
    return _class_indices(_vector(finite, "predictions"), "predictions")


def _rounded(scores: NDArray[np.float64], limit: int) -> NDArray[np.float64]:
    """Clip scores to ±limit and round half to even; adding 0 makes -0 and 0 one class."""
    classes: NDArray[np.float64] = np.rint(scores.clip(-limit, limit)) + 0.0
    return classes


def _accuracy(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> float | None:
    return float(accuracy_score(truth, predicted)) if truth.size else None


def _weighted_f1(truth: NDArray[np.generic], predicted: NDArray[np.generic]) -> float | None:
    if not truth.size:
        return None
    return float(f1_score(truth, predicted, average="weighted", zero_division=0))


def _mean_error(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float | None:
    return float(np.abs(predicted - truth).mean()) if truth.size else None


def _correlation(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float | None:
    if not truth.size or np.ptp(truth) == 0:
        return None
    if np.ptp(predicted) == 0:
        return 0.0
    return float(np.corrcoef(_to_unit_range(predicted), _to_unit_range(truth))[0, 1])


def _to_unit_range(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centre values that are not all equal and scale them to ±1, where no square vanishes."""
    scaled = values / np.abs(values).max()
    centred = scaled - scaled.mean()
    unit: NDArray[np.float64] = centred / np.abs(centred).max()
    return unit


def _most_frequent(values: NDArray[np.float64]) -> float:
    distinct, counts = np.unique(values, return_counts=True)
    return float(distinct[counts.argmax()])
