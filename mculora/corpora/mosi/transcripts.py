"""MOSI's transcript files: one `<segment>_DELIM_<TEXT>` line per segment, in upper case."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.manifest import Dropped
from mculora.corpora.text_lines import read_lines

SUFFIX = ".annotprocessed"
_LINE = re.compile(r"([0-9]{1,9})_DELIM_(.*)")


@dataclass(frozen=True)
class Sentence:
    """One readable transcript line.

    Attributes:
        video: The file's stem.
        segment: The segment's number, from 1 on.
        text: The words as they stand there.
    """

    video: str
    segment: int
    text: str

    @property
    def id(self) -> str:
        """The utterance id, `<video>_<segment>`."""
        return f"{self.video}_{self.segment}"


def read_transcript(path: Path) -> list[Sentence | Dropped]:
    """Read the sentences of one file and, in between, what could not be used as it stands."""
    found: list[Sentence | Dropped] = []
    segments: set[int] = set()
    for line in read_lines(path):
        where = f"{path.name} line {line.number}"
        item = _parse_line(line.text, path, line.number)
        if isinstance(item, Sentence) and item.segment in segments:
            item = Dropped(item.id, f"segment number occurs again: {where}")
        if isinstance(item, Sentence):
            segments.add(item.segment)
        found.append(item)
        if line.is_damaged:
            found.append(Dropped(item.id, f"bytes that are not UTF-8 text: {where}"))
    return found


def _parse_line(line: str, path: Path, number: int) -> Sentence | Dropped:
    match = _LINE.fullmatch(line)
    if match is None:
        return Dropped(
            f"{path.name}:{number}", "unreadable transcript line: not <segment>_DELIM_<TEXT>"
        )
    return Sentence(path.stem, int(match[1]), match[2].strip())
