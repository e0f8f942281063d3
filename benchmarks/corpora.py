"""Corpora to choose and to judge by, in random draws: the sample corpus, and human votes.

- sample: a large sample corpus of another seed than the shipped one, made once in a folder.
- votes: `cremad_votes.npz`, how people rated the clips of CREMA-D that they only heard or only saw
  (audio and visual, 12 numbers each), and which sentence was said (text, which says nothing). Its
  test split takes part in no draw.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import yaml

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from pipeline.inputs import Inputs, read_inputs
from pipeline.layout import Layout
from pipeline.params import PARAMS

LARGE_SAMPLE = {"seed": 7, "num_videos": 300}
STAGES = [
    *("download", "prepare", "extract --modality audio", "extract --modality text"),
    *("extract --modality visual", "split"),
]


@dataclass(frozen=True)
class Parts:
    """Utterances to train by, to choose the epoch by, and to judge the result by."""

    train: FeatureTable
    validation: FeatureTable
    judged: FeatureTable


class BenchmarkCorpus(Protocol):
    """A corpus that can be drawn from."""

    name: str
    task: Task
    outputs: int
    widths: tuple[int, ...]

    def draw(self, number: int) -> Parts:
        """Three parts that share no speaker or dialogue; the same number gives the same parts."""


@dataclass(frozen=True)
class SampleCorpus:
    """The large sample corpus: 34 dialogues to train, 10 to validate, 150 to judge by."""

    folder: Path
    name: str = "sample"
    outputs: int = 1
    task: Task = Task.REGRESSION

    @cached_property
    def inputs(self) -> Inputs:
        """Read it, or synthesise and extract it first."""
        if not Layout("sample", self.folder).folds.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            content = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
            content |= {"sample": LARGE_SAMPLE, "dataset": "sample"}
            (self.folder / PARAMS).write_text(yaml.safe_dump(content), encoding="utf-8")
            program = Path(sys.executable).with_name("mculora")
            for stage in STAGES:
                subprocess.run([program, *stage.split()], cwd=self.folder, check=True)
        return read_inputs(Layout("sample", self.folder))

    @property
    def widths(self) -> tuple[int, ...]:
        """D_m in column order."""
        return self.inputs.widths

    def draw(self, number: int) -> Parts:
        """See `BenchmarkCorpus`."""
        dialogues = sorted({u.dialogue for u in self.inputs.corpus.utterances})
        random.Random(number).shuffle(dialogues)
        parts = (dialogues[:34], dialogues[34:44], dialogues[44:194])
        return Parts(*(self.inputs.table(part) for part in parts))


@dataclass(frozen=True)
class VotesCorpus:
    """The votes: 70 % of the actors outside the test split to train, 10 and 20 % for the rest."""

    path: Path
    name: str = "votes"
    outputs: int = 6
    task: Task = Task.CLASSIFICATION
    widths: tuple[int, ...] = (12, 12, 12)

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """The file's arrays."""
        with np.load(self.path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}

    def draw(self, number: int) -> Parts:
        """See `BenchmarkCorpus`."""
        seen = self.arrays["split"] != "test"
        actors = sorted(set(self.arrays["actor"][seen].tolist()))
        random.Random(number).shuffle(actors)
        first, second = round(0.7 * len(actors)), round(0.8 * len(actors))
        parts = (actors[:first], actors[first:second], actors[second:])
        actor = self.arrays["actor"]
        return Parts(*(self.table(np.isin(actor, part) & seen) for part in parts))

    def official(self) -> Parts:
        """The three splits of the file; the last one is the test split."""
        names = ("train", "val", "test")
        return Parts(*(self.table(self.arrays["split"] == name) for name in names))

    def table(self, chosen: np.ndarray) -> FeatureTable:
        """The chosen clips, each a dialogue of its own."""
        rows = np.flatnonzero(chosen)
        return FeatureTable(
            ids=tuple(self.arrays["name"][rows].tolist()),
            dialogue=torch.arange(len(rows)),
            features=tuple(
                torch.tensor(self.arrays[word][rows], dtype=torch.float32)
                for word in ("audio", "text", "visual")
            ),
            available=torch.ones(len(rows), 3, dtype=torch.bool),
            labels=torch.tensor(self.arrays["label"][rows], dtype=torch.float32),
        )


def corpora(sample: Path | None, votes: Path | None) -> Iterable[BenchmarkCorpus]:
    """Those that a command line names."""
    if sample:
        yield SampleCorpus(sample)
    if votes:
        yield VotesCorpus(votes)
