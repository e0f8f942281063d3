"""Two methods side by side: hand-counted differences, and what is a pair."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mculora.evaluation.comparison import compare

one_fold = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6)


def on_one_fold(values):
    return {seed: [value] for seed, value in enumerate(values)}


def test_a_difference_counted_by_hand():
    found = compare(on_one_fold([0.6, 0.7, 0.8]), on_one_fold([0.5, 0.5, 0.5]))
    assert found.difference == pytest.approx(0.2)
    assert found.sd == pytest.approx(0.1)
    # t(0.975, 2) = 4.302653; 4.302653 * 0.1 / sqrt(3) = 0.248414
    assert (found.low, found.high) == pytest.approx((-0.048414, 0.448414), abs=1e-6)
    assert found.p_value == pytest.approx(0.074180, abs=1e-6)  # of t = 2 sqrt(3), two-sided
    assert (found.num_ahead, found.num_pairs, found.pairs) == (3, 3, "seeds")
    assert not found.is_clear


def test_pairs_can_be_clear_where_means_alone_are_not():
    theirs = [0.4, 0.5, 0.6, 0.7]  # the seeds lie far apart, the differences do not
    found = compare(on_one_fold([0.41, 0.512, 0.608, 0.71]), on_one_fold(theirs))
    assert found.is_clear
    assert found.low > 0


def test_several_folds_are_the_pairs_each_with_its_mean_over_seeds():
    ours = {0: [0.5, 0.6], 1: [0.7, 0.6]}
    theirs = {0: [0.5, 0.5], 1: [0.5, 0.5]}
    found = compare(ours, theirs)
    assert (found.num_pairs, found.pairs, found.num_ahead) == (2, "folds", 2)
    assert found.difference == pytest.approx(0.1)
    assert found.sd == pytest.approx(0)  # of 0.1 and 0.1: the seeds' spread is not the folds'


def test_one_pair_has_a_difference_and_no_interval():
    found = compare({3: [0.6]}, {3: [0.5]})
    assert found.difference == pytest.approx(0.1)
    assert (found.sd, found.low, found.high, found.p_value) == (None, None, None, None)
    assert not found.is_clear


def test_undefined_values_are_no_pairs():
    found = compare(on_one_fold([0.6, None, 0.7]), on_one_fold([0.5, 0.5, None]))
    assert found.num_pairs == 1
    assert compare(on_one_fold([None]), on_one_fold([0.5])) is None
    folds = compare({0: [0.6, None, 0.8]}, {0: [0.5, 0.5, 0.5]})
    assert (folds.num_pairs, folds.pairs) == (2, "folds")


def test_seeds_that_one_method_lacks_are_no_pairs():
    assert compare({0: [0.5], 1: [0.6]}, {1: [0.5], 2: [0.4]}).num_pairs == 1


def test_identical_values_are_no_difference_without_doubt():
    values = on_one_fold([0.5, 0.6, 0.7])
    found = compare(values, values)
    assert (found.difference, found.sd, found.low, found.high) == (0, 0, 0, 0)
    assert (found.p_value, found.num_ahead, found.is_clear) == (1, 0, False)


def test_the_same_difference_everywhere_is_clear():
    found = compare(on_one_fold([0.75, 0.5]), on_one_fold([0.5, 0.25]))
    assert (found.difference, found.sd, found.p_value) == (0.25, 0, 0)
    assert found.is_clear


@given(one_fold)
def test_turning_the_pair_turns_the_sign(values):
    ours, theirs = (on_one_fold(v) for v in zip(*values, strict=True))
    there, back = compare(ours, theirs), compare(theirs, ours)
    assert there.difference == pytest.approx(-back.difference)
    assert there.is_clear == back.is_clear
    if len(values) > 1:
        assert there.low == pytest.approx(-back.high)
        assert there.low <= there.difference <= there.high
        assert 0 <= there.p_value <= 1
    json.dumps(there.as_json(), allow_nan=False)
