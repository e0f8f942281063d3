"""What a table is: rows of cells, each with the text that a person reads and the numbers in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mculora.evaluation.comparison import Comparison
from mculora.evaluation.statistics import Interval, Summary
from pipeline.page.wording import UNDEFINED, interval, number, signed, spread

Values: TypeAlias = Mapping[str, float | int | str | None]
"""What a cell says, by what it is ("" for the value itself, "sd", "low", "high"), unrounded."""
MEAN = "mean"


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: As it is read.
        strong: Whether it is the best of its column.
        span: How many columns it fills.
        values: The numbers of the text, for files; without any, the text is the value.
    """

    text: str
    strong: bool = False
    span: int = 1
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row: what it is about and its cells."""

    head: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows, with the unit.
        header: The first column's first.
        rows: From top to bottom.
        foot: A last row that is about the columns.
        name: Of its files; without one it is on the page only.
        note: What a reader of the numbers must know.
        kind: How it is set: figures, figures under short heads, or sentences.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]
    foot: Row | None = None
    name: str = ""
    note: str = ""
    kind: Literal["numbers", "narrow", "words"] = "numbers"


def summary_cell(summary: Summary | None, metric: str, *, strong: bool = False) -> Cell:
    """A mean with its standard deviation over the seeds."""
    values: Values = {"": summary.mean, "sd": summary.sd} if summary else {"": None}
    return Cell(spread(summary, metric), strong, values=values)


def metric_cell(value: float | None, metric: str, *, span: int = 1) -> Cell:
    """One value of a metric."""
    return Cell(number(value, metric), span=span, values={"": value})


def count_cell(count: int | None) -> Cell:
    """A count."""
    return Cell(UNDEFINED if count is None else f"{count:,}", values={"": count})


def difference_cell(comparison: Comparison | None, metric: str) -> Cell:
    """How far one method is ahead of another, with its sign."""
    difference = comparison.difference if comparison else None
    return Cell(signed(difference, metric), values={"": difference})


def interval_cell(comparison: Comparison | None, metric: str) -> Cell:
    """The 95 % interval of a difference."""
    if comparison is None:
        return Cell(UNDEFINED, values={"low": None, "high": None})
    ends = {"low": comparison.low, "high": comparison.high}
    return Cell(interval(comparison, metric), values=ends)


def ends_cell(interval: Interval | None, metric: str) -> Cell:
    """A 95 % interval by the bootstrap."""
    if interval is None:
        return Cell(UNDEFINED, values={"low": None, "high": None})
    low, high = number(interval.low, metric), number(interval.high, metric)
    return Cell(f"{low} to {high}", values={"low": interval.low, "high": interval.high})
