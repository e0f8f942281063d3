"""Labels as a computational sequence: a rated interval of a video per row, `<video>[<row>]`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mculora.acquire.csd import Entry, Sequence, open_sequence
from mculora.corpora.label_sequences import LabelRow, read_label_rows
from mculora.corpora.manifest import Dropped
from mculora.corpora.mosei.labels import EMOTIONS, RANGES, SENTIMENT
from mculora.corpora.published.rows import LabelFile, Row
from mculora.corpora.utterance import Split
from mculora.errors import InputError

_COLUMNS = (SENTIMENT, "happy", "sad", "anger", "surprise", "disgust", "fear")
_NAMES = dict(zip(_COLUMNS[1:], EMOTIONS, strict=True))
_PAUSE = b"sp"
_ALIGNED = re.compile(r"(.+)\[[0-9]+\]")
_NO_WORDS = "There was no file of timed words, so utterances have no transcript."


def read_csd(path: Path, words: Path | None, splits: Mapping[str, Split]) -> LabelFile:
    """Read the rated intervals of every video.

    Args:
        path: The labels.
        words: The timed words, of which those that overlap an interval become its transcript.
        splits: The split of each video.

    Raises:
        InputError: A file is no computational sequence.
    """
    rows: list[Row] = []
    dropped: list[Dropped] = []
    videos = set()
    with _open_words(words) as spoken:
        for item in read_label_rows(path, _COLUMNS):
            if isinstance(item, Dropped):
                dropped.append(item)
                continue
            videos.add(video_of(item.video))
            for found in _read_row(item, splits, spoken):
                if isinstance(found, Row):
                    rows.append(found)
                else:
                    dropped.append(found)
        dropped += spoken.dropped
    silent = sorted(splits.keys() - videos)
    dropped += [Dropped(video, "video of a standard fold without labels") for video in silent]
    return LabelFile(tuple(rows), tuple(dropped), (_NO_WORDS,) if words is None else ())


def video_of(key: str) -> str:
    """The video that an entry belongs to: its key, or in aligned files `<video>[<segment>]`."""
    match = _ALIGNED.fullmatch(key)
    return match[1] if match else key


def _read_row(
    row: LabelRow, splits: Mapping[str, Split], spoken: _Words
) -> Iterator[Row | Dropped]:
    """Read a row, and what of it cannot be used."""
    video = video_of(row.video)
    id_ = f"{video}[{row.row}]" if video == row.video else row.video
    start, end = max(0.0, row.start_seconds), row.end_seconds
    if video not in splits:
        yield Dropped(id_, "video in no standard fold")
        return
    if not start < end < math.inf:
        yield Dropped(id_, f"empty time window: {row.start_seconds:g} to {end:g} s")
        return
    emotions = {}
    for column, value in row.values.items():
        name = _NAMES.get(column)
        if name is None:
            continue
        low, high = RANGES[name]
        if low <= value <= high:
            emotions[name] = value
        else:
            yield Dropped(id_, f"malformed rating: {name} {value:g}")
    label = row.values[SENTIMENT]
    yield Row(
        id_, video, splits[video], start, end, spoken.between(video, start, end), label, emotions
    )


class _Words:
    """The timed words of the video that was asked for last, and what could not be read."""

    def __init__(self, sequence: Sequence | None) -> None:
        self._sequence = sequence
        self._keys = frozenset(sequence.keys if sequence else ())
        self._video = ""
        self._entry: Entry | None = None
        self.dropped: list[Dropped] = []

    def between(self, video: str, start: float, end: float) -> str:
        """Join the words whose time overlaps a half-open window, without the marks of pauses."""
        if video != self._video:
            self._video, self._entry = video, self._read(video)
        if self._entry is None:
            return ""
        begins, ends = self._entry.intervals.T
        tokens = self._entry.features[(begins < end) & (ends > start)][:, 0].tolist()
        return b" ".join(t for t in tokens if t not in (b"", _PAUSE)).decode("utf-8", "replace")

    def _read(self, video: str) -> Entry | None:
        if self._sequence is None or video not in self._keys:
            return None
        try:
            entry = self._sequence.read(video)
        except InputError as error:
            self.dropped.append(Dropped(video, f"unreadable words: {error.found}"))
            return None
        if entry.features.dtype.kind != "S" or not entry.features.shape[1]:
            self.dropped.append(Dropped(video, f"unreadable words: {entry.features.dtype}"))
            return None
        return entry


@contextmanager
def _open_words(path: Path | None) -> Iterator[_Words]:
    if path is None:
        yield _Words(None)
        return
    with open_sequence(path) as sequence:
        yield _Words(sequence)
