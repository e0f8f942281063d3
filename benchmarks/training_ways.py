"""The ways to train that are timed, the plain one and ours, each an epoch per call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import plain_training as plain
import torch
from training_corpora import BATCH, PAPER, draw_table, num_steps
from turns import Cost, Way, seconds

from mculora.batch import FeatureTable
from mculora.modality import ModalityCombination
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.training.data import TrainingConfig, TrainingData
from mculora.training.trainer import train_network

AVERAGE_DECAY = 0.95
"""As params.yaml has it: averaging the weights is a part of what training costs."""
FOREVER = 10**9


def plain_way(data: TrainingData, placement: plain.Placement) -> Way:
    """The plain network through its own loop."""
    torch.manual_seed(0)
    network = plain.PlainNetwork(PAPER, placement)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    train, validation = (plain_dialogues(table) for table in (data.train, data.validation))

    def run() -> Cost:
        learning = seconds(
            lambda: plain.train_epoch(network, optimizer, train, batch_dialogues=BATCH)
        )
        judging = seconds(lambda: plain.evaluate(network, validation, batch_dialogues=BATCH))
        return Cost(learning / num_steps(data), learning + judging)

    return run


def plain_dialogues(table: FeatureTable) -> list[plain.Dialogue]:
    """The same corpus as the plain loop wants it."""
    sizes = table.dialogue.bincount().tolist()
    parts = zip(*(torch.split(f, sizes) for f in table.features), strict=True)
    labels = torch.split(table.labels, sizes)
    return [plain.Dialogue(*each) for each in zip(parts, labels, strict=True)]


def our_way(data: TrainingData, *, frozen: bool) -> Way:
    """Two trainings: one for its steps, one that validates as well."""
    steps, whole = our_steps(data, frozen=frozen), our_epochs(data, frozen=frozen)
    return lambda: Cost(steps().step, seconds(lambda: next(whole)))


def our_steps(data: TrainingData, *, frozen: bool, config: NetworkConfig = PAPER) -> Way:
    """A training that has next to nothing to validate: an epoch is its steps."""
    few = replace(data, validation=draw_table([2]))
    epochs = our_epochs(few, frozen=frozen, config=config, judged=(ModalityCombination.ATV,))

    def run() -> Cost:
        taken = seconds(lambda: next(epochs))
        return Cost(taken / num_steps(data), taken)

    return run


def our_epochs(
    data: TrainingData,
    *,
    frozen: bool,
    config: NetworkConfig = PAPER,
    judged: tuple[ModalityCombination, ...] = tuple(ModalityCombination),
) -> Iterator[object]:
    """The project's trainer, without an end."""
    torch.manual_seed(0)
    training = TrainingConfig(
        epochs=FOREVER,
        patience=FOREVER,
        batch_dialogues=BATCH,
        freeze_encoders=frozen,
        average_decay=AVERAGE_DECAY,
        judged=judged,
    )
    return train_network(MCULoRA(config), data, training, seed=0)
