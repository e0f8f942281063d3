"""MCLA: zero at the start, each combination its own, no gradient for what is not used."""

import pytest
import torch

from mculora.modality import Modality, ModalityCombination
from mculora.model.adapters import ModalityAdapters

WIDTH, HIDDEN, RANK = 10, 6, 3
TEXT_COMBINATIONS = [c for c in ModalityCombination if c.contains(Modality.TEXT)]


def filled(rank: int = RANK) -> ModalityAdapters:
    torch.manual_seed(0)
    adapters = ModalityAdapters(Modality.TEXT, WIDTH, HIDDEN, rank=rank, alpha=4.0)
    for parameter in adapters.parameters():
        torch.nn.init.normal_(parameter)
    return adapters


def test_there_are_four_specific_adapters_and_a_common_one():
    adapters = filled()
    assert list(adapters.specific) == ["atv", "at", "tv", "t"]
    assert adapters.common.down.shape == (RANK, WIDTH)
    assert adapters.common.up.shape == (HIDDEN, RANK)


def test_adapters_do_nothing_at_the_start():
    adapters = ModalityAdapters(Modality.TEXT, WIDTH, HIDDEN, rank=RANK, alpha=4.0)
    output = adapters(torch.randn(5, WIDTH), torch.full((5,), ModalityCombination.AT.value))
    assert not output.common.any()
    assert not output.specific.any()


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_a_mixed_batch_equals_the_formula_utterance_by_utterance(rank):
    adapters = filled(rank)
    inputs = torch.randn(9, WIDTH)
    combination = torch.tensor([TEXT_COMBINATIONS[i % 4].value for i in range(9)])
    output = adapters(inputs, combination)
    for row, index in enumerate(combination.tolist()):
        own = adapters.specific[ModalityCombination(index).word]
        common = adapters.common
        expected = 4.0 / rank * own.up @ own.down @ inputs[row]
        torch.testing.assert_close(output.specific[row], expected, atol=1e-4, rtol=1e-4)
        expected = 4.0 / rank * common.up @ common.down @ inputs[row]
        torch.testing.assert_close(output.common[row], expected, atol=1e-4, rtol=1e-4)


def test_unused_adapters_get_no_gradient_at_all():
    adapters = filled()
    combination = torch.tensor([ModalityCombination.AT.value, ModalityCombination.T.value])
    output = adapters(torch.randn(2, WIDTH), combination)
    (output.common.sum() + output.specific.sum()).backward()
    for word, adapter in adapters.specific.items():
        used = word in ("at", "t")
        assert (adapter.up.grad is not None) == used
        assert (adapter.down.grad is not None) == used


def test_no_utterance_gives_empty_output():
    output = filled()(torch.empty(0, WIDTH), torch.empty(0, dtype=torch.long))
    assert output.common.shape == output.specific.shape == (0, HIDDEN)
