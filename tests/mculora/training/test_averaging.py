"""The moving average is what is judged and kept; what learns goes on from where it was."""

from dataclasses import replace

import pytest
import torch
from training_example import TRAINING, build, same, train, weights

from mculora.training.averaging import WeightAverage
from mculora.training.trainer import validation_scores


def test_the_average_by_hand():
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    average = WeightAverage([weight], decay=0.75)
    for value in (2.0, 4.0):
        torch.nn.init.constant_(weight, value)
        average.update()
    expected = 0.75 * (0.75 * 1.0 + 0.25 * 2.0) + 0.25 * 4.0
    with average.applied():
        assert weight.item() == pytest.approx(expected)
    assert weight.item() == 4.0


def test_the_weights_come_back_after_an_error():
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    average = WeightAverage([weight], decay=0.5)
    torch.nn.init.constant_(weight, 3.0)
    with pytest.raises(ZeroDivisionError), average.applied():
        raise ZeroDivisionError
    assert weight.item() == 3.0


def test_without_decay_nothing_is_kept_and_nothing_changes(data):
    plain, averaged = build(data), build(data)
    assert WeightAverage([*plain.parameters()], decay=0.0).averages == []
    assert train(plain, data) == train(averaged, data, replace(TRAINING, average_decay=0.0))


def test_averaging_changes_what_is_judged_and_not_what_is_learnt(data):
    """The losses are those of the moving weights: the same with and without an average."""
    config = replace(TRAINING, average_decay=0.9)
    plain, averaged = build(data), build(data)
    records, others = train(plain, data), train(averaged, data, config)
    assert [r.losses for r in records] == [r.losses for r in others]
    assert [r.validation for r in records] != [r.validation for r in others]
    assert not same(weights(plain), weights(averaged))
    selected = [record for record in others if record.is_selected][-1]
    assert validation_scores(averaged, data) == selected.validation
