"""The result files: evaluation.json (everything), metrics.json (headline), and the CSVs to plot."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mculora.evaluation.statistics import (
    Summary,
    mean_metrics,
    summarise,
    summarise_metrics,
)
from mculora.evaluation.sweep import ConditionScore
from mculora.files import write_text
from mculora.modality import Modality, ModalityCombination
from mculora.model.checkpoint import Checkpoint
from pipeline.layout import Layout

COMBINATIONS = [c.word for c in ModalityCombination]
Metrics = Mapping[str, float | None]


class MethodRuns:
    """What one method reached, seed by seed and fold by fold."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.num_parameters = 0
        self._scores: dict[int, list[Mapping[str, ConditionScore]]] = {}
        self._validation: dict[int, list[float]] = {}

    def add(self, seed: int, checkpoint: Checkpoint, scores: Mapping[str, ConditionScore]) -> None:
        """Add one tested network."""
        self.num_parameters = sum(p.numel() for p in checkpoint.network.parameters())
        self._scores.setdefault(seed, []).append(scores)
        validation = float(checkpoint.provenance["validation_mean"])
        self._validation.setdefault(seed, []).append(validation)

    def as_json(self, nominal_rates: Mapping[str, float], primary: str) -> dict[str, Any]:
        """Means over folds, then mean and spread over seeds, for every condition."""
        seeds = list(self._scores.values())
        means = [self._mean_of_combinations(folds) for folds in seeds]
        validation = summarise_metrics(
            [{primary: sum(v) / len(v)} for v in self._validation.values()]
        )
        rates = {c: rate for c, rate in nominal_rates.items() if c not in COMBINATIONS}
        return {
            "num_parameters": self.num_parameters,
            "combinations": {c: self._condition(c) for c in COMBINATIONS},
            "mean_of_combinations": _as_json(summarise_metrics(means)),
            "missing_rates": {f"{rate:.1f}": self._condition(c) for c, rate in rates.items()},
            "validation": {"mean_of_combinations": _as_json(validation)},
        }

    def _condition(self, condition: str) -> dict[str, Any]:
        folds = next(iter(self._scores.values()))
        scored = [scores[condition] for scores in folds]
        per_seed = [
            mean_metrics([scores[condition].metrics for scores in folds])
            for folds in self._scores.values()
        ]
        return {
            "num_utterances": sum(score.num_utterances for score in scored),
            "realised": summarise(score.realised_rate for score in scored).mean,
            "metrics": _as_json(summarise_metrics(per_seed)),
        }

    def _mean_of_combinations(self, folds: Sequence[Mapping[str, ConditionScore]]) -> Metrics:
        per_fold = [mean_metrics([scores[c].metrics for c in COMBINATIONS]) for scores in folds]
        return mean_metrics(per_fold)


def write_results(layout: Layout, facts: Mapping[str, Any], runs: Sequence[MethodRuns]) -> str:
    """Write all result files.

    Returns:
        The headline, for the closing line.
    """
    primary = facts["primary"]
    rates = facts["nominal_rates"]
    methods = {run.method: run.as_json(rates, primary) for run in runs}
    evaluation = {key: value for key, value in facts.items() if key != "nominal_rates"}
    write_text(layout.evaluation, _json({**evaluation, "methods": methods}))
    write_text(layout.metrics, _json(_headline(methods, primary)))
    write_text(layout.scores, _scores(methods))
    by_combination = _curve(methods, "combinations", primary, label="combination")
    write_text(layout.by_combination, by_combination)
    by_missing_rate = _curve(methods, "missing_rates", primary, label="missing_rate")
    write_text(layout.by_missing_rate, by_missing_rate)
    write_text(layout.training_curves, training_curves(layout, runs[0].method))
    mean = methods[runs[0].method]["mean_of_combinations"][primary]["mean"]
    return f"{primary} {mean:.4f}, mean over the seven combinations"


def _headline(methods: Mapping[str, Any], primary: str) -> dict[str, Any]:
    """The few numbers that `dvc metrics` and `dvc exp show` list."""
    headline: dict[str, Any] = {}
    for method, results in methods.items():
        mean = results["mean_of_combinations"]
        headline[method] = {
            "mean_of_combinations": {name: summary["mean"] for name, summary in mean.items()},
            primary: {
                c: results["combinations"][c]["metrics"][primary]["mean"] for c in COMBINATIONS
            },
            "validation": results["validation"]["mean_of_combinations"][primary]["mean"],
        }
    return headline


def _scores(methods: Mapping[str, Any]) -> str:
    """Every number, one per line."""
    rows = []
    for method, results in methods.items():
        for protocol in ("combinations", "missing_rates"):
            for condition, scored in results[protocol].items():
                for metric, summary in scored["metrics"].items():
                    key = {"method": method, "protocol": protocol, "condition": condition}
                    row = {**key, "num_utterances": scored["num_utterances"]}
                    row |= {"realised_rate": scored["realised"], "metric": metric}
                    rows.append({**row, "mean": summary["mean"], "sd": summary["sd"]})
    return _csv(rows)


def _curve(methods: Mapping[str, Any], protocol: str, primary: str, *, label: str) -> str:
    """The primary metric of one protocol: a line per condition, columns per method."""
    rows = []
    for condition in next(iter(methods.values()))[protocol]:
        row: dict[str, Any] = {label: condition}
        for method, results in methods.items():
            summary = results[protocol][condition]["metrics"][primary]
            row |= {method: summary["mean"], f"{method}_sd": summary["sd"]}
        rows.append(row)
    return _csv(rows)


def training_curves(layout: Layout, method: str) -> str:
    """History of one method, averaged over its runs for as long as none of them has stopped.

    Later epochs are left out: a mean over the runs that remain jumps whenever one ends.
    """
    with layout.history.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == method]
    words = [m.word for m in Modality]
    columns = ["train_loss", "validation_mean", *(f"validation_{c}" for c in COMBINATIONS)]
    columns += [f"probability_{word}" for word in words]
    columns += [f"separability_{c}" for c in COMBINATIONS]
    epochs: dict[int, list[dict[str, str]]] = {}
    for row in rows:
        epochs.setdefault(int(row["epoch"]), []).append(row)
    table = []
    num_runs = len(epochs[0])
    for epoch, reached in sorted(epochs.items()):
        if len(reached) < num_runs:
            break
        parts = [{c: float(row[c]) if row[c] else None for c in columns} for row in reached]
        table.append({"epoch": epoch, **mean_metrics(parts)})
    return _csv(table)


def _as_json(summaries: Mapping[str, Summary]) -> dict[str, Any]:
    return {name: summary.as_json() for name, summary in summaries.items()}


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()
