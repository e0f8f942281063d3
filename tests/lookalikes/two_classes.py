"""Records of predictions of two classes that alternate, for tests that say what is right."""

import torch

from mculora.corpora.manifest import Task
from mculora.evaluation.predicted import PredictedTest
from mculora.modality import ModalityCombination


def alternating(num):
    """The labels, (N,)."""
    return torch.arange(num) % 2


def all_offered(num):
    """What the seven combinations leave of utterances that offer everything."""
    return {c.word: torch.tensor(c.presence).bool().repeat(num, 1) for c in ModalityCombination}


def two_class_record(predictions, *, left=None):
    """The record of predictions (S, Q, N, 2) by method; nothing is said of common and weight."""
    num_seeds, _, num, _ = next(iter(predictions.values())).shape
    return PredictedTest(
        ids=tuple(f"u{n}" for n in range(num)),
        folds=("official",),
        fold=torch.zeros(num, dtype=torch.int64),
        labels=alternating(num).float(),
        task=Task.CLASSIFICATION,
        class_names=("sad", "glad"),
        seeds=tuple(range(num_seeds)),
        left=left or all_offered(num),
        predictions=predictions,
        common=torch.zeros(num_seeds, 7, num, 2),
        weight=torch.zeros(num_seeds, 7, num),
    )
