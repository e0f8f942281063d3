"""Rows of a table as a recording: what each tells of its file, put on one clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mculora.corpora.clips.paths import is_url
from mculora.corpora.clips.table import Row
from mculora.corpora.clips.windows import FileWindow, find_window
from mculora.corpora.manifest import Dropped
from mculora.errors import InputError, MediaError
from mculora.features.observation import Observation
from mculora.inference.recording import Recording
from mculora.media.container import media_duration


def rows_by_dialogue(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each dialogue, or of each file where the table names no dialogue."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.dialogue or row.path, []).append(row)
    return groups


def is_bare(row: Row) -> bool:
    """Whether a row names a file and tells nothing of it: such a file may be cut."""
    return not (row.start or row.end or row.transcript)


def media_of(row: Row, folder: Path) -> Path:
    """The file of a row; a relative path starts from the table's folder."""
    return folder / Path(row.path).expanduser()


def open_rows(name: str, rows: Sequence[Row], folder: Path) -> Recording:
    """Make the rows of one dialogue its utterances.

    Several files of a dialogue follow each other as they first stand in the table.

    Args:
        name: What the recording is called.
        rows: In the table's order.
        folder: The table's.

    Raises:
        InputError: No row can be used.
    """
    utterances: list[Observation] = []
    left_out: list[str] = []
    begins: dict[Path, float] = {}
    end = 0.0
    for row in rows:
        path = media_of(row, folder)
        window = _window(row, path)
        if isinstance(window, Dropped):
            left_out.append(f"{row.place}: {window.reason}")
            continue
        left_out += [f"{row.place}: {repair}" for repair in window.repairs]
        begin = begins.setdefault(path, max(0.0, end - window.start_seconds))
        end = max(end, begin + window.end_seconds)
        utterances.append(_utterance(row, path, window, begin))
    if not utterances:
        raise InputError(name, found=left_out[0], expected="a row that can be used")
    in_order = tuple(sorted(utterances, key=lambda one: one.start_seconds))
    return Recording(name, in_order, "as the table says", end, left_out=tuple(left_out))


def _window(row: Row, path: Path) -> FileWindow | Dropped:
    if is_url(row.path):
        return Dropped(row.id, f"unsupported: a URL as path, {row.path}")
    if not path.is_file():
        return Dropped(row.id, f"no such file: {row.path}")
    try:
        return find_window(row, media_duration(path))
    except MediaError as error:
        if row.start and row.end:
            return find_window(row, None)
        return Dropped(row.id, f"unreadable media: {error.reason}")


def _utterance(row: Row, path: Path, window: FileWindow, begin: float) -> Observation:
    return Observation(
        start_seconds=begin + window.start_seconds,
        end_seconds=begin + window.end_seconds,
        transcript=row.transcript,
        audio_path=path,
        video_path=path,
        audio_begins_seconds=begin,
        video_begins_seconds=begin,
    )
