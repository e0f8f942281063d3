"""Small clips for the media tests, each written by PyAV exactly as asked; they tell their time.

The picture is grey and brightens by 75 a second, so that a frame says when it was shown; its upper
left quarter may be red, which says which way is up. The sound is a rising sweep.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

BRIGHTENING = 75
"""Grey values per second, from 0 to 240 and from 0 on again."""

_BLURRING = (
    "mpeg4",
    "flv",
    "h263",
    "wmv2",
)  # blur the steps from frame to frame, left to themselves


def tone(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """A sweep that rises for 3 s, (channels, S) float32; the second channel is half as loud."""
    time = np.arange(round(seconds * rate)) / rate % 3
    wave = 0.5 * np.sin(2 * np.pi * (200 + 150 * time) * time)
    return np.stack([wave / (c + 1) for c in range(channels)]).astype(np.float32)


@dataclass(frozen=True)
class Picture:
    """A video track. `times` are those of its frames, 25 per second unless told.

    `colours` are PyAV's colour space and range. `turned` is by how many degrees a player must turn
    it clockwise (mp4 only).
    """

    codec: str = "libx264"
    size: tuple[int, int] = (96, 64)
    pix_fmt: str = "yuv420p"
    times: Sequence[float] | None = None
    delay: float = 0.0
    bframes: int = 2
    gop: int = 12
    has_corner: bool = True
    colours: tuple[Colorspace, ColorRange] | None = None
    turned: int = 0
    is_cover: bool = False
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sound:
    """An audio track; the packets of `hole`, from and to seconds, are missing."""

    codec: str = "aac"
    rate: int = 44_100
    layout: str = "stereo"
    delay: float = 0.0
    hole: tuple[float, float] = (0.0, 0.0)
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subtitles:
    """A track of one line."""


Track = Picture | Sound | Subtitles


def write_media(
    path: Path, *tracks: Track, seconds: float = 3.0, options: dict[str, str] | None = None
) -> Path:
    """Write a clip of these tracks, in this order; `options` are the container's."""
    with av.open(f"file:{path}", "w", options=options or {}) as container:
        streams = [ADD[type(track)](container, track) for track in tracks]
        packets = []
        for track, stream in zip(tracks, streams, strict=True):
            packets += ENCODE[type(track)](stream, track, seconds)
        packets.sort(key=lambda packet: packet.dts * packet.time_base)  # as a recorder would
        container.mux(packets)
    _yield_again()
    for turned in {track.turned for track in tracks if isinstance(track, Picture)} - {0}:
        _turn(path, turned)
    return path


def _yield_again() -> None:
    """Take back what the AV1 encoder does to its caller where it may: real-time priority.

    Threads that spin at it let nobody else run: on two processors they wait for a third for ever.
    """
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _turn(path: Path, degrees: int) -> None:
    """Write a rotation flag over the matrix in an mp4's track header."""
    content, angle = bytearray(path.read_bytes()), np.deg2rad(degrees)
    cos, sin, one = round(np.cos(angle)) << 16, round(np.sin(angle)) << 16, 1 << 16
    place = content.index(b"tkhd") + 44
    assert content[place : place + 36] == _matrix(one, 0, 0, one)
    content[place : place + 36] = _matrix(cos, sin, -sin, cos)
    path.write_bytes(content)


def _matrix(a: int, b: int, c: int, d: int) -> bytes:
    return np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()


def write_clip(
    path: Path,
    *,
    seconds: float = 3.0,
    video: str | None = "libx264",
    audio: str | None = "aac",
    rate: int = 44_100,
    video_delay: float = 0.0,
    bframes: int = 2,
) -> Path:
    """Write a clip: frame k of 25 per second is grey of value 3k; the sound is `tone`."""
    tracks: list[Track] = []
    if video:
        tracks.append(Picture(video, delay=video_delay, bframes=bframes, has_corner=False))
    if audio:
        tracks.append(Sound(audio, rate=rate))
    return write_media(path, *tracks, seconds=seconds)


def _add_picture(container, track: Picture):
    quiet = {"x265-params": "log-level=none"} if track.codec == "libx265" else {}
    stream = container.add_stream(track.codec, rate=25, options={**quiet, **track.options})
    (stream.width, stream.height), stream.pix_fmt = track.size, track.pix_fmt
    codec = stream.codec_context
    codec.max_b_frames, codec.gop_size, codec.thread_count = track.bframes, track.gop, 1
    if track.codec in _BLURRING:
        codec.bit_rate = 1_000_000
    if track.colours:
        codec.colorspace, codec.color_range = map(int, track.colours)
    codec.time_base = Fraction(1, 25) if track.times is None else Fraction(1, 1000)
    if track.is_cover:
        stream.disposition = av.stream.Disposition.attached_pic
    return stream


def _add_sound(container, track: Sound):
    stream = container.add_stream(track.codec, rate=track.rate, options=track.options)
    stream.layout = track.layout
    return stream


def _encode_picture(stream, track: Picture, seconds: float) -> list[av.Packet]:
    packets = []
    for time in np.arange(round(seconds * 25)) / 25 if track.times is None else track.times:
        frame = av.VideoFrame.from_ndarray(_paint(track, time), format="rgb24")
        if track.colours:
            space, values = track.colours
            kind = {"format": track.pix_fmt, "dst_colorspace": space, "dst_color_range": values}
            frame = frame.reformat(**kind)
        if (
            track.pix_fmt == "gray"
        ):  # FFmpeg takes it for full range on the way in, not on the way out
            luma = frame.to_ndarray(format="yuv420p")[: track.size[1]]
            frame = av.VideoFrame.from_ndarray(luma, format="gray")
        frame.pts, frame.time_base = round((time + track.delay) * 1000), Fraction(1, 1000)
        packets += stream.encode(frame)
    return packets + stream.encode()


def _paint(track: Picture, time: float) -> np.ndarray:
    width, height = track.size[::-1] if track.turned % 180 else track.size
    pixels = np.full((height, width, 3), round(BRIGHTENING * time) % 240, np.uint8)
    if track.has_corner:
        pixels[: height // 2, : width // 2] = (200, 0, 0)
    return np.ascontiguousarray(np.rot90(pixels, track.turned // 90))


def _encode_sound(stream, track: Sound, seconds: float) -> list[av.Packet]:
    packets, rate = [], track.rate
    channels = stream.layout.nb_channels
    samples = tone(seconds, rate, channels)
    for first in range(0, samples.shape[1], 1024):
        piece = samples[:, first : first + 1024]
        side_by_side = np.ascontiguousarray(piece.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(side_by_side, format="flt", layout=track.layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = first + round(track.delay * rate)
        packets += stream.encode(frame)
    start, end = track.hole
    packets += stream.encode()
    return [packet for packet in packets if not start <= packet.pts * packet.time_base < end]


def _add_subtitles(container, _: Subtitles):
    return container.add_mux_stream("subrip")


def _encode_subtitles(stream, _: Subtitles, seconds: float) -> list[av.Packet]:
    packet = av.Packet(b"Hello.")
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts, packet.dts, packet.duration = 0, 0, round(seconds * 1000)
    return [packet]


ADD = {Picture: _add_picture, Sound: _add_sound, Subtitles: _add_subtitles}
ENCODE = {Picture: _encode_picture, Sound: _encode_sound, Subtitles: _encode_subtitles}
