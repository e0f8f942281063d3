"""Stage two: all combinations in one batch, DPFT between epochs, validation decides (METHOD 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from mculora.batch import batches
from mculora.errors import InputError
from mculora.evaluation.metrics import PRIMARY, score
from mculora.evaluation.prediction import fixed_combinations, predict_conditions
from mculora.modality import NUM_COMBINATIONS, ModalityCombination
from mculora.model.network import MCULoRA
from mculora.model.packing import PackedBatch, pack
from mculora.training.averaging import WeightAverage
from mculora.training.combination_sampling import CombinationSampler, FixedCombination
from mculora.training.data import TrainingConfig, TrainingData
from mculora.training.epoch_weights import EpochJournal
from mculora.training.fitting import EpochOutcome, Learner, ResumeFile, fit, selected
from mculora.training.gradient_conflict import gradient_conflict, is_measured
from mculora.training.losses import orthogonality_loss, task_loss
from mculora.training.selection import BestWeights
from mculora.training.separability import Separability
from mculora.training.steps import DivergenceError, Steps, make_optimizer


@dataclass(frozen=True)
class EpochRecord(EpochOutcome):
    """One epoch of stage two; its score is the mean of `validation_mean` over the last epochs.

    Attributes:
        losses: Means over the training utterances: train_loss, task_loss, orthogonality_loss.
        validation: The primary metric per combination word.
        presence_probability: (M,) p that this epoch was drawn with.
        combination_share: (C,) q that this epoch was drawn with.
        separability: (C,) JSD of this epoch's training utterances; empty without specific adapters.
        conflict: Cosine between the gradients of two combinations, by their words, after this
            epoch; empty where it is not measured.
    """

    losses: Mapping[str, float]
    validation: Mapping[str, float]
    presence_probability: tuple[float, ...]
    combination_share: tuple[float, ...]
    separability: tuple[float, ...]
    conflict: Mapping[tuple[str, str], float]

    @property
    def validation_mean(self) -> float:
        """Mean of `validation` over the judged combinations."""
        return fmean(self.validation.values())


def train_network(
    network: MCULoRA,
    data: TrainingData,
    config: TrainingConfig,
    *,
    seed: int,
    resume: ResumeFile | None = None,
    journal: EpochJournal | None = None,
) -> Iterator[EpochRecord]:
    """Train in place, epoch by epoch; when the last record is out, the best weights are in.

    Args:
        network: With encoders from stage one, or fresh ones if they are not frozen.
        data: Train and validation splits.
        config: Epochs, optimiser, loss weights, DPFT.
        seed: Draws dropout, batches and combinations.
        resume: Where to keep the state and to go on from.
        journal: Where to keep the judged weights of every epoch.

    Raises:
        DivergenceError: The loss is no longer finite.
        InputError: The validation split has nothing to choose an epoch by.
    """
    torch.manual_seed(seed)
    learner = _StageTwo(network, data, config, seed)
    limits = {"epochs": config.epochs, "patience": config.patience}
    yield from fit(learner, **limits, resume=resume, journal=journal)


def validation_scores(
    network: MCULoRA,
    data: TrainingData,
    judged: tuple[ModalityCombination, ...] = tuple(ModalityCombination),
) -> dict[str, float]:
    """The primary metric on the validation split, per judged combination that it offers.

    Raises:
        DivergenceError: A prediction is no number.
    """
    table = data.validation
    kept = fixed_combinations(table)
    predictions = predict_conditions(network, table, {c.word: kept[c.word] for c in judged})
    scores = {}
    for word, predicted in predictions.items():
        known = (table.available & kept[word]).any(1)
        if not bool(known.any()):
            continue
        known = known.to(predicted.device)
        is_sound = torch.isfinite(predicted).all(1) | ~known
        if not bool(is_sound.all()):
            ids = [table.ids[row] for row in (~is_sound).nonzero()[:, 0].tolist()]
            raise DivergenceError("the prediction", "for the validation utterances", ids)
        value = score(predicted[known], table.labels[known], data.task)[PRIMARY[data.task]]
        if value is not None:
            scores[word] = value
    return scores


class _StageTwo(Learner[EpochRecord]):
    """What `fit` makes learn."""

    record_type = EpochRecord
    module: MCULoRA

    def __init__(
        self, network: MCULoRA, data: TrainingData, config: TrainingConfig, seed: int
    ) -> None:
        self.module, self.data, self.config = network, data, config
        self.generator = torch.Generator().manual_seed(seed)
        network.encoders.requires_grad_(not config.freeze_encoders)
        learned = [p for p in network.parameters() if p.requires_grad]
        self.optimizer = make_optimizer(
            learned, learning_rate=config.learning_rate, weight_decay=config.weight_decay
        )
        self.average = WeightAverage(learned, config.average_decay)
        self.sampler = _sampler(config)
        self.previous: Tensor | None = None
        self.recent: list[float] = []

    def learn(self, epoch: int, best: BestWeights) -> EpochRecord:
        shares = self.sampler.combination_probability()
        probabilities = self.sampler.presence_probability
        losses, separability = self._take_steps(epoch)
        with self.average.applied():
            validation = validation_scores(self.module, self.data, self.config.judged)
            if not validation:
                raise InputError(
                    "validation split",
                    found=f"no utterance for which {PRIMARY[self.data.task]} is defined",
                    expected="some to choose the epoch by",
                    remedy="raise split.validation_share, or give it other dialogues",
                )
            self.recent.append(fmean(validation.values()))
            record = EpochRecord(
                epoch=epoch,
                score=fmean(self.recent[-self.config.smoothing_epochs :]),
                is_selected=False,
                losses=losses,
                validation=validation,
                presence_probability=tuple(probabilities.tolist()),
                combination_share=tuple(shares.tolist()),
                separability=separability,
                conflict=self._conflict(epoch),
            )
            return selected(record, best)

    def state_dict(self) -> dict[str, Any]:
        return {
            "optimizer": self.optimizer.state_dict(),
            "averages": self.average.averages,
            "presence_probability": self.sampler.presence_probability,
            "previous": self.previous,
            "recent": self.recent,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state["optimizer"])
        for average, kept in zip(self.average.averages, state["averages"], strict=True):
            average.copy_(kept)
        self.sampler.presence_probability = state["presence_probability"]
        self.previous = state["previous"]
        self.recent = state["recent"]

    def _take_steps(self, epoch: int) -> tuple[dict[str, float], tuple[float, ...]]:
        """One pass over the training split: mean losses, and the separability if there is one."""
        self.module.train()
        if self.config.freeze_encoders:
            self.module.encoders.eval()
        table = self.data.train
        steps = Steps(self.optimizer, table, epoch)
        separability = Separability(table.labels.device)
        for batch in batches(table, self.config.batch_dialogues, self.generator):
            present = self.sampler.draw(table.available[batch.rows], self.generator)
            some = present.any(1)
            if not bool(some.any()):
                continue
            rows = batch.rows[some]
            packed = pack(
                table.features, rows, dialogue=batch.dialogue[some], present=present[some]
            )
            steps.take(self._losses(packed, rows, separability), rows)
            self.average.update()
        return steps.finish(), self._steer(separability)

    def _losses(
        self, batch: PackedBatch, rows: Tensor, separability: Separability
    ) -> dict[str, Tensor]:
        """L and its parts for one batch (METHOD 5)."""
        labels = self.data.train.labels
        output = self.module(batch)
        task = task_loss(output.prediction, labels.index_select(0, rows.to(labels.device)))
        if output.specific:
            separability.add(output, batch)
        separation_weight, keep_weight = self.config.separation_weight, self.config.keep_weight
        if not output.common or not (separation_weight or keep_weight):
            return {"train_loss": task, "task_loss": task}
        parts = orthogonality_loss(output)
        orthogonality = separation_weight * parts.separation + keep_weight * parts.keep
        return {
            "train_loss": task + orthogonality,
            "task_loss": task,
            "orthogonality_loss": orthogonality,
        }

    def _steer(self, separability: Separability) -> tuple[float, ...]:
        """Let DPFT move the draw by what this epoch changed."""
        if not self.module.config.has_specific:
            return ()
        nothing = torch.zeros(NUM_COMBINATIONS)
        current = separability.mean(nothing if self.previous is None else self.previous)
        if self.previous is not None:
            self.sampler.update(self.previous, current)
        self.previous = current
        return tuple(current.tolist())

    def _conflict(self, epoch: int) -> dict[tuple[str, str], float]:
        if not self.config.measure_conflict or not is_measured(epoch):
            return {}
        return gradient_conflict(self.module, self.data.train)


def _sampler(config: TrainingConfig) -> CombinationSampler:
    """What decides what training utterances show."""
    if config.shown is not None:
        return FixedCombination(config.shown)
    return CombinationSampler(
        config.dpft, step=config.dpft_step, lowest=config.dpft_lowest, highest=config.dpft_highest
    )
