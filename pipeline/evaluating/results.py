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
from mculora.evaluation.comparison import compare
from mculora.evaluation.confusions import confusions
from mculora.evaluation.metrics import classes_of
from mculora.evaluation.predicted import PredictedTest
from mculora.evaluation.statistics import (
    summarise,
)
from mculora.evaluation.tallies import Clusters, clusters_of
from mculora.files import write_text
from pipeline.evaluating.method_runs import MethodRuns, summaries_as_json
from pipeline.evaluating.result_tables import (
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
from pipeline.layout import Layout


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
        name: summaries_as_json(
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
    return {"recall": summaries_as_json(found.recall()), "confusion": found.total.tolist()}


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


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"
