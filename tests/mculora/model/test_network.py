"""The network: what is absent changes nothing, and every combination learns alone."""

import pytest
import torch

from mculora.errors import InputError
from mculora.modality import Modality, ModalityCombination
from mculora.model.network import NetworkConfig
from mculora.training.losses import task_loss

VARIANTS = [
    {},
    {"specific": "with_base"},
    {"weight_mlp": False},
    {"adapters": False},
    {"outputs": 1, "rank": 1},
]


def constant(word: str, shape: tuple[int, int]) -> torch.Tensor:
    flags = torch.tensor(ModalityCombination[word.upper()].presence)
    return flags.expand(*shape, len(Modality)).clone()


@pytest.mark.parametrize("variant", VARIANTS)
def test_values_of_an_absent_modality_change_nothing(make_network, features, present, variant):
    network = make_network(**variant)
    before = network(features, present).prediction
    spoiled = tuple(
        torch.where(present[..., m, None], features[m], torch.tensor(float("nan")))
        for m in Modality
    )
    assert torch.equal(network(spoiled, present).prediction, before)


@pytest.mark.parametrize("variant", VARIANTS)
def test_padding_changes_nothing(make_network, features, present, variant):
    network = make_network(**variant)
    longer = tuple(torch.cat([f, torch.randn(3, 4, f.shape[-1])], 1) for f in features)
    padded = torch.cat([present, torch.zeros(3, 4, 3, dtype=torch.bool)], 1)
    before = network(features, present).prediction
    after = network(longer, padded).prediction[:, :5]
    valid = present.any(-1)
    torch.testing.assert_close(after[valid], before[valid], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_mixed_batch_equals_its_dialogues_one_by_one(make_network, features, present, variant):
    network = make_network(**variant)
    together = network(features, present).prediction
    for row in range(3):
        length = int(present[row].any(-1).sum())
        own = tuple(f[row : row + 1, :length] for f in features)
        alone = network(own, present[row : row + 1, :length]).prediction[0]
        torch.testing.assert_close(alone, together[row, :length], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("word", [c.word for c in ModalityCombination])
def test_encoding_once_serves_every_fixed_combination(make_network, features, word):
    network = make_network()
    available = constant("atv", (3, 5))
    base = network.encode(features, available)
    present = constant(word, (3, 5))
    expected = network(features, present).prediction
    assert torch.equal(network(features, present, base).prediction, expected)


def test_an_absent_modality_contributes_exactly_zero(make_network, features, present):
    output = make_network()(features, present)
    for parts in (output.base, output.common, output.specific):
        for modality in Modality:
            assert not parts[modality][~present[..., modality]].any()


def test_the_base_inside_the_specific_representation(make_network, features, present):
    lowrank = make_network()(features, present)
    with_base = make_network(specific="with_base")(features, present)
    for modality in Modality:
        expected = lowrank.specific[modality] + lowrank.base[modality]
        torch.testing.assert_close(with_base.specific[modality], expected)


def test_all_twelve_specific_adapters_learn_within_two_steps(make_network, features, present):
    network = make_network()
    for name, parameter in network.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.zeros_(parameter)  # as at the start of training
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    labels, valid = torch.ones(3, 5), present.any(-1)
    for _ in range(2):
        optimizer.zero_grad()
        loss = task_loss(network(features, present).prediction, labels, valid)
        loss.backward()
        optimizer.step()
    learned = 0
    for adapters in network.adapters:
        for adapter in [adapters.common, *adapters.specific.values()]:
            assert adapter.up.grad.abs().sum() > 0
            assert adapter.down.grad.abs().sum() > 0
        learned += len(adapters.specific)
    assert learned == 12


@pytest.mark.parametrize("word", [c.word for c in ModalityCombination])
def test_a_step_on_one_combination_leaves_the_others_bit_identical(make_network, features, word):
    network = make_network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1)
    labels, valid = torch.ones(3, 5), torch.ones(3, 5, dtype=torch.bool)

    def step(name: str) -> None:
        optimizer.zero_grad(set_to_none=True)
        output = network(features, constant(name, (3, 5)))
        task_loss(output.prediction, labels, valid).backward()
        optimizer.step()

    for combination in ModalityCombination:  # momentum everywhere: it must not leak either
        step(combination.word)
    before = {k: v.clone() for k, v in network.state_dict().items() if ".specific." in k}
    step(word)
    for name, value in network.state_dict().items():
        if ".specific." in name:
            changed = not torch.equal(value, before[name])
            assert changed == (f".specific.{word}." in name), name


def test_normalisation_counts_available_vectors_only(make_network, features):
    network = make_network()
    flat = tuple(f.reshape(15, -1) for f in features)
    available = torch.ones(15, 3, dtype=torch.bool)
    available[5:, Modality.TEXT] = False
    spoiled = (flat[0], flat[1].clone(), flat[2])
    spoiled[1][5:] = 1e6
    network.fit_normalisation(spoiled, available)
    scaled = network.normalise(Modality.TEXT, flat[1][:5])
    torch.testing.assert_close(scaled.mean(0), torch.zeros(7), atol=1e-5, rtol=0)
    torch.testing.assert_close(scaled.std(0), torch.ones(7))


def test_a_dimension_that_never_varies_stays_finite(make_network):
    network = make_network()
    features = tuple(torch.ones(4, width) for width in network.config.widths)
    network.fit_normalisation(features, torch.ones(4, 3, dtype=torch.bool))
    assert torch.isfinite(network.normalise(Modality.AUDIO, features[0] + 1)).all()


def test_impossible_dimensions_are_refused():
    with pytest.raises(InputError, match="a multiple of 2 heads"):
        NetworkConfig(widths=(1, 2, 3), outputs=1, hidden=5)
    with pytest.raises(InputError, match="three positive numbers"):
        NetworkConfig(widths=(1, 2), outputs=1)
