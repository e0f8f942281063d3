"""A media file as one clock: every track's frames at their seconds since the clip began.

PyAV reads the container. Time zero is the container's own start, so that a track that begins late
stays late against the others, and edit lists and rotation flags count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.logging

from mculora.errors import MediaError

av.logging.set_level(None)  # what is wrong with a file stands in the MediaError

_NOT_SEEKABLE = ("mpeg",)
"""Formats whose time stamps are wrong after a jump: frames share one in a program stream."""

_LENGTH_IS_GUESSED = ("aac", "ac3", "amr", "mp3")
"""Formats without a length in their header: FFmpeg's figure is the size over the bit rate."""

_MICROSECOND = 1e-6  # FFmpeg's unit for a container's start and duration


@dataclass(frozen=True)
class Window:
    """A half-open part of a clip.

    Attributes:
        start_seconds: Its first moment, since the clip began.
        end_seconds: The first moment after it; None for the end of the clip.
    """

    start_seconds: float = 0.0
    end_seconds: float | None = None

    def __post_init__(self) -> None:
        end = self.end_seconds
        if not self.start_seconds >= 0 or (end is not None and not end > self.start_seconds):
            raise ValueError(f"a window runs forward from 0 on, not {self.start_seconds} to {end}")


def decodable(codecs: Iterable[str]) -> list[str]:
    """Those codecs, by FFmpeg's names (`h264`, `aac`), that this FFmpeg can decode."""
    found = []
    for codec in codecs:
        with suppress(ValueError):  # how PyAV says that it does not know one
            found.append(av.Codec(codec, "r").name)
    return found


@contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """Open a media file for reading and close it after the block.

    Raises:
        MediaError: It does not exist, is empty, or cannot be decoded (here or in the block).
    """
    if not path.is_file():
        raise MediaError(path, "no such file")
    if path.stat().st_size == 0:
        raise MediaError(path, "zero bytes")
    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            yield container
    except av.error.FFmpegError as error:
        raise MediaError(path, f"cannot be decoded: {error.strerror}") from None


def media_duration(path: Path) -> float:
    """Probe how long a clip is, in seconds.

    Raises:
        MediaError: The file cannot be read or has neither sound nor picture.
    """
    with open_media(path) as container:
        if container.duration and container.format.name not in _LENGTH_IS_GUESSED:
            return float(container.duration * _MICROSECOND)
        packets = [p for p in container.demux() if p.pts is not None]
        ends = [float((p.pts + (p.duration or 0)) * p.time_base) for p in packets]
        if not ends:
            raise MediaError(path, "neither sound nor picture")
        return max(ends) - time_zero(container)


def time_zero(container: Any) -> float:
    """The container's start in its own time stamps, in seconds."""
    return float((container.start_time or 0) * _MICROSECOND)


def find_track(path: Path, container: Any, kind: str) -> Any:
    """Choose the `audio` or `video` track; a cover picture is not a video.

    Raises:
        MediaError: There is none.
    """
    cover = av.stream.Disposition.attached_pic
    tracks = [s for s in container.streams if s.type == kind and not s.disposition & cover]
    if not tracks:
        raise MediaError(path, f"no {kind} track")
    return tracks[0]


def frame_seconds(container: Any, frame: Any) -> float:
    """When a frame begins, in seconds since the clip began."""
    return float(frame.pts * frame.time_base) - time_zero(container)


def decode_from(container: Any, track: Any, seconds: float) -> Iterator[Any]:
    """Decode a track's frames from the last entry point before `seconds` on.

    A file that cannot jump there is decoded from its beginning. Frames that cannot be decoded are
    left out until `seconds`; a later one is an error.
    """
    if seconds > 0 and container.format.name not in _NOT_SEEKABLE:
        aim = seconds + time_zero(container)
        container.seek(int(aim / track.time_base), stream=track, backward=True)
        frames = _decode(container, track, seconds)
        first = next(frames, None)
        if first is not None and frame_seconds(container, first) <= seconds:
            yield first
            yield from frames
            return
        container.seek(container.start_time or 0, backward=True)
    yield from _decode(container, track, seconds)


def _decode(container: Any, track: Any, seconds: float) -> Iterator[Any]:
    """Decode on from where the container stands."""
    latest = -1.0
    for packet in container.demux(track):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            if latest >= seconds:
                raise
            continue
        for frame in frames:
            if frame.pts is not None:
                latest = frame_seconds(container, frame)
                yield frame


def track_span(container: Any, track: Any) -> Window:
    """When a track plays by its header; the container's span where the track has none."""
    start = 0.0
    if track.start_time is not None:
        start = max(float(track.start_time * track.time_base) - time_zero(container), 0.0)
    if track.duration is not None:
        return Window(start, start + float(track.duration * track.time_base))
    end = (container.duration or 0) * _MICROSECOND
    return Window(start, end if end > start else None)


def check_overlap(path: Path, window: Window, track: Window) -> None:
    """Refuse a window in which the track has nothing.

    Raises:
        MediaError: The window lies beyond the track's end or before its start.
    """
    start, end = window.start_seconds, window.end_seconds
    if track.end_seconds is not None and start >= track.end_seconds:
        ends = f"the clip ends at {track.end_seconds:.1f} s"
        raise MediaError(path, f"{ends}, the utterance starts at {start:.1f} s")
    if end is not None and end <= track.start_seconds:
        begins = f"the track begins at {track.start_seconds:.1f} s"
        raise MediaError(path, f"{begins}, the utterance ends at {end:.1f} s")
