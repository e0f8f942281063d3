"""The sweep: each condition equals a pass of its own, and what has nothing left is not scored."""

from dataclasses import replace

import pytest
import torch

from mculora.batch import FeatureTable, collate
from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.metrics import REGRESSION_METRICS
from mculora.evaluation.prediction import predict_combinations, predict_present
from mculora.evaluation.sweep import align_masks, evaluate_conditions
from mculora.modality import ModalityCombination
from mculora.model.network import MCULoRA, NetworkConfig

WIDTHS = (3, 4, 5)


@pytest.fixture
def table() -> FeatureTable:
    generator = torch.Generator().manual_seed(0)
    num = 30
    features = tuple(torch.randn(num, w, generator=generator) for w in WIDTHS)
    available = torch.rand(num, 3, generator=generator) < 0.8
    available[~available.any(1)] = True
    dialogue = torch.arange(num) // 4
    labels = torch.randn(num, generator=generator)
    return FeatureTable(tuple(f"u{n}" for n in range(num)), dialogue, features, available, labels)


@pytest.fixture
def network() -> MCULoRA:
    torch.manual_seed(0)
    network = MCULoRA(NetworkConfig(WIDTHS, 1, hidden=8, depth=1, heads=2, rank=2))
    for name, parameter in network.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(parameter)
    return network.eval()


def fixed(combination: ModalityCombination, num: int) -> torch.Tensor:
    return torch.tensor(combination.presence).expand(num, 3)


@pytest.mark.parametrize("combination", ModalityCombination)
def test_the_shared_pass_equals_a_pass_per_combination(network, table, combination):
    shared = predict_combinations(network, table)[combination.word]
    alone = predict_present(network, table, fixed(combination, 30))
    torch.testing.assert_close(shared, alone, equal_nan=True, atol=1e-6, rtol=1e-6)


def test_nothing_left_is_nan_and_the_rest_is_as_one_by_one(network, table):
    present = fixed(ModalityCombination.AV, 30)
    predicted = predict_present(network, table, present)
    left = table.available & present
    assert torch.equal(torch.isnan(predicted[:, 0]), ~left.any(1))
    for rows in table.dialogue_rows():
        batch = collate(table, [rows])
        own = network(batch.features, left[rows][None]).prediction[0].detach()
        known = left[rows].any(1)
        torch.testing.assert_close(predicted[rows][known], own[known], atol=1e-5, rtol=1e-5)


def test_scores_say_how_many_and_how_much_was_missing(network, table):
    kept = {c.word: fixed(c, 30) for c in ModalityCombination}
    scores = evaluate_conditions(network, table, kept, Task.REGRESSION)
    assert set(scores) == set(kept)
    assert scores["t"].num_utterances == int(table.available[:, 1].sum())
    assert scores["t"].realised_rate == pytest.approx(2 / 3)
    assert scores["atv"].realised_rate == pytest.approx(1 - table.available.float().mean().item())


def test_masks_follow_their_ids(table):
    ids = tuple(reversed(table.ids))
    present = torch.rand(30, 3) < 0.5
    aligned = align_masks(ids, {"rate-0.5": present}, table)
    assert torch.equal(aligned["rate-0.5"], present.flip(0))
    with pytest.raises(InputError, match="mculora split"):
        align_masks(ids[1:], {"rate-0.5": present[1:]}, table)


def test_a_condition_that_leaves_nothing_has_no_metric(network, table):
    """A release without videos: `v` alone cannot be tested, all else is as if it were not asked."""
    blind = replace(table, available=table.available & torch.tensor([True, True, False]))
    kept = {c.word: fixed(c, 30) for c in ModalityCombination}
    scores = evaluate_conditions(network, blind, kept, Task.REGRESSION)
    assert scores["v"].num_utterances == 0
    assert scores["v"].realised_rate is None
    assert scores["v"].metrics == dict.fromkeys(REGRESSION_METRICS)
    for word, same in {"atv": "at", "av": "a", "tv": "t"}.items():
        assert scores[word].metrics == scores[same].metrics
        assert scores[word].num_utterances == scores[same].num_utterances > 0
        assert None not in scores[word].metrics.values()
