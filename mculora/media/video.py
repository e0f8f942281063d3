"""The picture of a clip: frames at even moments of a window, each the one a player would show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mculora.errors import MediaError
from mculora.media.container import LONGEST_SECONDS, Window, check_overlap
from mculora.media.dense import read_densely
from mculora.media.stretch import Stretch, decode_wanted, survey
from mculora.media.track import Track, open_track

LONGEST_SIDE = 640
"""Larger frames are shrunk to this many pixels: a face needs no more, memory does."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class VideoFrame:
    """One frame: its pixels (H, W, 3) uint8 RGB and when it is first shown."""

    pixels: Pixels  # (H, W, 3)
    seconds: float


@dataclass(frozen=True)
class VideoClip:
    """Frames of one clip in time order.

    Attributes:
        frames: (T, H, W, 3) uint8 RGB, T > 0.
        seconds: (T,) float64, rising: when each is first shown, since the clip began.
    """

    frames: Pixels  # (T, H, W, 3)
    seconds: npt.NDArray[np.float64]  # (T,)

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or len(self.frames) == 0:
            raise ValueError(f"frames are (T, H, W, 3) with T > 0, not {self.frames.shape}")
        if self.seconds.shape != self.frames.shape[:1] or (np.diff(self.seconds) <= 0).any():
            raise ValueError("there is one rising time per frame")


def read_frames(
    path: Path,
    *,
    frames_per_second: float,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
) -> VideoClip:
    """Read a half-open window of a clip's picture into memory: see `iterate_frames`.

    Raises:
        MediaError: The file or its picture cannot be read, or the window has none.
    """
    window = Window(start_seconds, end_seconds)
    frames = list(iterate_frames(path, window, frames_per_second=frames_per_second))
    seconds = np.array([frame.seconds for frame in frames])
    return VideoClip(np.stack([frame.pixels for frame in frames]), seconds)


def iterate_frames(
    path: Path, window: Window, *, frames_per_second: float, num_frames: int | None = None
) -> Iterator[VideoFrame]:
    """Yield the frames shown at the middles of even parts of a window, at least one.

    A window that reaches beyond the picture is cut to it. A frame shown at several of the moments
    comes once. Frames are upright and at most `LONGEST_SIDE` pixels long.

    Args:
        path: A video file.
        window: The part of the clip.
        frames_per_second: How many moments of each second are looked at.
        num_frames: How many moments are looked at instead, however long the window is.

    Raises:
        MediaError: The file or its picture cannot be read, or the window has none.
    """
    for may_jump in (True, False):
        with open_track(path, "video") as track:
            stretch = survey(track, window, may_jump=may_jump)
            if stretch is None:
                continue
            wanted = _choose(
                track, stretch, window, frames_per_second=frames_per_second, num_frames=num_frames
            )
            for pixels, seconds in zip(_read(track, stretch, wanted), wanted.values(), strict=True):
                yield VideoFrame(_shrunk(pixels), seconds)
            return


def _read(track: Track, stretch: Stretch, wanted: dict[int, float]) -> Iterator[Pixels]:
    """Read the frames with these stamps, upright, by whichever reader is the faster one."""
    num_read = 0
    for pixels in read_densely(track, stretch, wanted):
        num_read += 1
        yield pixels
    left = dict(list(wanted.items())[num_read:])
    if left:
        yield from map(upright, decode_wanted(track, stretch, left))


def _choose(
    track: Track,
    stretch: Stretch,
    window: Window,
    *,
    frames_per_second: float,
    num_frames: int | None,
) -> dict[int, float]:
    """The seconds of each frame to look at by its stamp, rising."""
    stamps = np.sort(stretch.stamps[stretch.is_shown])
    seconds = np.maximum(stamps * track.tick - track.zero, 0.0)  # players show earlier ones at zero
    rate = track.stream.average_rate or track.stream.guessed_rate or 25
    end = float(seconds[-1] + 1 / rate) if stretch.reaches_end else math.inf
    check_overlap(track.path, window, begins=float(seconds[0]), ends=end)
    start, end = max(window.start_seconds, seconds[0]), min(window.end_seconds or end, end)
    if end - start > LONGEST_SECONDS:
        raise MediaError(track.path, f"more than {LONGEST_SECONDS:.0f} s of picture at once")
    count = num_frames or max(1, round((end - start) * frames_per_second))
    step = (end - start) / count
    moments = np.linspace(start + step / 2, end - step / 2, count, dtype=np.float64)
    shown = np.unique(np.searchsorted(seconds, moments, side="right") - 1)
    return {int(stamps[index]): float(seconds[index]) for index in shown}


def upright(frame: Any) -> Pixels:
    """A decoded frame as RGB (H, W, 3), turned as its rotation flag says."""
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24", threads=1), turns))


def _shrunk(pixels: Pixels) -> Pixels:
    """Shrink a frame to `LONGEST_SIDE`; smaller ones stay as they are."""
    height, width = pixels.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
