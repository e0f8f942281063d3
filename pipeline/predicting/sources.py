"""The recordings that paths name: files, folders of files, and tables of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mculora.corpora.clips.paths import AUDIO_SUFFIXES
from mculora.corpora.clips.table import TABLE_SUFFIXES, read_table
from mculora.errors import InputError
from mculora.inference.listed import is_bare, media_of, open_rows, rows_by_dialogue
from mculora.inference.recording import Recording, open_recording
from mculora.inference.transcripts import (
    TRANSCRIPT_SUFFIXES,
    Transcript,
    find_transcript,
    read_transcript,
)

VIDEO_SUFFIXES = (
    *(".3g2", ".3gp", ".asf", ".avi", ".dv", ".f4v", ".flv", ".m2ts", ".m4v", ".mkv", ".mov"),
    *(".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogv", ".rm", ".ts", ".vob", ".webm"),
    ".wmv",
)
"""What is taken from a folder beside sound; a file that is named itself may be called anything."""


@dataclass(frozen=True)
class Source:
    """One recording that is asked for.

    Attributes:
        name: What the user calls it.
        files: What it is made of: media, transcripts, tables.
        open: Looks at it and cuts it.
    """

    name: str
    files: tuple[Path, ...]
    open: Callable[[], Recording]


@dataclass(frozen=True)
class Skipped:
    """Something that was asked for and cannot be predicted, and why."""

    name: str
    error: Exception

    @property
    def reason(self) -> str:
        """Why, without the name where the error begins with it."""
        return str(self.error).removeprefix(f"{self.name}: ")


def find_sources(
    paths: Sequence[Path], *, transcript: str, reads_transcripts: bool
) -> list[Source | Skipped]:
    """List what paths name, each file once.

    Args:
        paths: Media files, folders, tables.
        transcript: Of the one file that is named: its words, or a file that has them.
        reads_transcripts: Whether a transcript beside a file is read.

    Raises:
        InputError: A transcript is given beside anything but one file, or cannot be read.
    """
    if transcript:
        _check_one_file(paths)
    words = _given(transcript)
    found: dict[Path, Source | Skipped] = {}
    for path in paths:
        try:
            for place, source in _expand(path, words, reads_transcripts):
                found.setdefault(place, source)
        except (InputError, OSError) as error:
            found.setdefault(path, Skipped(str(path), error))
    return list(found.values())


def _check_one_file(paths: Sequence[Path]) -> None:
    one = paths[0] if len(paths) == 1 else None
    if one is None or one.is_dir() or one.suffix.lower() in TABLE_SUFFIXES:
        found = f"beside {len(paths)} paths" if one is None else f"beside {one}"
        remedy = "put transcripts beside the files, with the same name and .txt, .srt or .vtt"
        raise InputError("--transcript", found=found, expected="one media file", remedy=remedy)


def _given(transcript: str) -> Transcript | None:
    """What the option says: words, or the name of a file that has them."""
    if not transcript.strip():
        return None
    is_name = " " not in transcript and transcript.lower().endswith(TRANSCRIPT_SUFFIXES)
    if is_name or (len(transcript) < 256 and Path(transcript).is_file()):
        return read_transcript(Path(transcript))
    return Transcript(" ".join(transcript.split()))


def _expand(
    path: Path, words: Transcript | None, reads_transcripts: bool
) -> Iterator[tuple[Path, Source]]:
    """The recordings of one path, and what tells each from others."""
    if path.is_dir():
        files = sorted(_walk(path))
        if not files:
            raise InputError(path, found="no audio or video file", expected="some in this folder")
        for file in files:
            yield file.resolve(), _file_source(file, None, reads_transcripts)
    elif not path.is_file():
        expected = "an audio or video file, a folder or a table"
        raise InputError(path, found="no such file", expected=expected)
    elif path.suffix.lower() in TABLE_SUFFIXES:
        yield from _table_sources(path, reads_transcripts)
    else:
        yield path.resolve(), _file_source(path, words, reads_transcripts)


def _walk(folder: Path) -> Iterator[Path]:
    """The media files below a folder; nothing hidden, and no link to another folder."""
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        for name in names:
            is_media = Path(name).suffix.lower() in (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES)
            if is_media and not name.startswith("."):
                yield Path(here, name)


def _file_source(path: Path, words: Transcript | None, reads_transcripts: bool) -> Source:
    beside = find_transcript(path) if words is None and reads_transcripts else None
    files = (path,) if beside is None else (path, beside)

    def open_file() -> Recording:
        transcript = words or (read_transcript(beside) if beside else Transcript())
        return open_recording(path, transcript)

    return Source(str(path), files, open_file)


def _table_sources(table: Path, reads_transcripts: bool) -> Iterator[tuple[Path, Source]]:
    for name, rows in rows_by_dialogue(read_table(table).rows).items():
        files = tuple(media_of(row, table.parent) for row in rows)
        if len(rows) == 1 and is_bare(rows[0]) and files[0].is_file():
            yield files[0].resolve(), _file_source(files[0], None, reads_transcripts)
            continue
        source = Source(name, (table, *files), partial(open_rows, name, rows, table.parent))
        yield table.resolve() / name, source
