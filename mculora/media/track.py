"""One track of a media file on the clip's clock: its packets, and its frames from a moment on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mculora.errors import MediaError
from mculora.media.container import (
    MICROSECOND,
    Window,
    check_overlap,
    decode_packet,
    find_stream,
    jump,
    open_media,
    read_packets,
    time_zero,
)

_NOT_SEEKABLE = ("mpeg",)
"""Formats whose time stamps are wrong after a jump: frames share one in a program stream."""

_STEPS_BACK_SECONDS = (0.0, 1.0, 5.0, 30.0)
"""How far before a moment an entry point is looked for; then the file is read from its start."""


@dataclass(frozen=True)
class Track:
    """A track of an open file.

    Attributes:
        path: The file.
        container: It, open.
        stream: The track in it.
    """

    path: Path
    container: Any
    stream: Any

    @property
    def tick(self) -> float:
        """How long a tick of its stamps is, in seconds."""
        return float(self.stream.time_base)

    @property
    def zero(self) -> float:
        """When the clip began on the track's own clock, in seconds."""
        return time_zero(self.container)

    def entries_before(self, seconds: float) -> Iterator[float]:
        """Jump further and further back, until the caller finds an entry point before a moment.

        Yields what was jumped to, in seconds; nothing where a jump would come out wrong.
        """
        if self.container.format.name not in _NOT_SEEKABLE:
            for back in _STEPS_BACK_SECONDS:
                if seconds - back > 0:
                    jump(self.container, self.stream, seconds - back)
                    yield seconds - back

    def check_overlap(self, window: Window) -> None:
        """Refuse a window in which the track has nothing, by its header.

        Raises:
            MediaError: The window lies beyond the track's end or before its start.
        """
        stream, begins, ends = self.stream, 0.0, math.inf
        if stream.start_time is not None:
            begins = float(stream.start_time * stream.time_base) - self.zero
        if stream.duration:
            ends = begins + float(stream.duration * stream.time_base)
        elif self.container.duration:
            ends = self.container.duration * MICROSECOND
        check_overlap(self.path, window, begins=begins, ends=ends)


@dataclass(frozen=True)
class Decoded:
    """A decoded frame, of sound or picture, and when it begins, since the clip began."""

    frame: Any
    seconds: float


@contextmanager
def open_track(path: Path, kind: str) -> Iterator[Track]:
    """Open a file's first `audio` or `video` track, and close the file after the block.

    Raises:
        MediaError: There is none, or it cannot be decoded (here or in the block).
    """
    with open_media(path) as container:
        yield Track(path, container, find_stream(path, container, kind))


def decode_from(path: Path, kind: str, seconds: float) -> Iterator[Decoded]:
    """Decode a track's frames from an entry point before `seconds` on.

    What cannot be decoded is left out until `seconds`; later, it is the end of the track, or an
    error if something follows.

    Raises:
        MediaError: The track cannot be decoded.
    """
    with open_track(path, kind) as track:
        for _ in track.entries_before(seconds):
            frames = _decode(track, seconds)
            first = next(frames, None)
            if first is not None and first.seconds <= seconds:
                yield first
                yield from frames
                return
    with open_track(path, kind) as track:  # to be at its beginning, which no jump is sure to find
        yield from _decode(track, seconds)


def _decode(track: Track, seconds: float) -> Iterator[Decoded]:
    """Decode on from where the file stands."""
    latest, is_damaged, following = -1.0, False, None
    for packet in read_packets(track.container, track.stream):
        frames = decode_packet(packet)
        if frames is None:
            is_damaged = is_damaged or latest >= seconds
        elif frames and is_damaged and packet.size:
            raise MediaError(track.path, f"cannot be decoded: damaged after {latest:.1f} s")
        for frame in frames or ():
            begins = following
            if frame.pts is not None:
                begins = float(frame.pts * frame.time_base) - track.zero
            if begins is None:
                continue
            latest, following = begins, _end_of_sound(frame, begins)
            yield Decoded(frame, latest)


def _end_of_sound(frame: Any, seconds: float) -> float | None:
    """When the next frame of sound begins: of several in a packet, only the first has a stamp."""
    num_samples = getattr(frame, "samples", None)
    return None if num_samples is None else seconds + num_samples / max(frame.sample_rate, 1)
