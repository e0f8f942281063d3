"""What one method reached on test, seed by seed and fold by fold, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mculora.evaluation.bootstrap import MEAN, Resampled
from mculora.evaluation.comparison import SeedValues
from mculora.evaluation.statistics import (
    Intervals,
    Summary,
    mean_metrics,
    summarise,
    summarise_metrics,
)
from mculora.evaluation.sweep import ConditionScore
from mculora.evaluation.thinning import FRAMES
from mculora.modality import ModalityCombination

COMBINATIONS = [c.word for c in ModalityCombination]
Metrics = Mapping[str, float | None]


class MethodRuns:
    """What one method reached, seed by seed and fold by fold."""

    def __init__(self, method: str, group: str, *, rank: int | None = None) -> None:
        """Open an empty record.

        Args:
            method: Its name.
            group: `main` (exactly one method, the first), `baseline`, `ablation` or `rank`.
            rank: Its adapters' rank, if that is what it is here for: the groups main and rank.
        """
        self.method, self.group, self.rank = method, group, rank
        self.num_parameters = 0
        self._scores: dict[int, list[Mapping[str, ConditionScore]]] = {}
        self._validation: dict[int, list[float]] = {}

    def add(
        self,
        seed: int,
        *,
        num_parameters: int,
        validation_mean: float,
        scores: Mapping[str, ConditionScore],
    ) -> None:
        """Add what was trained with one seed on the next fold; folds in the same order always.

        Args:
            seed: The seed.
            num_parameters: Of all networks that it takes to serve the seven combinations.
            validation_mean: The kept epoch's primary metric, mean over the seven.
            scores: By combination word and by name of a missing rate.
        """
        self.num_parameters = num_parameters
        self._scores.setdefault(seed, []).append(scores)
        self._validation.setdefault(seed, []).append(validation_mean)

    def means(self, metric: str) -> SeedValues:
        """A metric's mean over the seven combinations, by seed a value per fold."""
        return {
            seed: [_mean_of_combinations(scores)[metric] for scores in folds]
            for seed, folds in self._scores.items()
        }

    def as_json(
        self, nominal_rates: Mapping[str, float], primary: str, resampled: Resampled | None = None
    ) -> dict[str, Any]:
        """Means over folds, then mean and spread over seeds, for every condition.

        Args:
            nominal_rates: By condition.
            primary: The primary metric.
            resampled: What gives the means their intervals, where they are to have some.
        """
        seeds = list(self._scores.values())
        means = [mean_metrics([_mean_of_combinations(s) for s in folds]) for folds in seeds]
        validation = summarise_metrics(
            [{primary: sum(v) / len(v)} for v in self._validation.values()]
        )
        rates = {c: rate for c, rate in nominal_rates.items() if c not in COMBINATIONS}
        moments = {c: float(c.removeprefix(FRAMES)) for c in seeds[0][0] if c.startswith(FRAMES)}
        return {
            "group": self.group,
            **({} if self.rank is None else {"rank": self.rank}),
            "num_parameters": self.num_parameters,
            "combinations": {c: self._condition(c, resampled) for c in COMBINATIONS},
            MEAN: summaries_as_json(summarise_metrics(means), resampled, MEAN),
            "missing_rates": {
                f"{rate:.1f}": self._condition(c, resampled) for c, rate in rates.items()
            },
            "missing_moments": {
                f"{rate:.1f}": self._condition(c, resampled) for c, rate in moments.items()
            },
            "validation": {MEAN: summaries_as_json(validation)},
        }

    def _condition(self, condition: str, resampled: Resampled | None) -> dict[str, Any]:
        folds = next(iter(self._scores.values()))
        scored = [scores[condition] for scores in folds]
        per_seed = [
            mean_metrics([scores[condition].metrics for scores in folds])
            for folds in self._scores.values()
        ]
        return {
            "num_utterances": sum(score.num_utterances for score in scored),
            "realised": summarise(score.realised_rate for score in scored).mean,
            "metrics": summaries_as_json(summarise_metrics(per_seed), resampled, condition),
        }


def summaries_as_json(
    summaries: Mapping[str, Summary], resampled: Resampled | None = None, name: str = ""
) -> dict[str, Any]:
    """Summaries of metrics, with intervals where there are resamples of them."""
    found = {}
    for metric, summary in summaries.items():
        intervals = resampled.intervals(metric, name) if resampled else Intervals()
        found[metric] = replace(summary, **intervals).as_json()
    return found


def _mean_of_combinations(scores: Mapping[str, ConditionScore]) -> Metrics:
    return mean_metrics([scores[c].metrics for c in COMBINATIONS])
