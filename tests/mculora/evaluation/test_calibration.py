import math

import pytest
import torch

from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.calibration import (
    ConfidenceBin,
    expected_calibration_error,
    fit_calibration,
    fit_temperature,
    half_width,
    interval_coverage,
    reliability,
)


def logits_of(probabilities):
    return torch.tensor([[p, 1 - p] for p in probabilities], dtype=torch.float64).log()


def test_reliability_is_counted_by_hand():
    # 0.9 and 0.92 in bin 14 of 15 (13/15 = 0.867 to 0.933), 0.6 right on the edge of bin 9.
    bins = reliability(logits_of([0.9, 0.92, 0.6]), torch.tensor([0, 1, 0]))
    assert [b.num_utterances for b in bins] == [1, 2]
    assert [b.accuracy for b in bins] == [1.0, 0.5]
    assert [b.confidence for b in bins] == pytest.approx([0.6, 0.91])
    # (1 * |1 - 0.6| + 2 * |0.5 - 0.91|) / 3
    assert expected_calibration_error(bins) == pytest.approx((0.4 + 0.82) / 3)


def test_bins_are_open_below_and_closed_above():
    bins = reliability(logits_of([0.6, 0.601, 0.9999999]), torch.zeros(3), num_bins=5)
    assert [b.num_utterances for b in bins] == [1, 1, 1]


def test_the_error_of_perfect_and_of_hopeless_confidence():
    assert expected_calibration_error([ConfidenceBin(4, 0.75, 0.75)]) == 0
    sure = torch.tensor([[100.0, 0], [100.0, 0]])
    assert expected_calibration_error(reliability(sure, torch.tensor([1, 1]))) == 1
    assert expected_calibration_error(reliability(sure, torch.tensor([0, 0]))) == 0


def test_a_temperature_undoes_a_factor():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 4, generator=generator) * 2
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    for factor in (0.5, 1.0, 3.0):
        assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.06)
    raw, cooled = (
        expected_calibration_error(reliability(scaled, labels))
        for scaled in (logits * 3, logits * 3 / fit_temperature(logits * 3, labels))
    )
    assert cooled < raw / 5


def test_a_temperature_minimises_the_likelihood_with_its_prior():
    logits, labels = torch.randn(30, 3, generator=torch.Generator().manual_seed(1)), torch.ones(30)

    def cost(log_temperature):
        loss = torch.nn.functional.cross_entropy(
            logits.double() / math.exp(log_temperature), labels.long(), reduction="sum"
        )
        return float(loss) + log_temperature**2 / 2

    grid = [n / 100 for n in range(-300, 301)]
    found = math.log(fit_temperature(logits, labels))
    assert abs(found - min(grid, key=cost)) < 0.01


@pytest.mark.parametrize("label", [0, 1])
def test_few_utterances_move_a_temperature_a_little(label):
    assert fit_temperature(torch.empty(0, 3), torch.empty(0)) == 1
    assert 0.3 < fit_temperature(torch.tensor([[3.0, 0.0]]), torch.tensor([label])) < 5


def test_one_class_has_nothing_to_be_unsure_of():
    assert fit_temperature(torch.randn(5, 1), torch.zeros(5)) == 1
    bins = reliability(torch.randn(5, 1), torch.zeros(5))
    assert bins == [ConfidenceBin(5, 1.0, 1.0)]


def test_nothing_at_all_is_defined():
    assert reliability(torch.empty(0, 3), torch.empty(0)) == []
    assert expected_calibration_error([]) is None
    assert half_width(torch.empty(0, 1), torch.empty(0)) is None
    assert interval_coverage(torch.empty(0, 1), torch.empty(0), torch.tensor(1.0)) is None


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_infinite_values_are_refused(value):
    logits, labels = torch.tensor([[value, 0.0]]), torch.zeros(1)
    for asked in (fit_temperature, reliability):
        with pytest.raises(InputError, match="logits: found 1 of 2"):
            asked(logits, labels)
    with pytest.raises(InputError, match="scores"):
        half_width(logits[:, :1], labels)
    with pytest.raises(InputError, match="scores"):
        interval_coverage(logits[:, :1], labels, torch.tensor(1.0))


def test_the_half_width_is_the_order_statistic_of_the_errors():
    scores = torch.tensor([0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.8, 0.9])
    assert half_width(scores, torch.zeros(9)) == pytest.approx(0.9)  # the 9th of 9
    assert half_width(scores[:8], torch.zeros(8)) is None  # the 9th of 8
    assert half_width(scores, torch.zeros(9), coverage=0.5) == pytest.approx(0.5)  # the 5th


def test_an_interval_covers_what_it_promises_whatever_the_errors():
    generator = torch.Generator().manual_seed(0)
    shares = []
    for _ in range(200):
        errors = torch.empty(300).exponential_(generator=generator) ** 2
        width = half_width(errors[:100, None], torch.zeros(100))
        shares.append(interval_coverage(errors[100:], torch.zeros(200), torch.tensor(width)))
    assert sum(shares) / len(shares) == pytest.approx(0.9, abs=0.01)


def test_a_combination_is_fitted_on_what_has_exactly_it_left():
    left = torch.tensor([[True, True, False]] * 9 + [[True, False, False]] * 9)
    errors = torch.tensor([1.0] * 9 + [5.0] * 9)[:, None]
    under = {"at": errors, "a": errors, "t": errors}
    lefts = {"at": left, "a": left & torch.tensor([True, False, False]), "t": left & False}
    fitted = fit_calibration(under, lefts, torch.zeros(18), Task.REGRESSION)
    assert fitted == {"at": {"half_width": 1.0}, "a": {"half_width": 5.0}}
    logits = {word: torch.cat([values, -values], 1) for word, values in under.items()}
    fitted = fit_calibration(logits, lefts, torch.zeros(18), Task.CLASSIFICATION)
    assert fitted.keys() == {"at", "a"}
    assert all(0 < c["temperature"] < 1 for c in fitted.values())
