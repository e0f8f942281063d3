"""A face cut out of its picture as a square of a chosen size."""

from __future__ import annotations

import math

import cv2
import numpy as np

from mculora.media.faces.boxes import Box
from mculora.media.video import Pixels


def cut_face(
    pixels: Pixels, box: Box, *, side: int, margin: float, is_upright: bool = False
) -> Pixels:
    """Cut a box with its margin out of a frame and scale it; edges are repeated outwards.

    Args:
        pixels: The frame, (H, W, 3) uint8.
        box: Where the face is.
        side: Pixels along the crop.
        margin: What is shown around the box, as a share of its side, on each side.
        is_upright: Whether the crop is turned so that the eyes are level.

    Returns:
        (side, side, 3) uint8.
    """
    half = box.side * (0.5 + margin)
    scale = 2 * half / side
    if scale > 1:  # shrink first: sampling alone would alias
        pixels = np.asarray(cv2.blur(pixels, (round(scale) | 1, round(scale) | 1)), dtype=np.uint8)
    tilt = box.tilt if is_upright else 0.0
    across, down = math.cos(tilt), math.sin(tilt)  # where the crop's x axis runs in the frame
    placed = np.array(
        [
            [scale * across, -scale * down, box.x - half * across + half * down],
            [scale * down, scale * across, box.y - half * down - half * across],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    face = cv2.warpAffine(
        pixels, placed, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(face, dtype=np.uint8)
