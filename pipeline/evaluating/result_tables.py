"""The small result files made from evaluation.json's methods: metrics.json and the CSVs to plot."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mculora.evaluation.statistics import INTERVALS, mean_metrics
from mculora.modality import Modality, ModalityCombination

COMBINATIONS = [c.word for c in ModalityCombination]
SHOWN = ("main", "baseline")
"""The groups of the main tables; every other group has a table of its own."""


def headline(methods: Mapping[str, Any], primary: str) -> dict[str, Any]:
    """The few numbers that `dvc metrics` and `dvc exp show` list; fewer still of variants."""
    listed: dict[str, Any] = {}
    for method, results in methods.items():
        means = {k: summary["mean"] for k, summary in results["mean_of_combinations"].items()}
        numbers: dict[str, Any] = {"mean_of_combinations": {primary: means[primary]}}
        if results["group"] in SHOWN:
            under = results["combinations"]
            numbers["mean_of_combinations"] = means
            numbers[primary] = {c: under[c]["metrics"][primary]["mean"] for c in COMBINATIONS}
        numbers["validation"] = _validation(results, primary)
        listed[method] = numbers
    return listed


def _validation(results: Mapping[str, Any], primary: str) -> float | None:
    mean: float | None = results["validation"]["mean_of_combinations"][primary]["mean"]
    return mean


def marked_headline(listed: Mapping[str, Any], selection: str) -> Mapping[str, Any]:
    """The same numbers under a key that says so where the test split selected."""
    return {"selected_on_test": listed} if selection == "test" else listed


def marked_table(text: str, selection: str) -> str:
    """A CSV with a column more that says so where the test split selected."""
    if selection != "test":
        return text
    header, *rows = text.splitlines()
    return "\n".join([f"{header},selection", *(f"{row},test" for row in rows)]) + "\n"


def score_lines(methods: Mapping[str, Any]) -> str:
    """Every number, one per line; protocols are the keys of evaluation.json."""
    rows: list[Mapping[str, Any]] = []
    for method, results in methods.items():
        for protocol in ("combinations", "missing_rates", "missing_moments"):
            for condition, scored in results[protocol].items():
                key = {"method": method, "protocol": protocol, "condition": condition}
                key |= {"num_utterances": scored["num_utterances"]}
                key |= {"realised_rate": scored["realised"]}
                recall = {f"recall_{c}": s for c, s in scored.get("recall", {}).items()}
                rows += _score_rows(key, scored["metrics"] | recall)
        for protocol in ("mean_of_combinations", "pooled", "relative_robustness"):
            key = {"method": method, "protocol": protocol, "condition": "all"}
            key |= {"num_utterances": None, "realised_rate": None}
            rows += _score_rows(key, results.get(protocol, {}))
    return _csv(rows)


def _score_rows(
    key: Mapping[str, Any], summaries: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """A line per metric: mean, spread over the seeds, ends of the intervals."""
    for metric, summary in summaries.items():
        row = {**key, "metric": metric, "mean": summary["mean"], "sd": summary["sd"]}
        for interval in INTERVALS:
            ends = summary.get(interval, {})
            row |= {f"{interval}_{end}": ends.get(end) for end in ("low", "high")}
        yield row


def condition_curve(methods: Mapping[str, Any], protocol: str, primary: str, *, label: str) -> str:
    """The primary metric of one protocol: a line per condition, columns per method."""
    rows = []
    for condition in next(iter(methods.values()))[protocol]:
        row: dict[str, Any] = {label: condition}
        for method, results in methods.items():
            summary = results[protocol][condition]["metrics"][primary]
            row |= {method: summary["mean"], f"{method}_sd": summary["sd"]}
        rows.append(row)
    return _csv(rows)


def by_rank(methods: Mapping[str, Any], primary: str) -> str:
    """The primary metric over the rank of the adapters, a line per rank that was trained."""
    rows = []
    for results in methods.values():
        if "rank" in results:
            summary = results["mean_of_combinations"][primary]
            rows.append({"rank": results["rank"], "mean": summary["mean"], "sd": summary["sd"]})
    return _csv(sorted(rows, key=lambda row: row["rank"]))


def ablations(methods: Mapping[str, Any], primary: str) -> str:
    """The main method and, below, what is left of it without one of its parts."""
    main = next(iter(methods))
    rows = []
    for method, results in methods.items():
        if method == main or results["group"] == "ablation":
            summary = results["mean_of_combinations"][primary]
            row = {"method": method, "validation": _validation(results, primary)}
            row |= {"mean": summary["mean"], "sd": summary["sd"]}
            versus = results.get(f"against_{main}") or {}
            rows.append({**row, **{k: versus.get(k) for k in ("difference", "low", "high")}})
    return _csv(rows)


def training_curves(history: Path, method: str) -> str:
    """History of one method, averaged over its runs for as long as none of them has stopped.

    Later epochs are left out: a mean over the runs that remain jumps whenever one ends.
    """
    with history.open(encoding="utf-8", newline="") as file:
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


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()
