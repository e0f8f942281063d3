"""One planned video made real: its speech, its frames, and both in one H.264 + AAC file."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from mculora.corpora.sample.drawing import Image
from mculora.corpora.sample.face import FRAME, Expression, Portrait
from mculora.corpora.sample.plan import PlannedVideo, View
from mculora.corpora.sample.voice import SAMPLE_RATE, room_noise, speak
from mculora.files import whole_file

FRAME_RATE = 12
"""Frames per second."""
_AUDIO_FRAME = 1024  # samples in one AAC packet
_REACH = 4  # frames an expression takes to come and go


def write_video(video: PlannedVideo, path: Path) -> None:
    """Make a video's media and write them so that the file appears whole.

    The bytes depend on `video` alone.
    """
    rng = np.random.default_rng(video.seed)
    sound = speech_of(video, rng)
    with whole_file(path) as temporary, av.open(str(temporary), "w", format="mp4") as container:
        picture = _picture_stream(container) if video.has_picture else None
        speech = _speech_stream(container) if video.has_sound else None
        if picture is not None:
            for image in frames_of(video, sound, rng):
                container.mux(picture.encode(_video_frame(image)))
            container.mux(picture.encode(None))
        if speech is not None:
            for frame in _audio_frames(sound):
                container.mux(speech.encode(frame))
            container.mux(speech.encode(None))


def speech_of(video: PlannedVideo, rng: np.random.Generator) -> NDArray[np.float32]:
    """Speak the utterances of a video into the noise of its room: (S,) samples."""
    num_samples = round(video.media_seconds * SAMPLE_RATE)
    sound = room_noise(num_samples, level=float(rng.uniform(0.001, 0.003)), rng=rng)
    for utterance in video.utterances:
        start = round(utterance.start_seconds * SAMPLE_RATE)
        length = round((utterance.end_seconds - utterance.start_seconds) * SAMPLE_RATE)
        words = speak(video.voice, utterance.voice_mood, length, rng=rng)
        sound[start : start + length] += words[: max(num_samples - start, 0)]
    return np.clip(sound, -1, 1)


def frames_of(
    video: PlannedVideo, sound: NDArray[np.float32], rng: np.random.Generator
) -> Iterator[Image]:
    """Draw a video's frames, (256, 256, 3) blue, green, red each, at `FRAME_RATE`."""
    portrait = Portrait(video.face, rng)
    grain = rng.normal(0, 2.0, (4, FRAME, FRAME, 1)).repeat(3, axis=-1).astype(np.int16)
    for number, expression in enumerate(_act(video, sound, rng)):
        image = portrait.wall if expression is None else portrait.frame(expression)
        noisy: Image = cv2.add(image, grain[number % 4], dtype=cv2.CV_8U)
        yield noisy


def _act(
    video: PlannedVideo, sound: NDArray[np.float32], rng: np.random.Generator
) -> Iterator[Expression | None]:
    """Move the head and the face through the video; None while the speaker is away."""
    num_frames = int(video.media_seconds * FRAME_RATE)
    times = np.arange(num_frames) / FRAME_RATE
    smile, views = np.zeros(num_frames), [View.FACE] * num_frames
    for utterance in video.utterances:
        first = round(utterance.start_seconds * FRAME_RATE)
        last = min(round(utterance.end_seconds * FRAME_RATE) + 1, num_frames)
        smile[first:last] = np.clip(utterance.face_mood / 2, -1, 1)
        # The camera sees the same from a little before to a little after the words.
        views[max(first - 2, 0) : last + 2] = [utterance.view] * (
            min(last + 2, num_frames) - max(first - 2, 0)
        )
    smile = np.convolve(np.pad(smile, _REACH, mode="edge"), np.ones(_REACH) / _REACH, "same")
    smile = smile[_REACH:-_REACH] * (0.85 + 0.15 * np.sin(times * rng.uniform(2, 4)))
    mouth = _loudness(sound, num_frames)
    x, y, roll = _sway(times, 5.0, rng), _sway(times, 3.0, rng), _sway(times, 3.0, rng)
    blinks = rng.random(num_frames) < 1 / (3 * FRAME_RATE)
    for i, view in enumerate(views):
        if view is View.AWAY:
            yield None
            continue
        yield Expression(
            smile=float(smile[i]),
            mouth=float(mouth[i]),
            eyes=0.1 if blinks[i] else 1.0,
            x=float(x[i]),
            y=float(y[i] + 2 * mouth[i]),
            roll=float(roll[i]),
            is_turned=view is View.TURNED,
        )


def _sway(
    times: NDArray[np.float64], reach: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A slow irregular movement of about -reach to reach: (T,)."""
    slow, quick = rng.uniform(0.15, 0.4), rng.uniform(0.5, 0.9)
    start = rng.uniform(0, 2 * np.pi, 2)
    wave = np.sin(2 * np.pi * slow * times + start[0])
    ripple = np.sin(2 * np.pi * quick * times + start[1])
    sway: NDArray[np.float64] = reach * (0.7 * wave + 0.3 * ripple)
    return sway


def _loudness(sound: NDArray[np.float32], num_frames: int) -> NDArray[np.float64]:
    """How loud each frame's sound is against the loudest: (T,), 0 to 1."""
    hop = SAMPLE_RATE // FRAME_RATE
    blocks = sound[: len(sound) // hop * hop].reshape(-1, hop)
    level = np.sqrt((blocks**2).mean(1))[:num_frames]
    level = np.pad(level, (0, num_frames - len(level)), mode="edge")
    opening: NDArray[np.float64] = np.clip(level / (np.quantile(level, 0.95) + 1e-9) - 0.1, 0, 1)
    return opening


def _picture_stream(container: Any) -> Any:
    stream = container.add_stream("libx264", rate=FRAME_RATE)
    stream.width = stream.height = FRAME
    stream.pix_fmt = "yuv420p"
    # One thread: the bytes must not depend on the machine's number of cores.
    stream.options = {"preset": "veryfast", "crf": "26", "threads": "1"}
    return stream


def _video_frame(image: Image) -> Any:
    """Give a drawn frame to the encoder.

    The colours are converted here: encoded straight from FFmpeg's own conversion, the same frames
    did not always give the same bytes.
    """
    return av.VideoFrame.from_ndarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), format="yuv420p")


def _speech_stream(container: Any) -> Any:
    stream = container.add_stream("aac", rate=SAMPLE_RATE)
    stream.layout = "mono"
    stream.bit_rate = 64_000
    return stream


def _audio_frames(sound: NDArray[np.float32]) -> Iterator[av.AudioFrame]:
    for start in range(0, len(sound), _AUDIO_FRAME):
        block = np.ascontiguousarray(sound[None, start : start + _AUDIO_FRAME])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        frame.time_base = Fraction(1, SAMPLE_RATE)
        yield frame
