"""Stage one: each encoder learns the task alone, with a head of its own (METHOD 6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mculora.batch import Batch, FeatureTable, batches
from mculora.modality import Modality
from mculora.model.network import MCULoRA
from mculora.training.data import LARGEST_GRADIENT_NORM, TrainingConfig, TrainingData, check_loss
from mculora.training.losses import task_loss
from mculora.training.selection import BestWeights


@dataclass(frozen=True)
class EncoderRecord:
    """One epoch of one encoder; losses are means over utterances."""

    modality: Modality
    epoch: int
    train_loss: float
    validation_loss: float
    is_selected: bool


class _SingleModality(nn.Module):
    """An encoder of the network and a linear head on it."""

    def __init__(self, network: MCULoRA, modality: Modality) -> None:
        super().__init__()
        self.encoder = network.encoders[modality]
        self.head = nn.Linear(network.config.hidden, network.config.outputs)
        self.modality = modality
        self.normalise = network.normalise  # a bound method: not a part of this module

    def loss(self, batch: Batch) -> Tensor:
        present = batch.available[..., self.modality]
        inputs = self.normalise(self.modality, batch.features[self.modality])
        prediction = self.head(self.encoder(inputs, present))
        return task_loss(prediction, batch.labels, present)


def pretrain_encoders(
    network: MCULoRA, data: TrainingData, config: TrainingConfig, generator: torch.Generator
) -> Iterator[EncoderRecord]:
    """Train the encoders one after the other, in place; each ends with its best weights.

    Dropout and initial heads draw from torch's global generator: seed it before.

    Args:
        network: Its encoders are trained; nothing else of it changes.
        data: A modality that no training utterance offers is left as it is.
        config: Epochs, patience, batch and optimiser.
        generator: Draws the order of the batches.
    """
    for modality in Modality:
        offered = (
            bool(table.available[:, modality].any()) for table in (data.train, data.validation)
        )
        if all(offered):
            yield from _pretrain(
                _SingleModality(network, modality).to(data.train.labels.device),
                data,
                config,
                generator,
            )


def _pretrain(
    single: _SingleModality, data: TrainingData, config: TrainingConfig, generator: torch.Generator
) -> Iterator[EncoderRecord]:
    optimizer = torch.optim.AdamW(
        single.parameters(), lr=config.encoder_learning_rate, weight_decay=config.weight_decay
    )
    best = BestWeights(single, config.patience)
    for epoch in range(config.encoder_epochs):
        single.train()
        train_loss = _run(single, data.train, config, generator, optimizer=optimizer, epoch=epoch)
        single.eval()
        with torch.inference_mode():
            validation_loss = _run(single, data.validation, config, None)
        is_better = best.offer(-validation_loss)
        yield EncoderRecord(single.modality, epoch, train_loss, validation_loss, is_better)
        if best.is_exhausted:
            break
    best.restore()


def _run(
    single: _SingleModality,
    table: FeatureTable,
    config: TrainingConfig,
    generator: torch.Generator | None,
    *,
    optimizer: torch.optim.Optimizer | None = None,
    epoch: int = 0,
) -> float:
    """One pass over the table, learning if there is an optimizer; the mean loss."""
    total, count = 0.0, 0
    for batch in batches(table, config.batch_dialogues, generator):
        num = int(batch.available[..., single.modality].sum())
        if not num:
            continue
        loss = single.loss(batch)
        check_loss(loss, batch, table, epoch)
        if optimizer is not None:
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(single.parameters(), LARGEST_GRADIENT_NORM)
            optimizer.step()
        total, count = total + float(loss.detach()) * num, count + num
    return total / count
