"""A style sheet applied once and for all: what it says of an element becomes its attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element

PROPERTIES = (
    *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin"),
    *("stroke-opacity", "font-size", "font-weight"),
)
"""What may become an attribute of SVG; of all else files know nothing."""
_BOLD = 600


class Stylesheet:
    """Plain rules, without `@media`: selectors, custom properties and `var()`."""

    def __init__(self, css: str) -> None:
        """Read the rules of a style sheet."""
        import cssselect2
        import tinycss2

        self._matcher = cssselect2.Matcher()
        for rule in tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True):
            if rule.type != "qualified-rule":
                continue
            declarations = _declarations(rule.content)
            for selector in cssselect2.compile_selector_list(rule.prelude):
                self._matcher.add_selector(selector, declarations)

    def apply(self, root: Element) -> None:
        """Set the attributes of `root` and all below it, whose own ones stay."""
        import cssselect2

        self._apply(cssselect2.ElementWrapper.from_xml_root(root), {})

    def _apply(self, wrapper: Any, inherited: Mapping[str, str]) -> None:
        said: dict[str, str] = {}
        for _, _, _, declarations in self._matcher.match(wrapper):
            said |= declarations
        known = {**inherited, **{k: v for k, v in said.items() if k.startswith("--")}}
        custom = {name: _resolve(value, known) for name, value in known.items()}
        element = wrapper.etree_element
        for name in PROPERTIES:  # in this order: the same figure gives the same bytes
            if name in said and name not in element.attrib:
                element.set(name, _attribute(name, _resolve(said[name], custom)))
        for child in wrapper.iter_children():
            self._apply(child, custom)


def _declarations(content: Iterable[Any]) -> dict[str, str]:
    import tinycss2

    found = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    return {d.name: tinycss2.serialize(d.value).strip() for d in found if d.type == "declaration"}


def _resolve(value: str, custom: Mapping[str, str]) -> str:
    """Put values in the place of custom properties, which may name others."""
    while variable := re.search(r"var\((--[\w-]+)\)", value):
        value = value.replace(variable[0], custom[variable[1]])
    return value


def _attribute(name: str, value: str) -> str:
    """A value as every reader of SVG takes it: no units, and weights by name."""
    if name == "font-weight":
        return "bold" if value == "bold" or int(value) >= _BOLD else "normal"
    return value.removesuffix("px")
