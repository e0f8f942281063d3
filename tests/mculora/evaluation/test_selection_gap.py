import pytest
from hypothesis import given
from hypothesis import strategies as st

from mculora.evaluation.selection_gap import Chosen, look_back, selection_gap

CHOSEN = Chosen(seed=0, fold="official", network="", epoch=0, validation=0.9)


def test_both_gaps_are_counted_by_hand():
    scores = [{"a": 0.5, "t": 0.7}, {"a": 0.8, "t": 0.6}, {"a": 0.2, "t": 0.9}]
    choice = look_back(CHOSEN, scores)
    assert (choice.test, choice.test_epoch, choice.num_epochs) == (0.6, 1, 3)
    assert choice.test_selected == pytest.approx(0.7)
    assert choice.per_combination == pytest.approx((0.8 + 0.9) / 2)
    other = look_back(Chosen(1, "official", "", epoch=1, validation=0.8), scores)
    gap = selection_gap([choice, other])
    assert gap.test.values == pytest.approx((0.6, 0.7))
    assert gap.validation_gap.values == pytest.approx((0.3, 0.1))
    assert gap.test_gap.values == pytest.approx((0.1, 0.0))


def test_folds_and_networks_of_a_seed_are_averaged():
    choices = [
        look_back(Chosen(0, fold, word, epoch=0, validation=value), [{word: value}])
        for fold, word, value in (("one", "a", 0.2), ("one", "t", 0.4), ("two", "a", 0.6))
    ]
    assert selection_gap(choices).test.values == pytest.approx((0.4,))


def test_the_first_of_equal_epochs_is_taken_and_the_undefined_stays_out():
    scores = [{"a": None, "v": 0.0}, {"a": None, "v": 0.0}]
    choice = look_back(Chosen(0, "official", "", epoch=1, validation=0.1), scores)
    assert (choice.test_epoch, choice.test_selected, choice.per_combination) == (0, 0.0, 0.0)
    assert look_back(CHOSEN, [{"a": None}]) is None


fractions = st.floats(0, 1)


@given(st.lists(st.fixed_dictionaries({"a": fractions, "t": fractions}), min_size=1), st.data())
def test_test_never_selects_worse_than_validation_on_test(scores, data):
    epoch = data.draw(st.integers(0, len(scores) - 1))
    choice = look_back(Chosen(0, "official", "", epoch=epoch, validation=0.5), scores)
    assert choice.per_combination >= choice.test_selected - 1e-12
    assert choice.test_selected >= choice.test
