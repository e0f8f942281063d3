"""The figures of training: small panels over the epochs, a line per run, its kept epoch marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mculora.modality import Modality, ModalityCombination
from pipeline.page.chart import Axis, Chart, Point, Series, Tick, draw, nice_axis
from pipeline.page.drawing import Drawing
from pipeline.page.evaluation import Evaluation
from pipeline.page.history import Run
from pipeline.page.result_figures import method_legend, method_style
from pipeline.page.table import MEAN
from pipeline.page.wording import is_percent, method_label

WORDS = [c.word for c in ModalityCombination]
UNSTEERED = "dropout"
"""The baseline that convergence is shown beside: the same combinations, drawn uniformly."""


@dataclass(frozen=True)
class Panels:
    """What the panels of one figure share.

    Attributes:
        name: Of the figure.
        subject: What they show, for those who have it read out.
        columns: By panel name, the history's column in it.
        unit: Unit of the values.
        scale: Takes the column's values to the unit.
    """

    name: str
    subject: str
    columns: dict[str, str]
    unit: str
    scale: float = 1.0


def converging(evaluation: Evaluation) -> list[str]:
    """The methods whose training is drawn: ours and, if there is one, the baseline beside it."""
    return [name for name in evaluation.shown if name in (evaluation.main, UNSTEERED)]


def validation_figures(evaluation: Evaluation, runs: Sequence[Run]) -> Drawing | None:
    """The primary metric on validation: one panel per combination and one for their mean."""
    columns = {word: f"validation_{word}" for word in [*WORDS, MEAN]}
    if is_percent(evaluation.primary):
        return _draw(Panels("convergence", "validation", columns, "%", 100.0), evaluation, runs)
    return _draw(Panels("convergence", "validation", columns, ""), evaluation, runs)


def probability_figures(evaluation: Evaluation, runs: Sequence[Run]) -> Drawing | None:
    """The presence probability of each modality, of our own runs."""
    columns = {m.word: f"probability_{m.word}" for m in Modality}
    panels = Panels("presence-probability", "presence probability", columns, "p")
    return _draw(panels, evaluation, [run for run in runs if run.method == evaluation.main])


def separability_figures(evaluation: Evaluation, runs: Sequence[Run]) -> Drawing | None:
    """Jensen-Shannon divergence of specific from common representation, per combination."""
    columns = {word: f"separability_{word}" for word in WORDS}
    return _draw(Panels("separability", "separability", columns, "nats"), evaluation, runs)


def _draw(panels: Panels, evaluation: Evaluation, runs: Sequence[Run]) -> Drawing | None:
    """Small charts with the same axes, one per column that any run has a value in."""
    lines = {
        name: [
            _line(run, column, panels.scale, method_style(evaluation, run.method))
            for run in runs
            if run.method in converging(evaluation) and run.has(column)
        ]
        for name, column in panels.columns.items()
    }
    points = [p for drawn in lines.values() for line in drawn for p in line.points]
    heights = [point.y for point in points if point.y is not None]
    if not heights:
        return None
    y = nice_axis(heights, "", num_steps=4)
    last = max(1.0, *(point.x for point in points))
    x = Axis("epoch", 0, last, (Tick(0, "0"), Tick(last, f"{last:g}")))
    drawn = {
        name: draw(
            Chart(
                title=f"{panels.subject}, {name}: {len(series)} runs over the epochs",
                x=x,
                y=Axis(f"{name} ({panels.unit})" if panels.unit else name, y.low, y.high, y.ticks),
                series=tuple(series),
                width=240,
                height=176,
            )
        )
        for name, series in lines.items()
        if series
    }
    styles = {series.style for one in lines.values() for series in one}
    legend = (e for e in method_legend(evaluation, converging(evaluation)) if e.style in styles)
    return Drawing(panels.name, drawn, legend=tuple(legend))


def _line(run: Run, column: str, scale: float, style: str) -> Series:
    """One run's column over its epochs, with the epoch marked whose weights were kept."""
    who = f"{method_label(run.method)}, seed {run.seed}, fold {run.fold}"
    points = tuple(
        Point(epoch, None)
        if value is None
        else Point(epoch, scale * value, note=f"{who}, kept: epoch {epoch}, {scale * value:.4g}")
        for epoch, value in zip(run.epochs, run.columns[column], strict=True)
    )
    marked = () if run.selected is None else (run.selected,)
    return Series(style, points, marked=marked, name=who)
