"""MOSEI's transcript files: one `<video>___<clip>___<start>___<end>___<text>` line per clip."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.manifest import Dropped
from mculora.corpora.text_lines import read_lines
from mculora.errors import InputError

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
# Anchored fields, not a split: the text may hold any number of underscores, at its start as well.
_AFTER_VIDEO = re.compile(rf"(\d{{1,9}})___({_NUMBER})___({_NUMBER})___(.*)", re.ASCII)


@dataclass(frozen=True)
class Segment:
    """One readable transcript line.

    Attributes:
        video: The file's stem; ids stay strings, numeric ones too.
        clip: The clip's number, as the label files know it.
        stated_start_seconds: As the line has it, maybe negative: official labels repeat it.
        end_seconds: In the full video, like the start; greater than `start_seconds`.
        text: The words, outer white space removed.
    """

    video: str
    clip: int
    stated_start_seconds: float
    end_seconds: float
    text: str

    @property
    def start_seconds(self) -> float:
        """The start in the full video, half-open with `end_seconds`; a negative one is 0."""
        return max(0.0, self.stated_start_seconds)

    @property
    def id(self) -> str:
        """The utterance id, `<video>_<clip>`."""
        return f"{self.video}_{self.clip}"


def read_transcript(path: Path) -> list[Segment | Dropped]:
    """Read the segments of one file and, in between, what could not be used as it stands.

    A byte that is not UTF-8 costs its character, not its line: the segment is kept with a
    replacement character, and a `Dropped` besides it names file and line.

    Raises:
        InputError: The file is not text at all.
    """
    found: list[Segment | Dropped] = []
    clips: set[int] = set()
    is_damaged = False
    for line in read_lines(path):
        item = _parse_line(line.text, path, line.number)
        if isinstance(item, Segment) and item.clip in clips:
            item = Dropped(item.id, f"clip number occurs again: {path.name} line {line.number}")
        if isinstance(item, Segment):
            clips.add(item.clip)
        found.append(item)
        if line.is_damaged:
            is_damaged = True
            reason = f"bytes that are not UTF-8 text: {path.name} line {line.number}"
            found.append(Dropped(item.id, reason))
    if not clips and is_damaged:
        raise InputError(
            path,
            found="bytes that are not text",
            expected="UTF-8 lines <video>___<clip>___<start>___<end>___<text>",
            remedy="fetch the file again or delete it",
        )
    return found


def _parse_line(line: str, path: Path, number: int) -> Segment | Dropped:
    prefix = f"{path.stem}___"
    match = _AFTER_VIDEO.fullmatch(line.removeprefix(prefix)) if line.startswith(prefix) else None
    if match is None:
        return Dropped(
            f"{path.name}:{number}",
            "unreadable transcript line: not <video>___<clip>___<start>___<end>___<text>",
        )
    clip, start, end = int(match[1]), float(match[2]), float(match[3])
    if not math.isfinite(end) or not max(0.0, start) < end:
        return Dropped(f"{path.stem}_{clip}", f"empty time window: {match[2]} to {match[3]} s")
    return Segment(
        path.stem, clip, stated_start_seconds=start, end_seconds=end, text=match[4].strip()
    )
