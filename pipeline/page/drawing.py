"""A figure of the report under one name: its panels, its legend and what stands below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup

from mculora.modality import ModalityCombination

COMBINATIONS = tuple(c.word for c in ModalityCombination)


@dataclass(frozen=True)
class Legend:
    """What a colour and its marker stand for."""

    label: str
    style: str


@dataclass(frozen=True)
class Drawing:
    """A figure of one panel or several.

    Attributes:
        name: Of its files, and of its place on the page.
        panels: SVG by what it shows. A panel named after a modality combination makes way where a
            reader chooses another one.
        caption: A sentence below.
        legend: What the styles stand for.
        columns: How many panels stand side by side in a file; the page decides by its width.
    """

    name: str
    panels: Mapping[str, Markup]
    caption: str = ""
    legend: tuple[Legend, ...] = field(default=(), kw_only=True)
    columns: int = field(default=4, kw_only=True)

    @property
    def is_small(self) -> bool:
        """Whether its panels are small multiples."""
        return len(self.panels) > 1
