"""The representations as two tables, points and numbers: `evaluate` writes, `report` reads them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from mculora.errors import InputError
from mculora.evaluation.projected import Projected
from mculora.files import write_text

COMMON, SPECIFIC = "common", "specific"
Line = TypeVar("Line")


@dataclass(frozen=True)
class PlacedPoint:
    """Where one representation lies in the picture of its combination.

    Attributes:
        combination: Its word.
        kind: `common` or `specific`.
        label: The utterance's score or class index.
        x: Across; only which points are neighbours means anything.
        y: Up.
        id: The utterance's.
    """

    combination: str
    kind: str
    label: float
    x: float
    y: float
    id: str


@dataclass(frozen=True)
class Separation:
    """How far apart common and specific are under one combination; see `Projected`.

    Attributes:
        combination: Its word.
        utterances: How many were looked at.
        silhouette: In [-1, 1]; None where undefined.
        label_from_common: In [0, 1]; None where undefined.
        label_from_specific: Likewise.
    """

    combination: str
    utterances: int
    silhouette: float | None
    label_from_common: float | None
    label_from_specific: float | None


def write_representations(points: Path, numbers: Path, projected: Sequence[Projected]) -> None:
    """Write both tables; of nothing, their heads alone."""
    placed = [point for one in projected for point in _placed(one)]
    write_text(points, _to_csv(PlacedPoint, placed))
    write_text(numbers, _to_csv(Separation, map(_separation, projected)))


def read_points(path: Path) -> list[PlacedPoint]:
    """Read the points.

    Raises:
        InputError: They are not what `write_representations` writes.
    """
    return _read(path, PlacedPoint)


def read_separations(path: Path) -> list[Separation]:
    """Read the numbers.

    Raises:
        InputError: They are not what `write_representations` writes.
    """
    return _read(path, Separation)


def _placed(one: Projected) -> Iterator[PlacedPoint]:
    """The points of one combination, the common ones first."""
    for kind, places in ((COMMON, one.common), (SPECIFIC, one.specific)):
        if places is not None:
            known = zip(one.labels, places.tolist(), one.ids, strict=True)
            for label, (x, y), utterance in known:
                yield PlacedPoint(one.combination.word, kind, label, x, y, utterance)


def _separation(one: Projected) -> Separation:
    return Separation(
        one.combination.word,
        len(one.ids),
        one.silhouette,
        one.label_from_common,
        one.label_from_specific,
    )


def _to_csv(kind: Any, lines: Iterable[Any]) -> str:
    """A line for each, a column for each attribute, six digits of what is measured."""
    names = _names(kind)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for line in lines:
        values = [getattr(line, name) for name in names]
        writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in values])
    return text.getvalue()


def _names(kind: Any) -> list[str]:
    return list(kind.__dataclass_fields__)


def _read(path: Path, kind: type[Line]) -> list[Line]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [{k: v if v else None for k, v in row.items()} for row in reader]
        if list(reader.fieldnames or ()) != _names(kind):
            raise ValueError(f"columns {reader.fieldnames}")
        return TypeAdapter(list[kind]).validate_python(rows)  # type: ignore[valid-type]
    except (OSError, csv.Error, ValueError) as error:
        raise InputError(
            path,
            found=f"something else ({' '.join(str(error).split())[:80]})",
            expected="what `mculora evaluate` writes",
            remedy="run `mculora evaluate`",
        ) from None
