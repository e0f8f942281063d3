"""A heat map as inline SVG: a number in every cell, its shade the size and its colour the sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.page.svg import Element, add, figure, label, markup

LEFT, TOP = 44.0, 26.0
DARKEST = 0.5
"""Opacity at full scale: the number on it stays readable on light and dark paper."""
LETTER_WIDTH = 8.5
SHORT = 3
"""Letters of a column's name where columns are narrow; the rows have the whole names."""


@dataclass(frozen=True)
class HeatMap:
    """A square of values.

    Attributes:
        title: Read out in its place: it says what the cells say.
        names: Of the rows, and of the columns.
        cells: By row and column name; a missing one is a dash.
        scale: The size of the darkest shade, above 0.
        corner: Written above the rows' names.
        is_percent: Whether cells are shares, written in whole percent; columns are narrow then.
    """

    title: str
    names: Sequence[str]
    cells: Mapping[tuple[str, str], float]
    scale: float
    corner: str = ""
    is_percent: bool = False

    @property
    def left(self) -> float:
        """Where the cells start: right of the longest name."""
        longest = max((len(name) for name in [self.corner, *self.names]), default=0)
        return max(LEFT, 10 + LETTER_WIDTH * longest)

    @property
    def cell_width(self) -> float:
        """Of a cell, in SVG units."""
        return 36.0 if self.is_percent else 62.0

    @property
    def cell_height(self) -> float:
        """Likewise."""
        return 28.0 if self.is_percent else 38.0

    def text(self, value: float | None) -> str:
        """What is written in a cell."""
        if value is None:
            return "–"
        return f"{100 * value:.0f}" if self.is_percent else f"{value:z.2f}".replace("-", "−")


def draw_heat_map(heat_map: HeatMap) -> Markup:
    """Draw a heat map as an `<svg>` element that scales with its column."""
    num, wide, high = len(heat_map.names), heat_map.cell_width, heat_map.cell_height
    svg = figure(heat_map.title, heat_map.left + num * wide, TOP + num * high)
    label(svg, heat_map.corner, at=(2, TOP - 9), anchor="start", kind="name")
    for place, name in enumerate(heat_map.names):
        shown = name[:SHORT] if heat_map.is_percent else name
        across = heat_map.left + (place + 0.5) * wide
        label(svg, shown, at=(across, TOP - 9), anchor="middle", kind="name")
        middle = TOP + (place + 0.5) * high
        label(svg, name, at=(heat_map.left - 8, middle + 4), anchor="end", kind="name")
    for row, first in enumerate(heat_map.names):
        for column, second in enumerate(heat_map.names):
            place_at = heat_map.left + column * wide, TOP + row * high
            _draw_cell(svg, heat_map, heat_map.cells.get((first, second)), at=place_at)
    return markup(svg)


def _draw_cell(
    svg: Element, heat_map: HeatMap, value: float | None, *, at: tuple[float, float]
) -> None:
    wide, high = heat_map.cell_width, heat_map.cell_height
    shade = 0.0 if value is None else min(DARKEST, DARKEST * abs(value) / heat_map.scale)
    place = {"x": f"{at[0] + 1:g}", "y": f"{at[1] + 1:g}"}
    size = {"width": f"{wide - 2:g}", "height": f"{high - 2:g}"}
    kind = "against" if value is not None and value < 0 else "along"
    add(svg, "rect", {"class": kind, **place, **size, "fill-opacity": f"{shade:.2f}"})
    middle = at[0] + wide / 2, at[1] + high / 2 + 4
    label(svg, heat_map.text(value), at=middle, anchor="middle", kind="value")
