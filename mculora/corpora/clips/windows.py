"""When a clip plays: the times of a row, fitted to how long its file really is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mculora.corpora.clips.table import Row
from mculora.corpora.manifest import Dropped

END_TOLERANCE = 0.1
"""Seconds by which an end may be later than the file's: times are rounded, durations estimated."""
_LONGEST, _SHORTEST = 1e6, 1e-3  # seconds: nobody means twelve days, or nothing at all
_CLOCK = re.compile(r"(-)?(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?|[.,]\d+)", re.ASCII)


@dataclass(frozen=True)
class FileWindow:
    """Which part of its file a row means, half-open.

    Attributes:
        start_seconds: Never negative.
        end_seconds: Greater than `start_seconds`.
        repairs: What was changed to make it so, with its kind before a colon.
    """

    start_seconds: float
    end_seconds: float
    repairs: tuple[str, ...]


def parse_seconds(text: str) -> float | None:
    """Read `83.5`, `1:23.5` or `0:01:23.500` (or a comma) as seconds; None if it is no time."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    sign, hours, minutes, seconds = match.groups(default="")
    parts = [float(part.replace(",", ".") or "0") for part in (hours, minutes, seconds)]
    if (minutes and parts[2] >= 60) or (hours and parts[1] >= 60):
        return None
    total = parts[0] * 3600 + parts[1] * 60 + parts[2]
    return (-total if sign else total) if total < _LONGEST else None


def find_window(row: Row, duration: float | None) -> FileWindow | Dropped:
    """Read a row's times: by default the whole file, and never more than it.

    Args:
        row: With `start` and `end` as written.
        duration: Of its file in seconds; None where it cannot be told, and the row tells the end.
    """
    times = {"start": row.start, "end": row.end}
    for column, text in times.items():
        if text and parse_seconds(text) is None:
            return Dropped(row.id, f"unreadable time: {column} {text!r}")
    start, end, repairs = parse_seconds(row.start) or 0.0, parse_seconds(row.end), []
    if start < 0:
        repairs.append(f"negative start read as 0: {start:g} s")
        start = 0.0
    if duration is not None:
        if start >= duration:
            return Dropped(row.id, f"start beyond the file's end: {start:g} of {duration:g} s")
        end = duration if end is None else end
        if end > duration + END_TOLERANCE:
            repairs.append(f"end beyond the file's end, clipped: {end:g} of {duration:g} s")
            end = duration
    if end is None or end - start < _SHORTEST:
        return Dropped(row.id, f"empty time window: {row.start or 0} to {row.end} s")
    return FileWindow(start, end, tuple(repairs))
