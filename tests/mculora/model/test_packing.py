"""Packing: every present utterance once, in order, with a cell in its dialogue's row."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mculora.modality import Modality, ModalityCombination
from mculora.model.packing import grid_of, pack

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(1, 7), max_size=8)


def dialogue_of(lengths: list[int], first: int = 3) -> torch.Tensor:
    numbers = torch.arange(len(lengths)) * 2 + first  # numbers need not follow each other
    return numbers.repeat_interleave(torch.tensor(lengths, dtype=torch.long))


@given(LENGTHS)
def test_the_grid_has_a_row_per_dialogue_and_its_utterances_in_order(lengths):
    grid = grid_of(dialogue_of(lengths), CPU)
    longest = max(lengths, default=0)
    assert grid.valid.shape == (len(lengths), longest)
    assert grid.valid.sum(1).tolist() == lengths
    cells = [row * longest + n for row, length in enumerate(lengths) for n in range(length)]
    assert grid.place.tolist() == cells
    assert grid.is_trivial == (longest <= 1)


@given(LENGTHS, st.integers(0, 99))
def test_packed_are_the_present_utterances_and_nothing_else(lengths, seed):
    generator = torch.Generator().manual_seed(seed)
    dialogue, num = dialogue_of(lengths), sum(lengths)
    rows = torch.randperm(num + 5, generator=generator)[:num]  # of a larger corpus
    features = [torch.randn(num + 5, width, generator=generator) for width in (2, 3, 4)]
    present = torch.rand(num, 3, generator=generator) < 0.5
    present[~present.any(1), 1] = True
    batch = pack(features, rows, dialogue=dialogue, present=present)
    assert batch.num_utterances == num
    for modality in Modality:
        shown = batch.modalities[modality]
        where = present[:, modality]
        assert len(shown) == int(where.sum())
        assert torch.equal(shown.rows, where.nonzero()[:, 0])
        assert torch.equal(shown.inputs, features[modality][rows[where]])
        words = [ModalityCombination(c) for c in shown.combination.tolist()]
        flags = [tuple(row) for row in present[where].tolist()]
        assert [c.presence for c in words] == flags
        assert shown.used == tuple(sorted(set(words)))
        expected = grid_of(dialogue[where], CPU)
        assert torch.equal(shown.grid.place, expected.place)
        assert torch.equal(shown.grid.valid, expected.valid)
