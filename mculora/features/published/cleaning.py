"""One rule for every published array: rows of zeros and values that are not finite do not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mculora.features.outcome import Absence

RULE = "1"
"""The rule's version: part of what features are."""

NO_FILE = "no published file"
NO_ENTRY = "not in the published file"
ZERO_VECTOR = "zero vector in the published features"
NOT_FINITE = "values that are not finite"
SINGLE_VALUE = "a single value instead of a vector"
EMPTY = "an empty array"

ZERO_ROWS = "zero rows left out of the mean"
NOT_FINITE_VALUES = "values that are not finite left out of the mean"

Array = NDArray[Any]


@dataclass(frozen=True)
class Cleaned:
    """What is left of one utterance's published array.

    Attributes:
        outcome: (D,) float32, finite and not all zeros; or why there is no such vector.
        repairs: What was done to get it, by kind.
    """

    outcome: NDArray[np.float32] | Absence
    repairs: tuple[str, ...] = ()


def to_rows(array: Array) -> Array | Absence:
    """Bring an array as it was published, (D,), (1, D), (T, D) or (1, T, D), to (T, D)."""
    if array.dtype.kind not in "fiu":
        return Absence(f"values that are no numbers: {array.dtype.kind}")
    if not array.shape:  # what an empty sentence came to
        return Absence(SINGLE_VALUE)
    if not array.size:
        return Absence(EMPTY)
    lengths = [n for n in array.shape[:-1] if n != 1]
    if len(lengths) > 1:
        return Absence(f"too many axes: {array.ndim}")
    return array.reshape(-1, array.shape[-1])


def average(rows: Array) -> Cleaned:
    """Average rows (T, D) over time.

    Rows of zeros (padding, or frames without a face) are left out, and in each column the values
    that are not finite. With one row this leaves it as it is, or makes it absent.
    """
    repairs = []
    counts = (rows != 0).any(axis=1)  # NaN is not 0
    if not counts.all():
        rows = rows[counts]
        repairs.append(ZERO_ROWS)
    if not len(rows):
        return Cleaned(Absence(ZERO_VECTOR))
    rows = rows.astype(np.float64)
    is_finite = np.isfinite(rows)
    if not is_finite.all():
        repairs.append(NOT_FINITE_VALUES)
        rows[~is_finite] = 0
    num_finite = is_finite.sum(axis=0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        vector = (rows.sum(axis=0) / num_finite).astype(np.float32)
    if not np.isfinite(vector).all():
        return Cleaned(Absence(NOT_FINITE))
    if not vector.any():
        return Cleaned(Absence(ZERO_VECTOR))
    return Cleaned(vector, tuple(repairs))


def clean(array: Array) -> Cleaned:
    """Turn an array as it was published into an utterance's vector."""
    rows = to_rows(array)
    return Cleaned(rows) if isinstance(rows, Absence) else average(rows)
