"""The page's figures: results over combinations and missing rates, and how training went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mculora.evaluation.statistics import Summary
from mculora.modality import Modality, ModalityCombination
from pipeline.page.chart import Axis, Chart, Point, Series, Tick, draw, nice_axis
from pipeline.page.evaluation import Evaluation
from pipeline.page.history import Run
from pipeline.page.tables import MEAN
from pipeline.page.wording import is_percent, method_label, metric_label, scaled, spread

WORDS = [c.word for c in ModalityCombination]
MOST_STYLES = 4


@dataclass(frozen=True)
class Legend:
    """What a colour and its marker stand for."""

    label: str
    style: str


def method_style(evaluation: Evaluation, method: str) -> str:
    """The style of a method in every figure."""
    return f"s{list(evaluation.methods).index(method) % MOST_STYLES}"


def method_legend(evaluation: Evaluation) -> list[Legend]:
    """The methods and the majority class."""
    methods = [Legend(method_label(m), method_style(evaluation, m)) for m in evaluation.methods]
    return [*methods, Legend("Majority class", "floor")]


def combination_figure(evaluation: Evaluation) -> Markup:
    """The primary metric under each combination: mean, spread and every seed."""
    metric = evaluation.primary
    places = {word: float(place) for place, word in enumerate([*WORDS, MEAN])}
    series = []
    for index, (name, result) in enumerate(evaluation.methods.items()):
        offset = 0.26 * (index - (len(evaluation.methods) - 1) / 2)
        under = {word: tested.metrics for word, tested in result.combinations.items()}
        under[MEAN] = result.mean_of_combinations
        points = tuple(
            _point(places[word] + offset, under[word].get(metric), metric, f"{name}, {word}")
            for word in places
            if word in under
        )
        series.append(Series(method_style(evaluation, name), points, has_line=False))
    ticks = tuple(Tick(place, word) for word, place in places.items())
    return _result_chart(
        evaluation, "combinations", Axis("modalities available", -0.6, 7.6, ticks), series
    )


def missing_rate_figure(evaluation: Evaluation) -> Markup | None:
    """The primary metric over nominal missing rates; None where none was tested."""
    metric, rates = evaluation.primary, evaluation.nominal_rates
    if not rates:
        return None
    series = []
    for name, result in evaluation.methods.items():
        points = tuple(
            _point(
                float(rate),
                result.missing_rates[rate].metrics.get(metric),
                metric,
                f"{name}, missing rate {rate}",
            )
            for rate in rates
            if rate in result.missing_rates
        )
        series.append(Series(method_style(evaluation, name), points))
    ticks = tuple(Tick(float(rate), rate) for rate in rates)
    axis = Axis("missing rate (nominal)", float(rates[0]) - 0.03, float(rates[-1]) + 0.03, ticks)
    return _result_chart(evaluation, "rates", axis, series)


def validation_figures(evaluation: Evaluation, runs: Sequence[Run]) -> list[Markup]:
    """Validation of every run over the epochs: one panel per combination and one for the mean."""
    columns = {word: f"validation_{word}" for word in [*WORDS, MEAN]}
    scale = 100.0 if is_percent(evaluation.primary) else 1.0
    label = "%" if scale == 100.0 else ""
    known = [run for run in runs if run.method in evaluation.methods]
    styles = {run.method: method_style(evaluation, run.method) for run in known}
    return _panels(known, columns, _Panel("validation", label, scale, styles))


def separability_figures(evaluation: Evaluation, runs: Sequence[Run]) -> list[Markup]:
    """Jensen-Shannon divergence of specific from common representation, per combination."""
    columns = {word: f"separability_{word}" for word in WORDS}
    separable = [run for run in runs if any(run.has(column) for column in columns.values())]
    known = [run for run in separable if run.method in evaluation.methods]
    styles = {run.method: method_style(evaluation, run.method) for run in known}
    return _panels(known, columns, _Panel("separability", "nats", 1.0, styles))


def probability_figures(evaluation: Evaluation, runs: Sequence[Run]) -> list[Markup]:
    """Presence probability of each modality over the epochs, of the runs that DPFT steered."""
    columns = {m.word: f"probability_{m.word}" for m in Modality}
    steered = [run for run in runs if run.has("separability_atv")]
    known = [run for run in steered if run.method in evaluation.methods]
    styles = {run.method: method_style(evaluation, run.method) for run in known}
    return _panels(known, columns, _Panel("probability", "p", 1.0, styles))


@dataclass(frozen=True)
class _Panel:
    """What the panels of one figure share; `styles` by method."""

    id: str
    y_label: str
    scale: float
    styles: dict[str, str]


def _panels(runs: Sequence[Run], columns: dict[str, str], panel: _Panel) -> list[Markup]:
    """Small charts with the same axes, one per column that any run has."""
    shown = {word: c for word, c in columns.items() if any(run.has(c) for run in runs)}
    values = [
        panel.scale * value
        for run in runs
        for column in shown.values()
        for value in run.columns.get(column, ())
        if value is not None
    ]
    if not values:
        return []
    y = nice_axis(values, "", num_steps=3)
    last = max(max(run.epochs) for run in runs)
    x = Axis("epoch", 0, max(last, 1), (Tick(0, "0"), Tick(max(last, 1), str(max(last, 1)))))
    charts = []
    for word, column in shown.items():
        lines = tuple(_line(run, column, panel) for run in runs if run.has(column))
        name = f"{word} ({panel.y_label})" if panel.y_label else word
        chart = Chart(
            id=f"{panel.id}-{word}",
            title=f"{panel.id} over epochs: {word}, {len(lines)} runs",
            x=x,
            y=Axis(name, y.low, y.high, y.ticks),
            series=lines,
            width=240,
            height=176,
        )
        charts.append(draw(chart))
    return charts


def _line(run: Run, column: str, panel: _Panel) -> Series:
    """One run's column over its epochs, with the epoch marked whose weights were kept."""
    points = tuple(
        Point(epoch, None if value is None else panel.scale * value, note=f"{run.name}: {epoch}")
        for epoch, value in zip(run.epochs, run.columns[column], strict=True)
    )
    marked = () if run.selected is None else (run.selected,)
    return Series(panel.styles[run.method], points, marked=marked)


def _point(x: float, summary: Summary | None, metric: str, where: str) -> Point:
    """A summary in the unit of the page; without a value it is a gap."""
    if summary is None:
        return Point(x, None)
    values = tuple(v for value in summary.values if (v := scaled(value, metric)) is not None)
    note = f"{where}: {spread(summary, metric)}"
    return Point(x, scaled(summary.mean, metric), scaled(summary.sd, metric), values, note)


def _result_chart(evaluation: Evaluation, name: str, x: Axis, series: Iterable[Series]) -> Markup:
    """A chart of the primary metric with the majority class as its floor."""
    drawn = tuple(series)
    floor = scaled(evaluation.majority[evaluation.primary], evaluation.primary)
    heights = [
        value
        for one in drawn
        for point in one.points
        if point.y is not None
        for value in (point.y - (point.sd or 0), point.y + (point.sd or 0), *point.values)
    ]
    label = metric_label(evaluation.primary)
    title = f"{label} by {x.label}; the table beside it has the same numbers"
    axis = nice_axis([*heights, *([] if floor is None else [floor])], label, at_least=0.5)
    return draw(Chart(name, title, x, axis, drawn, floor))
