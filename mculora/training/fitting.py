"""Epoch after epoch until nothing gets better, in a way that can be broken off and gone on with."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar
from zipfile import is_zipfile

import torch
from torch import nn

from mculora.files import whole_file
from mculora.training.epoch_weights import EpochJournal
from mculora.training.selection import BestWeights


@dataclass(frozen=True)
class EpochOutcome:
    """What every epoch has.

    Attributes:
        epoch: From 0.
        score: What validation says; higher is better.
        is_selected: Whether these are the best weights so far.
    """

    epoch: int
    score: float
    is_selected: bool


RecordT = TypeVar("RecordT", bound=EpochOutcome)


class Learner(ABC, Generic[RecordT]):
    """Something that learns epoch by epoch.

    Attributes:
        record_type: What `learn` returns.
        module: What learns.
        generator: Draws whatever torch's global generator does not.
    """

    record_type: type[RecordT]
    module: nn.Module
    generator: torch.Generator

    @abstractmethod
    def learn(self, epoch: int, best: BestWeights) -> RecordT:
        """Take an epoch's steps, judge them by validation and offer the weights to `best`."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that it carries from epoch to epoch, but for weights and random numbers."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take that up again."""


@dataclass(frozen=True)
class ResumeFile:
    """Where an unfinished training is kept, so that a killed one goes on.

    Attributes:
        path: The file; the folder exists.
        every_seconds: How often it is written, at most.
    """

    path: Path
    every_seconds: float = 30.0

    def read(self) -> dict[str, Any] | None:
        """What was kept; None if there is nothing, or nothing readable: then all is done again."""
        if not is_zipfile(self.path):
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except RuntimeError:
            return None
        return state

    def write(self, state: dict[str, Any]) -> None:
        """Keep a state; the file appears whole."""
        with whole_file(self.path) as temporary:
            torch.save(state, temporary)


def fit(
    learner: Learner[RecordT],
    *,
    epochs: int,
    patience: int,
    resume: ResumeFile | None = None,
    journal: EpochJournal | None = None,
) -> Iterator[RecordT]:
    """Yield a record per epoch; when the last one is out, the best weights are in.

    A training that goes on from a resume file yields its earlier records again and ends with the
    same weights as one that was never broken off.

    Args:
        learner: What learns.
        epochs: At most.
        patience: Epochs without a better score before it ends.
        resume: Where to keep the state and to go on from; None keeps none.
        journal: Where to keep the judged weights of every epoch; a state that is further on than
            this is of no use.
    """
    best = BestWeights(learner.module, patience, journal)
    records: list[RecordT] = []
    state = resume.read() if resume else None
    if state and (journal is None or journal.num_epochs >= len(state["records"])):
        records = _restore(learner, best, state)
    if journal:
        journal.keep_first(len(records))
    yield from records
    kept_at = time.monotonic()
    for epoch in range(len(records), epochs):
        if best.is_exhausted:
            break
        records.append(learner.learn(epoch, best))
        if resume and time.monotonic() - kept_at >= resume.every_seconds:
            resume.write(_state(learner, best, records))
            kept_at = time.monotonic()
        yield records[-1]
    best.restore()
    learner.module.eval()


def _state(learner: Learner[Any], best: BestWeights, records: list[Any]) -> dict[str, Any]:
    random = {"draws": learner.generator.get_state(), "torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        random["cuda"] = torch.cuda.get_rng_state()
    return {
        "module": learner.module.state_dict(),
        "learner": learner.state_dict(),
        "best": best.state_dict(),
        "random": random,
        "records": [asdict(record) for record in records],
    }


def _restore(learner: Learner[RecordT], best: BestWeights, state: dict[str, Any]) -> list[RecordT]:
    learner.module.load_state_dict(state["module"])
    learner.load_state_dict(state["learner"])
    best.load_state_dict(state["best"])
    learner.generator.set_state(state["random"]["draws"])
    torch.set_rng_state(state["random"]["torch"])
    if "cuda" in state["random"]:
        torch.cuda.set_rng_state(state["random"]["cuda"])
    return [learner.record_type(**facts) for facts in state["records"]]


def selected(record: RecordT, best: BestWeights) -> RecordT:
    """The record with the answer of `best` to its score."""
    return replace(record, is_selected=best.offer(record.score))
