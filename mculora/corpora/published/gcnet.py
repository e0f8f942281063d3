"""GCNet's label pickles: lists of ids, labels, speakers, sentences by video; then the splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mculora.corpora.manifest import Dropped
from mculora.corpora.published.rows import (
    ORDER_ONLY,
    LabelFile,
    Row,
    is_sequence,
    to_id,
    to_text,
)
from mculora.corpora.utterance import Split
from mculora.errors import InputError

_TABLES = ("ids", "labels", "speakers", "sentences")
_SPLITS = (Split.TRAIN, Split.VALIDATION, Split.TEST)
_NO_VALIDATION = (Split.TRAIN, Split.TEST)


def read_gcnet(content: Any, path: Path, *, has_sessions: bool) -> LabelFile:
    """Read the list that such a pickle holds.

    Args:
        content: Four dicts by video, then sets of videos: to train on, to validate on, to test on.
        path: Where it comes from, for messages.
        has_sessions: Whether the corpus is tested session by session: then the file has no videos
            to validate on, and its division is told in a note and otherwise not used.

    Raises:
        InputError: It is not such a list, an id is no text, or a video is in two sets.
    """
    splits = _NO_VALIDATION if has_sessions else _SPLITS
    expected = len(_TABLES) + len(splits)
    if not isinstance(content, list | tuple) or len(content) != expected:
        found = f"{len(content)} parts" if isinstance(content, list | tuple) else _kind(content)
        raise _unusable(path, found, expected)
    tables, sets = content[: len(_TABLES)], content[len(_TABLES) :]
    for name, table in zip(_TABLES, tables, strict=True):
        if not isinstance(table, dict):
            raise _unusable(path, f"{_kind(table)} for the {name}", expected)
    split_of: dict[str, Split] = {}
    for split, videos in zip(splits, sets, strict=True):
        if not isinstance(videos, set | frozenset | list | tuple):
            raise _unusable(path, f"{_kind(videos)} for the {split} videos", expected)
        for video in sorted(to_id(video, path) for video in videos):
            if split_of.setdefault(video, split) is not split:
                raise _unusable(path, f"video {video} in two sets", expected)
    rows, dropped = _read_videos(tables, split_of, path, has_sessions=has_sessions)
    notes = [ORDER_ONLY]
    if has_sessions:
        counts = {split: list(split_of.values()).count(split) for split in splits}
        notes.append(
            f"The published labels have {counts[Split.TRAIN]} dialogues to train on, "
            f"{counts[Split.TEST]} to test on and none to validate on."
        )
    return LabelFile(tuple(rows), tuple(dropped), tuple(notes))


def _read_videos(
    tables: Sequence[Mapping[Any, Any]],
    split_of: Mapping[str, Split],
    path: Path,
    *,
    has_sessions: bool,
) -> tuple[list[Row], list[Dropped]]:
    rows: list[Row] = []
    dropped: list[Dropped] = []
    videos = sorted(to_id(video, path) for video in tables[0])
    for video in videos:
        columns = [table.get(video) for table in tables]
        lengths = [len(column) if is_sequence(column) else -1 for column in columns]
        if video not in split_of:
            dropped.append(Dropped(video, "video in none of the published sets"))
        elif min(lengths) < 0 or len(set(lengths)) > 1:
            told = ", ".join(
                f"{name} {length if length >= 0 else 'no list'}"
                for name, length in zip(_TABLES, lengths, strict=True)
            )
            dropped.append(Dropped(video, f"video whose lists do not fit together: {told}"))
        else:
            split = None if has_sessions else split_of[video]
            rows += [
                Row(to_id(id_, path), video, split, place, place + 1.0, to_text(sentence), label)
                for place, (id_, label, _, sentence) in enumerate(zip(*columns, strict=True))
            ]
    silent = sorted(split_of.keys() - set(videos))
    dropped += [Dropped(video, "video of a published set without utterances") for video in silent]
    return rows, dropped


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"


def _unusable(path: Path, found: str, num_parts: int) -> InputError:
    return InputError(
        path,
        found=found,
        expected=f"{num_parts} parts: {len(_TABLES)} dicts by video ({', '.join(_TABLES)}), then "
        "sets of videos",
        remedy="fetch the label pickle of this corpus again",
    )
