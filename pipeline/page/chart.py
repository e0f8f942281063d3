"""A small chart as inline SVG: axes, lines, markers; colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.page.svg import Element, add, figure, label, line, markup

MARKER_SIZE = 4.0
LETTER_WIDTH = 9.5
"""Of a digit at the largest size that the style sheet sets, in SVG units."""
_SHAPES = {  # around (0, 0), in units of the marker's size; shape and colour say the same thing
    "s0": "M-1 0A1 1 0 1 0 1 0A1 1 0 1 0 -1 0Z",
    "s1": "M-.9 -.9H.9V.9H-.9Z",
    "s2": "M0 -1.3L1.3 0L0 1.3L-1.3 0Z",
    "s3": "M0 -1.2L1.2 1H-1.2Z",
}

STYLES = tuple(_SHAPES)
"""Classes of the style sheet, each with a colour, a dash and a marker of its own."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what is written there."""

    value: float
    label: str


@dataclass(frozen=True)
class Axis:
    """One axis from `low` to `high`, in the unit that its label names."""

    label: str
    low: float
    high: float
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Point:
    """One value; `sd` draws a whisker, `values` faint dots beside it, `note` shows on hover."""

    x: float
    y: float | None
    sd: float | None = None
    values: tuple[float, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Series:
    """Points of one colour.

    Attributes:
        style: One of `STYLES`.
        points: From left to right; a point without y is a gap.
        has_line: Whether the points are joined.
        marked: Which points get a marker; None means all of them.
        name: What its line is called where somebody points at it; needs linear axes.
    """

    style: str
    points: tuple[Point, ...]
    has_line: bool = True
    marked: tuple[int, ...] | None = None
    name: str = ""


@dataclass(frozen=True)
class Chart:
    """What to draw; `title` is read out in its place, `floor` is a dashed line across."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    floor: float | None = None
    width: float = 480
    height: float = 300

    @property
    def left(self) -> float:
        """Where the horizontal axis starts: right of the longest tick label."""
        longest = max((len(tick.label) for tick in self.y.ticks), default=0)
        return max(44.0, 8 + LETTER_WIDTH * longest)

    def across(self, x: float) -> float:
        """Where `x` is, in SVG units from the left."""
        return self.left + (self.width - self.left - 14) * _share(x, self.x)

    def down(self, y: float) -> float:
        """Where `y` is, in SVG units from the top."""
        return self.height - 40 - (self.height - 40 - 28) * _share(y, self.y)


def nice_axis(
    values: Iterable[float], label: str, *, num_steps: int = 5, at_least: float = 0.0
) -> Axis:
    """An axis around the values with round ticks, spanning `at_least` this much."""
    known = sorted(values) or [0.0]
    middle, span = (known[0] + known[-1]) / 2, max(known[-1] - known[0], at_least, 1e-3)
    step = _round_step(span / num_steps)
    first = math.floor((middle - span / 2) / step + 1e-9)
    last = math.ceil((middle + span / 2) / step - 1e-9)
    decimals = max(0, -math.floor(math.log10(step)))
    places = [i * step for i in range(first, last + 1)]
    ticks = tuple(Tick(p, f"{p:.{decimals}f}".replace("-", "−")) for p in places)
    return Axis(label, first * step, last * step, ticks)


def draw(chart: Chart) -> Markup:
    """Draw a chart as an `<svg>` element that scales with its column."""
    svg = figure(chart.title, chart.width, chart.height)
    if any(series.name for series in chart.series):
        svg.attrib |= _scales(chart)
    _draw_axes(svg, chart)
    if chart.floor is not None:
        y = chart.down(chart.floor)
        ends = chart.across(chart.x.low), chart.across(chart.x.high)
        line(svg, "floor", start=(ends[0], y), end=(ends[1], y))
    for series in chart.series:
        _draw_series(svg, chart, series)
    return markup(svg)


def marker(style: str) -> Markup:
    """A style's marker for a legend, in the middle of 28 by 12."""
    return markup(Element("path", _marker(style, 14, 6)))


def _scales(chart: Chart) -> dict[str, str]:
    """What the page's script needs to read a value off a line: for each axis two places."""
    across = [chart.across(chart.x.low), chart.across(chart.x.high), chart.x.low, chart.x.high]
    down = [chart.down(chart.y.low), chart.down(chart.y.high), chart.y.low, chart.y.high]
    numbers = {"data-x": across, "data-y": down}
    written = {key: " ".join(f"{n:.6g}" for n in values) for key, values in numbers.items()}
    return {**written, "data-across": chart.x.label}


def _draw_axes(svg: Element, chart: Chart) -> None:
    left, right = chart.across(chart.x.low), chart.across(chart.x.high)
    bottom = chart.down(chart.y.low)
    for tick in chart.y.ticks:
        y = chart.down(tick.value)
        line(svg, "grid", start=(left, y), end=(right, y))
        label(svg, tick.label, at=(left - 6, y + 4), anchor="end")
    line(svg, "axis", start=(left, bottom), end=(right, bottom))
    for tick in chart.x.ticks:
        label(svg, tick.label, at=(chart.across(tick.value), bottom + 17), anchor="middle")
    label(svg, chart.y.label, at=(2, 13), anchor="start", kind="name")
    label(svg, chart.x.label, at=(right, bottom + 34), anchor="end")


def _draw_series(svg: Element, chart: Chart, series: Series) -> None:
    named = {"data-name": series.name} if series.name else {}
    group = add(svg, "g", {"class": series.style, **named})
    if series.has_line:
        add(group, "path", {"class": "line", "d": _path(chart, series)})
    for index, point in enumerate(series.points):
        if point.y is not None and (series.marked is None or index in series.marked):
            _draw_point(group, chart, point, series.style)


def _draw_point(group: Element, chart: Chart, point: Point, style: str) -> None:
    assert point.y is not None
    x, y = chart.across(point.x), chart.down(point.y)
    for value in point.values:
        place = {"cx": f"{x + 1.6 * MARKER_SIZE:.1f}", "cy": f"{chart.down(value):.1f}", "r": "1.8"}
        add(group, "circle", {"class": "seed", **place})
    if point.sd:
        top, bottom = chart.down(point.y + point.sd), chart.down(point.y - point.sd)
        line(group, "whisker", start=(x, top), end=(x, bottom))
    shape = add(group, "path", _marker(style, x, y))
    if point.note:
        add(shape, "title", {}, point.note)


def _marker(style: str, x: float, y: float) -> dict[str, str]:
    """The attributes of a style's marker at a place."""
    move = f"translate({x:.1f} {y:.1f}) scale({MARKER_SIZE:g})"
    return {"class": "marker", "d": _SHAPES[style], "transform": move}


def _path(chart: Chart, series: Series) -> str:
    """The joined points; the pen is lifted where there is no value."""
    steps, is_down = [], False
    for point in series.points:
        if point.y is not None:
            command = "L" if is_down else "M"
            steps.append(f"{command}{chart.across(point.x):.1f} {chart.down(point.y):.1f}")
        is_down = point.y is not None
    return "".join(steps)


def _share(value: float, axis: Axis) -> float:
    return (value - axis.low) / (axis.high - axis.low)


def _round_step(smallest: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `smallest`."""
    magnitude = 10.0 ** math.floor(math.log10(smallest))
    return next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= smallest * (1 - 1e-9))
