"""Drawing on one large canvas, at fractions of a pixel: outlines, curves and spots of light."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]  # blue, green, red
Points = NDArray[np.float64]  # (N, 2): x to the right, y downwards

WIDTH, HEIGHT = 512, 640
"""The canvas in pixels."""
_SHIFT = 4  # fractional bits of drawn coordinates


def fill(canvas: Image, shape: Any, colour: Any) -> None:
    """Fill the polygon `shape` (N, 2)."""
    cv2.fillPoly(canvas, [_fixed(shape)], colour, cv2.LINE_AA, _SHIFT)


def stroke(
    canvas: Image, line: Any, colour: Colour, *, width: int, is_closed: bool = False
) -> None:
    """Draw a line through the points `line` (N, 2)."""
    cv2.polylines(canvas, [_fixed(line)], is_closed, colour, width, cv2.LINE_AA, _SHIFT)


def oval(x: float, y: float, half_width: float, half_height: float) -> Points:
    """The outline of an ellipse around (x, y): (48, 2)."""
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([x + half_width * np.cos(angle), y + half_height * np.sin(angle)], 1)


def arc(left: Any, middle: Any, right: Any) -> Points:
    """A curve from one point through a second to a third: (17, 2)."""
    a, b, c = (np.asarray(point, float) for point in (left, middle, right))
    t = np.linspace(0, 1, 17)[:, None]
    control = 2 * b - (a + c) / 2
    curve: Points = (1 - t) ** 2 * a + 2 * t * (1 - t) * control + t**2 * c
    return curve


def glow(x: float, y: float, half_width: float, half_height: float) -> NDArray[np.float32]:
    """A soft spot of light, 1 in its middle: (H, W) of the canvas."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    distance = ((across - x) / half_width) ** 2 + ((down - y) / half_height) ** 2
    spot: NDArray[np.float32] = np.exp(-distance).astype(np.float32)
    return spot


def darker(colour: Colour, factor: float) -> Colour:
    """Scale a colour; a factor above 1 makes it lighter."""
    blue, green, red = (int(np.clip(channel * factor, 0, 255)) for channel in colour)
    return blue, green, red


def _fixed(points: Any) -> NDArray[np.int32]:
    """Give points the form that drawing with fractional bits takes."""
    fixed: NDArray[np.int32] = np.round(np.asarray(points, float) * 2**_SHIFT).astype(np.int32)
    return fixed
