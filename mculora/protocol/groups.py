"""Drawing the parts of a corpus: dialogues that share speakers go together where that can be."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mculora.corpora.manifest import Corpus, Task

_MOST_ATTEMPTS = 100
"""How often a classification is drawn anew for a training part that has every class."""


@dataclass(frozen=True)
class Parts:
    """Dialogue ids by part; no test where none was asked for."""

    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]


def draw_parts(
    corpus: Corpus,
    dialogues: Sequence[str],
    *,
    validation_share: float,
    test_share: float,
    draw: random.Random,
) -> Parts:
    """Draw test out of all dialogues, then validation out of the rest; what remains is training.

    No part is empty if there is a dialogue for each. A classification is drawn until each class
    is in the training part or, where that cannot be, takes the best of a hundred draws.

    Args:
        corpus: Tells who speaks and which classes there are.
        dialogues: What is divided: at least two, three with a test part.
        validation_share: Of the dialogues that are not tested, above 0 and below 1.
        test_share: Of all dialogues, below 1; 0 for no test part.
        draw: The source of chance.
    """
    groups = speaker_groups(corpus, dialogues)
    best = _draw_once(groups, validation_share, test_share, draw)
    if corpus.task is Task.REGRESSION:
        return best
    fewest = _num_lacking(corpus, dialogues, best)
    for _ in range(_MOST_ATTEMPTS - 1):
        if not fewest:
            break
        parts = _draw_once(groups, validation_share, test_share, draw)
        lacking = _num_lacking(corpus, dialogues, parts)
        if lacking < fewest:
            best, fewest = parts, lacking
    return best


def speaker_groups(corpus: Corpus, dialogues: Iterable[str]) -> list[list[str]]:
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


def draw_validation(groups: Sequence[Sequence[str]], wanted: int, draw: random.Random) -> set[str]:
    """Draw about `wanted` dialogues: whole groups that fit, or else single dialogues."""
    chosen: set[str] = set()
    for group in draw.sample(groups, len(groups)):
        if len(chosen) + len(group) <= wanted:
            chosen.update(group)
    dialogues = [dialogue for group in groups for dialogue in group]
    return chosen or set(draw.sample(dialogues, min(wanted, len(dialogues))))


def _draw_test(groups: Sequence[Sequence[str]], wanted: int, draw: random.Random) -> set[str]:
    """Draw about `wanted` dialogues: whole groups, as long as each brings the number nearer.

    Unlike validation, a test may take more than its share to keep its speakers to itself. Single
    dialogues are drawn only where groups leave the test or the rest less than half of what they
    should have: then one group holds nearly everything.
    """
    chosen: set[str] = set()
    for group in draw.sample(groups, len(groups)):
        if len(chosen) + len(group) - wanted < wanted - len(chosen):
            chosen.update(group)
    smallest = min(groups, key=len)
    chosen = chosen or set(smallest)
    dialogues = [dialogue for group in groups for dialogue in group]
    rest, wanted_rest = len(dialogues) - len(chosen), len(dialogues) - wanted
    if 2 * len(chosen) >= wanted and rest >= max(2, wanted_rest / 2):
        return chosen
    return set(draw.sample(dialogues, wanted))


def _draw_once(
    groups: Sequence[Sequence[str]],
    validation_share: float,
    test_share: float,
    draw: random.Random,
) -> Parts:
    dialogues = {dialogue for group in groups for dialogue in group}
    test: set[str] = set()
    if test_share:
        test = _draw_test(groups, _share(test_share, of=len(dialogues), leave=2), draw)
    rest = [kept for group in groups if (kept := [d for d in group if d not in test])]
    wanted = _share(validation_share, of=len(dialogues) - len(test), leave=1)
    validation = draw_validation(rest, wanted, draw)
    return Parts(
        train=frozenset(dialogues - test - validation),
        validation=frozenset(validation),
        test=frozenset(test),
    )


def _num_lacking(corpus: Corpus, dialogues: Sequence[str], parts: Parts) -> int:
    """How many classes of what is divided the training part does not have."""
    divided = set(dialogues)
    classes = {u.label for u in corpus.utterances if u.dialogue in divided}
    return len(classes - {u.label for u in corpus.utterances if u.dialogue in parts.train})


def _share(share: float, *, of: int, leave: int) -> int:
    """So many dialogues: at least one, and some left for the other parts."""
    return min(max(1, round(share * of)), of - leave)
