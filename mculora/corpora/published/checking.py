"""Published rows become utterances if ids, dialogues and labels are what they should be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mculora.corpora.iemocap.names import TurnName
from mculora.corpora.manifest import Dropped
from mculora.corpora.published.known import PublishedCorpus
from mculora.corpora.published.rows import Row
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError

_LOW, _HIGH = -3.0, 3.0
_ROUNDING = 1e-6  # a mean this little beyond the range was within it


def check_rows(
    rows: Sequence[Row], corpus: PublishedCorpus, path: Path
) -> Iterator[Utterance | Dropped]:
    """Yield an utterance for each row that is fit for use, and why for each other one.

    Raises:
        InputError: A dialogue is in two splits.
    """
    _check_splits(rows, path)
    seen: set[str] = set()
    for row in rows:
        label = read_label(row.label, corpus.class_names)
        turn = TurnName.parse(row.id) if corpus.has_sessions else None
        if row.id in seen:
            yield Dropped(row.id, "id occurs again")
        elif isinstance(label, str):
            yield Dropped(row.id, label)
        elif corpus.has_sessions and (turn is None or turn.dialogue != row.dialogue):
            yield Dropped(row.id, f"id that is no turn of its dialogue: {row.dialogue}")
        else:
            seen.add(row.id)
            yield Utterance(
                id=row.id,
                dialogue=row.dialogue,
                speaker=turn.speaker if turn else "",
                split=row.split,
                session=turn.session if turn else "",
                start_seconds=row.start_seconds,
                end_seconds=row.end_seconds,
                transcript=row.transcript,
                label=label,
                emotions=row.emotions,
                gender=turn.gender if turn else "",
            )


def read_label(value: Any, class_names: Sequence[str]) -> float | str:
    """Read a score from -3 to 3 or, where there are classes, an index; or say what is wrong."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return f"label that is no number: {ascii(value)[:60]}"
    try:
        label = float(value)
    except OverflowError:
        label = math.inf
    if not math.isfinite(label):
        return f"label that is not finite: {label}"
    if class_names:
        return label if label in range(len(class_names)) else f"label of no class: {label:g}"
    kept = min(max(label, _LOW), _HIGH)
    return kept if abs(kept - label) <= _ROUNDING else f"label outside -3 to 3: {label:g}"


def _check_splits(rows: Iterable[Row], path: Path) -> None:
    split_of: dict[str, Split | None] = {}
    for row in rows:
        if split_of.setdefault(row.dialogue, row.split) is not row.split:
            raise InputError(
                path,
                found=f"video {row.dialogue} in two splits",
                expected="each video in one of train, validation and test",
                remedy="fetch the label file again",
            )
