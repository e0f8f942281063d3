"""One interface for everything that turns an utterance into a vector, built in or pretrained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from mculora.corpora.utterance import FrameRegion, Utterance
from mculora.errors import InputError, MediaError
from mculora.features.store import JSON, Absence, FeatureIdentity
from mculora.modality import Modality

BUILT_IN: Mapping[Modality, tuple[str, ...]] = {
    Modality.AUDIO: ("egemaps", "logmel"),
    Modality.TEXT: ("hashed-ngrams",),
    Modality.VISUAL: ("hog",),
}
"""The encoders that need no download."""


@dataclass(frozen=True)
class EncoderSpec:
    """Which encoder to use; small enough to travel in a checkpoint.

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

    def to_json(self) -> dict[str, JSON]:
        """The spec as plain JSON values."""
        return {
            "modality": self.modality.word,
            "encoder": self.encoder,
            "revision": self.revision,
            "layers": list(self.layers),
            "frames_per_second": self.frames_per_second,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> EncoderSpec:
        """Read what `to_json` gave."""
        return cls(
            modality=Modality.parse(content["modality"]),
            encoder=content["encoder"],
            revision=content["revision"],
            layers=tuple(content["layers"]),
            frames_per_second=content["frames_per_second"],
        )


@dataclass(frozen=True)
class Observation:
    """What one utterance offers to encoders.

    Attributes:
        start_seconds: First moment of the utterance in its media.
        end_seconds: First moment after it; None for the end of the clip.
        transcript: The words; `""` if there are none.
        audio_path: The file with the sound, or None.
        video_path: The file with the picture, or None.
        region: The part of the frame that shows the speaker.
    """

    start_seconds: float = 0.0
    end_seconds: float | None = None
    transcript: str = ""
    audio_path: Path | None = None
    video_path: Path | None = None
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
            region=utterance.region,
        )


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


def load_encoder(spec: EncoderSpec, *, device: str = "cpu") -> Encoder:
    """Make the encoder that a spec names.

    Args:
        spec: Which one.
        device: Where a transformers model runs; the built-in encoders use the processor.

    Raises:
        InputError: There is no such encoder, or its files are not on this machine.
    """
    if spec.encoder in BUILT_IN[spec.modality]:
        return _load_built_in(spec)
    is_folder = Path(spec.encoder).expanduser().is_dir()
    if not is_folder and "/" not in spec.encoder:
        raise InputError(
            f"extract.{spec.modality.word}.encoder",
            found=repr(spec.encoder),
            expected=" or ".join(BUILT_IN[spec.modality]),
            remedy="or give a model's hub id (owner/name) or the local folder of one",
        )
    from mculora.features.pretrained import load_pretrained

    return load_pretrained(spec, device=device)


def _load_built_in(spec: EncoderSpec) -> Encoder:
    """Import only the one encoder's libraries."""
    if spec.modality is Modality.TEXT:
        from mculora.features.text import HashedNgrams

        return HashedNgrams()
    if spec.modality is Modality.VISUAL:
        from mculora.features.visual import Hog

        return Hog(frames_per_second=spec.frames_per_second)
    from mculora.features import audio

    return audio.LogMel() if spec.encoder == "logmel" else audio.Egemaps()
