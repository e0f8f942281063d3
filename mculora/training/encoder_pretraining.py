"""Stage one: each encoder learns the task alone, with a head of its own (METHOD 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mculora.batch import FeatureTable, batches
from mculora.modality import Modality
from mculora.model.network import MCULoRA
from mculora.model.packing import grid_of
from mculora.training.data import TrainingConfig, TrainingData
from mculora.training.fitting import EpochOutcome, Learner, ResumeFile, fit, selected
from mculora.training.losses import task_loss
from mculora.training.selection import BestWeights
from mculora.training.steps import Steps, make_optimizer

VALIDATION_DIALOGUES = 128
"""Dialogues in one batch of the validation split; changes the wait, not the numbers."""


@dataclass(frozen=True)
class EncoderRecord(EpochOutcome):
    """One epoch of one encoder; losses are means over utterances, the score is minus the second."""

    train_loss: float
    validation_loss: float


class _SingleModality(nn.Module):
    """An encoder of the network and a linear head on it."""

    def __init__(self, network: MCULoRA, modality: Modality) -> None:
        super().__init__()
        self.encoder = network.encoders[modality]
        self.head = nn.Linear(network.config.hidden, network.config.outputs)
        self.modality = modality
        self.normalise = network.normalise  # a bound method: not a part of this module

    def loss(self, table: FeatureTable, rows: Tensor) -> Tensor:
        """The task's loss over these utterances, which all have the modality."""
        there = rows.to(table.labels.device)
        inputs = table.features[self.modality].index_select(0, there)
        grid = grid_of(table.dialogue[rows], there.device)
        encoded = self.encoder(self.normalise(self.modality, inputs), grid)
        return task_loss(self.head(encoded.states), table.labels.index_select(0, there))


class _Pretraining(Learner[EncoderRecord]):
    """What `fit` makes learn."""

    record_type = EncoderRecord
    module: _SingleModality

    def __init__(
        self, module: _SingleModality, data: TrainingData, config: TrainingConfig, seed: int
    ) -> None:
        self.module, self.data, self.config = module, data, config
        self.generator = torch.Generator().manual_seed(seed)
        self.optimizer = make_optimizer(
            module.parameters(),
            learning_rate=config.encoder_learning_rate,
            weight_decay=config.weight_decay,
        )

    def learn(self, epoch: int, best: BestWeights) -> EncoderRecord:
        self.module.train()
        steps = Steps(self.optimizer, self.data.train, epoch)
        for rows in self._rows(self.data.train, self.config.batch_dialogues, self.generator):
            steps.take({"train_loss": self.module.loss(self.data.train, rows)}, rows)
        train_loss = steps.finish()["train_loss"]
        self.module.eval()
        validation_loss = self._validate()
        record = EncoderRecord(epoch, -validation_loss, False, train_loss, validation_loss)
        return selected(record, best)

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])

    @torch.inference_mode()
    def _validate(self) -> float:
        table, total, count = self.data.validation, 0.0, 0
        for rows in self._rows(table, VALIDATION_DIALOGUES, None):
            total += float(self.module.loss(table, rows)) * len(rows)
            count += len(rows)
        return total / count

    def _rows(
        self, table: FeatureTable, batch_dialogues: int, generator: torch.Generator | None
    ) -> Iterator[Tensor]:
        """The utterances of each batch that have the modality."""
        for batch in batches(table, batch_dialogues, generator):
            rows = batch.rows[table.available[batch.rows, self.module.modality]]
            if len(rows):
                yield rows


def can_be_pretrained(modality: Modality, data: TrainingData) -> bool:
    """Whether training and validation offer the modality at all."""
    return all(bool(t.available[:, modality].any()) for t in (data.train, data.validation))


def pretrain_encoder(
    network: MCULoRA,
    modality: Modality,
    data: TrainingData,
    *,
    config: TrainingConfig,
    seed: int,
    resume: ResumeFile | None = None,
) -> Iterator[EncoderRecord]:
    """Train one encoder in place; it ends with its best weights, and nothing else changes.

    What is drawn depends on the seed alone: neither on the other encoders nor on what ran before.

    Args:
        network: Whose encoder it is.
        modality: Left as it is if training or validation offer none of it.
        data: Train and validation splits.
        config: Epochs, patience, batch and optimiser.
        seed: Draws the head, dropout and the order of the batches.
        resume: Where to keep the state and to go on from.

    Raises:
        DivergenceError: The loss is no longer finite.
    """
    if not config.encoder_epochs or not can_be_pretrained(modality, data):
        return
    torch.manual_seed(seed)
    single = _SingleModality(network, modality).to(data.train.labels.device)
    learner = _Pretraining(single, data, config, seed)
    yield from fit(learner, epochs=config.encoder_epochs, patience=config.patience, resume=resume)
