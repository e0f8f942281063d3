"""The rules beside GCNet's: what they realise, and what they lose together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mculora.errors import InputError
from mculora.protocol.bernoulli import draw_bernoulli
from mculora.protocol.imder import BATCH, draw_imder

TENTHS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def rng(seed=0):
    return np.random.default_rng(seed)


@settings(deadline=None)
@given(st.integers(1, 300), st.sampled_from(TENTHS), st.integers(0, 2**31 - 1))
def test_no_utterance_is_left_with_nothing(num_utterances, rate, seed):
    for rule in (draw_imder, draw_bernoulli):
        present = rule(num_utterances, rate, rng(seed))
        assert present.shape == (num_utterances, 3)
        assert present.dtype == np.bool_
        assert present.any(axis=1).all()


@pytest.mark.parametrize("rate", TENTHS)
def test_a_multiple_of_ten_batches_realises_the_nominal_rate(rate):
    present = draw_imder(20 * BATCH, rate, rng())
    assert 1 - present.mean() == pytest.approx(min(rate, 2 / 3))


@pytest.mark.parametrize("rate", TENTHS)
def test_imder_loses_by_the_batch(rate):
    """So many batches keep one modality, so many two: the published shares of ten."""
    shares = {0.0: (0, 0), 0.1: (1, 1), 0.2: (2, 2), 0.3: (3, 3)}
    shares |= {0.4: (5, 2), 0.5: (7, 1), 0.6: (9, 0), 0.7: (10, 0)}
    num_kept = draw_imder(10 * BATCH, rate, rng()).sum(axis=1)
    assert ((num_kept == 1).sum() / BATCH, (num_kept == 2).sum() / BATCH) == shares[rate]


def test_batches_are_counted_in_tens_as_the_authors_do():
    """MOSI's 686 test utterances are 22 batches, counted as 20: two of them lose nothing."""
    present = draw_imder(686, 0.7, rng())
    assert (present.sum(axis=1) == 3).sum() == 686 - 20 * BATCH
    assert 1 - present.mean() == pytest.approx(20 / 22 * 2 / 3, abs=0.02)
    few = draw_imder(3 * BATCH, 0.7, rng())  # which the authors divide by zero
    assert (few.sum(axis=1) == 1).all()


def test_a_batch_is_no_dialogue():
    """The authors shuffle: neighbours do not lose the same modalities."""
    present = draw_imder(10 * BATCH, 0.7, rng())
    assert (present[1:] == present[:-1]).all(axis=1).mean() < 0.7


@pytest.mark.parametrize("rate", [0.25, 0.65, 0.8])
def test_imder_has_no_other_rates(rate):
    with pytest.raises(InputError, match="missing_rates"):
        draw_imder(100, rate, rng())


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.7])
def test_bernoulli_realises_less_than_its_name_says(rate):
    present = draw_bernoulli(40_000, rate, rng())
    assert 1 - present.mean() == pytest.approx(rate - rate**3 / 3, abs=0.005)
    assert present.mean(axis=0) == pytest.approx([present.mean()] * 3, abs=0.01)
    assert (present.sum(axis=1) == 3).mean() == pytest.approx((1 - rate) ** 3, abs=0.01)
