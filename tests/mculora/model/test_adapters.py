"""MCLA: zero at the start, each combination its own, no gradient for what is not used."""

import pytest
import torch

from mculora.modality import Modality, ModalityCombination
from mculora.model.adapters import LowRank, ModalityAdapters, joined

WIDTH, HIDDEN, RANK = 10, 6, 3
TEXT_COMBINATIONS = [c for c in ModalityCombination if c.contains(Modality.TEXT)]
AT, T = ModalityCombination.AT, ModalityCombination.T


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
    output = adapters(torch.randn(5, WIDTH), torch.full((5,), AT.value), [AT])
    assert output.common.dense().shape == output.specific.dense().shape == (5, HIDDEN)
    assert not output.common.dense().any()
    assert not output.specific.dense().any()


@pytest.mark.parametrize("rank", [1, 3, 8])
@pytest.mark.parametrize("num_used", [1, 2, 4])
def test_a_mixed_batch_equals_the_formula_utterance_by_utterance(rank, num_used):
    adapters = filled(rank)
    inputs = torch.randn(9, WIDTH)
    used = TEXT_COMBINATIONS[:num_used]
    combination = torch.tensor([used[i % num_used].value for i in range(9)])
    output = adapters(inputs, combination, used)
    common, specific = output.common.dense(), output.specific.dense()
    for row, index in enumerate(combination.tolist()):
        own = adapters.specific[ModalityCombination(index).word]
        expected = 4.0 / rank * own.up @ own.down @ inputs[row]
        torch.testing.assert_close(specific[row], expected, atol=1e-4, rtol=1e-4)
        expected = 4.0 / rank * adapters.common.up @ adapters.common.down @ inputs[row]
        torch.testing.assert_close(common[row], expected, atol=1e-4, rtol=1e-4)


def test_unused_adapters_get_no_gradient_at_all():
    adapters = filled()
    output = adapters(torch.randn(2, WIDTH), torch.tensor([AT.value, T.value]), [AT, T])
    (output.common.dense().sum() + output.specific.dense().sum()).backward()
    for word, adapter in adapters.specific.items():
        used = word in ("at", "t")
        assert (adapter.up.grad is not None) == used
        assert (adapter.down.grad is not None) == used


def test_no_utterance_gives_empty_output():
    output = filled()(torch.empty(0, WIDTH), torch.empty(0, dtype=torch.long), [])
    assert output.common.dense().shape == output.specific.dense().shape == (0, HIDDEN)


def test_factors_are_mapped_and_summed_as_what_they_stand_for():
    parts = [LowRank(torch.randn(5, 2), torch.randn(HIDDEN, 2)) for _ in range(3)]
    weight = torch.randn(4, HIDDEN)
    total = sum(part.dense() for part in parts)
    torch.testing.assert_close(joined(parts).dense(), total)
    torch.testing.assert_close(joined(parts).through(weight), total @ weight.T)
    assert joined(parts[:1]) is parts[0]
