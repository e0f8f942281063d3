"""Folds: which dialogues are trained on, validated on and tested on, never one in two parts."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mculora.corpora.manifest import Corpus
from mculora.corpora.utterance import Split
from mculora.errors import InputError
from mculora.files import write_text
from mculora.protocol.groups import Parts, draw_parts, draw_validation, speaker_groups

OFFICIAL = "official"
GROUPED = "grouped"


@dataclass(frozen=True)
class Fold:
    """One way to divide a corpus.

    Attributes:
        name: `official`, `grouped`, or the session that is tested.
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


def make_folds(
    corpus: Corpus, *, validation_share: float, test_share: float, seed: int
) -> tuple[Fold, ...]:
    """Use the official splits where the corpus has them, else its sessions, else draw one fold.

    Args:
        corpus: What is divided.
        validation_share: Of the dialogues that are not tested, above 0 and below 1; used where no
            official validation part says otherwise.
        test_share: Of all dialogues, above 0 and below 1; used where the corpus has neither
            splits nor sessions.
        seed: Of the draws.

    Raises:
        InputError: Some utterances have a split or session and some have none, a dialogue is in
            two, or one part would be empty.
    """
    with_split = [u.split is not None for u in corpus.utterances]
    if any(u.session for u in corpus.utterances) and not all(with_split):
        return session_folds(corpus, validation_share=validation_share, seed=seed)
    if any(with_split):
        return (official_fold(corpus, validation_share=validation_share, seed=seed),)
    shares = {"validation_share": validation_share, "test_share": test_share}
    return (grouped_fold(corpus, **shares, seed=seed),)


def official_fold(corpus: Corpus, *, validation_share: float, seed: int) -> Fold:
    """Divide as the corpus's publishers do; they may leave validation to be drawn from training.

    Raises:
        InputError: A dialogue is in two splits, an utterance in none, or a split is empty.
    """
    parts: dict[Split, set[str]] = {split: set() for split in Split}
    for utterance in corpus.utterances:
        if utterance.split is None:
            raise _unusable(corpus, f"utterance {utterance.id} without one", "an official split")
        parts[utterance.split].add(utterance.dialogue)
    fold = Fold(OFFICIAL, *(tuple(sorted(parts[split])) for split in Split))
    if not fold.validation and len(fold.train) > 1:
        draw = random.Random(f"{seed}/{OFFICIAL}")
        drawn = draw_parts(
            corpus, fold.train, validation_share=validation_share, test_share=0.0, draw=draw
        )
        fold = _to_fold(OFFICIAL, replace(drawn, test=frozenset(fold.test)))
    return _with_every_part(corpus, fold)


def grouped_fold(corpus: Corpus, *, validation_share: float, test_share: float, seed: int) -> Fold:
    """Draw test and validation so that, where possible, no speaker is in two parts.

    A dialogue is never divided. A classification's training part has every class if it can.

    Raises:
        InputError: There are fewer than three dialogues.
    """
    if len(corpus.dialogues) < len(Split):
        raise InputError(
            f"corpus {corpus.name}",
            found=f"{len(corpus.dialogues)} dialogue(s) and no official split",
            expected="at least three: one each to train, to validate and to test",
            remedy="add recordings, give each part of a long one a dialogue of its own, "
            "or give every utterance a split",
        )
    parts = draw_parts(
        corpus,
        corpus.dialogues,
        validation_share=validation_share,
        test_share=test_share,
        draw=random.Random(f"{seed}/{GROUPED}"),
    )
    return _with_every_part(corpus, _to_fold(GROUPED, parts))


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
        validation = draw_validation(speaker_groups(corpus, others), wanted, draw)
        fold = Fold(
            session,
            train=tuple(sorted(set(others) - validation)),
            validation=tuple(sorted(validation)),
            test=tuple(sorted(sessions[session])),
        )
        folds.append(_with_every_part(corpus, fold))
    return tuple(folds)


def shared_speakers(corpus: Corpus, fold: Fold) -> tuple[str, ...]:
    """The speakers who are tested and also heard in training or validation, sorted."""
    heard = {*fold.train, *fold.validation}
    speakers = {u.speaker for u in corpus.utterances if u.speaker and u.dialogue in heard}
    dialogues = set(fold.test)
    tested = {u.speaker for u in corpus.utterances if u.dialogue in dialogues}
    return tuple(sorted(speakers & tested))


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


def _to_fold(name: str, parts: Parts) -> Fold:
    return Fold(name, *(tuple(sorted(getattr(parts, part))) for part in Split))


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
