"""Training: it learns, it repeats to the bit, and validation alone decides."""

from dataclasses import replace

import pytest
import torch
from training_example import TRAINING, build, pretrain, same, train, weights, without

from mculora.errors import InputError
from mculora.modality import Modality, ModalityCombination
from mculora.training.combination_sampling import DPFTForm
from mculora.training.encoder_pretraining import can_be_pretrained, pretrain_encoder
from mculora.training.trainer import train_network, validation_scores


@pytest.mark.parametrize("adapters", ["none", "input", "every_layer"])
def test_it_learns_every_combination(data, adapters):
    config = replace(TRAINING, encoder_epochs=15, epochs=15, encoder_learning_rate=0.005)
    records = train(build(data, adapters=adapters), data, config)
    best = max(records, key=lambda record: record.score)
    assert set(best.validation) == {c.word for c in ModalityCombination}
    assert min(best.validation.values()) > 0.7
    assert bool(best.separability) == (adapters != "none")


@pytest.mark.parametrize("specific", ["lowrank", "with_base"])
def test_adapters_in_every_layer_all_learn(data, specific):
    network = build(data, adapters="every_layer", specific=specific, depth=2)
    before = weights(network)
    train(network, data)
    adapters = [name for name in before if name.startswith("adapters.")]
    assert len(adapters) == 3 * 3 * (1 + 4) * 2  # modalities, places, adapters, A and B
    for name in adapters:
        assert not torch.equal(before[name], network.state_dict()[name]), name


def test_the_network_ends_with_the_selected_weights(data):
    network = build(data)
    records = train(network, data)
    selected = [r for r in records if r.is_selected][-1]
    assert selected.score == max(r.score for r in records)
    assert selected.validation_mean == pytest.approx(sum(selected.validation.values()) / 7)
    assert all(record.score == record.validation_mean for record in records)
    assert validation_scores(network, data) == selected.validation
    assert not network.training


def test_same_seed_same_bits(data):
    first, second = build(data), build(data)
    assert train(first, data) == train(second, data)
    assert same(weights(first), weights(second))


def test_another_seed_is_another_training(data):
    first, second = build(data), build(data)
    assert train(first, data) != train(second, data, seed=1)


def test_what_ran_before_changes_nothing(data):
    """Neither stage reads where torch's random numbers stand."""
    first, second = build(data), build(data)
    torch.manual_seed(123)
    records = train(first, data)
    torch.manual_seed(456)
    assert train(second, data) == records
    assert same(weights(first), weights(second))


def test_each_encoder_learns_as_if_it_were_alone(data):
    together, alone = build(data), build(data)
    pretrain(together, data)
    for modality in reversed(Modality):
        torch.rand(modality + 3)
        list(pretrain_encoder(alone, modality, data, config=TRAINING, seed=0))
    assert same(weights(together), weights(alone))


def test_stage_one_changes_one_encoder_and_ends_with_its_best_weights(data):
    network = build(data)
    before = weights(network)
    config = replace(TRAINING, encoder_epochs=8, encoder_learning_rate=0.05)
    records = list(pretrain_encoder(network, Modality.TEXT, data, config=config, seed=0))
    changed = {name for name in before if not torch.equal(before[name], network.state_dict()[name])}
    assert changed and all(name.startswith(f"encoders.{Modality.TEXT}.") for name in changed)
    selected = [record for record in records if record.is_selected][-1]
    assert selected.validation_loss == min(record.validation_loss for record in records)
    assert all(record.score == -record.validation_loss for record in records)
    assert not network.encoders[Modality.TEXT].training


def test_frozen_encoders_stay_as_stage_one_left_them(data):
    network = build(data)
    pretrain(network, data)
    before = weights(network.encoders)
    list(train_network(network, data, TRAINING, seed=0))
    assert same(weights(network.encoders), before)


def test_unfrozen_encoders_learn_on(data):
    network = build(data)
    before = weights(network.encoders)
    list(train_network(network, data, replace(TRAINING, freeze_encoders=False), seed=0))
    assert not same(weights(network.encoders), before)


def test_patience_ends_a_training_that_no_longer_improves(data):
    config = replace(TRAINING, epochs=50, patience=2, learning_rate=1e-9)
    records = train(build(data), data, config)
    assert len(records) < 50
    assert not any(record.is_selected for record in records[-2:])


@pytest.mark.parametrize("smoothing_epochs", [2, 3])
def test_the_epoch_may_be_chosen_by_the_mean_of_the_last_ones(data, smoothing_epochs):
    config = replace(TRAINING, smoothing_epochs=smoothing_epochs)
    records = train(build(data), data, config)
    means = [record.validation_mean for record in records]
    for epoch, record in enumerate(records):
        last = means[max(0, epoch + 1 - smoothing_epochs) : epoch + 1]
        assert record.score == pytest.approx(sum(last) / len(last))
    assert means == [record.validation_mean for record in train(build(data), data)]


def test_dpft_moves_the_probabilities_and_off_does_not(data):
    moved = train(build(data), data)[-1].presence_probability
    config = replace(TRAINING, dpft=DPFTForm.OFF)
    still = train(build(data), data, config)[-1].presence_probability
    assert moved != still == (0.5, 0.5, 0.5)


def test_the_first_two_epochs_are_drawn_evenly(data):
    """A change needs two epochs to be seen; it moves the draw of the third."""
    records = train(build(data), data)
    assert records[0].presence_probability == records[1].presence_probability == (0.5, 0.5, 0.5)
    assert records[2].presence_probability != (0.5, 0.5, 0.5)
    assert all(sum(r.combination_share) == pytest.approx(1) for r in records)


def test_a_modality_that_nobody_offers_is_left_alone(data):
    lacking = without(Modality.TEXT, data)
    assert can_be_pretrained(Modality.TEXT, data)
    assert not can_be_pretrained(Modality.TEXT, lacking)
    network = build(lacking)
    before = weights(network.encoders[Modality.TEXT])
    best = train(network, lacking)[-1]
    assert "t" not in best.validation
    assert same(weights(network.encoders[Modality.TEXT]), before)


def test_a_validation_split_that_scores_nothing_is_refused(data):
    """Weighted F1 over non-zero scores has no utterance where all scores are zero."""
    neutral = replace(data.validation, labels=torch.zeros_like(data.validation.labels))
    with pytest.raises(InputError, match="no utterance for which weighted_f1_nonzero is defined"):
        list(train_network(build(data), replace(data, validation=neutral), TRAINING, seed=0))
