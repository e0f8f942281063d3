"""A video written again, frame by frame, as somebody paints it; its sound comes along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np

from mculora.errors import MediaError
from mculora.media.container import (
    decode_packet,
    find_stream,
    open_media,
    read_packets,
    time_zero,
)
from mculora.media.track import decode_from
from mculora.media.video import Pixels, upright

LARGEST_SIDE = 1280
"""Larger pictures are shrunk to this many pixels: it is made to be looked at, not kept."""

_CLOCK = 90_000  # ticks per second of the picture: all usual frame rates are whole in it
_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # Hz, of AAC


class _Size(NamedTuple):
    """Of a picture, in pixels."""

    height: int
    width: int


Paint = Callable[[Pixels, float], Pixels]
"""Takes a frame (H, W, 3) uint8 RGB and its seconds; gives one of a size that never changes."""


def repaint(source: Path, target: Path, paint: Paint) -> Iterator[float]:
    """Write a video again as MP4 (H.264, AAC), one frame in memory at a time.

    Args:
        source: The video.
        target: Where to write, under whatever name.
        paint: What becomes of each frame.

    Yields:
        The seconds of each frame, when it is written.

    Raises:
        MediaError: The source has no picture, or cannot be decoded.
    """
    first = next(decode_from(source, "video", 0.0), None)
    if first is None:
        raise MediaError(source, "cannot be decoded: no frame in it")
    size = _even_size(upright(first.frame))
    with open_media(source) as reader, av.open(str(target), "w", format="mp4") as writer:
        picture = _Picture(find_stream(source, reader, "video"), writer, paint, size)
        sound = _open_sound(source, reader, writer)
        streams = [picture.source, *([sound.source] if sound else [])]
        zero = time_zero(reader)
        for packet in read_packets(reader, streams):
            for frame in decode_packet(packet) or ():
                if frame.pts is None:
                    continue
                seconds = float(frame.pts * frame.time_base) - zero
                if packet.stream is picture.source:
                    picture.write(frame, max(seconds, 0.0))
                    yield seconds
                elif sound:
                    sound.write(frame, seconds)
        picture.finish()
        if sound:
            sound.finish()


@dataclass
class _Picture:
    """The picture on its way: every frame in the size of the first one, whatever comes."""

    source: Any
    writer: Any
    paint: Paint
    size: _Size
    stream: Any = None
    latest: int = -1

    def __post_init__(self) -> None:
        rate = self.source.average_rate or self.source.guessed_rate or 25
        self.stream = self.writer.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        blank = np.zeros((self.size.height, self.size.width, 3), np.uint8)
        # Told now: the file's head, which names it, is written as soon as there is sound.
        self.stream.height, self.stream.width = self.paint(blank, 0.0).shape[:2]
        self.stream.pix_fmt = "yuv420p"
        self.stream.options = {"preset": "veryfast", "crf": "23"}
        self.stream.codec_context.time_base = Fraction(1, _CLOCK)

    def write(self, frame: Any, seconds: float) -> None:
        """Paint and encode one frame; of two at one moment the later one is dropped."""
        stamp = round(seconds * _CLOCK)
        if stamp <= self.latest:
            return
        image = np.ascontiguousarray(self.paint(_resized(upright(frame), self.size), seconds))
        painted = av.VideoFrame.from_ndarray(image, format="rgb24")
        painted.pts, painted.time_base, self.latest = stamp, Fraction(1, _CLOCK), stamp
        self.writer.mux(self.stream.encode(painted))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self.writer.mux(self.stream.encode(None))


@dataclass
class _Sound:
    """The sound on its way: as AAC, at its own rate if AAC has it, on the picture's clock."""

    source: Any
    writer: Any
    stream: Any = None
    resampler: Any = field(default=None)

    def __post_init__(self) -> None:
        codec = self.source.codec_context
        rate = codec.sample_rate if codec.sample_rate in _RATES else 48_000
        layout = "mono" if codec.layout.nb_channels == 1 else "stereo"
        self.stream = self.writer.add_stream("aac", rate=rate)
        self.stream.layout = layout
        self.resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate, frame_size=1024)

    def write(self, frame: Any, seconds: float) -> None:
        """Encode what a frame brings out."""
        if seconds < 0:
            return
        frame.pts = round(seconds * frame.sample_rate)
        frame.time_base = Fraction(1, frame.sample_rate)
        self._encode(self.resampler.resample(frame))

    def finish(self) -> None:
        """Write what resampler and encoder still hold."""
        self._encode(self.resampler.resample(None))
        self.writer.mux(self.stream.encode(None))

    def _encode(self, frames: list[Any]) -> None:
        for frame in frames:
            self.writer.mux(self.stream.encode(frame))


def _open_sound(source: Path, reader: Any, writer: Any) -> _Sound | None:
    with suppress(MediaError):  # a video without sound, or with sound that nobody here can decode
        return _Sound(find_stream(source, reader, "audio"), writer)
    return None


def _even_size(pixels: Pixels) -> _Size:
    """The size in which a picture is written: at most `LARGEST_SIDE`, even as encoders need it."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    return _Size(max(2, round(height * scale) // 2 * 2), max(2, round(width * scale) // 2 * 2))


def _resized(pixels: Pixels, size: _Size) -> Pixels:
    if pixels.shape[:2] == size:
        return pixels
    sides = (size.width, size.height)
    return np.asarray(cv2.resize(pixels, sides, interpolation=cv2.INTER_AREA), dtype=np.uint8)
