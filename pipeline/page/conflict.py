"""How the combinations' gradients agree on the weights they share: conflict.csv, run by run."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from mculora.errors import InputError
from mculora.modality import ModalityCombination
from pipeline.page.history import read_number

COLUMNS = ("method", "seed", "fold", "epoch", "first", "second", "cosine")
WORDS = [c.word for c in ModalityCombination]
Pair = tuple[str, str]
"""Two combinations by their words, in the order of `ModalityCombination`."""
Cosines = Mapping[Pair, float]
PAIRS = [(a, b) for place, a in enumerate(WORDS) for b in WORDS[place + 1 :]]
"""All 21 of them."""


@dataclass(frozen=True)
class ConflictRun:
    """One training's cosines in [-1, 1], by the epochs in which they were measured."""

    method: str
    epochs: Mapping[int, Cosines]

    @property
    def last(self) -> Cosines:
        """The cosines of the last measured epoch."""
        return self.epochs[max(self.epochs)]


def read_conflict(path: Path) -> list[ConflictRun]:
    """Read conflict.csv; an empty cosine (a gradient of zero) is left out.

    Raises:
        InputError: A column is missing, a cell is no number, or a pair is none.
    """
    runs: dict[tuple[str, str, str], dict[int, dict[Pair, float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
        if missing:
            raise _unreadable(path, f"no column {missing[0]}")
        for row in reader:
            pair = row["first"], row["second"]
            if pair not in PAIRS:
                raise _unreadable(path, f"the pair {', '.join(pair)}")
            try:
                epoch, cosine = int(row["epoch"]), read_number(row["cosine"])
            except ValueError as error:
                raise _unreadable(path, str(error)) from None
            if cosine is not None:
                epochs = runs.setdefault((row["method"], row["seed"], row["fold"]), {})
                epochs.setdefault(epoch, {})[pair] = cosine
    return [ConflictRun(method, epochs) for (method, _, _), epochs in runs.items()]


def mean_cosines(runs: Sequence[ConflictRun]) -> dict[Pair, float]:
    """Each pair's mean over the runs, at the last measured epoch of each."""
    return {
        pair: fmean(values)
        for pair in PAIRS
        if (values := [run.last[pair] for run in runs if pair in run.last])
    }


def mean_cosine(cosines: Cosines) -> float:
    """The mean over all pairs."""
    return fmean(cosines.values())


def negative_share(cosines: Cosines) -> float:
    """The fraction of pairs that pull against each other."""
    return fmean(cosine < 0 for cosine in cosines.values())


def common_epochs(runs: Sequence[ConflictRun]) -> list[int]:
    """The epochs in which every run was measured: a mean over fewer would jump at each end."""
    return sorted(set[int].intersection(*(set(run.epochs) for run in runs)))


def _unreadable(path: Path, found: str) -> InputError:
    return InputError(
        path,
        found=found,
        expected=f"columns {', '.join(COLUMNS)}",
        remedy="run `mculora train` again",
    )
