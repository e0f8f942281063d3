"""One interface for everything that turns an utterance into a vector, built in or pretrained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from mculora.corpora.utterance import FrameRegion, Utterance
from mculora.errors import MediaError
from mculora.features.identity import JSON, Absence, FeatureIdentity
from mculora.media.container import Window
from mculora.modality import Modality


@dataclass(frozen=True)
class EncoderSpec:
    """Which encoder to use.

    Attributes:
        modality: What it encodes.
        encoder: A built-in name, a hub id or a local folder of a transformers model.
        revision: The branch, tag or commit of a hub model.
        layers: The hidden layers to average (transformers models); -1 is the last.
        frames_per_second: Frames looked at per second of video (visual encoders).
    """

    modality: Modality
    encoder: str
    revision: str = "main"
    layers: tuple[int, ...] = (-1,)
    frames_per_second: float = 4.0


@dataclass(frozen=True)
class Observation:
    """What one utterance offers to encoders.

    Attributes:
        start_seconds: First moment of the utterance in its dialogue.
        end_seconds: First moment after it; None for the end of the clip.
        transcript: The words; `""` if there are none.
        audio_path: The file with the sound, or None.
        video_path: The file with the picture, or None.
        audio_begins_seconds: The moment of the dialogue at which the audio file begins.
        video_begins_seconds: The moment of the dialogue at which the video file begins.
        region: The part of the frame that shows the speaker.
    """

    start_seconds: float = 0.0
    end_seconds: float | None = None
    transcript: str = ""
    audio_path: Path | None = None
    video_path: Path | None = None
    audio_begins_seconds: float = 0.0
    video_begins_seconds: float = 0.0
    region: FrameRegion = FrameRegion.FULL

    @classmethod
    def of(cls, utterance: Utterance, raw_folder: Path) -> Observation:
        """What an utterance of a corpus offers, its media in `raw_folder`."""
        audio, video = utterance.audio_path, utterance.video_path
        return cls(
            start_seconds=utterance.start_seconds,
            end_seconds=utterance.end_seconds,
            transcript=utterance.transcript,
            audio_path=None if audio is None else raw_folder / audio,
            video_path=None if video is None else raw_folder / video,
            audio_begins_seconds=utterance.audio_begins_seconds,
            video_begins_seconds=utterance.video_begins_seconds,
            region=utterance.region,
        )

    @property
    def audio_window(self) -> Window:
        """The utterance in its audio file."""
        return self._window(self.audio_begins_seconds)

    @property
    def video_window(self) -> Window:
        """The utterance in its video file."""
        return self._window(self.video_begins_seconds)

    def _window(self, begins_seconds: float) -> Window:
        end = None if self.end_seconds is None else self.end_seconds - begins_seconds
        return Window(self.start_seconds - begins_seconds, end)


class Encoder(Protocol):
    """Turns utterances into vectors of one width, always the same for the same utterance.

    Attributes:
        modality: What it encodes.
        name: A built-in name, a hub id or a local folder's name.
        revision: The exact version.
        settings: Everything else that changes the numbers.
        width: D, the length of a vector.
        is_thread_safe: Whether several threads may encode at once.
    """

    modality: Modality
    name: str
    revision: str
    settings: Mapping[str, JSON]
    width: int
    is_thread_safe: bool

    def encode(self, observations: Sequence[Observation]) -> list[torch.Tensor | Absence]:
        """Give each observation its vector, (D,) float32 and finite, or why it has none."""
        ...


def encode_each(
    observations: Sequence[Observation],
    encode_one: Callable[[Observation], torch.Tensor | Absence],
) -> list[torch.Tensor | Absence]:
    """Encode one by one; media that cannot be read and values that are not finite are absent."""
    outcomes: list[torch.Tensor | Absence] = []
    for observation in observations:
        try:
            outcome = encode_one(observation)
        except MediaError as error:
            outcome = Absence(error.reason)
        if isinstance(outcome, torch.Tensor) and not torch.isfinite(outcome).all():
            outcome = Absence("the encoder gave values that are not finite")
        outcomes.append(outcome)
    return outcomes


def identify(encoder: Encoder, *, corpus: str, corpus_fingerprint: str) -> FeatureIdentity:
    """Say what an encoder's vectors of a corpus are."""
    return FeatureIdentity(
        corpus=corpus,
        corpus_fingerprint=corpus_fingerprint,
        modality=encoder.modality,
        encoder=encoder.name,
        revision=encoder.revision,
        settings=encoder.settings,
        width=encoder.width,
    )
