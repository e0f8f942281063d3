"""The speaker's face: found in each frame, followed over time, cut out as a square."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from mculora.media.video import Pixels, VideoFrame

cv2.setNumThreads(1)  # more would find the same rectangles in another order and average them so

CROP_SIDE = 96
"""Pixels along a face crop of the built-in visual encoder."""

_SEARCH_SIDE = 240  # frames are searched at this size: Haar's cost grows with the pixels
_SMALLEST_SHARE = 0.15  # of the picture's shorter side; a speaker's face is larger
_NEIGHBOURHOOD = 1.8  # a followed face is searched in this many times its side
_GROWTH = 1.4  # and may have grown or shrunk by this factor
_NEAR_SIDE = 48  # pixels of a followed face while it is searched
_MARGIN = 0.05  # around the box: Haar's already spans brow to chin
_STEADINESS = 0.5  # weight of the earlier box in the followed one


@dataclass(frozen=True)
class Box:
    """A square in pixels: its centre and the length of its side."""

    x: float
    y: float
    side: float

    def scaled(self, factor: float) -> Box:
        """The same box in a picture that is `factor` times as large."""
        return Box(self.x * factor, self.y * factor, self.side * factor)

    def contains(self, x: float, y: float) -> bool:
        """Tell whether a point lies inside."""
        return max(abs(x - self.x), abs(y - self.y)) <= self.side / 2

    def blend(self, later: Box, weight: float) -> Box:
        """The weighted mean of this box and a later one."""
        return Box(
            weight * self.x + (1 - weight) * later.x,
            weight * self.y + (1 - weight) * later.y,
            weight * self.side + (1 - weight) * later.side,
        )


class FaceDetector(Protocol):
    """Finds faces in one picture. Its name stands in the feature identity."""

    name: str

    def detect(self, gray: Pixels, near: Box | None = None) -> list[Box]:
        """Find faces in a grey picture (H, W): all, or those like `near` and around it."""
        ...


class HaarDetector:
    """OpenCV's frontal cascade: it comes with the package and needs no download."""

    name = "haar-frontalface-default"

    def __init__(self) -> None:
        self._local = threading.local()  # a cascade serves one thread at a time

    def detect(self, gray: Pixels, near: Box | None = None) -> list[Box]:
        """Find frontal faces; a little tilt and turn is allowed. See `FaceDetector`."""
        left = top = 0
        if near is not None:
            half = near.side * _NEIGHBOURHOOD / 2
            left, top = max(round(near.x - half), 0), max(round(near.y - half), 0)
            gray = gray[top : round(near.y + half), left : round(near.x + half)]
        scale = min(_SEARCH_SIDE / max(gray.shape), 1.0) if near is None else _near_scale(near)
        return [
            Box(left + box.x, top + box.y, box.side)
            for box in self._detect_scaled(gray, scale, near)
        ]

    def _detect_scaled(self, gray: Pixels, scale: float, near: Box | None) -> list[Box]:
        """Search a picture at another size, its contrast evened out by regions."""
        size = (max(round(gray.shape[1] * scale), 1), max(round(gray.shape[0] * scale), 1))
        small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
        smallest, largest = round(min(size) * _SMALLEST_SHARE), min(size)
        if near is not None:
            smallest = round(near.side * scale / _GROWTH)
            largest = round(near.side * scale * _GROWTH)
        found = self._cascade().detectMultiScale(
            cv2.createCLAHE(clipLimit=2.0, tileGridSize=(4, 4)).apply(small),
            scaleFactor=1.1,
            minNeighbors=5 if near is None else 3,
            minSize=(max(smallest, 20),) * 2,
            maxSize=(largest,) * 2,
        )
        boxes = [Box(float(x + w / 2), float(y + h / 2), float(w)) for x, y, w, h in found]
        return [box.scaled(1 / scale) for box in boxes]

    def _cascade(self) -> Any:
        if not hasattr(self._local, "cascade"):
            folder = Path(cv2.__file__).parent / "data"
            path = folder / "haarcascade_frontalface_default.xml"
            self._local.cascade = cv2.CascadeClassifier(str(path))
        return self._local.cascade


def _near_scale(near: Box) -> float:
    """The size at which a followed face is searched: about as many pixels as a face needs."""
    return min(_NEAR_SIDE / near.side, 1.0)


def crop_faces(
    frames: Iterable[VideoFrame], detector: FaceDetector, *, side: int = CROP_SIDE
) -> Iterator[Pixels | None]:
    """Yield one face of each frame, (side, side, 3) uint8 RGB, or None where there is none.

    The first face is the largest; from then on the one where the last one was, or the largest
    again. The box moves smoothly, so that the crop does not tremble with the detector.
    """
    followed: Box | None = None
    for frame in frames:
        gray = np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        again = _largest(detector.detect(gray, followed)) if followed else None
        if followed and again and followed.contains(again.x, again.y):
            followed = followed.blend(again, _STEADINESS)
        else:
            followed = _largest(detector.detect(gray))
        yield _cut(frame.pixels, followed, side) if followed else None


def _largest(boxes: list[Box]) -> Box | None:
    """The largest face; the leftmost among equals."""
    return max(boxes, key=lambda box: (box.side, -box.x), default=None)


def _cut(pixels: Pixels, box: Box, side: int) -> Pixels:
    """Cut a box with its margin out of a frame and scale it; edges are repeated outwards."""
    half = box.side * (0.5 + _MARGIN)
    scale = 2 * half / side
    corner = np.array([[scale, 0.0, box.x - half], [0.0, scale, box.y - half]])
    if scale > 1:  # shrink first: sampling alone would alias
        pixels = cv2.blur(pixels, (round(scale) | 1, round(scale) | 1))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    face = cv2.warpAffine(
        pixels, corner, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(face, dtype=np.uint8)
