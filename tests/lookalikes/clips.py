"""Somebody's own clips: a few real recordings of drawn people, and the table beside them."""

import csv
import math
import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from mculora.corpora.sample.face import FRAME, Expression, Face, Portrait

RATE = 12  # frames per second
SAMPLE_RATE = 16_000
SECONDS = 2.0
MOODS = {"calm": (0.0, 200.0), "glad": (0.9, 320.0), "low": (-0.9, 120.0)}
"""Smile and pitch (Hz) by label."""


def write_own_clips(folder: Path, *, num_speakers: int = 9, **extra: list[str]) -> Path:
    """Write a talking head per speaker, in two rows each, a voice alone and a face alone.

    Args:
        folder: Gets `clips.csv` and, in `media files/`, what it names.
        num_speakers: One file, and so one dialogue, each.
        extra: Further columns, by name: one cell per row of `num_speakers * 2 + 2`.
    """
    media = folder / "media files"
    media.mkdir(parents=True)
    rows = []
    for number in range(num_speakers):
        labels = [list(MOODS)[(number + half) % len(MOODS)] for half in range(2)]
        write_head(media / f"person {number}.mp4", labels, seed=number)
        for half, label in enumerate(labels):
            times = [str(half), f"00:00:0{half + 1}.000"]
            words = f"here I am, {label}, and that is all"
            rows.append([f"media files/person {number}.mp4", *times, words, f"{number}", label])
    write_voice(media / "voice.wav", "glad")
    write_head(media / "silent.mp4", ["low"], seed=99, has_sound=False)
    rows.append(["media files/voice.wav", "", "", "you only hear me, glad", "900123", "glad"])
    rows.append(["media files/silent.mp4", "", "", "", "NA", "low"])
    table = folder / "clips.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        header = ["path", "start", "end", "transcript", "speaker", "label"]
        writer = csv.writer(file)
        writer.writerow([*header, *extra])
        writer.writerows([*row, *cells] for row, *cells in zip(rows, *extra.values(), strict=True))
    return table


def write_head(path: Path, labels: list[str], *, seed: int, has_sound: bool = True) -> Path:
    """Write an H.264 clip of one person who is in one mood after the other, and hums."""
    rng = np.random.default_rng(seed)
    portrait = Portrait(Face.draw(rng), rng)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast"})
        picture.width = picture.height = FRAME
        picture.pix_fmt = "yuv420p"
        sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if has_sound else None
        for number in range(round(SECONDS * RATE)):
            smile, _ = MOODS[labels[number * len(labels) // round(SECONDS * RATE)]]
            image = portrait.frame(
                Expression(
                    smile=smile, mouth=0.3, eyes=1.0, x=4 * math.sin(number / 4), y=0.0, roll=0.0,
                    is_turned=False,
                )
            )  # fmt: skip
            shown = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(picture.encode())
        if sound:
            samples = np.concatenate([hum(label, SECONDS / len(labels)) for label in labels])
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
            container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path


def write_voice(path: Path, label: str) -> Path:
    """Write a 16-bit wav file of a hum."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(hum(label, SECONDS).tobytes())
    return path


def hum(label: str, seconds: float) -> np.ndarray:
    """A buzz with the pitch of a mood, (S,) int16."""
    phase = 2 * np.pi * MOODS[label][1] * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave_form = sum(np.sin(k * phase) / k for k in range(1, 6))
    return (6000 * wave_form).astype(np.int16)
