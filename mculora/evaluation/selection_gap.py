"""How much choosing an epoch flatters: by validation, as we do, and by test, as is often published.

Test selection is shown so that published numbers, most of which rest on it, can be read; nothing
decides by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from mculora.evaluation.statistics import Summary, mean_metrics, summarise

EpochScores = Mapping[str, float | None]
"""The primary metric of one epoch on test, by combination word."""


@dataclass(frozen=True)
class EpochChoice:
    """What validation chose for one network, and what the test split would have chosen.

    Scores are the primary metric, mean over the combinations that the network is judged by: the
    seven, or a specialist's own.

    Attributes:
        seed: Of the network.
        fold: Its fold.
        network: Which of a method's networks: a combination word, or `""` for a single one.
        num_epochs: How many there were to choose from.
        epoch: What validation chose.
        validation: Its score on validation.
        test: Its score on test: what we report.
        test_epoch: The best epoch on test.
        test_selected: Its score on test; never below `test`.
        per_combination: The mean if every combination had its own best epoch on test; never below
            `test_selected`.
    """

    seed: int
    fold: str
    network: str
    num_epochs: int
    epoch: int
    validation: float
    test: float
    test_epoch: int
    test_selected: float
    per_combination: float


@dataclass(frozen=True)
class SelectionGap:
    """One method's choices; each summary has a value per seed, the mean of its folds and networks.

    Attributes:
        validation: The chosen epochs' scores on validation.
        test: Their scores on test.
        validation_gap: `validation` less `test`: what choosing by validation flatters validation.
        test_selected: Scores on test, where test chooses an epoch for all seven.
        test_gap: `test_selected` less `test`: what choosing by test flatters test.
        per_combination: Scores on test, where test chooses an epoch for each combination.
        choices: Network by network.
    """

    validation: Summary
    test: Summary
    validation_gap: Summary
    test_selected: Summary
    test_gap: Summary
    per_combination: Summary
    choices: tuple[EpochChoice, ...]


@dataclass(frozen=True)
class Chosen:
    """Which network it is and what validation chose for it; attributes as `EpochChoice` has."""

    seed: int
    fold: str
    network: str
    epoch: int
    validation: float


def look_back(chosen: Chosen, scores: Sequence[EpochScores]) -> EpochChoice | None:
    """Compare validation's choice with what test would have chosen; None where test has no score.

    Args:
        chosen: By validation.
        scores: On test, epoch by epoch.
    """
    means = [mean_metrics([{"": value} for value in s.values()])[""] for s in scores]
    defined = {epoch: mean for epoch, mean in enumerate(means) if mean is not None}
    if chosen.epoch not in defined:
        return None
    test_epoch = max(defined, key=lambda epoch: (defined[epoch], -epoch))
    by_combination = [[v for s in scores if (v := s[c]) is not None] for c in scores[0]]
    return EpochChoice(
        seed=chosen.seed,
        fold=chosen.fold,
        network=chosen.network,
        num_epochs=len(scores),
        epoch=chosen.epoch,
        validation=chosen.validation,
        test=defined[chosen.epoch],
        test_epoch=test_epoch,
        test_selected=defined[test_epoch],
        per_combination=fmean(max(values) for values in by_combination if values),
    )


def selection_gap(choices: Iterable[EpochChoice]) -> SelectionGap:
    """Summarise a method's choices, at least one, over the seeds."""
    known = tuple(choices)
    by_seed: dict[int, list[EpochChoice]] = {}
    for choice in known:
        by_seed.setdefault(choice.seed, []).append(choice)

    def over_seeds(of: Callable[[EpochChoice], float]) -> Summary:
        return summarise(fmean(map(of, own)) for own in by_seed.values())

    return SelectionGap(
        validation=over_seeds(lambda c: c.validation),
        test=over_seeds(lambda c: c.test),
        validation_gap=over_seeds(lambda c: c.validation - c.test),
        test_selected=over_seeds(lambda c: c.test_selected),
        test_gap=over_seeds(lambda c: c.test_selected - c.test),
        per_combination=over_seeds(lambda c: c.per_combination),
        choices=known,
    )
