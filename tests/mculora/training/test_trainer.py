"""Training: it learns, it repeats to the bit, and validation alone decides."""

from dataclasses import replace

import pytest
import torch

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.modality import ModalityCombination
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.training.combination_sampling import DPFTForm
from mculora.training.data import DivergenceError, TrainingConfig, TrainingData
from mculora.training.encoder_pretraining import pretrain_encoders
from mculora.training.trainer import train_network, validation_scores

WIDTHS = (4, 6, 5)
CONFIG = TrainingConfig(
    encoder_epochs=4, epochs=6, patience=6, batch_dialogues=4, learning_rate=0.01
)


def table(seed: int, num_dialogues: int = 16) -> FeatureTable:
    """Scores that each modality shows in its first dimension; some modalities are missing."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 7, (num_dialogues,), generator=generator)
    num = int(lengths.sum())
    labels = torch.randn(num, generator=generator) * 1.5
    features = tuple(torch.randn(num, width, generator=generator) for width in WIDTHS)
    for vectors in features:
        vectors[:, 0] += 2 * labels
    available = torch.rand(num, 3, generator=generator) < 0.9
    available[~available.any(1)] = True
    dialogue = torch.repeat_interleave(torch.arange(num_dialogues), lengths)
    ids = tuple(f"u{seed}-{n}" for n in range(num))
    return FeatureTable(ids, dialogue, features, available, labels)


@pytest.fixture
def data() -> TrainingData:
    return TrainingData(Task.REGRESSION, table(0), table(1, 8))


def build(data: TrainingData, **changes) -> MCULoRA:
    torch.manual_seed(0)
    config = NetworkConfig(WIDTHS, 1, hidden=16, depth=1, heads=2, dropout=0.2, rank=2)
    network = MCULoRA(replace(config, **changes))
    network.fit_normalisation(data.train.features, data.train.available)
    return network


def train(network, data, config=CONFIG):
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    list(pretrain_encoders(network, data, config, generator))
    return list(train_network(network, data, config, generator))


@pytest.mark.parametrize("adapters", [True, False])
def test_it_learns_every_combination(data, adapters):
    records = train(build(data, adapters=adapters), data)
    best = max(records, key=lambda record: record.validation_mean)
    assert set(best.validation) == {c.word for c in ModalityCombination}
    assert min(best.validation.values()) > 0.7
    assert bool(best.separability) == adapters


def test_the_network_ends_with_the_selected_weights(data):
    network = build(data)
    records = train(network, data)
    selected = [r for r in records if r.is_selected][-1]
    assert selected.validation_mean == max(r.validation_mean for r in records)
    assert validation_scores(network, data) == selected.validation


def test_same_seed_same_bits(data):
    first, second = build(data), build(data)
    assert train(first, data) == train(second, data)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_frozen_encoders_stay_as_stage_one_left_them(data):
    network = build(data)
    list(pretrain_encoders(network, data, CONFIG, torch.Generator()))
    before = {k: v.clone() for k, v in network.encoders.state_dict().items()}
    list(train_network(network, data, CONFIG, torch.Generator()))
    assert all(torch.equal(v, before[k]) for k, v in network.encoders.state_dict().items())


def test_unfrozen_encoders_learn_on(data):
    network = build(data)
    before = {k: v.clone() for k, v in network.encoders.state_dict().items()}
    list(train_network(network, data, replace(CONFIG, freeze_encoders=False), torch.Generator()))
    assert any(not torch.equal(v, before[k]) for k, v in network.encoders.state_dict().items())


def test_patience_ends_a_training_that_no_longer_improves(data):
    config = replace(CONFIG, epochs=50, patience=2, learning_rate=1e-9)
    records = train(build(data), data, config)
    assert len(records) < 50
    assert not any(record.is_selected for record in records[-2:])


def test_dpft_moves_the_probabilities_and_off_does_not(data):
    moved = train(build(data), data)[-1].presence_probability
    config = replace(CONFIG, dpft=DPFTForm.OFF)
    still = train(build(data), data, config)[-1].presence_probability
    assert moved != still == (0.5, 0.5, 0.5)


def test_a_diverged_training_stops_and_names_the_batch(data):
    with pytest.raises(DivergenceError, match="u0-"):
        train(build(data), replace_labels(data, float("nan")))


def replace_labels(data: TrainingData, value: float) -> TrainingData:
    labels = data.train.labels.clone()
    labels[3] = value
    return replace(data, train=replace(data.train, labels=labels))


def test_a_modality_that_nobody_offers_is_left_alone(data):
    def without_text(part: FeatureTable) -> FeatureTable:
        available = part.available.clone()
        available[:, 1] = False
        available[:, 0] = True
        return replace(part, available=available)

    lacking = TrainingData(data.task, without_text(data.train), without_text(data.validation))
    best = train(build(lacking), lacking)[-1]
    assert "t" not in best.validation
