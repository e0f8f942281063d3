"""One interface for everything that turns an utterance into a vector, built in or pretrained.

An encoder works in two halves, so that reading goes on beside computing: `prepare` reads and
decodes one utterance into pieces, in any thread; `encode` takes a batch of pieces, of several
utterances, through the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch

from mculora.features.face_settings import FaceSettings
from mculora.features.identity import JSON, FeatureIdentity, Level
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.modality import Modality

Combine = Literal["mean", "sum"]
Pooling = Literal["mean", "words", "first", "auto"]
DTypeName = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class EncoderSpec:
    """Which encoder to use, and how.

    Attributes:
        modality: What it encodes.
        encoder: A built-in name, a hub id, a local folder or `torchaudio:BUNDLE`.
        revision: The branch, tag or commit of a hub model.
        layers: The hidden layers to combine (pretrained models); -1 is the last, 0 the embedding.
        combine: Their mean or their sum.
        pooling: What stands for an utterance: the mean over its valid moments, the mean over words
            of the mean over their parts, or the first token; `auto` (visual): the class token where
            there is one, else the mean.
        level: One vector per utterance, or one per moment.
        dtype: What the model computes in; `auto` is what its device is good at.
        window_seconds: Longer sound is encoded in windows of this length (audio).
        faces: Which frames are looked at and how faces are cut out of them (visual).
    """

    modality: Modality
    encoder: str
    revision: str = "main"
    layers: tuple[int, ...] = (-1,)
    combine: Combine = "mean"
    pooling: Pooling = "mean"
    level: Level = Level.UTTERANCE
    dtype: DTypeName = "auto"
    window_seconds: float = 30.0
    faces: FaceSettings = field(default_factory=FaceSettings)


@dataclass(frozen=True)
class Piece:
    """What goes through a model at once: a window of sound, a stretch of text, a face.

    Attributes:
        inputs: Its tensors, on the CPU and without a batch axis.
        length: Samples, tokens or frames: what batches are sorted by and budgeted in.
    """

    inputs: Mapping[str, torch.Tensor]
    length: int

    @property
    def num_bytes(self) -> int:
        """The memory that it takes until it is encoded."""
        return sum(value.nbytes for value in self.inputs.values())


@dataclass(frozen=True)
class Prepared:
    """One utterance, read and decoded.

    Attributes:
        pieces: At least one, in time order.
        facts: What was seen on the way (`{"frames": 28, "frames_with_face": 20}`).
    """

    pieces: tuple[Piece, ...]
    facts: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def num_bytes(self) -> int:
        """The memory that its pieces take."""
        return sum(piece.num_bytes for piece in self.pieces)


@dataclass(frozen=True)
class Encoded:
    """One piece after the model.

    Attributes:
        states: (T, D) float32 on the encoder's device; T is 1 at utterance level.
        weight: How many valid moments they stand for, in the mean over an utterance's pieces.
    """

    states: torch.Tensor  # (T, D)
    weight: float = 1.0


class Encoder(Protocol):
    """Turns utterances into vectors of one width, always the same for the same utterance.

    Attributes:
        modality: What it encodes.
        name: A built-in name, a hub id or a local folder's name.
        revision: The exact version.
        settings: Everything else that changes the numbers.
        width: D, the length of a vector.
        level: One vector per utterance, or one per moment.
        can_pad: Whether pieces of different lengths may share a batch without changing a value;
            else only pieces of equal length do.
        budget: The sum of padded lengths that a batch has on this device unless told otherwise; a
            longer piece goes alone.
    """

    modality: Modality
    name: str
    revision: str
    settings: Mapping[str, JSON]
    width: int
    level: Level
    can_pad: bool
    budget: int

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """Read and decode an utterance; several threads may do so at once.

        Raises:
            MediaError: A file of it cannot be read.
        """
        ...

    def encode(self, pieces: Sequence[Piece]) -> list[Encoded]:
        """Take one batch through the model, without gradients.

        Raises:
            torch.OutOfMemoryError: The batch is too large for the device.
        """
        ...


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
        level=encoder.level,
    )
