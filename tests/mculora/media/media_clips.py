"""Small clips for the media tests, each written by PyAV exactly as asked."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def tone(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    """A rising sweep, (channels, S) float32; the second channel is half as loud."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 0.5 * np.sin(2 * np.pi * (200 + 150 * time) * time)
    return np.stack([wave / (c + 1) for c in range(channels)]).astype(np.float32)


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
    with av.open(str(path), "w") as container:
        if video:
            picture = container.add_stream(video, rate=25)
            picture.width, picture.height, picture.pix_fmt = 96, 64, "yuv420p"
            picture.codec_context.max_b_frames = bframes
            picture.codec_context.gop_size = 12
            if video == "mpeg4":
                picture.bit_rate = 1_000_000  # else it blurs the steps from frame to frame
            picture.codec_context.time_base = Fraction(1, 25)
        if audio:
            sound = container.add_stream(audio, rate=rate)
            sound.layout = "stereo"
        if video:
            for frame in _frames(seconds, video_delay):
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
        if audio:
            samples = tone(seconds, rate, channels=2)
            size = sound.codec_context.frame_size or 1024
            for first in range(0, samples.shape[1], size):
                piece = np.ascontiguousarray(samples[:, first : first + size])
                frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="stereo")
                frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
                container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


def _frames(seconds: float, delay: float) -> Iterator[av.VideoFrame]:
    for index in range(round(seconds * 25)):
        pixels = np.full((64, 96, 3), 3 * index, np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = index + round(delay * 25), Fraction(1, 25)
        yield frame
