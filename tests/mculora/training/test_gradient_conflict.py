"""Measuring how combinations pull changes nothing, and is what its definition says."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional
from training_example import TRAINING, build, same, train, weights, without

from mculora.modality import Modality, ModalityCombination
from mculora.model.packing import pack
from mculora.training.gradient_conflict import gradient_conflict, is_measured
from mculora.training.losses import task_loss

PAIRS = [(a.word, b.word) for a in ModalityCombination for b in ModalityCombination if a < b]


@pytest.mark.parametrize("adapters", ["none", "input", "every_layer"])
@pytest.mark.parametrize("is_training", [True, False])
def test_it_leaves_network_and_random_numbers_as_they_were(data, adapters, is_training):
    network = build(data, adapters=adapters).train(is_training)
    network.encoders.requires_grad_(False)
    before, random = weights(network), torch.get_rng_state()
    found = gradient_conflict(network, data.train)
    assert list(found) == PAIRS
    assert all(-1 - 1e-6 <= cosine <= 1 + 1e-6 for cosine in found.values())
    assert same(weights(network), before)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(p.grad is None for p in network.parameters())
    assert network.training == is_training


@pytest.mark.parametrize("freeze_encoders", [True, False])
def test_a_training_that_measures_it_is_bit_identical(data, freeze_encoders):
    config = replace(TRAINING, freeze_encoders=freeze_encoders)
    quiet, measured = build(data), build(data)
    records = train(quiet, data, config)
    with_conflict = train(measured, data, replace(config, measure_conflict=True))
    assert [replace(record, conflict={}) for record in with_conflict] == records
    assert same(weights(quiet), weights(measured))
    assert [r.epoch for r in with_conflict if r.conflict] == [0, 1, 2, 4]


def test_it_is_measured_ever_more_rarely():
    assert [epoch for epoch in range(70) if is_measured(epoch)] == [0, 1, 2, 4, 8, 16, 32, 64]


def gradient_by_hand(network, table, combination):
    """The gradient on fusion and classifier of all utterances that offer a combination."""
    wanted = torch.tensor(combination.presence)
    rows = ((table.available | ~wanted).all(1)).nonzero()[:, 0]
    present = wanted.expand(len(rows), -1)
    batch = pack(table.features, rows, dialogue=table.dialogue[rows], present=present)
    network.zero_grad()
    task_loss(network(batch).prediction, table.labels[rows]).backward()
    return torch.cat([p.grad.flatten() for p in network.predictor.parameters()])


def test_it_is_the_cosine_of_the_gradients_on_the_shared_weights(data):
    network = build(data).eval()
    network.encoders.requires_grad_(False)
    found = gradient_conflict(network, data.train)
    gradients = {c.word: gradient_by_hand(network, data.train, c) for c in ModalityCombination}
    for first, second in PAIRS:
        expected = functional.cosine_similarity(gradients[first], gradients[second], dim=0)
        assert found[first, second] == pytest.approx(expected.item(), abs=1e-5)


def test_learning_encoders_are_shared_weights_too(data):
    network = build(data)
    network.encoders.requires_grad_(False)
    frozen = gradient_conflict(network, data.train)
    network.encoders.requires_grad_(True)
    assert gradient_conflict(network, data.train) != frozen


def test_what_nobody_offers_is_left_out(data):
    found = gradient_conflict(build(data), without(Modality.TEXT, data).train)
    assert list(found) == [("av", "a"), ("av", "v"), ("a", "v")]
