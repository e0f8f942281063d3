"""Whom a method serves worse: results by speaker, gender and session, and what chance would make.

The largest of many differences is never zero, so it stands beside its own law under chance: the
same gap after the utterances were shuffled among groups of the same sizes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mculora.corpora.utterance import Utterance
from mculora.evaluation.predicted import PredictedTest
from mculora.evaluation.primary import Floats, Integers, Verdicts, verdicts
from mculora.evaluation.statistics import Summary, summarise
from mculora.modality import ModalityCombination

KINDS = ("speaker", "gender", "session")
"""What utterances are grouped by: fields of an utterance that are empty where nobody tells."""
LEAST_UTTERANCES = 20
"""Smaller groups are counted and not scored."""
NUM_SHUFFLES = 1000
_FULL = ModalityCombination.ATV.word


@dataclass(frozen=True)
class GroupScore:
    """One group of test utterances.

    Attributes:
        name: As the corpus calls it.
        num_utterances: Of which something could be predicted under `atv`.
        full: The primary metric under `atv`, over the seeds.
        mean: Its mean over the seven combinations.
    """

    name: str
    num_utterances: int
    full: Summary
    mean: Summary


@dataclass(frozen=True)
class GroupGap:
    """The largest difference between two groups in the primary metric under `atv`, seeds averaged.

    Attributes:
        highest: The group that is served best.
        lowest: The one that is served worst.
        difference: Between these two.
        by_chance: What it is below in 95 % of shuffles; more is hardly chance alone. Utterances of
            one dialogue resemble each other, which shuffling forgets: it is rather too low.
        p_value: The share of shuffles with such a gap or a larger one, in (0, 1].
    """

    highest: str
    lowest: str
    difference: float
    by_chance: float
    p_value: float


@dataclass(frozen=True)
class Grouping:
    """All groups of one kind.

    Attributes:
        groups: Those with enough utterances, by name.
        num_small: How many are too small to be scored.
        num_untold: Utterances of which the corpus does not tell the group.
        gap: None where fewer than two groups have a score.
    """

    groups: tuple[GroupScore, ...]
    num_small: int
    num_untold: int
    gap: GroupGap | None


def by_groups(record: PredictedTest, utterances: Sequence[Utterance]) -> dict[str, Grouping]:
    """Score the main method by each kind of group that the corpus tells anything of.

    Args:
        record: All predictions.
        utterances: The corpus; those of the record among them.
    """
    known = {u.id: u for u in utterances}
    judged = {
        word: verdicts(record.of(record.main, word), record.labels, record.known(word), record.task)
        for word in (c.word for c in ModalityCombination)
    }
    told = {
        kind: [str(getattr(known[i], kind)) if i in known else "" for i in record.ids]
        for kind in KINDS
    }
    predicted = record.known(_FULL).tolist()
    return {kind: _grouping(n, predicted, judged) for kind, n in told.items() if any(n)}


def _grouping(
    names: Sequence[str], predicted: Sequence[bool], judged: Mapping[str, Verdicts]
) -> Grouping:
    sizes = Counter(n for n, is_there in zip(names, predicted, strict=True) if n and is_there)
    large = sorted(name for name, size in sizes.items() if size >= LEAST_UTTERANCES)
    place = {name: number for number, name in enumerate(large)}
    group = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    reached = {word: v.by_group(group, len(large)) for word, v in judged.items()}
    mean = _mean(np.stack(list(reached.values())), 0)
    groups = tuple(
        GroupScore(name, sizes[name], *(_summary(r[:, n]) for r in (reached[_FULL], mean)))
        for n, name in enumerate(large)
    )
    return Grouping(
        groups=groups,
        num_small=len(sizes) - len(large),
        num_untold=sum(not name for name in names),
        gap=_gap(judged[_FULL], group, large),
    )


def _gap(judged: Verdicts, group: Integers, names: Sequence[str]) -> GroupGap | None:
    """The gap and what it is when groups mean nothing."""
    scores = _mean(judged.by_group(group, len(names)), 0)
    if np.isfinite(scores).sum() < 2:
        return None
    draw = np.random.default_rng(0)
    rows = np.flatnonzero(judged.counted & (group >= 0))
    shuffled, gaps = group.copy(), []
    for _ in range(NUM_SHUFFLES):
        shuffled[rows] = draw.permutation(group[rows])
        gaps.append(_range(_mean(judged.by_group(shuffled, len(names)), 0)))
    difference = _range(scores)
    num_larger = sum(gap >= difference - 1e-12 for gap in gaps)
    return GroupGap(
        highest=names[int(np.nanargmax(scores))],
        lowest=names[int(np.nanargmin(scores))],
        difference=difference,
        by_chance=float(np.quantile(gaps, 0.95)),
        p_value=(1 + num_larger) / (1 + NUM_SHUFFLES),
    )


def _range(scores: Floats) -> float:
    return float(np.nanmax(scores) - np.nanmin(scores))


def _mean(values: Floats, axis: int) -> Floats:
    """Mean of what is defined; NaN where nothing is."""
    is_defined = np.isfinite(values)
    total = np.where(is_defined, values, 0).sum(axis)
    count = is_defined.sum(axis)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _summary(values: Floats) -> Summary:
    return summarise(float(v) if np.isfinite(v) else None for v in values)
