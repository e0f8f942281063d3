"""How sure the results are: bootstrap intervals, differences, and other ways to take the mean."""

from __future__ import annotations

from mculora.evaluation.statistics import Interval, Summary
from mculora.modality import ModalityCombination
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import (
    MEAN,
    Cell,
    Row,
    Table,
    difference_cell,
    ends_cell,
    interval_cell,
    summary_cell,
)
from pipeline.page.wording import UNDEFINED, best, method_label, metric_label

_OVER = ("95 % over utterances", "over seeds", "over both")
"""Heads of the three intervals."""


def summary_table(evaluation: Evaluation) -> Table | None:
    """Each method in one row: the mean with its three intervals, pooled, and how robust it is."""
    if evaluation.bootstrap is None:
        return None
    metric = evaluation.primary
    shown = evaluation.shown
    pooled = best({name: m.pooled for name, m in shown.items()}, metric)
    robust = best({name: m.relative_robustness for name, m in shown.items()}, metric)
    rows = []
    for name, result in shown.items():
        mean = result.mean_of_combinations.get(metric)
        kept = result.relative_robustness.get(metric)
        cells = (
            summary_cell(mean, metric),
            *_intervals(mean, metric),
            summary_cell(result.pooled.get(metric), metric, strong=name == pooled),
            summary_cell(kept, "share", strong=name == robust),
        )
        rows.append(Row(method_label(name), cells))
    return Table(
        f"{metric_label(metric)}, taken together",
        ("Method", "Mean of the seven", *_OVER, "Pooled", "Relative robustness (%)"),
        tuple(rows),
        name="summary",
        note="Pooled: every pair of an utterance and a combination scored as one set. Relative "
        "robustness: the area under the curve over the realised missing rates, divided by what the "
        "score at rate 0 would give; 100 where nothing is lost.",
    )


def difference_table(evaluation: Evaluation) -> Table:
    """Ours against each baseline, pair by pair."""
    metric = evaluation.primary
    result = evaluation.methods[evaluation.main]
    rows = []
    for name in evaluation.shown:
        if (versus := result.against(name)) is None:
            continue
        ahead = f"{versus.num_ahead} of {versus.num_pairs} {versus.pairs}"
        p_value = UNDEFINED if versus.p_value is None else f"{versus.p_value:.3f}"
        cells = (
            difference_cell(versus, metric),
            interval_cell(versus, metric),
            Cell(p_value, values={"": versus.p_value}),
            ends_cell(versus.over_utterances, metric),
            ends_cell(versus.over_seeds, metric),
            ends_cell(versus.over_both, metric),
            Cell(ahead, values={"ahead": versus.num_ahead, "pairs": versus.num_pairs}),
        )
        rows.append(Row(f"to {method_label(name)}", cells))
    return Table(
        f"{metric_label(metric)}, mean of the seven: how far {method_label(evaluation.main)} is "
        "ahead",
        ("Difference", "Points", "95 % (t)", "p (t)", *_OVER, "Ahead in"),
        tuple(rows),
        name="differences",
        note="Paired: the same seeds, folds and utterances on both sides. t: Student's, over the "
        "pairs of the last column. Where an interval spans zero, it decides nothing.",
    )


def interval_table(evaluation: Evaluation) -> Table | None:
    """The interval over both under every combination."""
    if evaluation.bootstrap is None:
        return None
    metric = evaluation.primary
    words = [c.word for c in ModalityCombination]
    rows = []
    for name, result in evaluation.shown.items():
        summaries = [
            result.combinations[w].metrics.get(metric) if w in result.combinations else None
            for w in words
        ]
        summaries.append(result.mean_of_combinations.get(metric))
        cells = tuple(ends_cell(_to_quote(summary), metric) for summary in summaries)
        rows.append(Row(method_label(name), cells))
    over = "utterances and seeds" if evaluation.num_seeds > 1 else "utterances"
    return Table(
        f"{metric_label(metric)}, 95 % interval over {over}",
        ("Method", *words, MEAN),
        tuple(rows),
        name="combinations-intervals",
    )


def bootstrap_note(evaluation: Evaluation) -> str:
    """How the intervals were made; `""` where there are none."""
    facts = evaluation.bootstrap
    if facts is None:
        return ""
    return (
        f"Intervals are percentiles of {facts.num_resamples:,} bootstrap resamples of "
        f"{facts.num_units:,} test {facts.resampled}, of the seeds, and of both at once: what "
        "other test data, other seeds, and both would make of a number. Quote the last."
    )


def _intervals(summary: Summary | None, metric: str) -> tuple[Cell, ...]:
    if summary is None:
        return (Cell(UNDEFINED),) * 3
    kinds = (summary.over_utterances, summary.over_seeds, summary.over_both)
    return tuple(ends_cell(kind, metric) for kind in kinds)


def _to_quote(summary: Summary | None) -> Interval | None:
    """Over both; with one seed, over utterances."""
    return (summary.over_both or summary.over_utterances) if summary else None
