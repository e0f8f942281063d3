"""Who has no vector and why: a table for the screen, and the share above which it is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mculora.corpora.manifest import Corpus
from mculora.errors import InputError
from mculora.features.store.reasons import kind_of
from mculora.modality import Modality

NOT_OFFERED = (
    "no audio track",
    "no video track",
    "no face in ",
    "empty transcript",
    "no words in ",
)
"""Beginnings of the reasons for which a readable clip has no vector of some modality."""

_WIDEST = 60  # characters of a reason or an id that the table shows


@dataclass(frozen=True)
class Absences:
    """The utterances of a corpus without a vector of one modality.

    Attributes:
        corpus: The corpus.
        modality: The modality.
        reasons: Why, by utterance id.
    """

    corpus: Corpus
    modality: Modality
    reasons: Mapping[str, str]

    @property
    def failed(self) -> dict[str, str]:
        """Those of which the corpus did not know it beforehand."""
        known = {u.id for u in self.corpus.utterances if self.modality in u.absent}
        return {i: reason for i, reason in self.reasons.items() if i not in known}

    @property
    def is_not_offered(self) -> bool:
        """Whether no utterance has this modality at all: nothing failed, it is not there."""
        is_all = len(self.reasons) == len(self.corpus.utterances)
        return is_all and all(r.startswith(NOT_OFFERED) for r in self.failed.values())

    def table(self) -> list[str]:
        """One line per kind of reason, the most common first, with an utterance as example."""
        examples: dict[str, list[str]] = {}
        for utterance_id, reason in self.reasons.items():
            examples.setdefault(kind_of(reason), []).append(utterance_id)
        total = len(self.corpus.utterances)
        rows = sorted(examples.items(), key=lambda row: -len(row[1]))
        width = max((len(_short(kind)) for kind, _ in rows), default=0)
        lines = [f"  {'utterances':>10}  {'share':>6}  without {self.modality.word}"]
        for kind, ids in rows:
            share = f"{len(ids) / total:.1%}"
            kind = f"{_short(kind):<{width}}"
            lines.append(f"  {len(ids):>10}  {share:>6}  {kind}  as {_short(ids[0])}")
        return lines if rows else []

    def check_share(self, most: float) -> None:
        """Refuse an extraction that failed on too many of the utterances it should have served.

        Raises:
            InputError: It did.
        """
        failed = self.failed
        tried = len(self.corpus.utterances) - (len(self.reasons) - len(failed))
        if self.is_not_offered or not tried or len(failed) <= most * tried:
            return
        raise InputError(
            f"{self.modality.word} of {self.corpus.name}",
            found=f"no vector of {len(failed)} of {tried} utterances that should have one",
            expected=f"at most {most:.0%} (extract.max_failed_share)",
            remedy="look at the reasons above and mend the media, or raise that share",
        )


def _short(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
