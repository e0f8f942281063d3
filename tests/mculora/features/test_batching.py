"""Batches by length: every piece once, within the budget, halved when memory runs out."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mculora.features.batching import BackingOff, plan_batches
from mculora.features.encoder import Encoded, Piece

LENGTHS = st.lists(st.integers(1, 500), max_size=80)


@given(LENGTHS, st.integers(1, 2000), st.booleans())
def test_every_piece_once_within_the_budget(lengths, budget, can_pad):
    batches = plan_batches(lengths, budget=budget, can_pad=can_pad)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget
        assert can_pad or len({lengths[index] for index in batch}) == 1
    assert batches == plan_batches(lengths, budget=budget, can_pad=can_pad)


@given(LENGTHS, st.integers(500, 5000))
def test_no_two_neighbouring_batches_would_fit_into_one(lengths, budget):
    batches = plan_batches(lengths, budget=budget, can_pad=True)
    for batch, after in itertools.pairwise(batches):
        assert lengths[batch[0]] * (len(batch) + 1) > budget
        assert lengths[batch[-1]] >= lengths[after[0]]


class Limited:
    """Doubles numbers, but only so many positions at once."""

    def __init__(self, limit, error):
        self.limit, self.error, self.sizes = limit, error, []

    def encode(self, pieces):
        cost = len(pieces) * max(piece.length for piece in pieces)
        if cost > self.limit:
            raise self.error
        self.sizes.append(cost)
        return [Encoded(2 * piece.inputs["x"][None]) for piece in pieces]


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory"),
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
]


@pytest.mark.parametrize("error", ERRORS)
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=30), limit=st.integers(1, 200))
def test_what_does_not_fit_is_halved(error, lengths, limit):
    pieces = [Piece({"x": torch.full((1,), float(i))}, n) for i, n in enumerate(lengths)]
    encoder = Limited(limit, error)
    backing_off = BackingOff(encoder, 10**6)
    for index, (piece, one) in enumerate(zip(pieces, backing_off.encode(pieces), strict=True)):
        if piece.length > limit:
            assert one is None
        elif one is not None:  # beside a longer one it may have been too much, alone never
            assert one.states.item() == 2 * index
    alone = [backing_off.encode([piece])[0] for piece in pieces]
    assert all((one is None) == (n > limit) for one, n in zip(alone, lengths, strict=True))


def test_later_batches_are_smaller():
    pieces = [Piece({"x": torch.ones(1)}, 10) for _ in range(16)]
    encoder = Limited(45, MemoryError())
    backing_off = BackingOff(encoder, 1000)
    assert None not in backing_off.encode(pieces)
    assert backing_off.budget <= 45
    assert encoder.sizes == [40, 40, 40, 40]


def test_other_errors_are_errors():
    with pytest.raises(RuntimeError, match="shapes"):
        BackingOff(Limited(0, RuntimeError("shapes")), 9).encode([Piece({}, 1)])
