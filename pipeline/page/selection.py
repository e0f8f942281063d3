"""What choosing epochs flatters: the gap from validation to test, and to selection on test."""

from __future__ import annotations

from mculora.evaluation.statistics import Summary
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import Cell, Row, Table, summary_cell
from pipeline.page.wording import method_label, metric_label, signed


def selection_table(evaluation: Evaluation) -> Table | None:
    """A column per method whose epochs were kept; None where none were."""
    gaps = evaluation.selection_gap
    if not gaps:
        return None
    metric = evaluation.primary
    scores = {
        "The epoch that validation chose, on validation": "validation",
        "The same epoch on test": "test",
        "The epoch that is best on test": "test_selected",
        "The best epoch on test for each combination": "per_combination",
    }
    differences = {
        "Validation less test, same epoch": "validation_gap",
        "Gained on test by choosing on test": "test_gap",
    }
    rows = [
        Row(head, tuple(summary_cell(getattr(gap, name), metric) for gap in gaps.values()))
        for head, name in scores.items()
    ]
    rows += [
        Row(head, tuple(_gap_cell(getattr(gap, name), metric) for gap in gaps.values()))
        for head, name in differences.items()
    ]
    return Table(
        f"{metric_label(metric)}, mean over the seven, by what chose the epoch",
        ("Score", *map(method_label, gaps)),
        tuple(rows),
        name="selection",
        note="Mean ± standard deviation over the seeds. No single network has the best epoch of "
        "each combination.",
        kind="narrow",
    )


def _gap_cell(summary: Summary, metric: str) -> Cell:
    return Cell(signed(summary.mean, metric), values={"": summary.mean, "sd": summary.sd})
