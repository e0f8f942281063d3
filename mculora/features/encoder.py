"""One interface for everything that turns an utterance into a vector, built in or pretrained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from mculora.errors import MediaError
from mculora.features.identity import JSON, FeatureIdentity
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
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
