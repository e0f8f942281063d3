"""MERTools' label.npz: a dict per part of the corpus, from utterance ids to emotion and valence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mculora.corpora.published.rows import (
    ORDER_ONLY,
    LabelFile,
    NumberedClip,
    Row,
    order_clips,
    to_id,
)
from mculora.corpora.utterance import Split
from mculora.errors import InputError

_PARTS = {
    "train_corpus": Split.TRAIN,
    "val_corpus": Split.VALIDATION,
    "test_corpus": Split.TEST,
}
_WHOLE = "whole_corpus"
_EMOTION, _VALENCE = "emo", "val"
_NO_WORDS = "The published labels have no transcripts."


def read_mertools(content: Mapping[str, Any], path: Path, *, has_sessions: bool) -> LabelFile:
    """Read the arrays of such a file.

    Args:
        content: What the npz file holds, by name.
        path: Where it comes from, for messages.
        has_sessions: Whether it has one part (classes, no splits) or three (scores).

    Raises:
        InputError: A part is missing or no dict, or an id is no text.
    """
    notes = (ORDER_ONLY, _NO_WORDS)
    if has_sessions:
        return LabelFile(_read_whole(_part(content, _WHOLE, path), path), notes=notes)
    clips = [
        NumberedClip(to_id(id_, path), split, transcript="", label=_value(labels, _VALENCE))
        for part, split in _PARTS.items()
        for id_, labels in _part(content, part, path).items()
    ]
    ordered = order_clips(clips)
    return LabelFile(ordered.rows, ordered.dropped, notes)


def _read_whole(part: Mapping[Any, Any], path: Path) -> tuple[Row, ...]:
    """Read turns in the file's own order, which is that of the label pickle it was made from."""
    rows = []
    for place, (id_, labels) in enumerate(part.items()):
        dialogue = to_id(id_, path).rpartition("_")[0]
        label = _value(labels, _EMOTION)
        rows.append(Row(str(id_), dialogue, None, place, place + 1.0, "", label))
    return tuple(rows)


def _part(content: Mapping[str, Any], name: str, path: Path) -> Mapping[Any, Any]:
    part = content.get(name)
    if not isinstance(part, dict):
        raise InputError(
            path,
            found=f"{', '.join(content) or 'nothing'}" if part is None else type(part).__name__,
            expected=f"{name}: a dict from utterance ids to {_EMOTION!r} and {_VALENCE!r}",
            remedy="take the label file of this corpus",
        )
    return part


def _value(labels: Any, name: str) -> Any:
    return labels.get(name) if isinstance(labels, dict) else None
