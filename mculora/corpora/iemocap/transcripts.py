"""IEMOCAP's transcripts: `<turn> [<start>-<end>]: <text>`, and noises without a turn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.iemocap.lines import Line, read_lines
from mculora.corpora.iemocap.names import TurnName
from mculora.corpora.manifest import Dropped

# The times are not read: they differ a little from the evaluations', which also the wavs follow.
_LINE = re.compile(r"(\S+)\s*\[[^\]]*\]\s*:(.*)")
_NOISE = re.compile(r"[FM]\s*:")


@dataclass(frozen=True)
class Words:
    """What is said in one turn.

    Attributes:
        id: The turn's name.
        text: The words and marks such as `[LAUGHTER]`, outer white space removed; may be empty.
    """

    id: str
    text: str


def read_transcript(path: Path) -> list[Words | Dropped]:
    """Read `transcriptions/<dialogue>.txt` and, in between, what could not be used."""
    found: list[Words | Dropped] = []
    turns: set[str] = set()
    for line in read_lines(path):
        if isinstance(line, Dropped):
            found.append(line)
            continue
        item = _parse(line, dialogue=path.stem)
        if isinstance(item, Words) and item.id in turns:
            item = Dropped(item.id, f"turn transcribed again: {line.where}")
        elif isinstance(item, Words):
            turns.add(item.id)
        found.append(item)
    return found or [Dropped(f"{path.parent.name}/{path.name}", "file without a turn")]


def _parse(line: Line, *, dialogue: str) -> Words | Dropped:
    if _NOISE.match(line.text):
        return Dropped(line.where, "words outside the turns")
    match = _LINE.fullmatch(line.text)
    if match is None:
        return Dropped(line.where, "unreadable transcript line: not <turn> [<start>-<end>]: <text>")
    turn = TurnName.parse(match[1])
    if turn is None or turn.dialogue != dialogue:
        return Dropped(line.where, f"no turn of this dialogue: {match[1]!r}")
    return Words(turn.id, match[2].strip())
