"""Two small splits that every modality can learn from, and a network for them."""

from dataclasses import replace

import torch

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.modality import Modality
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.training.data import TrainingConfig, TrainingData
from mculora.training.encoder_pretraining import pretrain_encoder
from mculora.training.trainer import train_network

WIDTHS = (4, 6, 5)
NETWORK = NetworkConfig(WIDTHS, 1, hidden=16, depth=1, heads=2, dropout=0.2, rank=2)
TRAINING = TrainingConfig(
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


def make_data() -> TrainingData:
    """Validation is half as large as training."""
    return TrainingData(Task.REGRESSION, table(0), table(1, 8))


def without(modality: Modality, data: TrainingData) -> TrainingData:
    """The same splits where nobody offers a modality."""

    def lacking(part: FeatureTable) -> FeatureTable:
        available = part.available.clone()
        available[:, modality] = False
        available[~available.any(1), Modality.AUDIO] = True
        return replace(part, available=available)

    return replace(data, train=lacking(data.train), validation=lacking(data.validation))


def build(data: TrainingData, **changes) -> MCULoRA:
    """A network at its start."""
    torch.manual_seed(0)
    network = MCULoRA(replace(NETWORK, **changes))
    network.fit_normalisation(data.train.features, data.train.available)
    return network


def pretrain(network: MCULoRA, data: TrainingData, config=TRAINING, seed=0) -> None:
    """All of stage one."""
    for modality in Modality:
        for _ in pretrain_encoder(network, modality, data, config=config, seed=seed):
            pass


def train(network: MCULoRA, data: TrainingData, config=TRAINING, *, seed=0, resume=None):
    """Both stages; the records of the second."""
    pretrain(network, data, config, seed)
    return list(train_network(network, data, config, seed=seed, resume=resume))


def weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of all that a network remembers."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    """Whether two copies are equal to the bit."""
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)
