"""The few SVG elements that figures are made of; every text and attribute comes out escaped."""

from __future__ import annotations

from xml.etree import ElementTree

from markupsafe import Markup

Element = ElementTree.Element


def figure(title: str, width: float, height: float) -> Element:
    """An empty figure that scales with its column; `title` is read out in its place."""
    attributes = {"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-label": title}
    return Element("svg", attributes)


def add(parent: Element, tag: str, attributes: dict[str, str], text: str | None = None) -> Element:
    """Append an element, with a text inside if it has one."""
    element = ElementTree.SubElement(parent, tag, attributes)
    element.text = text
    return element


def line(
    parent: Element, kind: str, *, start: tuple[float, float], end: tuple[float, float]
) -> None:
    """Append a straight line from `start` to `end`, each (x, y)."""
    places = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    add(parent, "line", {"class": kind, **{key: f"{place:.1f}" for key, place in places.items()}})


def label(
    parent: Element, text: str, *, at: tuple[float, float], anchor: str, kind: str = "tick"
) -> None:
    """Append a text at (x, y), anchored at its start, middle or end."""
    place = {"x": f"{at[0]:.1f}", "y": f"{at[1]:.1f}", "text-anchor": anchor, "class": kind}
    add(parent, "text", place, text)


def markup(element: Element) -> Markup:
    """The element as text for a template."""
    return Markup(ElementTree.tostring(element, encoding="unicode"))
