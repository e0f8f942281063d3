"""The figures of gradient conflict (Figure 1): a heat map per method, and two lines over epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from markupsafe import Markup

from pipeline.page.chart import Axis, Chart, Point, Series, Tick, draw, nice_axis
from pipeline.page.conflict import (
    WORDS,
    ConflictRun,
    Cosines,
    common_epochs,
    mean_cosine,
    mean_cosines,
    negative_share,
)
from pipeline.page.drawing import Drawing
from pipeline.page.evaluation import Evaluation
from pipeline.page.heat_map import HeatMap, draw_heat_map
from pipeline.page.result_figures import method_legend, method_style
from pipeline.page.wording import method_label

Runs = dict[str, list[ConflictRun]]
"""By method."""


def measured(evaluation: Evaluation, runs: Sequence[ConflictRun]) -> Runs:
    """The runs of each method of the main tables that has any, in the tables' order."""
    by_method = {name: [run for run in runs if run.method == name] for name in evaluation.shown}
    return {name: own for name, own in by_method.items() if own}


def heat_maps(runs: Runs) -> list[Drawing]:
    """Each method's cosines at its runs' last measured epochs, shaded on one scale."""
    cosines = {name: mean_cosines(own) for name, own in runs.items()}
    sizes = [abs(cosine) for of_method in cosines.values() for cosine in of_method.values()]
    scale = max([*sizes, 1e-6])
    return [
        Drawing(
            f"conflict-{name}",
            {"all": _heat_map(name, cosines[name], scale)},
            _caption(name, runs[name]),
        )
        for name in runs
    ]


def conflict_curves(evaluation: Evaluation, runs: Runs) -> list[Drawing]:
    """Over the epochs: the mean cosine of the pairs, and how many of them are negative."""
    if not runs:
        return []
    legend = method_legend(evaluation, runs)
    cosine = _curve(evaluation, runs, "mean cosine", mean_cosine)
    negative = _curve(evaluation, runs, "negative pairs (%)", lambda c: 100 * negative_share(c))
    return [
        Drawing(
            "conflict-mean-cosine",
            {"all": cosine},
            "Mean over the pairs of combinations and over the runs.",
            legend=legend,
        ),
        Drawing(
            "conflict-negative-pairs",
            {"all": negative},
            "Share of the pairs that pull against each other, mean over the runs.",
            legend=legend,
        ),
    ]


def _heat_map(name: str, cosines: Cosines, scale: float) -> Markup:
    told = ", ".join(f"{a} and {b} {cosine:.2f}" for (a, b), cosine in cosines.items())
    cells = {**cosines, **{(b, a): cosine for (a, b), cosine in cosines.items()}}
    title = f"cosine between the gradients of two combinations, {method_label(name)}: {told}"
    return draw_heat_map(HeatMap(title, WORDS, cells, scale))


def _caption(name: str, runs: Sequence[ConflictRun]) -> str:
    """A method's conflict in two numbers, each the mean over its runs."""
    mean = fmean(mean_cosine(run.last) for run in runs)
    negative = fmean(negative_share(run.last) for run in runs)
    shown = f"{mean:z.2f}".replace("-", "−")
    return (
        f"{method_label(name)}: mean cosine {shown}, {100 * negative:.0f} % of the pairs negative."
    )


def _curve(
    evaluation: Evaluation, runs: Runs, label: str, value: Callable[[Cosines], float]
) -> Markup:
    series = tuple(
        Series(method_style(evaluation, name), tuple(_points(name, own, value)))
        for name, own in runs.items()
    )
    heights = [point.y for one in series for point in one.points if point.y is not None]
    y = nice_axis([0.0, *heights], label)
    return draw(Chart(f"{label} over the epochs", _epoch_axis(runs), y, series))


def _points(
    name: str, runs: Sequence[ConflictRun], value: Callable[[Cosines], float]
) -> Iterator[Point]:
    """The mean over a method's runs, for as long as none of them has stopped."""
    for epoch in common_epochs(runs):
        mean = fmean(value(run.epochs[epoch]) for run in runs)
        note = f"{method_label(name)}, epoch {epoch}: {mean:.2f}"
        yield Point(math.log2(1 + epoch), mean, note=note)


def _epoch_axis(runs: Runs) -> Axis:
    """The epochs, logarithmic: training measures 0, 1, 2, 4, 8 and so on."""
    epochs = {epoch for own in runs.values() for epoch in common_epochs(own)}
    last = max(1.0, math.log2(1 + max(epochs, default=0)))
    labelled = sorted(epoch for epoch in epochs if epoch & (epoch - 1) == 0)
    ticks = tuple(Tick(math.log2(1 + epoch), str(epoch)) for epoch in labelled)
    return Axis("epoch", -0.2, last + 0.2, ticks)
