"""What a published label file says, before it is checked: rows, and what could not be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from mculora.corpora.manifest import Corpus, Dropped
from mculora.corpora.utterance import Split
from mculora.errors import InputError

_CLIP = re.compile(r"[0-9]{1,9}")  # not str.isdecimal, which other scripts' digits pass
ORDER_ONLY = "The published labels tell the order of a dialogue's utterances, not their times."


@dataclass(frozen=True)
class Row:
    """One utterance.

    Attributes:
        id: Its id.
        dialogue: The video or conversation.
        split: The published split, or None where the file has none.
        start_seconds: Start in the dialogue; where a file only tells the order, the utterance's
            place in it, and the next whole number as the end.
        end_seconds: End in the dialogue.
        transcript: The words, or `""`.
        label: Whatever the file gives; to be checked.
        emotions: Further ratings by name.
    """

    id: str
    dialogue: str
    split: Split | None
    start_seconds: float
    end_seconds: float
    transcript: str
    label: Any
    emotions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelFile:
    """All that one label file says.

    Attributes:
        rows: The utterances.
        dropped: What could not be read, and why.
        notes: What the reader of results must know.
    """

    rows: tuple[Row, ...]
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class NumberedClip:
    """An utterance whose id ends in its number in the video."""

    id: str
    split: Split
    transcript: str
    label: Any


def order_clips(clips: Iterable[NumberedClip]) -> LabelFile:
    """Put clips `<video>_<number>` in the order of their numbers."""
    numbered: dict[str, list[tuple[int, NumberedClip]]] = {}
    dropped = []
    for clip in clips:
        video, _, number = clip.id.rpartition("_")
        if video and _CLIP.fullmatch(number):
            numbered.setdefault(video, []).append((int(number), clip))
        else:
            dropped.append(Dropped(clip.id, "id without a video and a clip number"))
    rows = [
        Row(clip.id, video, clip.split, place, place + 1.0, clip.transcript, clip.label)
        for video, pairs in numbered.items()
        for place, (_, clip) in enumerate(sorted(pairs, key=lambda pair: pair[0]))
    ]
    return LabelFile(tuple(rows), tuple(dropped))


def has_order_only(corpus: Corpus) -> bool:
    """Tell whether a corpus's windows are places in a dialogue, not seconds."""
    return ORDER_ONLY in corpus.notes


def is_sequence(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...] | NDArray[Any]]:
    """Tell whether a value out of a pickle is a list, a tuple or an array of one axis."""
    return isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim == 1)


def to_id(value: Any, path: Path) -> str:
    """Read an id.

    Raises:
        InputError: It is no text, or none that a file can hold.
    """
    if isinstance(value, str) and value and _is_writable(value):
        return str(value)
    raise InputError(
        path,
        found=f"{ascii(value)[:60]} as an id ({type(value).__name__})",
        expected="ids that are texts",
        remedy="fetch the file again",
    )


def to_text(value: Any) -> str:
    """Read a transcript; `""` for anything that is no text."""
    text = str(value) if isinstance(value, str) else ""
    return text if _is_writable(text) else text.encode("utf-8", "replace").decode("utf-8")


def _is_writable(text: str) -> bool:
    """Tell whether a text has no half of a surrogate pair, which pickles may hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
