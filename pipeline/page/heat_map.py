"""A heat map as inline SVG: a number in every cell, its shade the size and its colour the sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.page.svg import Element, add, figure, label, markup

LEFT, TOP = 44.0, 26.0
CELL_WIDTH, CELL_HEIGHT = 62.0, 38.0
DARKEST = 0.5
"""Opacity at full scale: the number on it stays readable on light and dark paper."""


@dataclass(frozen=True)
class HeatMap:
    """A square of values.

    Attributes:
        title: Read out in its place: it says what the cells say.
        names: Of the rows, and of the columns.
        cells: By row and column name; a missing one is a dash.
        scale: The size of the darkest shade, above 0.
    """

    title: str
    names: Sequence[str]
    cells: Mapping[tuple[str, str], float]
    scale: float


def draw_heat_map(heat_map: HeatMap) -> Markup:
    """Draw a heat map as an `<svg>` element that scales with its column."""
    num = len(heat_map.names)
    svg = figure(heat_map.title, LEFT + num * CELL_WIDTH, TOP + num * CELL_HEIGHT)
    for place, name in enumerate(heat_map.names):
        label(svg, name, at=(_left(place) + CELL_WIDTH / 2, TOP - 9), anchor="middle", kind="name")
        middle = _top(place) + CELL_HEIGHT / 2
        label(svg, name, at=(LEFT - 8, middle + 4), anchor="end", kind="name")
    for row, first in enumerate(heat_map.names):
        for column, second in enumerate(heat_map.names):
            value = heat_map.cells.get((first, second))
            _draw_cell(svg, value, at=(_left(column), _top(row)), scale=heat_map.scale)
    return markup(svg)


def _draw_cell(svg: Element, value: float | None, *, at: tuple[float, float], scale: float) -> None:
    text = "–" if value is None else f"{value:z.2f}".replace("-", "−")
    shade = 0.0 if value is None else min(DARKEST, DARKEST * abs(value) / scale)
    place = {"x": f"{at[0] + 1:g}", "y": f"{at[1] + 1:g}"}
    size = {"width": f"{CELL_WIDTH - 2:g}", "height": f"{CELL_HEIGHT - 2:g}"}
    kind = "against" if value is not None and value < 0 else "along"
    add(svg, "rect", {"class": kind, **place, **size, "fill-opacity": f"{shade:.2f}"})
    middle = at[0] + CELL_WIDTH / 2, at[1] + CELL_HEIGHT / 2 + 4
    label(svg, text, at=middle, anchor="middle", kind="value")


def _left(column: int) -> float:
    return LEFT + column * CELL_WIDTH


def _top(row: int) -> float:
    return TOP + row * CELL_HEIGHT
