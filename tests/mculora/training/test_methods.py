"""Each method is what its name says: what it shows, what it has, what it learns."""

from dataclasses import replace

import pytest
import torch
from training_example import NETWORK, TRAINING, build, pretrain, same, weights, without

from mculora.modality import Modality, ModalityCombination
from mculora.model.network import MCULoRA
from mculora.training import trainer
from mculora.training.methods import ABLATIONS, BASELINES, Group, compared_methods, main_method
from mculora.training.trainer import train_network, validation_scores

MAIN = main_method(NETWORK, TRAINING)
METHODS = {
    m.name: m
    for m in compared_methods(MAIN, baselines=BASELINES, ablations=ABLATIONS, ranks=[1, 2, 4])
}
SPECIALISTS = METHODS["specialists"].specialists


def network_of(method, data) -> MCULoRA:
    """A method's network after its stage one."""
    torch.manual_seed(0)
    network = MCULoRA(method.network)
    network.fit_normalisation(data.train.features, data.train.available)
    pretrain(network, data, method.training)
    return network


def train_method(method, data):
    network = network_of(method, data)
    records = list(train_network(network, data, method.training, seed=0))
    return network, records


@pytest.fixture
def shown(monkeypatch):
    """What training batches showed, one (n, M) after the other; validation has its own way."""
    seen = []
    real = trainer.pack

    def spy(features, rows, *, dialogue, present):
        seen.append((rows, present))
        return real(features, rows, dialogue=dialogue, present=present)

    monkeypatch.setattr(trainer, "pack", spy)
    return seen


def test_they_come_in_order_and_the_main_rank_is_none_of_the_others():
    assert list(METHODS) == [
        *("mculora", "joint", "dropout", "specialists"),
        *("without_specific", "without_orthogonality", "without_dpft", "without_weight_mlp"),
        *("without_stage_one", "rank_1", "rank_4"),
    ]
    groups = [method.group for method in METHODS.values()]
    assert groups == [Group.MAIN, *[Group.BASELINE] * 3, *[Group.ABLATION] * 5, *[Group.RANK] * 2]


@pytest.mark.parametrize("name", [name for name in METHODS if name != "specialists"])
def test_every_method_learns(data, name):
    _, records = train_method(METHODS[name], data)
    assert max(record.score for record in records) > 0.7


@pytest.mark.parametrize("name", METHODS)
def test_all_have_the_same_budget(name):
    """Epochs, patience, batches, optimiser: what differs is what the name says."""
    ours, other = MAIN.training, METHODS[name].training
    for fact in ("epochs", "patience", "batch_dialogues", "learning_rate", "weight_decay"):
        assert getattr(ours, fact) == getattr(other, fact)


@pytest.mark.parametrize("name", ["joint", "dropout", "specialists"])
def test_baselines_have_no_adapters_and_no_dpft(data, name):
    method = METHODS[name]
    method = method.specialists[ModalityCombination.ATV] if name == "specialists" else method
    network, records = train_method(method, data)
    assert not [key for key in network.state_dict() if key.startswith(("adapters", "weight"))]
    assert len({record.presence_probability for record in records}) == 1
    assert not any(record.separability for record in records)


def test_joint_never_hides_anything(data, shown):
    train_method(METHODS["joint"], data)
    assert len(shown) == TRAINING.epochs * 4
    for rows, present in shown:
        assert torch.equal(present, data.train.available[rows])


@pytest.mark.parametrize("name", ["dropout", "mculora"])
def test_dropout_and_ours_hide_utterance_by_utterance(data, shown, name):
    train_method(METHODS[name], data)
    hidden = torch.cat([data.train.available[rows] & ~present for rows, present in shown])
    assert 0.3 < hidden.float().mean() < 0.6
    assert hidden.any(0).all()


def test_dropout_draws_all_seven_evenly(data):
    _, records = train_method(METHODS["dropout"], data)
    for record in records:
        assert record.combination_share == pytest.approx([1 / 7] * 7)


@pytest.mark.parametrize("combination", ModalityCombination)
def test_a_specialist_only_ever_shows_its_combination(data, shown, combination):
    method = SPECIALISTS[combination]
    network, records = train_method(method, data)
    assert method.name == f"specialists-{combination.word}" and not method.is_specialised
    for rows, present in shown:
        offered = data.train.available[rows] & torch.tensor(combination.presence)
        assert torch.equal(present, offered)
        assert present.any(1).all()
    assert all(set(record.validation) == {combination.word} for record in records)
    selected = [record for record in records if record.is_selected][-1]
    assert validation_scores(network, data, (combination,)) == selected.validation
    assert selected.score == selected.validation[combination.word]


def test_what_a_specialist_never_sees_changes_nothing(data):
    """Its network is the one of a corpus without the other modalities."""
    method = SPECIALISTS[ModalityCombination.AV]
    network, records = train_method(method, data)
    noisy = [vectors.clone() for vectors in data.train.features]
    noisy[Modality.TEXT] = torch.full_like(noisy[Modality.TEXT], 1e3)
    other = replace(data, train=replace(data.train, features=tuple(noisy)))
    again = build(data, adapters="none")
    pretrain(again, data, method.training)
    assert list(train_network(again, other, method.training, seed=0)) == records
    assert same(weights(again), weights(network))


def test_specialists_are_seven_with_a_budget_each():
    assert METHODS["specialists"].is_specialised
    assert list(SPECIALISTS) == list(ModalityCombination)
    assert all(method.training.epochs == TRAINING.epochs for method in SPECIALISTS.values())


def names_of(network) -> set[str]:
    return {name for name, _ in network.named_parameters()}


def test_without_specific_there_are_no_specific_parameters(data):
    network, records = train_method(METHODS["without_specific"], data)
    ours = names_of(network_of(MAIN, data))
    lacking = ours - names_of(network)
    assert lacking and all(".specific." in name or name.startswith("weight.") for name in lacking)
    assert any(".common." in name for name in names_of(network))
    assert not any(record.separability for record in records)
    assert records[-1].presence_probability == (0.5, 0.5, 0.5)  # nothing to steer by


def test_without_orthogonality_the_loss_is_the_task(data):
    _, records = train_method(METHODS["without_orthogonality"], data)
    assert all(r.losses["train_loss"] == r.losses["task_loss"] for r in records)
    _, ours = train_method(MAIN, data)
    assert all(r.losses["train_loss"] > r.losses["task_loss"] for r in ours)


def test_without_dpft_the_draw_stays_even(data):
    _, records = train_method(METHODS["without_dpft"], data)
    assert {record.presence_probability for record in records} == {(0.5, 0.5, 0.5)}
    assert records[-1].separability  # measured all the same


def test_without_weight_mlp_the_specific_prediction_counts_in_full(data):
    network = network_of(METHODS["without_weight_mlp"], data)
    lacking = names_of(network_of(MAIN, data)) - names_of(network)
    assert lacking and all(name.startswith("weight.") for name in lacking)


def test_without_stage_one_the_encoders_start_at_random_and_learn(data):
    method = METHODS["without_stage_one"]
    start = MCULoRA(method.network)  # stage one leaves them as they are
    torch.manual_seed(0)
    start = MCULoRA(method.network)
    network = network_of(method, data)
    assert same(weights(network.encoders), weights(start.encoders))
    list(train_network(network, data, method.training, seed=0))
    assert not same(weights(network.encoders), weights(start.encoders))


@pytest.mark.parametrize("rank", [1, 4])
def test_a_rank_changes_the_adapters_and_nothing_else(data, rank):
    network, ours = network_of(METHODS[f"rank_{rank}"], data), network_of(MAIN, data)
    shapes = {n: p.shape for n, p in network.named_parameters()}
    for name, parameter in ours.named_parameters():
        assert (shapes[name] == parameter.shape) == (not name.startswith("adapters.")), name
    assert same(weights(network.encoders), weights(ours.encoders))


def test_conflict_is_measured_with_and_without_adapters_only():
    measured = {name for name, method in METHODS.items() if method.training.measure_conflict}
    assert measured == {"mculora", "dropout"}


def test_a_specialist_of_what_nobody_offers_has_nothing_to_be_judged_by(data):
    lacking = without(Modality.VISUAL, data)
    scores = validation_scores(build(lacking), lacking, (ModalityCombination.V,))
    assert scores == {}
