"""Contact sheets: face crops side by side, a row per clip, for people to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from mculora.media.video import Pixels

Item = TypeVar("Item")

_GAP = 4  # pixels between pictures
_TITLE_HEIGHT = 20
_TITLE_SIZE = 0.45  # of OpenCV's font
_PAPER, _INK = 255, (20, 20, 20)


@dataclass(frozen=True)
class SheetRow:
    """One clip on a sheet.

    Attributes:
        title: What stands above its pictures; what is not ASCII is shown as question marks.
        pictures: RGB (H, W, 3) uint8 of any size, in time order; may be empty.
    """

    title: str
    pictures: Sequence[Pixels]


def contact_sheet(rows: Sequence[SheetRow], *, columns: int = 12, side: int = 96) -> Pixels:
    """Lay out rows of pictures on one page.

    Args:
        rows: The rows, from top to bottom; at least one.
        columns: Pictures in a row; of more, so many are picked evenly.
        side: Pixels along a picture's longer side.

    Returns:
        The page, RGB (H, W, 3) uint8.
    """
    return np.concatenate([_lay_out(row, columns, side) for row in rows])


def encode_png(page: Pixels) -> bytes:
    """The bytes of a PNG file that shows an RGB picture."""
    _, content = cv2.imencode(".png", cv2.cvtColor(page, cv2.COLOR_RGB2BGR))
    return content.tobytes()


def _lay_out(row: SheetRow, columns: int, side: int) -> Pixels:
    """One row: its title, and its pictures below."""
    step = side + _GAP
    height = _TITLE_HEIGHT + (step if len(row.pictures) else 0)
    strip = np.full((height, _GAP + columns * step, 3), _PAPER, np.uint8)
    title = row.title.encode("ascii", "replace").decode()
    place, font = (_GAP, _TITLE_HEIGHT - 6), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(strip, title, place, font, _TITLE_SIZE, _INK, lineType=cv2.LINE_AA)
    for column, picture in enumerate(pick_evenly(row.pictures, columns)):
        small = _fit(picture, side)
        left = _GAP + column * step
        strip[_TITLE_HEIGHT:, left:][: small.shape[0], : small.shape[1]] = small
    return strip


def pick_evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most `count` items, spread evenly over all of them."""
    if len(items) <= count:
        return list(items)
    return [items[(2 * k + 1) * len(items) // (2 * count)] for k in range(count)]


def _fit(picture: Pixels, side: int) -> Pixels:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
