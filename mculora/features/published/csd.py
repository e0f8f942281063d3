"""Computational sequences as features: the rows that overlap an utterance's time are averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from mculora.acquire import csd
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.features.outcome import Absence
from mculora.features.published.cleaning import NO_ENTRY, Cleaned, clean

_NO_ROWS = "no published rows in its time"


@dataclass(frozen=True)
class CsdSource:
    """One .csd file.

    Attributes:
        path: The file.
    """

    path: Path
    kind = "computational sequence"

    def read(self, utterances: Sequence[Utterance]) -> Iterator[Cleaned]:
        """Yield each utterance's vector, or why there is none, in the given order.

        An aligned file has an entry for each utterance, by its id; any other has one for each
        video, whose rows are taken from the utterance's start to its end.

        Raises:
            InputError: The file is no computational sequence, or holds words.
        """
        with csd.open_sequence(self.path) as sequence:
            keys = frozenset(sequence.keys)
            for dialogue, group in groupby(utterances, key=lambda u: u.dialogue):
                video = self._read(sequence, dialogue) if dialogue in keys else None
                for utterance in group:
                    if utterance.id in keys:
                        yield _whole(self._read(sequence, utterance.id))
                    else:
                        yield _window(video, utterance)

    def _read(self, sequence: csd.Sequence, key: str) -> csd.Entry | Absence:
        try:
            entry = sequence.read(key)
        except InputError as error:
            return Absence(f"unreadable entry: {error.found}")
        if entry.features.dtype.kind == "S":
            raise InputError(
                self.path,
                found="words",
                expected="features",
                remedy="name a .csd file of numbers; words become transcripts in `prepare`",
            )
        return entry


def _whole(entry: csd.Entry | Absence) -> Cleaned:
    return Cleaned(entry) if isinstance(entry, Absence) else clean(entry.features)


def _window(video: csd.Entry | Absence | None, utterance: Utterance) -> Cleaned:
    """Average the rows whose half-open interval overlaps the utterance's."""
    if video is None:
        return Cleaned(Absence(NO_ENTRY))
    if isinstance(video, Absence):
        return Cleaned(video)
    begins, ends = video.intervals.T
    rows = video.features[(begins < utterance.end_seconds) & (ends > utterance.start_seconds)]
    return clean(rows) if len(rows) else Cleaned(Absence(_NO_ROWS))
