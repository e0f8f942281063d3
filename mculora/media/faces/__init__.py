"""Faces in pictures: detectors, following one face, cutting it out, sheets to look at."""

from collections.abc import Iterable, Iterator

from mculora.media.faces.boxes import FaceDetector
from mculora.media.faces.cropping import cut_face
from mculora.media.faces.haar import HaarDetector
from mculora.media.faces.tracking import FaceTracker
from mculora.media.video import Pixels, VideoFrame

__all__ = ["CROP_SIDE", "FaceDetector", "HaarDetector", "crop_faces"]

CROP_SIDE = 96


def crop_faces(
    frames: Iterable[VideoFrame], detector: FaceDetector, *, side: int = CROP_SIDE
) -> Iterator[Pixels | None]:
    """Yield one face of each frame, or None where there is none."""
    tracker = FaceTracker(detector)
    for frame in frames:
        box = tracker.find(frame.pixels)
        yield cut_face(frame.pixels, box, side=side, margin=0.05) if box else None
