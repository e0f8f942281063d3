"""How far our method's own account of its certainty can be believed, combination by combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mculora.evaluation.calibrated import ClassCalibration, IntervalCalibration
from mculora.evaluation.calibration import ConfidenceBin
from mculora.evaluation.statistics import Summary
from pipeline.page.chart import Axis, Chart, Point, Series, Tick, draw, nice_axis
from pipeline.page.drawing import COMBINATIONS, Drawing, Legend
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import Cell, Row, Table, count_cell, summary_cell
from pipeline.page.wording import UNDEFINED

ERROR, COVERAGE = "expected_calibration_error", "coverage"
"""Fractions, shown in percent."""
FEWEST_DRAWN = 10
_BEFORE, _AFTER, _PERFECT = "s1", "s0", "s3"


@dataclass(frozen=True)
class CalibrationSection:
    """The section.

    Attributes:
        is_score: Whether it is about intervals around scores, not about class probabilities.
        figure: Reliability curves, or coverage by combination.
        table: The numbers.
        nominal: The coverage that intervals are to have, "90 %".
    """

    is_score: bool
    figure: Drawing
    table: Table
    nominal: str


def calibration_section(evaluation: Evaluation) -> CalibrationSection | None:
    """Put it together; None where evaluation.json has nothing of it."""
    report = evaluation.calibration
    if report is None or not (report.classes or report.intervals):
        return None
    nominal = f"{100 * report.nominal:g} %"
    if report.intervals:
        figure = _coverage_figure(report.intervals, report.nominal)
        return CalibrationSection(True, figure, _interval_table(report.intervals, nominal), nominal)
    table = _class_table(report.classes, report.num_bins)
    return CalibrationSection(False, _reliability_figure(report.classes), table, nominal)


def _class_table(classes: dict[str, ClassCalibration], num_bins: int) -> Table:
    rows = tuple(
        Row(
            word,
            (
                count_cell(told.num_utterances),
                _plain_cell(told.temperature),
                summary_cell(told.raw_error, ERROR),
                summary_cell(told.error, ERROR),
            ),
        )
        for word, told in classes.items()
    )
    return Table(
        "Expected calibration error (%), on test",
        ("Combination", "Utterances", "Temperature", "Before", "After"),
        rows,
        name="calibration",
        note=f"{num_bins} bins of equal width; mean ± standard deviation over the seeds. "
        "Utterances that have exactly these modalities left.",
    )


def _interval_table(intervals: dict[str, IntervalCalibration], nominal: str) -> Table:
    rows = tuple(
        Row(
            word,
            (
                count_cell(told.num_utterances),
                summary_cell(told.coverage, COVERAGE),
                _plain_cell(told.width),
            ),
        )
        for word, told in intervals.items()
    )
    return Table(
        f"Truths inside the {nominal} interval (%), on test",
        ("Combination", "Utterances", "Inside", "Width"),
        rows,
        name="calibration",
        note="Width from end to end, in units of the score; mean ± standard deviation over the "
        "seeds. Utterances that have exactly these modalities left.",
    )


def _reliability_figure(classes: dict[str, ClassCalibration]) -> Drawing:
    return Drawing(
        "reliability",
        {word: _reliability_panel(word, told) for word, told in classes.items()},
        "How often a class is right over how sure the network was of it, all seeds together; bins "
        f"with fewer than {FEWEST_DRAWN} predictions are counted and not drawn.",
        legend=(
            Legend("Before", _BEFORE),
            Legend("After", _AFTER),
            Legend("As sure as right", _PERFECT),
        ),
    )


def _reliability_panel(word: str, told: ClassCalibration) -> Markup:
    ticks = tuple(Tick(share, f"{100 * share:g}") for share in (0, 0.5, 1))
    ends = (Point(0.0, 0.0), Point(1.0, 1.0))
    series = (
        Series(_PERFECT, ends, marked=()),
        Series(_BEFORE, _curve(told.raw_curve)),
        Series(_AFTER, _curve(told.curve)),
    )
    return draw(
        Chart(
            title=f"reliability under {word}: accuracy over confidence, before and after",
            x=Axis("confidence (%)", 0, 1, ticks),
            y=Axis(f"{word}: right (%)", 0, 1, ticks),
            series=series,
            width=240,
            height=200,
        )
    )


def _curve(bins: Sequence[ConfidenceBin]) -> tuple[Point, ...]:
    return tuple(
        Point(
            b.confidence,
            b.accuracy,
            note=f"{b.num_utterances} predictions: {100 * b.confidence:.0f} % sure, "
            f"{100 * b.accuracy:.0f} % right",
        )
        for b in bins
        if b.num_utterances >= FEWEST_DRAWN
    )


def _coverage_figure(intervals: dict[str, IntervalCalibration], nominal: float) -> Drawing:
    points = tuple(
        _coverage_point(float(place), intervals[word].coverage)
        for place, word in enumerate(COMBINATIONS)
        if word in intervals
    )
    heights = [100 * nominal, *(v for p in points for v in (p.y, *p.values) if v is not None)]
    heights += [min(100.0, max(heights) + 1)]
    ticks = tuple(Tick(float(place), word) for place, word in enumerate(COMBINATIONS))
    chart = Chart(
        title="truths inside the interval by modalities available; the table has the same numbers",
        x=Axis("modalities available", -0.6, len(COMBINATIONS) - 0.4, ticks),
        y=nice_axis(heights, "Truths inside the interval (%)", at_least=5),
        series=(Series(_AFTER, points, has_line=False),),
        floor=100 * nominal,
    )
    return Drawing(
        "interval-coverage",
        {"all": draw(chart)},
        "Faint dots are single seeds, whiskers one standard deviation.",
        legend=(Legend(f"What is promised: {100 * nominal:g} %", "floor"),),
    )


def _coverage_point(x: float, coverage: Summary) -> Point:
    if coverage.mean is None:
        return Point(x, None)
    values = tuple(100 * value for value in coverage.values if value is not None)
    sd = None if coverage.sd is None else 100 * coverage.sd
    return Point(x, 100 * coverage.mean, sd, values, f"{100 * coverage.mean:.1f} % inside")


def _plain_cell(summary: Summary) -> Cell:
    """A mean that is no fraction, with its standard deviation over the seeds."""
    values = {"": summary.mean, "sd": summary.sd}
    if summary.mean is None:
        return Cell(UNDEFINED, values=values)
    spread = "" if summary.sd is None else f" ± {summary.sd:.2f}"
    return Cell(f"{summary.mean:.2f}{spread}", values=values)
