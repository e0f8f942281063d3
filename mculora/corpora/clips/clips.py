"""Which rows of a table can be used: those with a label, a file, and a part of it that exists."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mculora.corpora.clips.paths import is_url, linked_name
from mculora.corpora.clips.table import Row
from mculora.corpora.clips.windows import FileWindow, find_window
from mculora.corpora.manifest import Dropped
from mculora.corpora.utterance import Split
from mculora.errors import MediaError

SPLIT_WORDS: Mapping[str, Split | None] = {
    "": None,
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "validation": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "val": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "test": Split.TEST,
}
"""What the column may say, in small or large letters."""


@dataclass(frozen=True)
class Clip:
    """A row that can be used.

    Attributes:
        row: What the table says.
        file: Its media file, relative to the raw corpus.
        window: The part of that file.
    """

    row: Row
    file: str
    window: FileWindow

    @property
    def dialogue(self) -> str:
        """What the clip belongs to: its file, where the table says nothing."""
        return self.row.dialogue or linked_name(self.row.path)

    @property
    def split(self) -> Split | None:
        """The part that the row names."""
        return SPLIT_WORDS[self.row.split.lower()]


@dataclass(frozen=True)
class ClipFiles:
    """The media files of a table, each asked once for its length.

    Attributes:
        raw_folder: The raw corpus.
        media: The folder in it that holds the files under their linked names.
        seconds_of: Tells how long a file is, or raises MediaError.
    """

    raw_folder: Path
    media: Path
    seconds_of: Callable[[Path], float]
    _lengths: dict[str, float | MediaError] = field(default_factory=dict)

    def find(self, path: str) -> str | None:
        """The file of a path as the table has it, relative to the raw corpus; None if missing."""
        place = self.media / linked_name(path)
        return place.relative_to(self.raw_folder).as_posix() if place.is_file() else None

    def length(self, file: str) -> float | MediaError:
        """Its seconds, more than 0, or why they cannot be told."""
        if file not in self._lengths:
            path = self.raw_folder / file
            try:
                seconds = self.seconds_of(path)
                is_usable = 0 < seconds < math.inf
                self._lengths[file] = seconds if is_usable else MediaError(path, "no duration")
            except MediaError as error:
                self._lengths[file] = error
        return self._lengths[file]

    def bytes_of(self, files: Iterable[str]) -> dict[str, int]:
        """The size of each file."""
        return {file: (self.raw_folder / file).stat().st_size for file in sorted(set(files))}


def find_clips(rows: Iterable[Row], files: ClipFiles) -> Iterator[Clip | Dropped]:
    """Yield the usable rows and, in between, what could not be used as it stands."""
    for row in rows:
        file = None if is_url(row.path) else files.find(row.path)
        if is_url(row.path):
            yield Dropped(row.id, f"unsupported: a URL as path, {row.path}")
        elif not row.label:
            yield Dropped(row.id, "no label")
        elif row.split.lower() not in SPLIT_WORDS:
            yield Dropped(row.id, f"unknown split: {row.split!r}")
        elif file is None:
            yield Dropped(row.id, f"no such file: {row.path}")
        else:
            yield from _find_part(row, file, files.length(file))


def _find_part(row: Row, file: str, length: float | MediaError) -> Iterator[Clip | Dropped]:
    """Yield the clip of a row, or why its file has none, and what was repaired."""
    if isinstance(length, MediaError) and not (row.start and row.end):
        yield Dropped(row.id, f"unreadable media: {length.reason}")
        return
    window = find_window(row, None if isinstance(length, MediaError) else length)
    if isinstance(window, Dropped):
        yield window
        return
    yield Clip(row, file, window)
    yield from (Dropped(row.id, repair) for repair in window.repairs)
