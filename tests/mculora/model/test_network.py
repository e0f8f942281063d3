"""The network: what is absent changes nothing, and every combination learns alone."""

import pytest
import torch

from mculora.errors import InputError
from mculora.modality import Modality, ModalityCombination
from mculora.model.network import NetworkConfig

VARIANTS = [
    {},
    {"adapters": "every_layer"},
    {"specific": "with_base"},
    {"adapters": "every_layer", "specific": "with_base"},
    {"specific": "none"},
    {"weight_mlp": False},
    {"adapters": "none"},
    {"outputs": 1, "rank": 1},
]
PLACES = ["input", "every_layer"]


def constant(word: str, shape: tuple[int, int] = (3, 5)) -> torch.Tensor:
    flags = torch.tensor(ModalityCombination[word.upper()].presence)
    return flags.expand(*shape, len(Modality)).clone()


@pytest.mark.parametrize("variant", VARIANTS)
def test_values_of_an_absent_modality_change_nothing(make_network, features, present, variant):
    network, valid = make_network(**variant), present.any(-1)
    before = network.predict(features, present)
    spoiled = tuple(
        torch.where(present[..., m, None], features[m], torch.tensor(float("nan")))
        for m in Modality
    )
    assert torch.equal(network.predict(spoiled, present)[valid], before[valid])


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_of_an_absent_modality_change_nothing(make_network, features, variant):
    network = make_network(**variant)
    before = network.predict(features, constant("at"))
    for name, parameter in network.named_parameters():
        if name.startswith(("encoders.2.", "adapters.2.")):
            torch.nn.init.constant_(parameter, torch.nan)
    assert torch.equal(network.predict(features, constant("at")), before)


@pytest.mark.parametrize("variant", VARIANTS)
def test_padding_changes_nothing(make_network, features, present, variant):
    network = make_network(**variant)
    longer = tuple(torch.cat([f, torch.randn(3, 4, f.shape[-1])], 1) for f in features)
    padded = torch.cat([present, torch.zeros(3, 4, 3, dtype=torch.bool)], 1)
    before, after = network.predict(features, present), network.predict(longer, padded)
    valid = present.any(-1)
    torch.testing.assert_close(after[:, :5][valid], before[valid], atol=1e-5, rtol=1e-5)
    assert torch.equal(torch.isnan(after).any(-1), ~padded.any(-1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_mixed_batch_equals_its_dialogues_one_by_one(make_network, features, present, variant):
    network = make_network(**variant)
    together = network.predict(features, present)
    for row in range(3):
        length = int(present[row].any(-1).sum())
        own = tuple(f[row : row + 1, :length] for f in features)
        alone = network.predict(own, present[row : row + 1, :length])[0]
        torch.testing.assert_close(alone, together[row, :length], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_utterances_of_one_combination_do_not_feel_those_of_another(
    make_network, features, variant
):
    """In dialogues of one nothing is shared at all: each row is as if it were alone."""
    network = make_network(**variant)
    alone = tuple(f.reshape(15, 1, -1) for f in features)
    words = [c.word for c in ModalityCombination] * 2 + ["atv"]
    present = torch.cat([constant(word, (1, 1)) for word in words])
    together = network.predict(alone, present)
    for row in range(15):
        one = network.predict([f[row : row + 1] for f in alone], present[row : row + 1])
        torch.testing.assert_close(one, together[row : row + 1], atol=1e-5, rtol=1e-5)


def test_what_is_absent_is_not_computed(make_network, make_batch, present):
    output = make_network()(make_batch(present))
    for parts in (output.base, output.common, output.specific):
        assert [len(part) for part in parts] == present.sum((0, 1)).tolist()


def test_variants_have_what_they_say(make_network, make_batch, present):
    batch = make_batch(present)
    plain = make_network(adapters="none")(batch)
    assert plain.common == plain.specific == ()
    common = make_network(specific="none")(batch)
    assert common.specific == () and common.common
    for output in (plain, common):
        assert torch.equal(output.prediction, output.common_prediction)
        assert not output.weight.any()
    assert bool((make_network(weight_mlp=False)(batch).weight == 1).all())
    weight = make_network()(batch).weight
    assert bool(((weight > 0) & (weight < 1)).all())


def test_the_base_inside_the_specific_representation(make_network, make_batch, present):
    batch = make_batch(present)
    lowrank, with_base = make_network()(batch), make_network(specific="with_base")(batch)
    for modality in Modality:
        expected = lowrank.specific[modality] + lowrank.base[modality]
        torch.testing.assert_close(with_base.specific[modality], expected)


@pytest.mark.parametrize("specific", ["lowrank", "with_base"])
@pytest.mark.parametrize("adapters", PLACES)
def test_all_adapters_learn_within_two_steps(make_network, make_batch, present, adapters, specific):
    """Twelve specific ones and three common ones at each place; zero at the start as in LoRA."""
    network = make_network(adapters=adapters, specific=specific)
    for name, parameter in network.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.zeros_(parameter)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (network(make_batch(present)).prediction - 1).square().mean().backward()
        optimizer.step()
    learned = 0
    for modality in Modality:
        for site in network.sites(modality):
            for adapter in (site.common, *site.specific.values()):
                assert adapter.up.grad.abs().sum() > 0
                assert adapter.down.grad.abs().sum() > 0
            learned += len(site.specific)
    num_places = 1 if adapters == "input" else 1 + network.config.depth
    assert learned == 12 * num_places


@pytest.mark.parametrize("adapters", PLACES)
@pytest.mark.parametrize("word", [c.word for c in ModalityCombination])
def test_a_step_on_one_combination_leaves_the_others_bit_identical(
    make_network, make_batch, word, adapters
):
    network = make_network(adapters=adapters)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, weight_decay=0.1)

    def step(name: str) -> None:
        optimizer.zero_grad(set_to_none=True)
        (network(make_batch(constant(name))).prediction - 1).square().mean().backward()
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
