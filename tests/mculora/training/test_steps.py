"""What is no number stops the training and names its dialogue; losses are means over utterances."""

from dataclasses import replace

import pytest
import torch
from training_example import TRAINING, build, make_data, pretrain

from mculora.modality import Modality
from mculora.training.encoder_pretraining import pretrain_encoder
from mculora.training.steps import DivergenceError, Steps, make_optimizer
from mculora.training.trainer import train_network

ROW = 20
"""The row that is spoiled."""
ALONE = replace(TRAINING, batch_dialogues=1)
"""A batch is a dialogue: what is named is the one that is spoiled."""


def first_of_its_dialogue(table) -> str:
    return table.ids[int((table.dialogue == table.dialogue[ROW]).nonzero()[0])]


def spoiled(data, value, modality=None):
    """The data with one label, or one modality's vector, of the training split replaced."""
    if modality is None:
        labels = data.train.labels.clone()
        labels[ROW] = value
        return replace(data, train=replace(data.train, labels=labels))
    features = [vectors.clone() for vectors in data.train.features]
    features[modality][ROW, 1] = value
    available = data.train.available.clone()
    available[ROW] = False
    available[ROW, modality] = True  # so that it is shown in every epoch
    return replace(data, train=replace(data.train, features=tuple(features), available=available))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_label_that_is_no_number_is_named_by_its_dialogue(data, value):
    bad = spoiled(data, value)
    name = first_of_its_dialogue(bad.train)
    with pytest.raises(DivergenceError, match=f"epoch 0 .* start with {name}; lower") as caught:
        list(train_network(build(data), bad, ALONE, seed=0))
    assert "\n" not in str(caught.value)
    with pytest.raises(DivergenceError, match=f"start with {name}; "):
        pretrain(build(data), bad, ALONE)


@pytest.mark.parametrize("modality", Modality)
def test_features_that_are_no_numbers_are_named_by_their_dialogue(data, modality):
    bad = spoiled(data, float("nan"), modality)
    name = first_of_its_dialogue(bad.train)
    with pytest.raises(DivergenceError, match=f"start with {name}; "):
        list(train_network(build(data), bad, ALONE, seed=0))
    with pytest.raises(DivergenceError, match=f"start with {name}; "):
        list(pretrain_encoder(build(data), modality, bad, config=ALONE, seed=0))


def test_a_batch_is_named_by_the_first_utterances_of_its_first_dialogues(data):
    with pytest.raises(DivergenceError) as caught:
        list(train_network(build(data), spoiled(data, float("nan")), TRAINING, seed=0))
    told = str(caught.value).partition("start with ")[2].partition(";")[0].split(", ")
    firsts = {data.train.ids[int((data.train.dialogue == d).nonzero()[0])] for d in range(16)}
    assert len(told) == 3 and set(told) <= firsts


def test_a_gradient_that_is_no_number_stops_it_too():
    """The loss is finite, its root's gradient at zero is not."""
    table = make_data().train
    weight = torch.nn.Parameter(torch.zeros(1))
    steps = Steps(make_optimizer([weight], learning_rate=0.1, weight_decay=0.0), table, epoch=4)
    steps.take({"train_loss": weight.sqrt().sum()}, torch.tensor([0]))
    with pytest.raises(DivergenceError, match="epoch 4"):
        steps.finish()


def test_a_prediction_that_is_no_number_is_not_taken_for_one_that_cannot_be_made(data):
    """The only step of the epoch spoils the weights after its loss was measured."""
    config = replace(TRAINING, batch_dialogues=100, learning_rate=1e30)
    with pytest.raises(DivergenceError, match=r"prediction is not finite .* utterances u1-"):
        list(train_network(build(data), data, config, seed=0))


def test_losses_are_means_over_utterances_not_over_batches():
    table = make_data().train
    weight = torch.nn.Parameter(torch.ones(1))
    steps = Steps(make_optimizer([weight], learning_rate=0.0, weight_decay=0.0), table, epoch=0)
    for loss, num in ((1.0, 3), (5.0, 1)):
        losses = {"train_loss": loss * weight.sum(), "task_loss": 2 * loss * weight.sum()}
        steps.take(losses, torch.arange(num))
    assert steps.finish() == {"train_loss": pytest.approx(2.0), "task_loss": pytest.approx(4.0)}
    assert (
        Steps(make_optimizer([weight], learning_rate=0.0, weight_decay=0.0), table, 0).finish()
        == {}
    )
