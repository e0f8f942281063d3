"""How a face looks and moves: oriented gradients of its crops over the utterance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch

from mculora.features.built_in import BuiltInEncoder, in_one_piece
from mculora.features.encoder import Prepared
from mculora.features.face_settings import FaceSettings
from mculora.features.faces import make_detector, see_faces
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.media.video import Pixels
from mculora.modality import Modality

CROP_SIDE = 96
"""Pixels along the face crops that are described."""

_CELL = 16  # pixels along a cell of the histogram grid
_BLOCK = 32  # pixels along a block that is normalised together; blocks do not overlap
_BINS = 9  # orientations
_DESCRIPTOR = (CROP_SIDE // _CELL) ** 2 * _BINS


class Hog(BuiltInEncoder):
    """Mean and spread over the face frames of histograms of oriented gradients: 2 x 324 values."""

    modality = Modality.VISUAL
    name = "hog"
    revision = "1"
    width = 2 * _DESCRIPTOR

    def __init__(self, faces: FaceSettings | None = None) -> None:
        self._faces = faces or FaceSettings()
        self._detector = make_detector(self._faces)
        self.settings: Mapping[str, JSON] = {
            **self._faces.identity(self._detector.name),
            "crop": CROP_SIDE,
            "cell": _CELL,
            "block": _BLOCK,
            "bins": _BINS,
        }

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        faces = see_faces(observation, self._detector, self._faces, side=CROP_SIDE)
        if isinstance(faces, Absence):
            return faces
        descriptors = torch.stack([describe(face) for face in faces.crops])  # (T, 324)
        return in_one_piece(
            torch.cat([descriptors.mean(dim=0), descriptors.std(dim=0, correction=0)]), faces.facts
        )


def describe(face: Pixels) -> torch.Tensor:
    """The oriented gradients of one crop, its brightness evened out: (324,) float32."""
    gray = cv2.equalizeHist(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY))
    return torch.from_numpy(np.ravel(_histograms().compute(gray)).astype(np.float32))


@lru_cache(maxsize=1)
def _histograms() -> Any:
    side, block, cell = (CROP_SIDE, CROP_SIDE), (_BLOCK, _BLOCK), (_CELL, _CELL)
    return cv2.HOGDescriptor(side, block, block, cell, _BINS)
