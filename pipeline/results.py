"""What the methods reached, and the result files that say so; evaluation.json holds everything."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mculora.evaluation.bootstrap import (
    MEAN,
    POOLED,
    ROBUSTNESS,
    Draws,
    Resampled,
    draw,
    resample,
)
from mculora.evaluation.comparison import SeedValues, compare
from mculora.evaluation.confusions import confusions
from mculora.evaluation.metrics import classes_of
from mculora.evaluation.predicted import PredictedTest
from mculora.evaluation.statistics import (
    Intervals,
    Summary,
    mean_metrics,
    summarise,
    summarise_metrics,
)
from mculora.evaluation.sweep import ConditionScore
from mculora.evaluation.tallies import Clusters, clusters_of
from mculora.evaluation.thinning import FRAMES
from mculora.files import write_text
from mculora.modality import ModalityCombination
from pipeline.layout import Layout
from pipeline.result_tables import (
    SHOWN,
    ablations,
    by_rank,
    condition_curve,
    headline,
    marked_headline,
    marked_table,
    score_lines,
    training_curves,
)

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
            MEAN: _as_json(summarise_metrics(means), resampled, MEAN),
            "missing_rates": {
                f"{rate:.1f}": self._condition(c, resampled) for c, rate in rates.items()
            },
            "missing_moments": {
                f"{rate:.1f}": self._condition(c, resampled) for c, rate in moments.items()
            },
            "validation": {MEAN: _as_json(validation)},
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
            "metrics": _as_json(summarise_metrics(per_seed), resampled, condition),
        }


def write_results(
    layout: Layout,
    facts: Mapping[str, Any],
    runs: Sequence[MethodRuns],
    *,
    record: PredictedTest,
    dialogues: Mapping[str, str],
) -> str:
    """Write all result files; the first of the runs is the main method.

    Args:
        layout: Where they go.
        facts: What evaluation.json says beside the methods; `nominal_rates` is not said.
        runs: The methods.
        record: All their predictions.
        dialogues: The dialogue of each utterance, by id.

    Returns:
        The headline, for the closing line.
    """
    primary = facts["primary"]
    clusters = clusters_of(record, dialogues)
    draws = draw(clusters, len(record.seeds))
    methods = _methods(facts, runs, record, clusters=clusters, draws=draws)
    shown = {name: result for name, result in methods.items() if result["group"] in SHOWN}
    evaluation = {key: value for key, value in facts.items() if key != "nominal_rates"}
    evaluation |= {
        "classes": classes_of(record.task, record.class_names),
        "bootstrap": {
            "num_resamples": draws.num_resamples,
            "seed": draws.seed,
            "resampled": "dialogues" if clusters.have_several else "utterances",
            "num_units": len(clusters.fold),
        },
    }
    tables = {
        layout.evaluation: _json({**evaluation, "methods": methods}),
        layout.metrics: _json(marked_headline(headline(methods, primary), facts["selection"])),
        layout.scores: score_lines(methods),
        layout.by_combination: condition_curve(shown, "combinations", primary, label="combination"),
        layout.by_missing_rate: condition_curve(
            shown, "missing_rates", primary, label="missing_rate"
        ),
        layout.by_rank: by_rank(methods, primary),
        layout.ablations: ablations(methods, primary),
        layout.training_curves: training_curves(layout.history, runs[0].method),
    }
    for path, text in tables.items():
        is_of_test = path.suffix == ".csv" and path != layout.training_curves
        write_text(path, marked_table(text, facts["selection"]) if is_of_test else text)
    mean = methods[runs[0].method][MEAN][primary]["mean"]
    mark = ", selected on test" if facts["selection"] == "test" else ""
    return f"{primary} {mean:.4f}, mean over the seven combinations{mark}"


def _mean_of_combinations(scores: Mapping[str, ConditionScore]) -> Metrics:
    return mean_metrics([scores[c].metrics for c in COMBINATIONS])


def _methods(
    facts: Mapping[str, Any],
    runs: Sequence[MethodRuns],
    record: PredictedTest,
    *,
    clusters: Clusters,
    draws: Draws,
) -> dict[str, Any]:
    """Every method's results; those of the main tables with all that the record adds."""
    primary, rates = facts["primary"], facts["nominal_rates"]
    methods, of_primary = {}, {}
    for run in runs:
        resampled = resample(record, run.method, clusters=clusters, draws=draws)
        of_primary[run.method] = resampled.only(primary)
        if run.group in SHOWN:
            result = run.as_json(rates, primary, resampled) | _sums(resampled)
            for word, tested in result["combinations"].items():
                tested |= _confusion(record, run.method, word)
        else:
            result = run.as_json(rates, primary)
        methods[run.method] = result
    for run in runs:
        methods[run.method] |= _against(run, runs, primary, of_primary)
    return methods


def _sums(resampled: Resampled) -> dict[str, Any]:
    """What is made of all combinations, and of all missing rates, together."""
    return {
        name: _as_json(
            {
                metric: summarise(resampled.by_seed(metric, name))
                for metric, of in resampled.metrics.items()
                if name in of
            },
            resampled,
            name,
        )
        for name in (POOLED, ROBUSTNESS)
    }


def _confusion(record: PredictedTest, method: str, combination: str) -> dict[str, Any]:
    found = confusions(record, method, combination)
    return {"recall": _as_json(found.recall()), "confusion": found.total.tolist()}


def _against(
    run: MethodRuns,
    runs: Sequence[MethodRuns],
    primary: str,
    resampled: Mapping[str, Resampled],
) -> dict[str, Any]:
    """The comparison with the main method and with each baseline, itself aside."""
    found: dict[str, Any] = {}
    for other in runs:
        if other.group not in SHOWN or other is run:
            continue
        comparison = compare(run.means(primary), other.means(primary))
        if comparison:
            difference = resampled[run.method].minus(resampled[other.method])
            comparison = replace(comparison, **difference.intervals(primary, MEAN))
        found[f"against_{other.method}"] = comparison.as_json() if comparison else None
    return found


def _as_json(
    summaries: Mapping[str, Summary], resampled: Resampled | None = None, name: str = ""
) -> dict[str, Any]:
    """Summaries of metrics, with intervals where there are resamples of them."""
    found = {}
    for metric, summary in summaries.items():
        intervals = resampled.intervals(metric, name) if resampled else Intervals()
        found[metric] = replace(summary, **intervals).as_json()
    return found


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"
