"""OpenCV's frontal cascade: it comes with the package and needs no download."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2

from mculora.media.faces.boxes import Box
from mculora.media.video import Pixels

_SEARCH_SIDE = 240  # pictures are searched at this size: the cost grows with the pixels
_SMALLEST_SHARE = 0.15  # of the picture's shorter side; a speaker's face is larger
_NEIGHBOURHOOD = 1.8  # a followed face is searched in this many times its side
_GROWTH = 1.4  # and may have grown or shrunk by this factor
_NEAR_SIDE = 48  # pixels of a followed face while it is searched


class HaarDetector:
    """Frontal faces; a little tilt and turn is allowed, and not told. See `FaceDetector`."""

    name = "haar-frontalface-default"

    def __init__(self) -> None:
        self._local = threading.local()  # a cascade serves one thread at a time

    def detect(self, pixels: Pixels, near: Box | None = None) -> list[Box]:
        """See `FaceDetector.detect`."""
        if near is None:
            scale = min(_SEARCH_SIDE / max(pixels.shape[:2]), 1.0)
            return self._search(pixels, scale, near)
        half = near.side * _NEIGHBOURHOOD / 2
        left, top = max(round(near.x - half), 0), max(round(near.y - half), 0)
        around = pixels[top : round(near.y + half), left : round(near.x + half)]
        found = self._search(around, min(_NEAR_SIDE / near.side, 1.0), near)
        return [box.moved(left, top) for box in found]

    def _search(self, pixels: Pixels, scale: float, near: Box | None) -> list[Box]:
        """Search a picture at another size, its contrast evened out by regions."""
        size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
        gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
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
