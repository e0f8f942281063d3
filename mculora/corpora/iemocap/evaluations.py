"""IEMOCAP's consensus files: `[start - end] turn emotion [V, A, D]`, then a line per rater."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.iemocap.lines import Line, read_lines
from mculora.corpora.iemocap.names import TurnName
from mculora.corpora.manifest import Dropped

RATINGS = ("valence", "activation", "dominance")
"""The mean ratings, in the order of the file."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]*)?")
_TIME = f"({_NUMBER.pattern})"
_SUMMARY = re.compile(rf"\[\s*{_TIME}\s*-\s*{_TIME}\s*\]\s*(\S+)\s+(\w+)\s*(?:\[([^\]]*)\]?)?")
_RATER = re.compile(r"[CA]-\w+\s*:")  # one rater's categories or attributes, and a free comment


@dataclass(frozen=True)
class Evaluation:
    """What the raters agreed on about one turn.

    Attributes:
        name: Which turn of which speaker it is.
        start_seconds: In the dialogue, half-open with `end_seconds`; never negative.
        end_seconds: Greater than `start_seconds`.
        emotion: The code of the majority's emotion, such as `neu`; `xxx` without a majority.
        ratings: Mean ratings, about 1 to 5, by name; those that are missing are left out.
    """

    name: TurnName
    start_seconds: float
    end_seconds: float
    emotion: str
    ratings: Mapping[str, float]

    @property
    def id(self) -> str:
        """The utterance id, which is the turn's name."""
        return self.name.id


def read_evaluations(path: Path) -> list[Evaluation | Dropped]:
    """Read `EmoEvaluation/<dialogue>.txt` and, in between, what could not be used as it stands.

    The lines of single raters are passed over: the summary line holds what came of them.
    """
    found: list[Evaluation | Dropped] = []
    turns: set[str] = set()
    for line in read_lines(path):
        if isinstance(line, Dropped):
            found.append(line)
            continue
        for item in _parse(line, dialogue=path.stem):
            if isinstance(item, Evaluation) and item.id in turns:
                item = Dropped(item.id, f"turn evaluated again: {line.where}")
            elif isinstance(item, Evaluation):
                turns.add(item.id)
            found.append(item)
    return found or [Dropped(f"{path.parent.name}/{path.name}", "file without a turn")]


def _parse(line: Line, *, dialogue: str) -> Iterator[Evaluation | Dropped]:
    """Read a summary line: the evaluation, and which of its ratings are missing."""
    if line.text.startswith("%") or _RATER.match(line.text):
        return
    match = _SUMMARY.fullmatch(line.text)
    if match is None:
        reason = "unreadable evaluation line: not [start - end] turn emotion [V, A, D]"
        yield Dropped(line.where, reason)
        return
    name, start, end = TurnName.parse(match[3]), float(match[1]), float(match[2])
    if name is None or name.dialogue != dialogue:
        yield Dropped(line.where, f"no turn of this dialogue: {match[3]!r}")
    elif not 0 <= start < end:
        yield Dropped(name.id, f"empty time window: {match[1]} to {match[2]} s")
    else:
        ratings = _parse_ratings(match[5] or "")
        yield Evaluation(name, start, end, emotion=match[4], ratings=ratings)
        if missing := [rating for rating in RATINGS if rating not in ratings]:
            yield Dropped(name.id, f"mean rating that is no number: {', '.join(missing)}")


def _parse_ratings(text: str) -> dict[str, float]:
    parts = [part.strip() for part in text.split(",")]
    named = zip(RATINGS, parts, strict=False)
    return {rating: float(part) for rating, part in named if _NUMBER.fullmatch(part)}
