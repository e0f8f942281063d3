"""How a face looks and moves: oriented gradients of its crops over the utterance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch

from mculora.corpora.utterance import FrameRegion
from mculora.features.built_in import BuiltInEncoder, in_one_piece
from mculora.features.encoder import Prepared
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.media.faces import CROP_SIDE, FaceDetector, HaarDetector, crop_faces
from mculora.media.video import Pixels, VideoFrame, iterate_frames
from mculora.modality import Modality

_CELL = 16  # pixels along a cell of the histogram grid
_BLOCK = 32  # pixels along a block that is normalised together; blocks do not overlap
_BINS = 9  # orientations
_DESCRIPTOR = (CROP_SIDE // _CELL) ** 2 * _BINS


def see_faces(
    observation: Observation,
    detector: FaceDetector,
    *,
    frames_per_second: float,
    side: int = CROP_SIDE,
) -> list[Pixels] | Absence:
    """Read the speaker's face crops, (side, side, 3) uint8 RGB each, or say why there are none.

    Raises:
        MediaError: The file cannot be read, or has no picture there.
    """
    if observation.video_path is None:
        return Absence("no video file")
    window = observation.video_window
    frames = iterate_frames(observation.video_path, window, frames_per_second=frames_per_second)
    crops = list(crop_faces(_cut_region(frames, observation.region), detector, side=side))
    faces = [crop for crop in crops if crop is not None]
    return faces or Absence(f"no face in {len(crops)} frame{'s' if len(crops) > 1 else ''}")


def _cut_region(frames: Iterator[VideoFrame], region: FrameRegion) -> Iterator[VideoFrame]:
    """Keep the part of each frame that shows the speaker."""
    for frame in frames:
        middle = frame.pixels.shape[1] // 2
        part = {
            FrameRegion.FULL: slice(None),
            FrameRegion.LEFT: slice(None, middle),
            FrameRegion.RIGHT: slice(middle, None),
        }[region]
        yield VideoFrame(np.ascontiguousarray(frame.pixels[:, part]), frame.seconds)


class Hog(BuiltInEncoder):
    """Mean and spread over the face frames of histograms of oriented gradients: 2 x 324 values."""

    modality = Modality.VISUAL
    name = "hog"
    revision = "1"
    width = 2 * _DESCRIPTOR

    def __init__(self, *, frames_per_second: float) -> None:
        self._detector = HaarDetector()
        self._frames_per_second = frames_per_second
        self.settings: Mapping[str, JSON] = {
            "frames_per_second": frames_per_second,
            "faces": self._detector.name,
            "crop": CROP_SIDE,
            "cell": _CELL,
            "block": _BLOCK,
            "bins": _BINS,
        }

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        faces = see_faces(observation, self._detector, frames_per_second=self._frames_per_second)
        if isinstance(faces, Absence):
            return faces
        descriptors = torch.stack([describe(face) for face in faces])  # (T, 324)
        return in_one_piece(
            torch.cat([descriptors.mean(dim=0), descriptors.std(dim=0, correction=0)])
        )


def describe(face: Pixels) -> torch.Tensor:
    """The oriented gradients of one crop, its brightness evened out: (324,) float32."""
    gray = cv2.equalizeHist(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY))
    return torch.from_numpy(np.ravel(_histograms().compute(gray)).astype(np.float32))


@lru_cache(maxsize=1)
def _histograms() -> Any:
    side, block, cell = (CROP_SIDE, CROP_SIDE), (_BLOCK, _BLOCK), (_CELL, _CELL)
    return cv2.HOGDescriptor(side, block, block, cell, _BINS)
