"""Official labels as a computational sequence: a rated interval of a video per row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mculora.acquire.csd import Entry, open_sequence
from mculora.corpora.manifest import Dropped
from mculora.corpora.raw_tree import RawTree
from mculora.errors import InputError


@dataclass(frozen=True)
class LabelRow:
    """One row of one video's entry.

    Attributes:
        where: File, video and row, for people.
        video: The entry's key.
        row: Its number, from 0 on; not a clip's number.
        start_seconds: As the file has it, negative ones included.
        end_seconds: Likewise; may be anything.
        values: The labels by the name of their column, unchecked.
    """

    where: str
    video: str
    row: int
    start_seconds: float
    end_seconds: float
    values: Mapping[str, float]


def find_label_sequences(tree: RawTree, official_name: str) -> list[PurePosixPath]:
    """Find the .csd files of labels: the official name first, those of emotions alone last."""
    sequences = tree.find(lambda name: name.lower().endswith(".csd"))
    found = [path for path in sequences if "label" in path.name.lower()]
    return sorted(found, key=lambda p: (p.name != official_name, "emotion" in p.name.lower()))


def describe_source(used: PurePosixPath, unused: Iterable[PurePosixPath]) -> str:
    """Say in a sentence which labels a corpus has, and which were there as well."""
    others = ", ".join(path.name for path in unused)
    return f"Labels are the official ones of {used.name}{'; not used: ' * bool(others)}{others}."


def read_label_rows(path: Path, columns: Sequence[str]) -> Iterator[LabelRow | Dropped]:
    """Read every row of every video, and what is no such row.

    Args:
        path: The .csd file.
        columns: Its columns, where its metadata do not name them; the first one is needed.

    Raises:
        InputError: The file as a whole is no computational sequence.
    """
    with open_sequence(path) as sequence:
        stated = _stated_columns(sequence.metadata.get("dimension names"), columns[0])
        for video in sequence.keys:
            where = f"{path.name}:{video}"
            try:
                entry = sequence.read(video)
            except InputError as error:
                yield Dropped(where, f"unreadable labels: {error.found}")
                continue
            width = entry.features.shape[1]
            named = {1: columns[:1], len(columns): columns, len(stated): stated}.get(width)
            if not named or entry.features.dtype.kind not in "fiu":
                found = f"{width} columns of {entry.features.dtype}"
                yield Dropped(where, f"unreadable labels: {found}")
                continue
            yield from _rows_of(entry, named, where, video)


def _rows_of(entry: Entry, columns: Sequence[str], where: str, video: str) -> Iterator[LabelRow]:
    rows = zip(entry.intervals.tolist(), entry.features.tolist(), strict=True)
    for number, ((start, end), values) in enumerate(rows):
        named = {name: float(value) for name, value in zip(columns, values, strict=True)}
        yield LabelRow(f"{where}[{number}]", video, number, start, end, named)


def _stated_columns(names: object, first: str) -> list[str]:
    """The columns as the metadata name them; none if they do not."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    lowered = [name.strip().lower() for name in names]
    return lowered if first in lowered else []
