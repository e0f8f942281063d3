"""MOSEI's label files: crowd-worker ratings, averaged over every rater of a clip."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.manifest import Dropped
from mculora.corpora.records import read_records
from mculora.errors import InputError

SENTIMENT = "sentiment"
EMOTIONS = ("happiness", "sadness", "anger", "surprise", "disgust", "fear")
RANGES = {SENTIMENT: (-3.0, 3.0)} | dict.fromkeys(EMOTIONS, (0.0, 3.0))
"""The lowest and the highest value of each question."""
_VIDEO, _CLIP = "Input.VIDEO_ID", "Input.CLIP"


@dataclass(frozen=True)
class Labels:
    """The ratings of a corpus.

    Attributes:
        means: By utterance id: sentiment in [-3, 3] and, where rated, emotions in [0, 3].
        dropped: Ratings and files that could not be used.
    """

    means: Mapping[str, Mapping[str, float]]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True)
class _Rating:
    utterance: str
    question: str
    value: float


def read_labels(folder: Path) -> Labels:
    """Read every CSV file of a folder; columns are found by name, never by place.

    A clip's label is the arithmetic mean over all its rows, in whichever files they stand.

    Raises:
        InputError: The folder is missing or holds no sentiment rating.
    """
    ratings: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    dropped: list[Dropped] = []
    for path in sorted(folder.glob("*.csv")):
        if path.name.startswith("._"):  # left by archives made on a Mac
            continue
        for item in _read_ratings(path):
            if isinstance(item, Dropped):
                dropped.append(item)
            else:
                ratings[item.utterance][item.question].append(item.value)
    # fsum is exact, so the order of files and rows cannot change a mean.
    means = {
        utterance: {name: math.fsum(values) / len(values) for name, values in answers.items()}
        for utterance, answers in ratings.items()
        if SENTIMENT in answers
    }
    if not means:
        raise InputError(
            folder,
            found=dropped[0].reason if dropped else "no ratings",
            expected=f"CSV files with the columns {_VIDEO}, {_CLIP} and Answer.{SENTIMENT}",
            remedy="put the corpus's Labels folder there",
        )
    return Labels(means, tuple(dropped))


def _read_ratings(path: Path) -> Iterator[_Rating | Dropped]:
    is_empty = True
    for item in read_records(path):
        is_empty = False
        if isinstance(item, Dropped):
            yield item
            continue
        for column in (_VIDEO, _CLIP, f"Answer.{SENTIMENT}"):
            if column not in item.cells:
                yield Dropped(path.name, f"label file without a column {column}")
                return
        yield from _ratings_of(item.cells, item.place)
    if is_empty:
        yield Dropped(path.name, "label file without a row")


def _ratings_of(row: Mapping[str, str | None], where: str) -> Iterator[_Rating | Dropped]:
    # The id may carry a folder: "batch7/900123".
    video = (row[_VIDEO] or "").strip().rpartition("/")[2]
    clip = _to_number(row[_CLIP])
    if not video or not clip.is_integer() or clip < 0:
        yield Dropped(where, f"rating without a clip: {row[_VIDEO]!r}, {row[_CLIP]!r}")
        return
    utterance = f"{video}_{int(clip)}"
    for question in RANGES:
        if f"Answer.{question}" not in row:
            continue
        answer = row[f"Answer.{question}"]
        value, (low, high) = _to_number(answer), RANGES[question]
        if low <= value <= high:
            yield _Rating(utterance, question, value)
        else:
            reason = (
                f"malformed rating: {question} {answer!r} is no number from {low:g} to {high:g}"
            )
            yield Dropped(f"{where} ({utterance})", reason)


def _to_number(text: str | None) -> float:
    """Read a number; NaN, which is in no range, for anything else."""
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
