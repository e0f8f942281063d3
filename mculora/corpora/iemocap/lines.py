"""A dialogue's text file line by line, each with its place and with what was wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora import text_lines
from mculora.corpora.manifest import Dropped


@dataclass(frozen=True)
class Line:
    """One line that is not blank.

    Attributes:
        text: Its text without outer white space.
        where: Folder, file and number, for people.
    """

    text: str
    where: str


def read_lines(path: Path) -> Iterator[Line | Dropped]:
    """Yield a file's lines and what was wrong with their bytes; an unreadable file has no lines."""
    name = f"{path.parent.name}/{path.name}"
    try:
        for line in text_lines.read_lines(path):
            where = f"{name} line {line.number}"
            if line.is_damaged:
                yield Dropped(where, "bytes that are not UTF-8 text")
            yield Line(line.text, where)
    except OSError as error:
        yield Dropped(name, f"unreadable file: {error.strerror}")
