"""The figures of the results: the primary metric over combinations, missing rates and ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from markupsafe import Markup

from mculora.evaluation.statistics import Summary
from mculora.modality import ModalityCombination
from pipeline.page.chart import STYLES, Axis, Chart, Point, Series, Tick, draw, nice_axis
from pipeline.page.drawing import Drawing, Legend
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import MEAN
from pipeline.page.wording import method_label, metric_label, scaled, spread

WORDS = [c.word for c in ModalityCombination]
MEAN_PLACE = len(WORDS) + 0.4
"""On the axis of the seven, a little apart from them."""


def method_style(evaluation: Evaluation, method: str) -> str:
    """The style of a method in every figure."""
    return STYLES[list(evaluation.shown).index(method) % len(STYLES)]


def method_legend(evaluation: Evaluation, methods: Iterable[str]) -> tuple[Legend, ...]:
    """What the styles of methods stand for."""
    return tuple(Legend(method_label(name), method_style(evaluation, name)) for name in methods)


def combination_figure(evaluation: Evaluation) -> Drawing:
    """The primary metric under each combination: mean, spread and every seed."""
    places = {**{word: float(place) for place, word in enumerate(WORDS)}, MEAN: MEAN_PLACE}
    num_methods = len(evaluation.shown)
    apart = min(0.36, 0.8 / num_methods)
    series = []
    for index, (name, result) in enumerate(evaluation.shown.items()):
        offset = apart * (index - (num_methods - 1) / 2)
        under = {word: tested.metrics for word, tested in result.combinations.items()}
        under[MEAN] = result.mean_of_combinations
        points = tuple(
            _point(place + offset, under[word].get(evaluation.primary), evaluation.primary)
            for word, place in places.items()
            if word in under
        )
        series.append(Series(method_style(evaluation, name), points, has_line=False))
    ticks = tuple(Tick(place, word) for word, place in places.items())
    axis = Axis("modalities available", -0.6, MEAN_PLACE + 0.6, ticks)
    return Drawing(
        "combinations",
        {"all": _result_chart(evaluation, axis, series)},
        "Each combination, and the mean of the seven.",
        legend=_legend(evaluation),
    )


def missing_rate_figure(evaluation: Evaluation) -> Drawing | None:
    """The primary metric over nominal missing rates; None where none was tested."""
    metric, rates = evaluation.primary, evaluation.nominal_rates
    if not rates:
        return None
    series = []
    for name, result in evaluation.shown.items():
        tested = {
            rate: result.missing_rates[rate] for rate in rates if rate in result.missing_rates
        }
        points = (_point(float(r), t.metrics.get(metric), metric) for r, t in tested.items())
        without_seeds = tuple(replace(point, values=()) for point in points)
        series.append(Series(method_style(evaluation, name), without_seeds))
    ticks = tuple(Tick(float(rate), rate) for rate in rates)
    axis = Axis("missing rate (nominal)", float(rates[0]) - 0.03, float(rates[-1]) + 0.03, ticks)
    return Drawing(
        "missing-rates",
        {"all": _result_chart(evaluation, axis, series)},
        "More and more missing at random; the masks are the same for every method.",
        legend=_legend(evaluation),
    )


def rank_figure(evaluation: Evaluation) -> Drawing | None:
    """The mean over the seven combinations by rank (Figure 3); None below two ranks."""
    ranked = evaluation.by_rank
    if len(ranked) < 2:
        return None
    metric = evaluation.primary
    points = tuple(
        _point(float(rank), result.mean_of_combinations.get(metric), metric)
        for rank, result in ranked
    )
    ranks = [rank for rank, _ in ranked]
    around = 0.05 * (ranks[-1] - ranks[0])
    ticks = tuple(Tick(float(rank), str(rank)) for rank in ranks)
    axis = Axis("rank of the adapters", ranks[0] - around, ranks[-1] + around, ticks)
    series = Series(method_style(evaluation, evaluation.main), points)
    return Drawing(
        "ranks",
        {"all": _result_chart(evaluation, axis, [series], has_floor=False)},
        "Test, mean over the seven combinations.",
    )


def _legend(evaluation: Evaluation) -> tuple[Legend, ...]:
    """All methods of the main figures, and their floor."""
    floor = Legend("Majority class", "floor")
    return (*method_legend(evaluation, evaluation.shown), floor)


def _point(x: float, summary: Summary | None, metric: str) -> Point:
    """A summary in the unit of the page; without a value it is a gap."""
    if summary is None:
        return Point(x, None)
    values = tuple(v for value in summary.values if (v := scaled(value, metric)) is not None)
    note = spread(summary, metric)
    return Point(x, scaled(summary.mean, metric), scaled(summary.sd, metric), values, note)


def _result_chart(
    evaluation: Evaluation, x: Axis, series: Sequence[Series], *, has_floor: bool = True
) -> Markup:
    """A chart of the primary metric, with the majority class as its floor or without."""
    metric = evaluation.primary
    floor = scaled(evaluation.majority[metric], metric) if has_floor else None
    heights = [] if floor is None else [floor]
    for point in (point for one in series for point in one.points if point.y is not None):
        assert point.y is not None
        whisker = point.sd or 0.0
        heights += [point.y - whisker, point.y + whisker, *point.values]
    label = metric_label(metric)
    title = f"{label} by {x.label}; a table below has the same numbers"
    y = nice_axis(heights, label, at_least=0.5)
    return draw(Chart(title, x, y, tuple(series), floor))
