"""Common against specific representations: a picture per combination, and numbers beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.evaluating.representation_tables import COMMON, SPECIFIC, PlacedPoint, Separation
from pipeline.page.drawing import Drawing, Legend
from pipeline.page.svg import add, figure, label, markup
from pipeline.page.table import Cell, Row, Table, count_cell
from pipeline.page.wording import UNDEFINED

_STYLES = {COMMON: "s0", SPECIFIC: "s1"}
_SIDE, _TOP, _EDGE = 220.0, 22.0, 7.0
_SHAPES = {COMMON: "a2.1 2.1 0 1 0 4.2 0a2.1 2.1 0 1 0-4.2 0", SPECIFIC: "v1.8h3.6v-3.6h-3.6z"}
"""A dot and an open square, drawn from the middle of their left side."""
_REACH = {COMMON: 2.1, SPECIFIC: 1.8}


@dataclass(frozen=True)
class RepresentationSection:
    """The picture, None where there is nothing to show, and the numbers."""

    figure: Drawing | None
    table: Table


def representation_section(
    points: Sequence[PlacedPoint], separations: Sequence[Separation]
) -> RepresentationSection:
    """Draw the points, a panel per combination that has any, and tell the numbers."""
    silhouettes = {one.combination: one.silhouette for one in separations}
    panels = {
        word: _panel(word, [point for point in points if point.combination == word], silhouette)
        for word, silhouette in silhouettes.items()
        if any(point.combination == word for point in points)
    }
    legend = (
        Legend("Common (dots)", _STYLES[COMMON]),
        Legend("Specific (open squares)", _STYLES[SPECIFIC]),
    )
    drawing = Drawing(
        "representations",
        panels,
        "t-SNE shows who is whose neighbour. How far apart groups lie, how large or dense they "
        "are, and where in a panel, means nothing; every panel is a picture of its own. The "
        "measure is the table.",
        legend=legend,
    )
    return RepresentationSection(drawing if panels else None, separation_table(separations))


def separation_table(separations: Sequence[Separation]) -> Table:
    """How far apart the two kinds are, and what each says of the label."""
    rows = tuple(
        Row(
            one.combination,
            (
                count_cell(one.utterances),
                _cell(one.silhouette, 1, 2),
                _cell(one.label_from_common, 100, 1),
                _cell(one.label_from_specific, 100, 1),
            ),
        )
        for one in separations
    )
    header = ("Combination", "Utterances", "Silhouette")
    return Table(
        "Common against specific, where they really lie",
        (*header, "Label read from common (UA, %)", "Label read from specific (UA, %)"),
        rows,
        name="representations",
        note="Silhouette of the two kinds, dimensions standardised: 1 is two tight groups far "
        "apart, 0 one cloud. UA: mean recall of the classes (of scores, the sign of those that "
        "are not neutral) by a linear probe of dialogues that it was not fitted on; with so few "
        "utterances, some points may be chance.",
        kind="narrow",
    )


def _cell(value: float | None, scale: float, decimals: int) -> Cell:
    """A number, in the file as it was measured."""
    if value is None:
        return Cell(UNDEFINED, values={"": None})
    return Cell(f"{scale * value:z.{decimals}f}".replace("-", "−"), values={"": value})


def _panel(word: str, points: Sequence[PlacedPoint], silhouette: float | None) -> Markup:
    """One combination's points in a square without axes: those would say nothing."""
    beside = UNDEFINED if silhouette is None else f"{silhouette:z.2f}".replace("-", "−")
    num = len(points) // 2
    title = f"{word}: common and specific representations of {num} utterances, silhouette {beside}"
    svg = figure(title, _SIDE, _SIDE + _TOP + _EDGE)
    label(svg, word, at=(0, _TOP - 8), anchor="start", kind="name")
    label(svg, f"silhouette {beside}", at=(_SIDE, _TOP - 8), anchor="end")
    frame = {"x": ".5", "y": f"{_TOP:g}", "width": f"{_SIDE - 1:g}", "height": f"{_SIDE - 1:g}"}
    add(svg, "rect", {"fill": "none", **frame})
    places = _places(points)
    for kind, style in _STYLES.items():
        group = add(svg, "g", {"class": style})
        own = [place for point, place in zip(points, places, strict=True) if point.kind == kind]
        drawn = "".join(f"M{x - _REACH[kind]:.1f} {y:.1f}{_SHAPES[kind]}" for x, y in own)
        add(group, "path", {"class": f"cloud {kind}", "d": drawn})
    return markup(svg)


def _places(points: Sequence[PlacedPoint]) -> list[tuple[float, float]]:
    """Where points lie in SVG units, one scale for both directions."""
    left, right = min(p.x for p in points), max(p.x for p in points)
    bottom, top = min(p.y for p in points), max(p.y for p in points)
    scale = (_SIDE - 2 * _EDGE) / max(right - left, top - bottom, 1e-9)
    middle = _SIDE / 2
    return [
        (
            middle + scale * (point.x - (left + right) / 2),
            _TOP + middle - scale * (point.y - (bottom + top) / 2),
        )
        for point in points
    ]
