"""Folds: which dialogues are trained on, validated on and tested on, never one in two parts."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mculora.corpora.manifest import Corpus
from mculora.corpora.utterance import Split
from mculora.errors import InputError
from mculora.files import write_text

OFFICIAL = "official"


@dataclass(frozen=True)
class Fold:
    """One way to divide a corpus.

    Attributes:
        name: `official`, or the session that is tested.
        train: Dialogue ids, sorted.
        validation: Dialogue ids, sorted; they choose the epoch, never the test.
        test: Dialogue ids, sorted.

    Raises:
        InputError: A dialogue is in two parts.
    """

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for dialogue in (*self.train, *self.validation, *self.test):
            if dialogue in seen:
                raise InputError(
                    f"fold {self.name}",
                    found=f"dialogue {dialogue} twice",
                    expected="each dialogue in one of train, validation and test",
                )
            seen.add(dialogue)


def make_folds(corpus: Corpus, *, validation_share: float, seed: int) -> tuple[Fold, ...]:
    """Use the official splits where the corpus has them, its sessions otherwise.

    Args:
        corpus: What is divided.
        validation_share: Of the training dialogues, above 0 and below 1; sessions only.
        seed: Of the draw of validation dialogues; sessions only.

    Raises:
        InputError: The corpus has neither for every utterance, or one part would be empty.
    """
    if all(u.split is not None for u in corpus.utterances):
        return (official_fold(corpus),)
    return session_folds(corpus, validation_share=validation_share, seed=seed)


def official_fold(corpus: Corpus) -> Fold:
    """Divide as the corpus's publishers do.

    Raises:
        InputError: A dialogue is in two splits, an utterance in none, or a split is empty.
    """
    parts: dict[Split, set[str]] = {split: set() for split in Split}
    for utterance in corpus.utterances:
        if utterance.split is None:
            raise _unusable(corpus, f"utterance {utterance.id} without one", "an official split")
        parts[utterance.split].add(utterance.dialogue)
    fold = Fold(OFFICIAL, *(tuple(sorted(parts[split])) for split in Split))
    return _with_every_part(corpus, fold)


def session_folds(corpus: Corpus, *, validation_share: float, seed: int) -> tuple[Fold, ...]:
    """Test on each session in turn; train on the others, less a validation share of them.

    Speakers stay out of both training and validation where the share allows it: speakers who
    share dialogues are drawn together, as long as they fit. Where every such group is larger than
    the share (IEMOCAP: a group is a session), single dialogues are drawn instead.

    Raises:
        InputError: An utterance has no session, a dialogue has two, or a part would be empty.
    """
    sessions = _dialogues_by_session(corpus)
    folds = []
    for session in sorted(sessions):
        others = [d for name in sorted(sessions) if name != session for d in sessions[name]]
        wanted = max(1, round(validation_share * len(others)))
        # Seeded by name, so that one more session leaves the other folds' draws alone.
        draw = random.Random(f"{seed}/{session}")
        validation = _draw_validation(_speaker_groups(corpus, others), wanted, draw)
        fold = Fold(
            session,
            train=tuple(sorted(set(others) - validation)),
            validation=tuple(sorted(validation)),
            test=tuple(sorted(sessions[session])),
        )
        folds.append(_with_every_part(corpus, fold))
    return tuple(folds)


def write_folds(path: Path, folds: Sequence[Fold]) -> None:
    """Write folds as JSON."""
    write_text(path, json.dumps([asdict(fold) for fold in folds], indent=1, ensure_ascii=False))


def read_folds(path: Path) -> tuple[Fold, ...]:
    """Read folds written by `write_folds`, in their order.

    Raises:
        InputError: The file is damaged, or a dialogue is in two parts.
    """
    try:
        rows = json.loads(path.read_bytes())
        return tuple(
            Fold(row["name"], *(tuple(row[str(split)]) for split in Split)) for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            path,
            found=f"no readable folds ({reason})",
            expected="folds",
            remedy="run `mculora split` again",
        ) from error


def _draw_validation(groups: Sequence[Sequence[str]], wanted: int, draw: random.Random) -> set[str]:
    """Draw about `wanted` dialogues: whole groups that fit, or else single dialogues."""
    chosen: set[str] = set()
    for group in draw.sample(groups, len(groups)):
        if len(chosen) + len(group) <= wanted:
            chosen.update(group)
    dialogues = [dialogue for group in groups for dialogue in group]
    return chosen or set(draw.sample(dialogues, min(wanted, len(dialogues))))


def _speaker_groups(corpus: Corpus, dialogues: Iterable[str]) -> list[list[str]]:
    """Group dialogues that are linked by speakers; an unknown speaker links nothing."""
    remaining = dict.fromkeys(dialogues)
    speakers: dict[str, set[str]] = {dialogue: set() for dialogue in remaining}
    appearances: dict[str, set[str]] = defaultdict(set)
    for utterance in corpus.utterances:
        if utterance.speaker and utterance.dialogue in speakers:
            speakers[utterance.dialogue].add(utterance.speaker)
            appearances[utterance.speaker].add(utterance.dialogue)
    groups = []
    while remaining:
        frontier, group = [next(iter(remaining))], set()
        while frontier:
            dialogue = frontier.pop()
            if dialogue not in group:
                group.add(dialogue)
                frontier.extend(d for s in speakers[dialogue] for d in appearances[s])
        for dialogue in group:
            del remaining[dialogue]
        groups.append(sorted(group))
    return groups


def _dialogues_by_session(corpus: Corpus) -> dict[str, list[str]]:
    session_of: dict[str, str] = {}
    for utterance in corpus.utterances:
        if not utterance.session:
            raise _unusable(corpus, f"utterance {utterance.id} without", "a split or session each")
        if session_of.setdefault(utterance.dialogue, utterance.session) != utterance.session:
            found = f"dialogue {utterance.dialogue} in two sessions"
            raise _unusable(corpus, found, "one session per dialogue")
    sessions: dict[str, list[str]] = defaultdict(list)
    for dialogue, session in session_of.items():
        sessions[session].append(dialogue)
    return sessions


def _with_every_part(corpus: Corpus, fold: Fold) -> Fold:
    for part in Split:
        if not getattr(fold, part):
            expected = "at least one in each of train, validation and test"
            raise _unusable(corpus, f"no dialogue for {part} (fold {fold.name})", expected)
    return fold


def _unusable(corpus: Corpus, found: str, expected: str) -> InputError:
    return InputError(f"corpus {corpus.name}", found=found, expected=expected)
