"""The network and the corpora that training is timed on: the paper's size, tables at random.

Dialogues have the lengths of MOSEI's and IEMOCAP's; features and scores mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import gamma  # type: ignore[import-untyped]

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.modality import NUM_MODALITIES
from mculora.model.network import NetworkConfig
from mculora.training.data import TrainingData

PAPER = NetworkConfig(
    widths=(512, 1024, 1024), outputs=1, hidden=256, depth=4, heads=2, rank=8, dropout=0.5
)
BATCH = 32


@dataclass(frozen=True)
class Lengths:
    """How many utterances dialogues have: a gamma distribution, cut at both ends."""

    name: str
    shape: float
    mean: float
    shortest: int
    longest: int
    train: int
    validation: int

    def draw(self, num: int) -> list[int]:
        """The distribution's own quantiles in random order: small corpora are typical, too."""
        places = (np.arange(num) + 0.5) / num
        quantiles = gamma.ppf(places, self.shape, scale=self.mean / self.shape).round()
        shuffled = np.random.default_rng(0).permutation(quantiles)
        return [int(n) for n in shuffled.clip(self.shortest, self.longest)]


MOSEI = Lengths("MOSEI-like", 1.5, 7.0, 1, 98, train=256, validation=32)
"""Published: mean 7.1, median 5, longest 98; a random batch of 32 is padded 3.3 times over."""
IEMOCAP = Lengths("IEMOCAP-like", 6.5, 37.0, 5, 110, train=96, validation=24)
"""Published: mean 36.6, median 37, from 5 to 110; padded 2.0 times over."""


def draw_table(lengths: list[int]) -> FeatureTable:
    """Features and scores at random."""
    num = sum(lengths)
    return FeatureTable(
        ids=tuple(f"u{i}" for i in range(num)),
        dialogue=torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths)),
        features=tuple(torch.randn(num, width) for width in PAPER.widths),
        available=torch.ones(num, NUM_MODALITIES, dtype=torch.bool),
        labels=torch.randn(num),
    )


def draw_data(lengths: Lengths, times: int = 1) -> TrainingData:
    """A corpus with so many times the usual dialogues to train on."""
    train, validation = (lengths.draw(n) for n in (lengths.train * times, lengths.validation))
    return TrainingData(Task.REGRESSION, draw_table(train), draw_table(validation))


def num_steps(data: TrainingData) -> int:
    """Batches in an epoch."""
    return int(data.train.dialogue[-1]) // BATCH + 1
