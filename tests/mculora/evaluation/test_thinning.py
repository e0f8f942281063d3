"""Missing moments: vectors of what is left, reproducible, and never an utterance with nothing."""

import numpy as np
import pytest
import torch

from mculora.batch import FeatureTable
from mculora.evaluation.thinning import thinned
from mculora.modality import Modality
from mculora.protocol.frames import draw_moments

AUDIO, TEXT = Modality.AUDIO, Modality.TEXT
NUM = 40


def example(*, lengths=(30, 6)):
    """Sound and words moment by moment, pictures as one vector; the first has words alone."""
    draw = torch.Generator().manual_seed(0)
    available = torch.ones(NUM, 3) > 0
    available[0] = torch.tensor([False, True, False])
    ids = tuple(f"u{n}" for n in range(NUM))
    sequences = {
        modality: {i: torch.randn(length, 4, generator=draw) for i in ids}
        for modality, length in zip((AUDIO, TEXT), lengths, strict=True)
    }
    means = [torch.stack([of[i].mean(0) for i in ids]) for of in sequences.values()]
    means[0][0] = 0
    table = FeatureTable(
        ids=ids,
        dialogue=torch.arange(NUM) // 4,
        features=(*means, torch.randn(NUM, 5, generator=draw)),
        available=available,
        labels=torch.zeros(NUM),
    )
    return table, sequences


def test_nothing_lost_is_the_mean_over_all():
    table, sequences = example()
    (made,) = thinned(table, sequences, [0.0], seed=0).values()
    assert made.realised == 0
    assert torch.equal(made.table.available, table.available)
    for modality in Modality:
        rows = table.available[:, modality]
        torch.testing.assert_close(
            made.table.features[modality][rows], table.features[modality][rows]
        )


def test_features_are_the_mean_of_what_is_left():
    table, sequences = example(lengths=(3, 1))
    made = thinned(table, sequences, [0.6], seed=0)["frames-0.6"].table
    for row, utterance in enumerate(table.ids):
        states = sequences[AUDIO][utterance]
        kept = [torch.tensor([n & 1, n & 2, n & 4]).bool() for n in range(1, 8)]
        means = torch.stack([states[k].mean(0) for k in kept])
        if made.available[row, AUDIO]:
            distance = (means - made.features[AUDIO][row]).abs().amax(1)
            assert distance.min() < 1e-6
        else:
            assert not made.features[AUDIO][row].any()
    words = made.available[:, TEXT]
    assert 0.2 < words[1:].float().mean() < 0.6  # one word each
    assert torch.equal(made.available[:, 2], table.available[:, 2])
    assert torch.equal(made.features[2], table.features[2])


def test_the_realised_rate_is_near_the_nominal_one_and_rises():
    table, sequences = example()
    made = thinned(table, sequences, [0.1, 0.4, 0.7], seed=0)
    assert list(made) == ["frames-0.1", "frames-0.4", "frames-0.7"]
    assert [t.realised for t in made.values()] == pytest.approx([0.1, 0.4, 0.7], abs=0.04)


def test_draws_depend_on_seed_utterance_and_rate_alone():
    table, sequences = example()
    alone = thinned(table, sequences, [0.4], seed=0)["frames-0.4"]
    among = thinned(table, sequences, [0.1, 0.4], seed=0)["frames-0.4"]
    other = thinned(table, sequences, [0.4], seed=1)["frames-0.4"]
    assert alone.digest == among.digest != other.digest
    assert torch.equal(alone.table.features[AUDIO], among.table.features[AUDIO])


def test_an_utterance_keeps_something():
    table, sequences = example(lengths=(1, 2))
    made = thinned(table, sequences, [1.0], seed=0)["frames-1.0"].table
    assert made.available[0].tolist() == [False, True, False]  # words are all that it has
    assert not made.available[1:, :2].any()  # the others have their picture
    for is_all, num_kept in ((True, 1), (False, 0)):
        kept = draw_moments([2, 3], 1.0, np.random.default_rng(0), is_all=is_all)
        assert [len(k) for k in kept] == [2, 3]
        assert sum(k.sum() for k in kept) == num_kept
