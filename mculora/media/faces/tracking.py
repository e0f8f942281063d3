"""One face per frame of a clip: the same over time, or each frame's largest."""

from __future__ import annotations

from mculora.media.faces.boxes import Box, FaceDetector, largest
from mculora.media.video import Pixels

_STEADINESS = 0.5  # weight of the earlier box in the followed one


class FaceTracker:
    """Finds one face in each frame of a clip, which come in time order.

    Args:
        detector: What finds faces.
        is_steady: True: the first face is the largest; from then on the one where the last one
            was, or the largest again; the box moves smoothly, so that crops do not tremble with
            the detector. False: each frame's largest, wherever it is.
    """

    def __init__(self, detector: FaceDetector, *, is_steady: bool = True) -> None:
        self._detector, self._is_steady = detector, is_steady
        self._followed: Box | None = None

    def find(self, pixels: Pixels) -> Box | None:
        """Find the face in the next frame, RGB (H, W, 3), or None where there is none."""
        before = self._followed if self._is_steady else None
        again = largest(self._detector.detect(pixels, before)) if before else None
        if before and again and before.contains(again):
            self._followed = before.blend(again, _STEADINESS)
        else:
            self._followed = largest(self._detector.detect(pixels))
        return self._followed
