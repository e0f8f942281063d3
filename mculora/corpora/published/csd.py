"""Labels as a computational sequence: a rated interval of a video per row, `<video>[<row>]`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from mculora.acquire.csd import Entry, Sequence, open_sequence
from mculora.corpora.manifest import Dropped
from mculora.corpora.mosei.labels import EMOTIONS
from mculora.corpora.published.rows import LabelFile, Row
from mculora.corpora.utterance import Split
from mculora.errors import InputError

_PAUSE = "sp"
_ALIGNED = re.compile(r"(.+)\[[0-9]+\]")
_NO_WORDS = "There was no file of timed words, so utterances have no transcript."


def read_csd(path: Path, words: Path | None, splits: Mapping[str, Split]) -> LabelFile:
    """Read the rated intervals of every video.

    Args:
        path: The labels: sentiment in the first column and, where there are seven, the six
            emotions after it.
        words: The timed words, of which those that overlap an interval become its transcript.
        splits: The split of each video.

    Raises:
        InputError: A file is no computational sequence, or the labels are no numbers.
    """
    rows: list[Row] = []
    dropped: list[Dropped] = []
    with ExitStack() as stack:
        labels = stack.enter_context(open_sequence(path))
        spoken = None if words is None else stack.enter_context(open_sequence(words))
        for key in labels.keys:
            for item in _read_video(labels, spoken, key, splits):
                (rows if isinstance(item, Row) else dropped).append(item)  # type: ignore[arg-type]
        videos = set(map(video_of, labels.keys))
    silent = sorted(splits.keys() - videos)
    dropped += [Dropped(video, "video of a standard fold without labels") for video in silent]
    return LabelFile(tuple(rows), tuple(dropped), (_NO_WORDS,) if words is None else ())


def video_of(key: str) -> str:
    """The video that an entry belongs to: its key, or in aligned files `<video>[<segment>]`."""
    match = _ALIGNED.fullmatch(key)
    return match[1] if match else key


def _read_video(
    labels: Sequence, spoken: Sequence | None, key: str, splits: Mapping[str, Split]
) -> Iterator[Row | Dropped]:
    video = video_of(key)
    if video not in splits:
        yield Dropped(key, "video in no standard fold")
        return
    try:
        entry = labels.read(key)
    except InputError as error:
        yield Dropped(key, f"unreadable labels: {error.found}")
        return
    if entry.features.dtype.kind not in "fiu" or not entry.features.shape[1]:
        yield Dropped(key, f"labels that are no numbers: {entry.features.dtype}")
        return
    said: Entry | None = None
    if spoken is not None and video in spoken.keys:
        try:
            said = spoken.read(video)
        except InputError as error:
            yield Dropped(key, f"unreadable words: {error.found}")
    for number, (values, interval) in enumerate(zip(entry.features, entry.intervals, strict=True)):
        id_ = key if video != key else f"{video}[{number}]"
        start, end = max(0.0, float(interval[0])), float(interval[1])
        if not start < end < np.inf:
            yield Dropped(id_, f"empty time window: {interval[0]:g} to {interval[1]:g} s")
            continue
        rated = zip(EMOTIONS, values[1:].tolist(), strict=False)
        yield Row(
            id_,
            video,
            splits[video],
            start,
            end,
            transcript="" if said is None else _words_between(said, start, end),
            label=values[0],
            emotions={name: value for name, value in rated if 0 <= value <= 3},
        )


def _words_between(said: Entry, start: float, end: float) -> str:
    """Join the words whose time overlaps a half-open window, without the marks of pauses."""
    if said.features.dtype.kind != "S" or not said.features.shape[1]:
        return ""
    begins, ends = said.intervals.T
    tokens = said.features[(begins < end) & (ends > start), 0]
    words = (token.decode("utf-8", errors="replace") for token in tokens)
    return " ".join(word for word in words if word and word != _PAUSE)
