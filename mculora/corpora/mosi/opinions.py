"""MOSI's labels: one opinion per segment, in a table without header or in the official .csd."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mculora.corpora.label_sequences import read_label_rows
from mculora.corpora.manifest import Dropped
from mculora.corpora.text_lines import read_lines
from mculora.errors import InputError

TABLE = "OpinionLevelSentiment.csv"
OFFICIAL_LABELS = "CMU_MOSI_Opinion_Labels.csd"
_SENTIMENT = "sentiment"
_LOWEST, _HIGHEST = -3.0, 3.0
_SEGMENT = re.compile("[0-9]{1,9}")


@dataclass(frozen=True)
class Opinion:
    """The mean rating of a segment, and when it is.

    Attributes:
        where: File and row, for people.
        video: The video's id.
        segment: The segment's number in the video, from 1 on.
        start_seconds: In the full video; never negative.
        end_seconds: Greater than the start.
        label: Sentiment in [-3, 3].
    """

    where: str
    video: str
    segment: int
    start_seconds: float
    end_seconds: float
    label: float

    @property
    def id(self) -> str:
        """The utterance id, `<video>_<segment>`."""
        return f"{self.video}_{self.segment}"

    @property
    def times(self) -> tuple[str, float, float]:
        """The video and the window."""
        return self.video, self.start_seconds, self.end_seconds


@dataclass(frozen=True)
class Opinions:
    """The labels of a corpus.

    Attributes:
        by_id: One opinion per utterance id.
        dropped: Rows that could not be used, or that repeat another one.
    """

    by_id: dict[str, Opinion]
    dropped: tuple[Dropped, ...]


def read_opinion_table(path: Path) -> Opinions:
    """Read rows `start,end,video,segment,label`.

    A segment's first row counts; later ones are listed. Two segments with the same times are both
    kept, as in the corpus's official counts, and listed too.

    Raises:
        InputError: No row can be used.
    """
    return _collect(path, _read_table(path))


def read_official_opinions(path: Path) -> Opinions:
    """Read the official labels, of which row i of a video is its segment i + 1.

    Two segments with the same times are both kept, and listed.

    Raises:
        InputError: The file is no computational sequence, or no row can be used.
    """
    return _collect(path, _read_sequence(path))


def _collect(path: Path, items: Iterable[Opinion | Dropped]) -> Opinions:
    by_id: dict[str, Opinion] = {}
    by_times: dict[tuple[str, float, float], Opinion] = {}
    dropped: list[Dropped] = []
    for item in items:
        if isinstance(item, Dropped):
            dropped.append(item)
        elif item.id in by_id:
            reason = f"segment with a label already, the first row counts: {item.id}"
            dropped.append(Dropped(item.where, reason))
        else:
            by_id[item.id] = item
            if (other := by_times.setdefault(item.times, item)) is not item:
                reason = f"same times as another segment, both kept: {other.id}"
                dropped.append(Dropped(item.id, reason))
    if not by_id:
        raise InputError(
            path,
            found=f"no usable label ({dropped[0].reason})" if dropped else "no labels",
            expected="opinions of segments: start, end, video, segment number, sentiment",
            remedy="fetch the file again",
        )
    return Opinions(by_id, tuple(dropped))


def _read_table(path: Path) -> Iterator[Opinion | Dropped]:
    for line in read_lines(path):
        where = f"{path.name}:{line.number}"
        if line.is_damaged:
            yield Dropped(where, "bytes that are not UTF-8 text")
        fields = [field.strip().strip('"') for field in line.text.split(",")]
        if len(fields) != 5 or not fields[2] or not _SEGMENT.fullmatch(fields[3]):
            yield Dropped(where, "unreadable label row: not <start>,<end>,<video>,<n>,<label>")
            continue
        start, end, label = (_to_number(fields[place]) for place in (0, 1, 4))
        yield _check(Opinion(where, fields[2], int(fields[3]), start, end, label))


def _read_sequence(path: Path) -> Iterator[Opinion | Dropped]:
    for row in read_label_rows(path, (_SENTIMENT,)):
        if isinstance(row, Dropped):
            yield row
            continue
        start, end, label = row.start_seconds, row.end_seconds, row.values[_SENTIMENT]
        yield _check(Opinion(row.where, row.video, row.row + 1, start, end, label))


def _check(opinion: Opinion) -> Opinion | Dropped:
    """Give an opinion with a start that is not negative, or say why there is none."""
    start, end = max(0.0, opinion.start_seconds), opinion.end_seconds
    where = f"{opinion.where} ({opinion.id})"
    if opinion.segment < 1:
        return Dropped(where, f"segment number below 1: {opinion.segment}")
    if not math.isfinite(opinion.start_seconds + end) or not start < end:
        times = f"{opinion.start_seconds:g} to {end:g} s"
        return Dropped(where, f"empty time window of a label: {times}")
    if not _LOWEST <= opinion.label <= _HIGHEST:
        return Dropped(where, f"label that is no number from -3 to 3: {opinion.label:g}")
    return replace(opinion, start_seconds=start)


def _to_number(text: str) -> float:
    """Read a number; NaN for anything else."""
    try:
        return float(text)
    except ValueError:
        return math.nan
