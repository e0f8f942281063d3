"""Stage two: all combinations in one batch, DPFT between epochs, validation decides (METHOD 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mculora.batch import Batch, batches
from mculora.evaluation.metrics import PRIMARY, score
from mculora.evaluation.prediction import predict_combinations
from mculora.modality import NUM_COMBINATIONS, ModalityCombination
from mculora.model.network import MCULoRA
from mculora.training.combination_sampling import CombinationSampler, Separability
from mculora.training.data import LARGEST_GRADIENT_NORM, TrainingConfig, TrainingData, check_loss
from mculora.training.losses import orthogonality_loss, task_loss
from mculora.training.selection import BestWeights


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of stage two.

    Attributes:
        epoch: From 0.
        losses: Means over the training batches: train_loss, task_loss, orthogonality_loss.
        validation: The primary metric per combination word.
        validation_mean: Mean of it over the seven combinations: the selection score.
        is_selected: Whether these are the best weights so far.
        presence_probability: (M,) p that this epoch was drawn with.
        combination_share: (C,) q that this epoch was drawn with.
        separability: (C,) JSD of this epoch's training utterances; empty without adapters.
    """

    epoch: int
    losses: Mapping[str, float]
    validation: Mapping[str, float]
    validation_mean: float
    is_selected: bool
    presence_probability: tuple[float, ...]
    combination_share: tuple[float, ...]
    separability: tuple[float, ...]


def train_network(
    network: MCULoRA, data: TrainingData, config: TrainingConfig, generator: torch.Generator
) -> Iterator[EpochRecord]:
    """Train in place, epoch by epoch; when the last record is out, the best weights are in.

    Dropout draws from torch's global generator: seed it before.

    Args:
        network: With encoders from stage one, or fresh ones if they are not frozen.
        data: Train and validation splits.
        config: Epochs, optimiser, loss weights, DPFT.
        generator: On the CPU; draws batches and combinations.

    Raises:
        DivergenceError: The loss is no longer finite.
    """
    network.encoders.requires_grad_(not config.freeze_encoders)
    learned = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        learned, lr=config.learning_rate, weight_decay=config.weight_decay
    )
    sampler = CombinationSampler(
        config.dpft, step=config.dpft_step, lowest=config.dpft_lowest, highest=config.dpft_highest
    )
    best = BestWeights(network, config.patience)
    previous: Tensor | None = None
    for epoch in range(config.epochs):
        shares = sampler.combination_probability()
        probabilities = sampler.presence_probability
        epoch_run = _Epoch(network, data, config, sampler)
        losses = epoch_run.learn(epoch, optimizer, generator)
        validation = validation_scores(network, data)
        mean = sum(validation.values()) / len(validation)
        separability = epoch_run.separability.mean(
            torch.zeros(NUM_COMBINATIONS) if previous is None else previous
        )
        if network.config.adapters:
            if previous is not None:
                sampler.update(previous, separability)
            previous = separability
        yield EpochRecord(
            epoch=epoch,
            losses=losses,
            validation=validation,
            validation_mean=mean,
            is_selected=best.offer(mean),
            presence_probability=tuple(probabilities.tolist()),
            combination_share=tuple(shares.tolist()),
            separability=tuple(separability.tolist()) if network.config.adapters else (),
        )
        if best.is_exhausted:
            break
    best.restore()
    network.eval()


def validation_scores(network: MCULoRA, data: TrainingData) -> dict[str, float]:
    """The primary metric on the validation split, per combination that it offers."""
    predictions = predict_combinations(network, data.validation)
    scores = {}
    for combination in ModalityCombination:
        predicted = predictions[combination.word]
        known = ~torch.isnan(predicted[:, 0])
        if not bool(known.any()):
            continue
        metrics = score(predicted[known], data.validation.labels[known], data.task)
        value = metrics[PRIMARY[data.task]]
        if value is not None:
            scores[combination.word] = value
    return scores


class _Epoch:
    """One pass over the training split."""

    def __init__(
        self,
        network: MCULoRA,
        data: TrainingData,
        config: TrainingConfig,
        sampler: CombinationSampler,
    ) -> None:
        self.network, self.data, self.config, self.sampler = network, data, config, sampler
        self.separability = Separability()

    def learn(
        self, epoch: int, optimizer: torch.optim.Optimizer, generator: torch.Generator
    ) -> dict[str, float]:
        """Take one optimiser step per batch; the mean of each loss over the batches."""
        self.network.train()
        if self.config.freeze_encoders:
            self.network.encoders.eval()
        sums: dict[str, float] = {}
        num_batches = 0
        for batch in batches(self.data.train, self.config.batch_dialogues, generator):
            present = self.sampler.draw(batch.available, generator)
            parts = self._losses(batch, present)
            check_loss(parts["train_loss"], batch, self.data.train, epoch)
            optimizer.zero_grad(set_to_none=True)
            parts["train_loss"].backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT_NORM)
            optimizer.step()
            num_batches += 1
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
        return {name: total / num_batches for name, total in sums.items()}

    def _losses(self, batch: Batch, present: Tensor) -> dict[str, Tensor]:
        """L and its parts for one batch (METHOD 5)."""
        output = self.network(batch.features, present)
        task = task_loss(output.prediction, batch.labels, batch.valid)
        if not self.network.config.adapters:
            return {"train_loss": task, "task_loss": task}
        self.separability.add(output, present)
        parts = orthogonality_loss(output, present)
        orthogonality = (
            self.config.separation_weight * parts.separation + self.config.keep_weight * parts.keep
        )
        return {
            "train_loss": task + orthogonality,
            "task_loss": task,
            "orthogonality_loss": orthogonality,
        }
