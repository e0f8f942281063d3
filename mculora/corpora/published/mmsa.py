"""MMSA's pickles (aligned_50, unaligned_50) read for their labels: ids `<video>$_$<clip>`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mculora.corpora.published.rows import (
    ORDER_ONLY,
    LabelFile,
    NumberedClip,
    is_sequence,
    order_clips,
    to_id,
    to_text,
)
from mculora.corpora.utterance import Split
from mculora.errors import InputError

SPLITS: Mapping[str, Split] = {
    "train": Split.TRAIN,
    "valid": Split.VALIDATION,
    "test": Split.TEST,
}
"""The parts of such a pickle, by the names that it gives them."""
_IDS, _WORDS, _LABELS = "id", "raw_text", "regression_labels"


def read_mmsa(content: Any, path: Path) -> LabelFile:
    """Read ids, words and labels of such a pickle; its arrays of features are left alone.

    Raises:
        InputError: A split or a list is missing, lists of one split differ in length, or an id is
            no text.
    """
    clips = []
    for split, part in mmsa_parts(content, path).items():
        ids = clip_ids(part, path)
        columns = [_column(part, name, len(ids), path) for name in (_WORDS, _LABELS)]
        clips += [
            NumberedClip(id_, split, transcript=to_text(text), label=label)
            for id_, text, label in zip(ids, *columns, strict=True)
        ]
    ordered = order_clips(clips)
    return LabelFile(ordered.rows, ordered.dropped, (ORDER_ONLY,))


def mmsa_parts(content: Any, path: Path) -> dict[Split, Mapping[str, Any]]:
    """The three parts of such a pickle.

    Raises:
        InputError: One is missing or no dict.
    """
    parts: dict[Split, Mapping[str, Any]] = {}
    for name, split in SPLITS.items():
        part = content.get(name) if isinstance(content, dict) else None
        if not isinstance(part, dict):
            raise unusable_mmsa(path, f"no dict {name!r}")
        parts[split] = part
    return parts


def clip_ids(part: Mapping[str, Any], path: Path) -> list[str]:
    """The utterance ids of one part as others write them, `<video>_<clip>`, in its order.

    Raises:
        InputError: There are none, or one is no text.
    """
    ids = part.get(_IDS)
    if not is_sequence(ids):
        raise unusable_mmsa(path, f"no list {_IDS!r}")
    return [to_id(id_, path).replace("$_$", "_") for id_ in ids]


def _column(part: Mapping[str, Any], name: str, num_ids: int, path: Path) -> list[Any]:
    column = part.get(name)
    if not is_sequence(column) or len(column) != num_ids:
        raise unusable_mmsa(path, f"no {name} for each of {num_ids} ids")
    return list(column)


def unusable_mmsa(path: Path, found: str) -> InputError:
    """Say that a pickle is not laid out as MMSA's are."""
    return InputError(
        path,
        found=found,
        expected=f"an MMSA pickle: {', '.join(SPLITS)}, each with {_IDS}, {_WORDS}, {_LABELS} and "
        "arrays of features",
        remedy="fetch the file again",
    )
