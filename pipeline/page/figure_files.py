"""The page's figures as files for papers: SVG that stands alone, and the same as PDF."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

from pipeline.page.chart import marker
from pipeline.page.drawing import Drawing, Legend
from pipeline.page.stylesheet import Stylesheet
from pipeline.page.svg import Element, add, label, line

FONT = "Bitstream Vera Sans"
"""Comes with reportlab, so that a PDF holds the same font on every machine."""
FONTS = f"{FONT}, DejaVu Sans, Verdana, sans-serif"
GAP, LEGEND_HEIGHT, LETTER_WIDTH = 16.0, 22.0, 7.2
_NAMESPACE = "http://www.w3.org/2000/svg"


def svg_file(drawing: Drawing) -> str:
    """A figure as an SVG document: light, with every style in the elements themselves."""
    root = _compose(drawing)
    _sheet().apply(root)
    for element in root.iter():
        for key in [k for k in element.attrib if k == "class" or k.startswith(("data-", "aria-"))]:
            del element.attrib[key]
        if element.tag == "text":
            element.set("font-family", FONTS)
    root.attrib.pop("role", None)
    root.set("xmlns", _NAMESPACE)
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def pdf_file(svg: str, title: str) -> bytes:
    """An SVG document of ours as a PDF page of its size; the same input gives the same bytes."""
    from reportlab.graphics import renderPDF
    from reportlab.pdfgen.canvas import Canvas
    from svglib.svglib import svg2rlg

    _register_font()
    drawn = svg2rlg(io.BytesIO(svg.encode()))
    assert drawn is not None, "our own SVG"
    page = io.BytesIO()
    canvas = Canvas(page, pagesize=(drawn.width, drawn.height), invariant=1, initialFontName=FONT)
    canvas.setTitle(title)
    renderPDF.draw(drawn, canvas, 0, 0)
    canvas.save()
    return page.getvalue()


def _compose(drawing: Drawing) -> Element:
    """Legend above, panels in rows below, as one figure."""
    panels = {name: ElementTree.fromstring(svg) for name, svg in drawing.panels.items()}
    sizes = [_size(panel) for panel in panels.values()]
    wide, high = max(w for w, _ in sizes), max(h for _, h in sizes)
    columns = min(drawing.columns, len(panels))
    rows = -(-len(panels) // columns)
    width = columns * wide + (columns - 1) * GAP
    legend = _legend_places(drawing.legend, width)
    top = LEGEND_HEIGHT * len({y for _, y in legend.values()})
    height = top + rows * high + (rows - 1) * GAP
    size = {"width": f"{width:g}", "height": f"{height:g}"}
    root = Element("svg", {"viewBox": f"0 0 {width:g} {height:g}", **size})
    add(root, "title", {}, drawing.caption or drawing.name)
    for entry, (x, y) in legend.items():
        _draw_entry(root, entry, x=x, y=y)
    for place, panel in enumerate(panels.values()):
        across, down = place % columns * (wide + GAP), top + place // columns * (high + GAP)
        kind = {"class": "panels"} if drawing.is_small else {}
        group = add(root, "g", {"transform": f"translate({across:g} {down:g})", **kind})
        group.extend(panel)
    return root


def _size(panel: Element) -> tuple[float, float]:
    _, _, width, height = map(float, panel.attrib["viewBox"].split())
    return width, height


def _legend_places(legend: tuple[Legend, ...], width: float) -> Mapping[Legend, tuple[float, int]]:
    """Where each entry stands: how far right, and in which line."""
    places: dict[Legend, tuple[float, int]] = {}
    x, row = 0.0, 0
    for entry in legend:
        needed = 34 + LETTER_WIDTH * len(entry.label)
        if x and x + needed > width:
            x, row = 0.0, row + 1
        places[entry] = (x, row)
        x += needed + GAP
    return places


def _draw_entry(root: Element, entry: Legend, *, x: float, y: int) -> None:
    kind = {"class": entry.style, "transform": f"translate({x:g} {y * LEGEND_HEIGHT:g})"}
    group = add(root, "g", kind)
    line(group, "floor" if entry.style == "floor" else "line", start=(0, 8), end=(28, 8))
    if entry.style != "floor":
        moved = add(group, "g", {"transform": "translate(0 2)"})
        moved.append(ElementTree.fromstring(marker(entry.style)))
    label(group, entry.label, at=(34, 12.5), anchor="start")


@cache
def _sheet() -> Stylesheet:
    return Stylesheet(files("pipeline").joinpath("page/templates/figure.css").read_text("utf-8"))


@cache
def _register_font() -> None:
    import reportlab
    from reportlab.graphics.shapes import STATE_DEFAULTS
    from svglib.fonts import register_font_family

    folder = Path(reportlab.__file__).parent / "fonts"
    regular, bold = str(folder / "Vera.ttf"), str(folder / "VeraBd.ttf")
    register_font_family(FONT, regular, bold)
    # Every drawing opens with this one, even if no text has it; publishers refuse fonts that a file
    # names and does not carry.
    STATE_DEFAULTS["fontName"] = FONT
