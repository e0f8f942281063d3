"""What training may see, and how it is told to train: never the test split."""

from __future__ import annotations

from dataclasses import dataclass

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.modality import ModalityCombination
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
        encoder_epochs: Stage one, at most; 0 leaves it out.
        encoder_learning_rate: Of AdamW in stage one.
        epochs: Stage two, at most.
        patience: Epochs without a better validation score before a stage ends.
        batch_dialogues: B.
        learning_rate: Of AdamW in stage two.
        weight_decay: Of AdamW.
        average_decay: Of the moving average of stage two's weights; 0 for none.
        smoothing_epochs: The score that chooses the epoch of stage two is the mean of validation
            over so many epochs, the last ones: one epoch alone is lucky by chance.
        separation_weight: Of the cos² terms of L_ort.
        keep_weight: Of the keep term of L_ort.
        freeze_encoders: Whether stage two leaves the encoders as stage one made them.
        dpft: Form of the steps.
        dpft_step: eta.
        dpft_lowest: Lower bound of a modality's presence probability.
        dpft_highest: Upper bound of it.
        shown: What every training utterance shows; None draws it anew for each in each epoch.
        judged: The combinations whose mean validation score chooses the epoch.
        measure_conflict: Whether gradient conflict is measured in epochs 0, 1, 2, 4, 8 …; it
            changes nothing else.
    """

    encoder_epochs: int = 40
    encoder_learning_rate: float = 1e-3
    epochs: int = 80
    patience: int = 20
    batch_dialogues: int = 32
    learning_rate: float = 3e-4
    weight_decay: float = 1e-4
    average_decay: float = 0.0
    smoothing_epochs: int = 1
    separation_weight: float = 0.1
    keep_weight: float = 0.1
    freeze_encoders: bool = True
    dpft: DPFTForm = DPFTForm.ONE_SIDED
    dpft_step: float = 0.003
    dpft_lowest: float = 0.4
    dpft_highest: float = 0.6
    shown: ModalityCombination | None = None
    judged: tuple[ModalityCombination, ...] = tuple(ModalityCombination)
    measure_conflict: bool = False
