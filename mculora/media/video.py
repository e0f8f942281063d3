"""The picture of a clip: frames at even moments of a window, each the one a player would show.

decord jumps to single frames, PyAV decodes up to them. decord is asked only where it was found
exact (see `_DECORD_READS`): on other files it drops leading frames, returns wrong ones, or keeps
another clock, without an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mculora.errors import MediaError
from mculora.media.container import (
    Window,
    check_overlap,
    decode_from,
    find_track,
    frame_seconds,
    open_media,
    time_zero,
)

LONGEST_SIDE = 640
"""Larger frames are shrunk to this many pixels: a face needs no more, memory does."""

_DECORD_READS = {"mov,mp4,m4a,3gp,3g2,mj2": ("h264", "hevc"), "matroska,webm": ("h264", "vp9")}
_CLOCK_TOLERANCE_SECONDS = 0.002  # Matroska rounds to milliseconds

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


@dataclass(frozen=True)
class _Timeline:
    """What the packets of a video track tell without decoding them.

    Attributes:
        seconds: (N,) when each shown frame begins, rising.
        end_seconds: When the last one ends.
        is_plain: Whether decord may read the file, by container, codec and edit list.
    """

    seconds: npt.NDArray[np.float64]  # (N,)
    end_seconds: float
    is_plain: bool


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
    timeline = _timeline(path, path.stat().st_mtime_ns if path.exists() else 0)
    moments = _moments(
        path, window, timeline, frames_per_second=frames_per_second, num_frames=num_frames
    )
    shown = np.unique(np.searchsorted(timeline.seconds, moments, side="right") - 1)
    seconds = [float(timeline.seconds[index]) for index in shown]
    frames = _decord_frames(path, timeline, shown.tolist()) if timeline.is_plain else None
    if frames is None:
        frames = _pyav_frames(path, seconds)
    for pixels, moment in zip(frames, seconds, strict=True):
        yield VideoFrame(_shrunk(pixels), moment)


def _moments(
    path: Path,
    window: Window,
    timeline: _Timeline,
    *,
    frames_per_second: float,
    num_frames: int | None,
) -> npt.NDArray[np.float64]:
    """The moments at which the window is looked at, inside the picture: (T,)."""
    span = Window(float(timeline.seconds[0]), timeline.end_seconds)
    check_overlap(path, window, span)
    start = max(window.start_seconds, span.start_seconds)
    end = min(window.end_seconds or timeline.end_seconds, timeline.end_seconds)
    count = num_frames or max(1, round((end - start) * frames_per_second))
    step = (end - start) / count
    return np.linspace(start + step / 2, end - step / 2, count, dtype=np.float64)


@lru_cache(maxsize=16)
def _timeline(path: Path, modified: int) -> _Timeline:
    """Read a track's clock; kept, for a corpus cuts many utterances from each video."""
    with open_media(path) as container:
        track = find_track(path, container, "video")
        packets = [packet for packet in container.demux(track) if packet.size]
        shown = [packet for packet in packets if not packet.is_discard]
        stamps = [p.pts if p.pts is not None else p.dts for p in shown]
        known = sorted({stamp for stamp in stamps if stamp is not None})
        if not known:
            raise MediaError(path, "cannot be decoded: no frame in the video track")
        seconds = np.array(known) * float(track.time_base) - time_zero(container)
        rate = track.average_rate or track.guessed_rate or 25
        codecs = _DECORD_READS.get(container.format.name, ())
        is_exact = track.codec_context.name in codecs and len(known) == len(packets)
    shown_later = np.maximum(seconds, 0.0)  # players show what begins before zero at zero
    return _Timeline(np.unique(shown_later), float(seconds[-1] + 1 / rate), is_exact)


def _pyav_frames(path: Path, seconds: Sequence[float]) -> Iterator[Pixels]:
    """Decode on from the last entry point and keep the frame shown at each moment."""
    wanted = list(seconds)
    with open_media(path) as container:
        track = find_track(path, container, "video")
        track.thread_type = "AUTO"
        latest: Any = None
        for frame in decode_from(container, track, wanted[0]):
            moment = frame_seconds(container, frame)
            while wanted and latest is not None and wanted[0] < moment - 1e-6:
                yield _upright(latest)
                wanted.pop(0)
            if not wanted:
                return
            latest = frame
        if latest is None:
            raise MediaError(path, "cannot be decoded: no frame in this window")
        if len(wanted) > 1:
            raise MediaError(path, f"cannot be decoded from {wanted[1]:.1f} s on")
        yield _upright(latest)


def _upright(frame: Any) -> Pixels:
    """A decoded frame as RGB, turned as its rotation flag says."""
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))


def _decord_frames(path: Path, timeline: _Timeline, indices: list[int]) -> Iterator[Pixels] | None:
    """Read frames by index, or None where decord is absent or sees another clock than PyAV."""
    decord = _import_decord()
    if decord is None or _is_turned(path):
        return None
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        clock = np.asarray(reader.get_frame_timestamp(list(range(len(reader)))))[:, 0]
        offsets = clock - timeline.seconds if len(clock) == len(timeline.seconds) else [np.inf]
        if not np.ptp(offsets) <= _CLOCK_TOLERANCE_SECONDS:
            return None
        return iter([_shrunk(reader[index].asnumpy()) for index in indices])
    except (RuntimeError, decord.DECORDError):
        return None


@lru_cache(maxsize=1)
def _import_decord() -> Any:
    """The decord package, or None on machines that it has no build for."""
    try:
        import decord
    except (ImportError, OSError, RuntimeError):
        return None
    decord.logging.set_level(decord.logging.QUIET)
    return decord


@lru_cache(maxsize=16)
def _is_turned(path: Path) -> bool:
    """Whether a rotation flag stands in the file: decord does not apply it."""
    with open_media(path) as container:
        track = find_track(path, container, "video")
        return any(frame.rotation for frame in _first(container.decode(track)))


def _first(frames: Iterator[Any]) -> list[Any]:
    return [frame for frame in [next(frames, None)] if frame is not None]


def _shrunk(pixels: Pixels) -> Pixels:
    """Shrink a frame to `LONGEST_SIDE`; smaller ones stay as they are."""
    height, width = pixels.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
