"""What an utterance looks and sounds like, small enough for a page: some frames, a waveform."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup

from mculora.corpora.utterance import Utterance
from mculora.errors import MediaError
from mculora.features.face_settings import FaceSettings
from mculora.features.faces import see_frames
from mculora.features.observation import Observation
from mculora.media.audio import Samples, read_audio
from mculora.media.video import Pixels
from mculora.modality import Modality
from pipeline.page.svg import add, figure, line, markup

NUM_FRAMES = 3
FRAME_HEIGHT = 132  # pixels; shown at about two thirds of it
_QUALITY = 72  # of JPEG, of 100
_WIDTH, _HEIGHT, _NUM_PEAKS = 320, 56, 160
_QUIETEST = 0.02  # of full scale: silence is not blown up to a sound


@dataclass(frozen=True)
class Picture:
    """A picture as a `data:` URI, its size in pixels, and what is read out in its place."""

    uri: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True)
class CaseMedia:
    """An utterance's media; where there are none, why.

    Attributes:
        frames: In time order; empty where `why_unseen` says why.
        waveform: An `<svg>`, or None where `why_unheard` says why.
        why_unseen: A reason, else `""`.
        why_unheard: A reason, else `""`.
    """

    frames: tuple[Picture, ...] = ()
    waveform: Markup | None = None
    why_unseen: str = ""
    why_unheard: str = ""


def read_case_media(utterance: Utterance, raw_folder: Path) -> CaseMedia:
    """Decode some frames and the sound of one utterance; nothing that is missing is an error."""
    observation = Observation.of(utterance, raw_folder)
    frames: tuple[Picture, ...] = ()
    waveform: Markup | None = None
    unseen = _known_absence(utterance, Modality.VISUAL, observation.video_path)
    unheard = _known_absence(utterance, Modality.AUDIO, observation.audio_path)
    if not unseen:
        try:
            frames = _frames(utterance, observation)
        except MediaError as error:
            unseen = error.reason
    if not unheard:
        try:
            waveform = _waveform(utterance, observation)
        except MediaError as error:
            unheard = error.reason
    return CaseMedia(frames, waveform, unseen, unheard)


def _known_absence(utterance: Utterance, modality: Modality, path: Path | None) -> str:
    """Why there is nothing to decode, as far as the manifest knows."""
    kind = "sound" if modality is Modality.AUDIO else "video"
    return utterance.absent.get(modality, "" if path else f"no {kind} file")


def _frames(utterance: Utterance, observation: Observation) -> tuple[Picture, ...]:
    seen = list(see_frames(observation, FaceSettings(num_frames=NUM_FRAMES)))
    return tuple(
        _picture(frame.pixels, f"frame {number} of {len(seen)} of utterance {utterance.id}")
        for number, frame in enumerate(seen, 1)
    )


def _picture(pixels: Pixels, alt: str) -> Picture:
    """A frame, shrunk and compressed."""
    height, width = pixels.shape[:2]
    scale = min(1.0, FRAME_HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    uri = "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode("ascii")
    return Picture(uri, *size, alt)


def _waveform(utterance: Utterance, observation: Observation) -> Markup:
    """The sound's highest and lowest sample in each of some even parts, as one shape."""
    assert observation.audio_path is not None
    window = observation.audio_window
    clip = read_audio(
        observation.audio_path,
        start_seconds=window.start_seconds,
        end_seconds=window.end_seconds,
    )
    title = f"sound of utterance {utterance.id}, {clip.duration_seconds:.1f} seconds"
    svg = figure(title, _WIDTH, _HEIGHT)
    middle = _HEIGHT / 2
    line(svg, "grid", start=(0, middle), end=(_WIDTH, middle))
    add(svg, "path", {"class": "wave", "d": _outline(clip.samples)})
    return markup(svg)


def _outline(samples: Samples) -> str:
    """The envelope of the peaks, there along the top and back along the bottom."""
    parts = np.array_split(samples, min(_NUM_PEAKS, len(samples)))
    largest = max(float(np.abs(samples).max()), _QUIETEST)
    step = _WIDTH / len(parts)

    def place(index: int, value: float) -> str:
        return f"{(index + 0.5) * step:.1f} {_HEIGHT / 2 * (1 - 0.96 * value / largest):.1f}"

    above = [place(index, float(part.max())) for index, part in enumerate(parts)]
    below = [place(index, float(part.min())) for index, part in enumerate(parts)]
    return "M" + "L".join([*above, *reversed(below)]) + "Z"
