"""Where a face is: a square in a picture, and what finds such squares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import cv2

from mculora.media.video import Pixels

cv2.setNumThreads(1)  # more would find the same rectangles in another order and average them so


@dataclass(frozen=True)
class Box:
    """A square in pixels that holds a face.

    Attributes:
        x: Its centre, from the left.
        y: Its centre, from the top.
        side: The length of its side.
        tilt: How far the head is tilted, clockwise in radians; 0 where the detector cannot say.
    """

    x: float
    y: float
    side: float
    tilt: float = 0.0

    def scaled(self, factor: float) -> Box:
        """The same box in a picture that is `factor` times as large."""
        return Box(self.x * factor, self.y * factor, self.side * factor, self.tilt)

    def moved(self, x: float, y: float) -> Box:
        """The same box, so far to the right and down."""
        return replace(self, x=self.x + x, y=self.y + y)

    def contains(self, other: Box) -> bool:
        """Tell whether the other's centre lies inside."""
        return max(abs(other.x - self.x), abs(other.y - self.y)) <= self.side / 2

    def blend(self, later: Box, weight: float) -> Box:
        """The weighted mean of this box and a later one."""
        return Box(
            weight * self.x + (1 - weight) * later.x,
            weight * self.y + (1 - weight) * later.y,
            weight * self.side + (1 - weight) * later.side,
            weight * self.tilt + (1 - weight) * later.tilt,
        )


class FaceDetector(Protocol):
    """Finds faces in one picture; several threads may ask it at once.

    Attributes:
        name: Its kind, and its weights where they do not come with the package: a part of the
            feature identity.
    """

    name: str

    def detect(self, pixels: Pixels, near: Box | None = None) -> list[Box]:
        """Find faces in an RGB picture (H, W, 3): all, or those like `near` and around it."""
        ...


def largest(boxes: Iterable[Box]) -> Box | None:
    """The largest face; the leftmost among equals."""
    return max(boxes, key=lambda box: (box.side, -box.x), default=None)
