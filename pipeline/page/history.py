"""How training went: history.csv as one run per method, seed and fold."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from mculora.errors import InputError

KEYS = ("method", "seed", "fold", "epoch", "is_selected")


@dataclass(frozen=True)
class Run:
    """The training of one method with one seed on one fold.

    Attributes:
        method: Its name.
        seed: Its seed.
        fold: Its fold.
        epochs: The epoch of every row.
        columns: The other columns, one value per epoch, None where there is none.
        selected: The row whose weights were kept, None if no epoch was.
    """

    method: str
    seed: str
    fold: str
    epochs: tuple[int, ...]
    columns: dict[str, tuple[float | None, ...]]
    selected: int | None

    def has(self, column: str) -> bool:
        """Tell whether the run has any value in a column."""
        return any(value is not None for value in self.columns.get(column, ()))


def read_history(path: Path) -> list[Run]:
    """Read history.csv.

    Raises:
        InputError: A column is missing, or a cell that should be is no number.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [key for key in KEYS if key not in (reader.fieldnames or [])]
        if missing:
            raise InputError(
                path,
                found=f"no column {missing[0]}",
                expected=f"columns {', '.join(KEYS)}",
                remedy="run `mculora train` again",
            )
        rows = list(reader)
    try:
        return [
            _run(*key, list(group))
            for key, group in groupby(
                rows, key=lambda row: (row["method"], row["seed"], row["fold"])
            )
        ]
    except ValueError as error:
        raise InputError(path, found=str(error), expected="numbers or empty cells") from None


def _run(method: str, seed: str, fold: str, rows: list[dict[str, str]]) -> Run:
    """One run of its rows; the last row that was the best so far is the one that was kept."""
    names = [name for name in rows[0] if name not in KEYS]
    best_so_far = [index for index, row in enumerate(rows) if read_number(row["is_selected"])]
    return Run(
        method=method,
        seed=seed,
        fold=fold,
        epochs=tuple(int(row["epoch"]) for row in rows),
        columns={name: tuple(read_number(row[name]) for row in rows) for name in names},
        selected=best_so_far[-1] if best_so_far else None,
    )


def read_number(cell: str) -> float | None:
    """A cell's number; None where it is empty or not finite; True and False are 1 and 0."""
    if cell in ("True", "False"):
        return float(cell == "True")
    number = float(cell or "nan")
    return number if abs(number) < float("inf") else None
