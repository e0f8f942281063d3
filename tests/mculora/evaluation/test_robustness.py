"""Relative robustness: 1 without loss, and areas that one can count."""

import numpy as np
import pytest

from mculora.evaluation.robustness import relative_robustness


def test_no_loss_is_one():
    assert relative_robustness(np.full(3, 0.8), np.array([0.0, 0.3, 2 / 3])) == pytest.approx(1)


def test_areas_are_counted_by_hand_over_the_realised_rates():
    # From 0.8 to 0.4 over 0.2, then on at 0.4 over 0.4, of 0.8 over 0.6.
    area = 0.2 * 0.6 + 0.4 * 0.4
    found = relative_robustness(np.array([0.8, 0.4, 0.4]), np.array([0.1, 0.3, 0.7]))
    assert found == pytest.approx(area / (0.8 * 0.6))


def test_a_straight_fall_to_nothing_is_a_half_and_order_does_not_matter():
    found = relative_robustness(np.array([[0.0, 0.9], [0.3, 0.3]]), np.array([0.5, 0.0]))
    assert found == pytest.approx([0.5, 1.0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("scores", "rates"),
    [
        ([0.5], [0.0]),
        ([0.5, 0.5], [0.3, 0.3]),
        ([0.0, 0.5], [0.0, 0.5]),
        ([-0.1, 0.5], [0.0, 0.5]),
        ([np.nan, 0.5], [0.0, 0.5]),
        ([0.5, np.nan], [0.0, 0.5]),
        ([0.5, 0.5], [0.0, np.nan]),
    ],
)
def test_what_has_no_area_is_undefined(scores, rates):
    assert np.isnan(relative_robustness(np.array(scores), np.array(rates)))
