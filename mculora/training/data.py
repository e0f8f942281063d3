"""What training may see, and how it is told to train: never the test split."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.batch import Batch, FeatureTable
from mculora.corpora.manifest import Task
from mculora.errors import MCULoRAError
from mculora.training.combination_sampling import DPFTForm

LARGEST_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class TrainingData:
    """The two splits that decide everything.

    Attributes:
        task: Regression or classification.
        train: Utterances to learn from.
        validation: Utterances to choose by.
    """

    task: Task
    train: FeatureTable
    validation: FeatureTable


@dataclass(frozen=True)
class TrainingConfig:
    """How to train (METHOD 5, 6 and DPFT).

    Attributes:
        encoder_epochs: Stage one, at most.
        encoder_learning_rate: Of AdamW in stage one.
        epochs: Stage two, at most.
        patience: Epochs without a better validation score before a stage ends.
        batch_dialogues: B.
        learning_rate: Of AdamW in stage two.
        weight_decay: Of AdamW.
        separation_weight: Of the cos² terms of L_ort.
        keep_weight: Of the keep term of L_ort.
        freeze_encoders: Whether stage two leaves the encoders as stage one made them.
        dpft: Form of the steps.
        dpft_step: eta.
        dpft_lowest: Lower bound of a modality's presence probability.
        dpft_highest: Upper bound of it.
    """

    encoder_epochs: int = 40
    encoder_learning_rate: float = 1e-3
    epochs: int = 80
    patience: int = 20
    batch_dialogues: int = 32
    learning_rate: float = 3e-4
    weight_decay: float = 1e-4
    separation_weight: float = 0.1
    keep_weight: float = 0.1
    freeze_encoders: bool = True
    dpft: DPFTForm = DPFTForm.ONE_SIDED
    dpft_step: float = 0.003
    dpft_lowest: float = 0.4
    dpft_highest: float = 0.6


class DivergenceError(MCULoRAError):
    """The loss is no longer a number."""

    def __init__(self, batch: Batch, table: FeatureTable, epoch: int) -> None:
        ids = [table.ids[row] for row in batch.rows[:, 0].tolist()]
        shown = ", ".join(ids[:3])
        super().__init__(
            f"training: the loss of epoch {epoch} is not finite in the batch of the dialogues that "
            f"start with {shown}; lower the learning rate or look at these features"
        )


def check_loss(loss: Tensor, batch: Batch, table: FeatureTable, epoch: int) -> None:
    """Stop a training that has diverged.

    Raises:
        DivergenceError: The loss is NaN or infinite.
    """
    if not bool(torch.isfinite(loss)):
        raise DivergenceError(batch, table, epoch)
