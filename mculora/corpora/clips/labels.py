"""The label column: scores or classes, inferred by rule or set, and each label as a number."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.manifest import Task
from mculora.errors import InputError

MOST_WHOLE_CLASSES = 10
"""More distinct whole numbers than this are scores, not classes."""
_EMPTY = frozenset({"nan", "na", "n/a", "null", "none"})
"""How programs write an empty cell: no class where every other label is a number."""
_MOST_NAMED = 12
_LARGEST_CLASS = 1e15  # up to here, whole numbers and floats are the same
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Labelling:
    """How label texts become labels.

    Attributes:
        task: Whether they are scores or classes.
        class_names: The classes in index order, numbers first and by size; empty for scores.
        note: What was decided and why, as a sentence.
    """

    task: Task
    class_names: tuple[str, ...]
    note: str

    def value(self, text: str) -> float | None:
        """The score, or the index of the class; None if the text is neither."""
        if self.task is Task.REGRESSION:
            return _to_number(text)
        name = _class_name(text)
        return float(self.class_names.index(name)) if name in self.class_names else None


def decide_labelling(table: Path, texts: Sequence[str], task: Task | None) -> Labelling:
    """Decide between scores and classes.

    Labels are scores if every one is a number, and one is not whole or there are more than
    `MOST_WHOLE_CLASSES` distinct ones; else they are classes.

    Args:
        table: Where they stand, for messages.
        texts: The labels, none empty.
        task: What they are, where the user says so.

    Raises:
        InputError: Numbers that must be scores stand beside texts, or there is only one class.
    """
    numbers = [number for text in texts if (number := _to_number(text)) is not None]
    others = [text for text in texts if _to_number(text) is None]
    if numbers and all(text.lower() in _EMPTY for text in others):
        texts, others = [text for text in texts if text not in others], []
    have_scores = len(set(numbers)) > MOST_WHOLE_CLASSES or not all(map(float.is_integer, numbers))
    if task is None and have_scores and others:
        culprit = next(text for text in others if text.lower() not in _EMPTY)
        raise InputError(
            table,
            found=f"{len(numbers)} labels that are numbers and {len(others)} that are not "
            f"(first {culprit!r})",
            expected="scores or classes",
            remedy="mend them, or set the task: regression leaves out what is no number",
        )
    reason = "as the task is set" if task else _reason(numbers, others)
    if task is Task.REGRESSION or (task is None and have_scores):
        return Labelling(Task.REGRESSION, (), f"Labels are scores (regression): {reason}.")
    names = tuple(sorted({_class_name(text) for text in texts}, key=_class_order))
    if len(names) < 2:
        raise InputError(
            table,
            found=f"the labels {list(names)}",
            expected="at least two classes, or scores",
            remedy="label the rows",
        )
    shown = ", ".join(names[:_MOST_NAMED]) + ", …" * (len(names) > _MOST_NAMED)
    note = f"Labels are {len(names)} classes (classification): {reason}. They are {shown}."
    return Labelling(Task.CLASSIFICATION, names, note)


def _reason(numbers: Sequence[float], others: Sequence[str]) -> str:
    if others:
        return f"{others[0]!r} is no number"
    if not all(map(float.is_integer, numbers)):
        return "every label is a number, and not every one is whole"
    few = "more than" if len(set(numbers)) > MOST_WHOLE_CLASSES else "at most"
    return (
        f"every label is a whole number, and there are {len(set(numbers))} different ones, "
        f"{few} {MOST_WHOLE_CLASSES}"
    )


def _to_number(text: str) -> float | None:
    """Read a finite number, with a decimal point or comma."""
    number = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None


def _class_name(text: str) -> str:
    """The text; a whole number always in the same spelling, as programs write 1, 01 or 1.0."""
    number = _to_number(text)
    if number is None or not number.is_integer() or abs(number) > _LARGEST_CLASS:
        return text
    return str(int(number))


def _class_order(name: str) -> tuple[float, str]:
    number = _to_number(name)
    return (math.inf if number is None else number, name)
