import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.metrics import (
    CLASSIFICATION_METRICS,
    PRIMARY,
    REGRESSION_METRICS,
    SCORE_CLASSES,
    classes_of,
    classification_metrics,
    confusion,
    majority_metrics,
    recall_by_class,
    regression_metrics,
    score,
)

#                   wrong sign, zero truth, right, right, wrong sign
TRUTH = np.array([-2.0, 0.0, 1.5, 3.0, -0.4])
PREDICTED = np.array([0.5, -0.2, 2.5, 4.0, 0.6])


def test_regression_metrics_counted_by_hand():
    metrics = regression_metrics(PREDICTED, TRUTH)
    assert tuple(metrics) == REGRESSION_METRICS
    assert metrics["acc2_nonzero"] == 2 / 4  # 1.5 and 3.0; the zero is dropped
    assert metrics["acc2_has_zero"] == 2 / 5  # the zero counts as non-negative, predicted negative
    # Positive: precision 2/4, recall 1 -> 2/3; negative: 0; two of each.
    assert metrics["weighted_f1_nonzero"] == pytest.approx((2 * 2 / 3 + 2 * 0) / 4)
    # Non-negative: precision 2/4, recall 2/3 -> 4/7; three of five; negative: 0.
    assert metrics["weighted_f1_has_zero"] == pytest.approx(3 / 5 * 4 / 7)
    # Rounded to even: truth -2 0 2 3 0, predicted 0 0 2 3 1 (2.5 -> 2, 4 clipped to 3).
    assert metrics["acc7"] == 3 / 5
    # Clipped to 2 first: truth -2 0 2 2 0, predicted 0 0 2 2 1.
    assert metrics["acc5"] == 3 / 5
    assert metrics["mae"] == pytest.approx((2.5 + 0.2 + 1.0 + 1.0 + 1.0) / 5)  # 4.0 is not clipped
    assert metrics["corr"] == pytest.approx(np.corrcoef(TRUTH, PREDICTED)[0, 1])
    # Without the second utterance, whose truth is 0.
    assert metrics["mae_nonzero"] == pytest.approx((2.5 + 1.0 + 1.0 + 1.0) / 4)
    # Truth less its mean: -2.525 0.975 2.475 -0.925; predicted less its own: -1.4 0.6 2.1 -1.3.
    products = 2.525 * 1.4 + 0.975 * 0.6 + 2.475 * 2.1 + 0.925 * 1.3
    squares = (2.525**2 + 0.975**2 + 2.475**2 + 0.925**2) * (1.4**2 + 0.6**2 + 2.1**2 + 1.3**2)
    assert metrics["corr_nonzero"] == pytest.approx(products / squares**0.5)


def test_weights_of_f1_are_those_of_the_truth():
    truth, predicted = np.array([1.0, 1, 1, -1, -1]), np.array([1.0, -1, -1, -1, -1])
    expected = f1_score(truth > 0, predicted > 0, average="weighted")
    assert expected != f1_score(predicted > 0, truth > 0, average="weighted")
    assert regression_metrics(predicted, truth)["weighted_f1_nonzero"] == pytest.approx(expected)


def test_negative_and_positive_zero_are_one_class():
    assert regression_metrics(np.array([-0.3, 0.3]), np.array([0.3, -0.3]))["acc7"] == 1.0


def test_a_constant_prediction_correlates_with_nothing():
    metrics = regression_metrics(np.full(5, 0.1), TRUTH)
    assert metrics["corr"] == metrics["corr_nonzero"] == 0.0
    assert metrics["acc2_nonzero"] == 2 / 4  # the positive ones
    classes = classification_metrics(np.ones(4), np.array([0, 1, 1, 2]))
    assert classes["ua"] == pytest.approx(1 / 3)
    assert classes["weighted_f1"] == pytest.approx(2 * (2 / 3) / 4)  # precision 2/4, recall 1


def test_one_utterance_has_every_value_but_a_correlation():
    metrics = regression_metrics(np.array([0.4]), np.array([1.0]))
    assert metrics.pop("corr") is metrics.pop("corr_nonzero") is None
    assert metrics == {
        **dict.fromkeys(REGRESSION_METRICS[:4], 1.0),
        **{"acc7": 0.0, "acc5": 0.0, "mae": 0.6, "mae_nonzero": 0.6},
    }
    assert set(classification_metrics(np.array([2]), np.array([2])).values()) == {1.0}


def test_what_labels_leave_undefined_is_none():
    metrics = regression_metrics(np.array([0.5, -0.5]), np.zeros(2))
    undefined = {name for name, value in metrics.items() if value is None}
    assert undefined == {
        *("acc2_nonzero", "weighted_f1_nonzero", "corr", "mae_nonzero", "corr_nonzero"),
    }
    assert set(regression_metrics(np.zeros(0), np.zeros(0)).values()) == {None}
    assert set(classification_metrics(np.zeros(0), np.zeros(0)).values()) == {None}


def test_classification_metrics_counted_by_hand():
    truth, predicted = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 3])
    metrics = classification_metrics(predicted, truth)
    assert tuple(metrics) == CLASSIFICATION_METRICS
    assert metrics["wa"] == 3 / 5
    assert metrics["ua"] == pytest.approx((2 / 3 + 1 + 0) / 3)  # class 3 has no recall: no truth
    # F1: class 0 4/5, class 1 2/3, class 2 0.
    assert metrics["weighted_f1"] == pytest.approx((3 * 4 / 5 + 1 * 2 / 3) / 5)


def test_confusions_are_counted_by_hand():
    truth, predicted = np.array([0, 0, 0, 1, 2]), np.array([0, 0, 1, 1, 3])
    counts = confusion(predicted, truth, Task.CLASSIFICATION, num_classes=5)
    assert counts.tolist() == [
        *([2, 1, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0] * 5, [0] * 5),
    ]
    recall = recall_by_class(counts, ("ang", "hap", "sad", "neu", "fru"))
    # Never true: undefined, whether or not predicted.
    assert recall == {"ang": 2 / 3, "hap": 1.0, "sad": 0.0, "neu": None, "fru": None}


def test_scores_are_confused_as_seven_classes():
    counts = confusion(PREDICTED, TRUTH, Task.REGRESSION, num_classes=7)
    taken_for = {(SCORE_CLASSES[i], SCORE_CLASSES[j]): counts[i, j] for i, j in np.argwhere(counts)}
    # Truth -2 0 2 3 0 (-0.4), predicted 0 (0.5) 0 2 3 1.
    assert taken_for == {
        **{("-2", "0"): 1, ("0", "0"): 1, ("2", "2"): 1, ("3", "3"): 1, ("0", "1"): 1},
    }
    assert recall_by_class(counts, SCORE_CLASSES) == {
        **{"-3": None, "-2": 0.0, "-1": None, "0": 0.5, "1": None, "2": 1.0, "3": 1.0},
    }
    assert counts.trace() / counts.sum() == regression_metrics(PREDICTED, TRUTH)["acc7"]


def test_the_classes_of_a_confusion_have_names():
    assert classes_of(Task.REGRESSION, ()) == SCORE_CLASSES
    assert classes_of(Task.CLASSIFICATION, ["ang", "hap"]) == ("ang", "hap")


def test_no_utterance_is_confused_with_nothing():
    for task in Task:
        assert not confusion(np.zeros(0), np.zeros(0), task, num_classes=7).any()


def test_a_class_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="predictions: found class 2, expected classes below 2"):
        confusion(np.array([2]), np.array([1]), Task.CLASSIFICATION, num_classes=2)


def test_logits_and_class_indices_agree():
    logits = torch.tensor([[0.1, 2.0, -1.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.5]], requires_grad=True)
    labels = torch.tensor([1.0, 2.0, 2.0])
    expected = classification_metrics(np.array([1, 0, 2]), labels)
    assert score(logits, labels, Task.CLASSIFICATION) == expected


def test_a_column_of_scores_is_a_vector():
    column = torch.from_numpy(PREDICTED)[:, None]
    assert score(column, torch.from_numpy(TRUTH), Task.REGRESSION) == regression_metrics(
        PREDICTED, TRUTH
    )


@pytest.mark.filterwarnings("ignore::UserWarning")  # scikit-learn's, on predicted-only classes
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_classification_agrees_with_scikit_learn(pairs):
    truth, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    metrics = classification_metrics(predicted, truth)
    assert metrics["wa"] == pytest.approx((truth == predicted).mean())
    assert metrics["ua"] == pytest.approx(balanced_accuracy_score(truth, predicted))


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-9, 9)), min_size=1, max_size=30))
def test_regression_metrics_are_in_their_ranges(pairs):
    truth, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    metrics = regression_metrics(predicted, truth)
    for name, value in metrics.items():
        assert value is None or not np.isnan(value), name
    assert metrics["mae"] >= 0
    assert all(0 <= metrics[name] <= 1 for name in ("acc7", "acc5", "acc2_has_zero"))


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_not_finite_are_refused(task, bad):
    with pytest.raises(InputError, match="predictions: found 1 of 2 values not finite"):
        score(np.array([bad, 1.0]), np.array([0.0, 1.0]), task)


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match="found 2 values, expected 3"):
        regression_metrics(np.zeros(2), np.zeros(3))
    with pytest.raises(InputError, match="one value per utterance"):
        regression_metrics(np.zeros((2, 2)), np.zeros(2))
    with pytest.raises(InputError, match="class indices"):
        classification_metrics(np.array([0.5, 1.0]), np.array([0, 1]))


def test_majority_of_classes():
    metrics = majority_metrics(np.array([2, 2, 0]), np.array([2, 0, 0, 2]), Task.CLASSIFICATION)
    assert metrics["wa"] == 0.5
    assert metrics["ua"] == 0.5


def test_majority_of_scores_uses_training_labels_only():
    train, test = np.array([-2.0, -1.0, -1.0, 0.0, 3.0]), np.array([1.0, 2.0, -1.0])
    metrics = majority_metrics(train, test, Task.REGRESSION)
    assert metrics["acc2_nonzero"] == 1 / 3  # three of four non-zero ones are negative
    assert metrics["acc7"] == 1 / 3  # -1
    assert metrics["mae"] == pytest.approx(np.abs(test - train.mean()).mean())
    assert metrics["mae_nonzero"] == pytest.approx(np.abs(test + 0.25).mean())  # of four
    assert metrics["corr"] == 0.0
    with pytest.raises(InputError, match="training labels"):
        majority_metrics(np.zeros(0), test, Task.REGRESSION)


def test_every_task_has_a_primary_metric():
    assert PRIMARY[Task.REGRESSION] in REGRESSION_METRICS
    assert PRIMARY[Task.CLASSIFICATION] in CLASSIFICATION_METRICS


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [5e-324, 1e-200, 1.0, 1e30])
def test_correlation_does_not_depend_on_the_size_of_the_values(size):
    metrics = regression_metrics(np.array([0.0, size, 0.0, size]), np.array([-1.0, 1.0, -2.0, 2.0]))
    assert metrics["corr"] == pytest.approx(np.corrcoef([0, 1, 0, 1], [-1, 1, -2, 2])[0, 1])
