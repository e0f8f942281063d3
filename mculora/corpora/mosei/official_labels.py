"""MOSEI's official labels: rows of a .csd file, joined to transcript lines by their times."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from mculora.corpora.label_sequences import LabelRow, read_label_rows
from mculora.corpora.manifest import Dropped
from mculora.corpora.mosei.labels import RANGES, SENTIMENT, Labels
from mculora.corpora.mosei.transcripts import Segment
from mculora.errors import InputError

OFFICIAL_LABELS = "CMU_MOSEI_Labels.csd"
TOLERANCE_SECONDS = 1e-3
"""Times of rows and lines that differ by no more are the same."""
_COLUMNS = (SENTIMENT, "happy", "sad", "anger", "surprise", "disgust", "fear")
_OUR_NAMES = {"happy": "happiness", "sad": "sadness"}
_ROUNDING = 1e-6  # a value this little above its range was never another one


def read_official_labels(path: Path, segments: Iterable[Segment]) -> Labels:
    """Give each segment the label row with its start and end.

    Rows are in no order, and their numbers are not the clips'. The first row of an interval
    counts; later ones are listed. Values beyond their range, which are sums over four raters or
    more, are trimmed to it and listed.

    Args:
        path: The .csd file.
        segments: The transcript lines of all videos.

    Raises:
        InputError: The file is no computational sequence, or none of its rows fits a segment.
    """
    lines = _Lines(segments)
    labels: dict[str, dict[str, float]] = {}
    dropped: list[Dropped] = []
    for row in read_label_rows(path, _COLUMNS):
        if isinstance(row, Dropped):
            dropped.append(row)
            continue
        matching = lines.matching(row)
        if left_out := _left_out(row, matching, labels):
            dropped.append(left_out)
            continue
        values: dict[str, float] = {}
        for item in _checked(row, matching[0].id):
            if isinstance(item, Dropped):
                dropped.append(item)
            else:
                values |= item
        labels |= {segment.id: values for segment in matching}
    if not labels:
        raise InputError(
            path,
            found=dropped[0].reason if dropped else "no rows",
            expected="label rows with the times of transcript lines",
            remedy="fetch the file again, or take it away to use the rating tables",
        )
    return Labels(labels, tuple(dropped))


class _Lines:
    """The transcript lines of each video by their start."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        self._segments: dict[str, list[Segment]] = defaultdict(list)
        for segment in segments:
            self._segments[segment.video].append(segment)
        for own in self._segments.values():
            own.sort(key=_start)

    def matching(self, row: LabelRow) -> list[Segment]:
        """The lines with a row's times: one, or several of the same times."""
        if not math.isfinite(row.start_seconds):
            return []
        own = self._segments.get(row.video, [])
        first = bisect_left(own, row.start_seconds - TOLERANCE_SECONDS, key=_start)
        last = bisect_right(own, row.start_seconds + TOLERANCE_SECONDS, key=_start)
        return [
            s for s in own[first:last] if abs(s.end_seconds - row.end_seconds) <= TOLERANCE_SECONDS
        ]


def _start(segment: Segment) -> float:
    return segment.stated_start_seconds


def _left_out(
    row: LabelRow, matching: list[Segment], labels: dict[str, dict[str, float]]
) -> Dropped | None:
    times = f"{row.start_seconds:g} to {row.end_seconds:g} s"
    if not matching:
        return Dropped(row.where, f"label without transcript line: {times}")
    if matching[0].id in labels:
        reason = f"interval with a label already, the first row counts: {times}, {matching[0].id}"
        return Dropped(row.where, reason)
    if not math.isfinite(row.values[SENTIMENT]):
        return Dropped(row.where, f"label that is no number: {SENTIMENT}, {matching[0].id}")
    return None


def _checked(row: LabelRow, utterance: str) -> Iterator[dict[str, float] | Dropped]:
    """Give each value by our name for it, trimmed to its range."""
    for column, value in row.values.items():
        name = _OUR_NAMES.get(column, column)
        if name not in RANGES:
            continue
        if not math.isfinite(value):
            yield Dropped(utterance, f"label that is no number: {name}, {row.where}")
            continue
        low, high = RANGES[name]
        kept = min(max(value, low), high)
        if abs(kept - value) > _ROUNDING:
            yield Dropped(utterance, f"label trimmed to its range: {name} {value:g} to {kept:g}")
        yield {name: kept}
