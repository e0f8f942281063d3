"""Every kept epoch of a network on a test split: for an evaluation to look back, never to train."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.evaluation.prediction import fixed_combinations, predict_conditions
from mculora.evaluation.primary import verdicts
from mculora.modality import Modality, ModalityCombination
from mculora.model.encoder import EncoderOutput
from mculora.model.network import MCULoRA
from mculora.model.packing import Grid
from mculora.training.epoch_weights import EpochWeights, load_epoch, num_epochs_of


def scores_by_epoch(
    network: MCULoRA,
    weights: EpochWeights,
    table: FeatureTable,
    task: Task,
    judged: Sequence[ModalityCombination] = tuple(ModalityCombination),
) -> list[dict[str, float | None]]:
    """The primary metric of every epoch, by combination word; None where it is undefined.

    What did not learn, as frozen encoders, is computed once for all epochs.

    Args:
        network: Ends with the weights of the last epoch.
        weights: Of every epoch.
        table: What is predicted.
        task: Scores or classes.
        judged: The combinations that the network serves.
    """
    fixed = fixed_combinations(table)
    kept = {c.word: fixed[c.word] for c in judged}
    scores = []
    with _remembering(network, weights) as remembered:
        for epoch in range(num_epochs_of(weights)):
            load_epoch(network, weights, epoch)
            for encoder in remembered:
                encoder.turn = 0
            predictions = predict_conditions(network, table, kept)
            scores.append(
                {
                    word: _primary(predictions[word], table, table.available & kept[word], task)
                    for word in kept
                }
            )
    return scores


def _primary(predicted: Tensor, table: FeatureTable, left: Tensor, task: Task) -> float | None:
    reached = verdicts(predicted[None], table.labels, left.any(1), task).overall()
    value = float(reached[0])
    return value if math.isfinite(value) else None


class _Remembered(nn.Module):
    """An encoder that no longer learns and is asked the same questions in the same order again."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.answers: list[EncoderOutput] = []
        self.turn = 0

    def forward(self, inputs: Tensor, grid: Grid) -> EncoderOutput:
        if self.turn == len(self.answers):
            self.answers.append(self.encoder(inputs, grid))
        self.turn += 1
        return self.answers[self.turn - 1]


@contextmanager
def _remembering(network: MCULoRA, weights: EpochWeights) -> Iterator[list[_Remembered]]:
    """Let encoders that are the same in all epochs remember; none if they learn."""
    if any(name.startswith("encoders.") for name in weights):
        yield []
        return
    originals = [network.encoders[m] for m in Modality]
    remembered = [_Remembered(encoder) for encoder in originals]
    for m in Modality:
        network.encoders[m] = remembered[m]
    try:
        yield remembered
    finally:
        for m in Modality:
            network.encoders[m] = originals[m]
