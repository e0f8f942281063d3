"""Folded: the same predictions as the network, for the price of one without adapters."""

from itertools import product

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mculora.errors import InputError
from mculora.modality import Modality, ModalityCombination
from mculora.model.folding import FoldedStates, fold
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.model.packing import pack

VARIANTS = [
    {"adapters": "none"},
    *(
        {"adapters": adapters, "specific": specific, "weight_mlp": weight_mlp}
        for adapters, specific, weight_mlp in product(
            ["input", "every_layer"], ["none", "lowrank", "with_base"], [True, False]
        )
    ),
]
DIALOGUE = torch.tensor([0] * 4 + [1] * 1 + [2] * 6)
NUM = len(DIALOGUE)


def example(network: MCULoRA, seed: int = 5) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [2 * torch.randn(NUM, width, generator=generator) for width in network.config.widths]


def unfolded(network, combination, features):
    present = torch.tensor(combination.presence).expand(NUM, 3)
    batch = pack(features, torch.arange(NUM), dialogue=DIALOGUE, present=present)
    return network(batch).prediction


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: " ".join(map(str, v.values())))
def test_folded_for_one_combination_it_predicts_the_same(make_network, variant):
    network = make_network(**variant)
    features = example(network)
    with torch.no_grad():
        for combination in ModalityCombination:
            expected = unfolded(network, combination, features)
            folded = fold(network, [combination])
            found = folded([features[m] for m in combination.modalities], DIALOGUE)
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: " ".join(map(str, v.values())))
def test_encoded_once_it_predicts_all_seven(make_network, variant):
    network = make_network(**variant)
    features = example(network)
    folded = fold(network)
    grid = pack(features, torch.arange(NUM), dialogue=DIALOGUE, present=torch.ones(NUM, 3) > 0)
    states = FoldedStates.joined(
        [folded.states(m, features[m], grid.modalities[m].grid) for m in Modality]
    )
    for combination in ModalityCombination:
        order = torch.randperm(NUM)
        rows = torch.stack([order + m * NUM for m in combination.modalities], 1)
        found = folded.predict(combination, states, rows)
        expected = unfolded(network, combination, features)[order]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_some_combinations_need_not_have_equally_many_adapters(make_network):
    network = make_network(adapters="every_layer")
    features = example(network)
    folded = fold(network, [ModalityCombination.T, ModalityCombination.AT])
    assert folded.combinations == (ModalityCombination.AT, ModalityCombination.T)
    assert folded.modalities == (Modality.AUDIO, Modality.TEXT)
    present = torch.ones(NUM, 3) > 0
    batch = pack(features, torch.arange(NUM), dialogue=DIALOGUE, present=present)
    states = FoldedStates.joined(
        [folded.states(m, features[m], batch.modalities[m].grid) for m in folded.modalities]
    )
    first = torch.arange(NUM)
    for combination, rows in (
        (ModalityCombination.AT, torch.stack([first, first + NUM], 1)),
        (ModalityCombination.T, first[:, None] + NUM),
    ):
        expected = unfolded(network, combination, features)
        found = folded.predict(combination, states, rows)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_it_holds_nothing_of_other_modalities_and_combinations(make_network):
    network = make_network()
    held = fold(network, [ModalityCombination.AV]).state_dict()
    assert not any("text" in name for name in held)
    assert {name for name in held if name.endswith("_up")} == {
        "av_up",
        "parts.audio.common_up",
        "parts.visual.common_up",
    }
    rank = network.config.rank
    assert held["parts.audio.down_0"].shape == (network.config.widths[0], 2 * rank)


def test_the_network_keeps_its_mode_and_its_gradients(make_network):
    network = make_network().train()
    features = example(network)
    folded = fold(network)
    assert all(module.training for module in network.modules())
    assert not any(module.training for module in folded.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())
    alone = fold(network, [ModalityCombination.A])([features[0]], DIALOGUE)
    assert not alone.requires_grad
    again = fold(network, [ModalityCombination.A])([features[0]], DIALOGUE)
    assert torch.equal(alone, again)  # no dropout in it
    network.eval()
    weights = {id(p) for p in network.parameters()}
    assert not weights & {id(p) for p in folded.parameters()}


def test_serving_several_combinations_has_no_plain_call(make_network):
    network = make_network()
    with pytest.raises(InputError, match="at t"):
        fold(network, [ModalityCombination.AT, ModalityCombination.T])(
            example(network)[:2], DIALOGUE
        )


@pytest.mark.parametrize(("variant", "share"), [({}, 0.02), ({"specific": "with_base"}, 0.05)])
@pytest.mark.parametrize("combination", ModalityCombination, ids=lambda c: c.word)
def test_serving_costs_no_more_than_a_plain_network(combination, variant, share):
    """Multiply-adds at the paper's size, where the adapters' own are rank-R products."""
    config = {"widths": (512, 1024, 1024), "outputs": 4, "hidden": 256, "rank": 8}
    plain = MCULoRA(NetworkConfig(**config, adapters="none")).eval()
    folded = fold(MCULoRA(NetworkConfig(**config, **variant)), [combination])
    features = example(plain)
    with torch.no_grad(), FlopCounterMode(display=False) as expected:
        unfolded(plain, combination, features)
    with FlopCounterMode(display=False) as found:
        folded([features[m] for m in combination.modalities], DIALOGUE)
    ratio = found.get_total_flops() / expected.get_total_flops()
    assert 1 < ratio < 1 + share
