"""YuNet, a small network for faces of any turn, run by OpenCV from an ONNX file."""

from __future__ import annotations

import hashlib
import math
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mculora.errors import InputError
from mculora.media.faces.boxes import Box
from mculora.media.faces.cropping import cut_face
from mculora.media.video import Pixels

_SEARCH_SIDE = 320  # pictures are searched at this size at most
_NEAR_SIDE = 128  # a followed face is searched in a cut-out of this size,
_NEAR_MARGIN = 0.5  # which shows as much again around it as it is wide
_GROWTH = 1.4  # it may have grown or shrunk by this factor
_SMALLEST_SHARE = 0.1  # of the picture's shorter side; a speaker's face is larger
_LEAST_SCORE = 0.7  # turned faces score lower than the 0.9 that OpenCV asks for by default
_OVERLAP = 0.3  # of two boxes above which they are one face


class YunetDetector:
    """Faces with the tilt of the head. See `FaceDetector`.

    Args:
        path: `face_detection_yunet_2023mar.onnx` of the OpenCV Zoo, or a network of that form.

    Raises:
        InputError: OpenCV cannot read the file as such a network.
    """

    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        self.name = f"yunet sha256 {hashlib.sha256(content).hexdigest()}"
        self._network = np.frombuffer(content, np.uint8)
        self._local = threading.local()  # a network serves one thread at a time
        try:
            self.detect(np.zeros((_NEAR_SIDE, _NEAR_SIDE, 3), np.uint8))
        except cv2.error as error:
            raise InputError(
                path,
                found="no face network that OpenCV can read",
                expected="face_detection_yunet_2023mar.onnx of the OpenCV Zoo",
            ) from error

    def detect(self, pixels: Pixels, near: Box | None = None) -> list[Box]:
        """See `FaceDetector.detect`."""
        if near is None:
            return self._search_all(pixels)
        around = cut_face(pixels, near, side=_NEAR_SIDE, margin=_NEAR_MARGIN)
        half = near.side * (0.5 + _NEAR_MARGIN)
        found = [
            box.scaled(2 * half / _NEAR_SIDE).moved(near.x - half, near.y - half)
            for box in self._search(around, "near")
        ]
        return [
            box
            for box in found
            if near.contains(box) and 1 / _GROWTH <= box.side / near.side <= _GROWTH
        ]

    def _search_all(self, pixels: Pixels) -> list[Box]:
        height, width = pixels.shape[:2]
        scale = min(_SEARCH_SIDE / max(height, width), 1.0)
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        found = self._search(np.asarray(small, dtype=np.uint8), "all")
        smallest = _SMALLEST_SHARE * min(size)
        return [box.scaled(1 / scale) for box in found if box.side >= smallest]

    def _search(self, pixels: Pixels, use: str) -> list[Box]:
        """Run the network on a picture as it is; each use keeps one of its own input size."""
        networks: dict[str, Any] = self._local.__dict__
        size = (pixels.shape[1], pixels.shape[0])
        if use not in networks:
            networks[use] = cv2.FaceDetectorYN.create(
                "onnx", self._network, np.empty(0, np.uint8), size, _LEAST_SCORE, _OVERLAP
            )
        networks[use].setInputSize(size)
        _, found = networks[use].detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        return [] if found is None else [_box(row.tolist()) for row in found]


def _box(row: list[float]) -> Box:
    """A square around a found rectangle; the tilt is that of eyes and mouth together.

    The row holds left, top, width, height, then x and y of right eye, left eye, nose, right and
    left corner of the mouth, then the score. In profile the eyes are too near to each other to
    tell a tilt, and the way down to the mouth decides.
    """
    left, top, width, height = row[:4]
    right_eye, left_eye, right_mouth, left_mouth = row[4:6], row[6:8], row[10:12], row[12:14]
    across = [e - r for r, e in zip(right_eye, left_eye, strict=True)]
    down = [
        (a + b - c - d) / 2
        for a, b, c, d in zip(right_mouth, left_mouth, right_eye, left_eye, strict=True)
    ]
    tilt = math.atan2(across[1] - down[0], across[0] + down[1])
    return Box(left + width / 2, top + height / 2, max(width, height), tilt)
