"""What calibration makes of the test predictions, combination by combination, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from mculora.corpora.manifest import Task
from mculora.evaluation.calibration import (
    COVERAGE,
    NUM_BINS,
    Calibration,
    ConfidenceBin,
    exactly,
    expected_calibration_error,
    interval_coverage,
    reliability,
)
from mculora.evaluation.predicted import PredictedTest
from mculora.evaluation.statistics import Summary, summarise
from mculora.modality import ModalityCombination

Fitted = Mapping[tuple[int, str], Calibration]
"""The calibration of the network of a seed and a fold's name."""


@dataclass(frozen=True)
class ClassCalibration:
    """Class probabilities under one combination.

    Attributes:
        num_utterances: Of the test split, with exactly these modalities left.
        temperature: Of each seed, the mean over its folds.
        raw_error: Expected calibration error of the network's own probabilities, in [0, 1].
        error: The same after division by the temperature.
        raw_curve: The reliability curve of all seeds together.
        curve: The same after division by the temperature.
    """

    num_utterances: int
    temperature: Summary
    raw_error: Summary
    error: Summary
    raw_curve: tuple[ConfidenceBin, ...]
    curve: tuple[ConfidenceBin, ...]


@dataclass(frozen=True)
class IntervalCalibration:
    """Intervals around scores under one combination.

    Attributes:
        num_utterances: Of the test split, with exactly these modalities left and an interval.
        coverage: The share of truths inside, by seed.
        width: Mean width of the intervals from end to end, in units of the score.
    """

    num_utterances: int
    coverage: Summary
    width: Summary


@dataclass(frozen=True)
class CalibrationReport:
    """The main method's calibration on test; one of the two mappings is empty.

    Attributes:
        classes: By combination word.
        intervals: By combination word.
        nominal: The coverage that the intervals are to have.
        num_bins: Of the expected calibration error.
    """

    classes: dict[str, ClassCalibration]
    intervals: dict[str, IntervalCalibration]
    nominal: float = COVERAGE
    num_bins: int = NUM_BINS


def calibration_report(record: PredictedTest, fitted: Fitted) -> CalibrationReport:
    """Compare what the main method says of its certainty with what is true.

    Args:
        record: All predictions.
        fitted: What validation made of each of its networks.
    """
    is_score = record.task is Task.REGRESSION
    words = [c.word for c in ModalityCombination if bool(_rows(record, c.word).any())]
    intervals = {w: _intervals(record, w, fitted) for w in words if is_score}
    return CalibrationReport(
        classes={} if is_score else {w: _classes(record, w, fitted) for w in words},
        intervals={word: told for word, told in intervals.items() if told is not None},
    )


def _classes(record: PredictedTest, word: str, fitted: Fitted) -> ClassCalibration:
    rows = _rows(record, word)
    raw, labels = record.of(record.main, word)[:, rows], record.labels[rows]
    temperature = _each(record, word, fitted, key="temperature", default=1.0)
    scaled = raw.double() / temperature[:, rows, None]
    told = [_reliability_of(said, labels) for said in (raw, scaled)]
    per_seed = [
        fmean(fitted[seed, fold].get(word, {}).get("temperature", 1.0) for fold in record.folds)
        for seed in record.seeds
    ]
    return ClassCalibration(
        num_utterances=int(rows.sum()),
        temperature=summarise(per_seed),
        raw_error=told[0].error,
        error=told[1].error,
        raw_curve=told[0].curve,
        curve=told[1].curve,
    )


@dataclass(frozen=True)
class _Reliability:
    error: Summary
    curve: tuple[ConfidenceBin, ...]


def _reliability_of(logits: Tensor, labels: Tensor) -> _Reliability:
    """The error of each of S networks, and the curve of all: (S, n, K)."""
    errors = [expected_calibration_error(reliability(said, labels)) for said in logits]
    curve = reliability(logits.flatten(0, 1), labels.repeat(len(logits)))
    return _Reliability(summarise(errors), tuple(curve))


def _intervals(record: PredictedTest, word: str, fitted: Fitted) -> IntervalCalibration | None:
    """None where no network has an interval."""
    widths = _each(record, word, fitted, key="half_width", default=torch.nan)
    has_one = _rows(record, word) & torch.isfinite(widths)  # (S, N)
    if not bool(has_one.any()):
        return None
    said = record.of(record.main, word)
    coverage = [
        interval_coverage(scores[rows], record.labels[rows], width[rows])
        for scores, width, rows in zip(said, widths, has_one, strict=True)
    ]
    mean_widths = [
        float(2 * width[rows].mean()) if bool(rows.any()) else None
        for width, rows in zip(widths, has_one, strict=True)
    ]
    num = int(has_one.any(0).sum())
    return IntervalCalibration(num, summarise(coverage), summarise(mean_widths))


def _rows(record: PredictedTest, word: str) -> Tensor:
    return exactly(word, record.left[word])


def _each(record: PredictedTest, word: str, fitted: Fitted, *, key: str, default: float) -> Tensor:
    """What calibrates each prediction, (S, N) float64: that of its seed and fold."""
    by_fold = torch.tensor(
        [
            [fitted[seed, fold].get(word, {}).get(key, default) for fold in record.folds]
            for seed in record.seeds
        ],
        dtype=torch.float64,
    )
    return by_fold[:, record.fold]
