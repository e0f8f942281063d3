import math

import pytest
import torch

from mculora.corpora.manifest import Task
from mculora.evaluation.calibrated import calibration_report
from mculora.evaluation.predicted import PredictedTest
from mculora.modality import ModalityCombination


def record(predictions, labels, *, task, lacking=(), folds=(0, 0)):
    """Two utterances or so, of which some never have the picture."""
    num = len(labels)
    available = torch.ones(num, 3) > 0
    for row in lacking:
        available[row, 2] = False
    left = {c.word: available & torch.tensor(c.presence) for c in ModalityCombination}
    said = torch.tensor(predictions)[:, None].expand(-1, 7, -1, -1).contiguous()
    said = said.where(torch.stack([w.any(1) for w in left.values()])[None, :, :, None], torch.nan)
    return PredictedTest(
        ids=tuple(str(n) for n in range(num)),
        folds=("one", "two"),
        fold=torch.tensor(folds),
        labels=torch.tensor(labels),
        task=task,
        class_names=("low", "glad") if task is Task.CLASSIFICATION else (),
        seeds=(3, 4),
        left=left,
        predictions={"mculora": said},
        common=said,
        weight=torch.ones(2, 7, num),
    )


def of_all(**calibration):
    return {c.word: calibration for c in ModalityCombination}


def test_temperatures_change_confidence_and_nothing_else():
    odds = [math.log(0.9 / 0.1), 0.0]
    said = [[odds, odds], [odds, odds]]
    tested = record(said, [0.0, 1.0], task=Task.CLASSIFICATION)
    cool = of_all(temperature=math.log(9) / math.log(1.5))  # 0.9 becomes 0.6
    fitted = {(seed, fold): cool for seed in (3, 4) for fold in ("one", "two")}
    report = calibration_report(tested, fitted)
    assert not report.intervals and set(report.classes) == set(fitted[3, "one"])
    told = report.classes["at"]
    assert told.num_utterances == 2
    assert (told.raw_error.mean, told.error.mean) == pytest.approx((0.4, 0.1))
    ((raw,), (scaled,)) = told.raw_curve, told.curve
    assert (raw.num_utterances, raw.accuracy, scaled.accuracy) == (4, 0.5, 0.5)
    assert (raw.confidence, scaled.confidence) == pytest.approx((0.9, 0.6))


def test_each_utterance_has_its_own_folds_temperature():
    odds = [math.log(0.9 / 0.1), 0.0]
    tested = record([[odds, odds]] * 2, [0.0, 0.0], task=Task.CLASSIFICATION, folds=(0, 1))
    hot = of_all(temperature=1e6)  # a half, whatever was said
    fitted = {(3, "one"): {}, (3, "two"): hot, (4, "one"): {}, (4, "two"): {}}
    told = calibration_report(tested, fitted).classes["atv"]
    assert told.error.values == pytest.approx(((0.1 + 0.5) / 2, 0.1))
    assert told.temperature.values == pytest.approx(((1 + 1e6) / 2, 1.0))


def test_intervals_are_counted():
    tested = record([[[1.0], [2.0]], [[0.0], [0.0]]], [0.5, 0.5], task=Task.REGRESSION)
    fitted = {(seed, fold): of_all(half_width=1.0) for seed in (3, 4) for fold in ("one", "two")}
    report = calibration_report(tested, fitted)
    assert not report.classes
    told = report.intervals["v"]
    assert told.coverage.values == (0.5, 1.0)
    assert (told.width.mean, told.num_utterances, report.nominal) == (2.0, 2, 0.9)


def test_only_what_has_exactly_the_combination_and_an_interval_counts():
    tested = record([[[0.0], [9.0]]] * 2, [0.0, 0.0], task=Task.REGRESSION, lacking=[1])
    only_at = {"at": {"half_width": 1.0}}
    fitted = {(s, f): only_at if s == 3 else {} for s in (3, 4) for f in ("one", "two")}
    report = calibration_report(tested, fitted)
    assert set(report.intervals) == {"at"}
    told = report.intervals["at"]
    assert (told.num_utterances, told.coverage.values) == (2, (0.5, None))
    blind = record([[[0.0]]] * 2, [0.0], task=Task.REGRESSION, lacking=[0], folds=(0,))
    everything = {key: of_all(half_width=1.0) for key in fitted}
    assert set(calibration_report(blind, everything).intervals) == {"at", "a", "t"}
