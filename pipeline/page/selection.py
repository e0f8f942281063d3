"""What choosing epochs flatters: the gap from validation to test, and to selection on test."""

from __future__ import annotations

from mculora.evaluation.statistics import Summary
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import Cell, Row, Table, summary_cell
from pipeline.page.wording import method_label, metric_label, signed


def selection_table(evaluation: Evaluation) -> Table | None:
    """A row per method whose epochs were kept; None where none were."""
    if not evaluation.selection_gap:
        return None
    metric = evaluation.primary
    rows = tuple(
        Row(
            method_label(method),
            (
                summary_cell(gap.validation, metric),
                summary_cell(gap.test, metric),
                _gap_cell(gap.validation_gap, metric),
                summary_cell(gap.test_selected, metric),
                _gap_cell(gap.test_gap, metric),
                summary_cell(gap.per_combination, metric),
            ),
        )
        for method, gap in evaluation.selection_gap.items()
    )
    header = (
        "Method",
        "Validation",
        "Test",
        "Validation less test",
        "Test, selected on test",
        "Gained by that",
        "Test, selected per combination",
    )
    return Table(
        f"{metric_label(metric)}, mean over the seven, by what chose the epoch",
        header,
        rows,
        name="selection",
        note="The first two: the epoch that validation chose. Then the one epoch that is best on "
        "test, and the best epoch of each combination by itself, which no single network has. "
        "Mean ± standard deviation over the seeds.",
    )


def _gap_cell(summary: Summary, metric: str) -> Cell:
    return Cell(signed(summary.mean, metric), values={"": summary.mean, "sd": summary.sd})
