"""What a feature vector is: the encoder, the settings and the corpus behind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, TypeAlias

from mculora.errors import InputError
from mculora.modality import Modality

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

_OF_CORPUS = ("corpus", "corpus_fingerprint")


class Level(Enum):
    """How much of an utterance's course in time its features keep."""

    UTTERANCE = "utterance"
    FRAME = "frame"


@dataclass(frozen=True)
class FeatureIdentity:
    """What the vectors of a store are; equal identities mean interchangeable vectors.

    Attributes:
        corpus: The corpus by name.
        corpus_fingerprint: What its manifest says, hashed.
        modality: The modality that was encoded.
        encoder: A built-in encoder's name, a hub id or a local folder's name.
        revision: The encoder's exact version.
        settings: Everything else that changes the numbers.
        width: D, the length of a vector.
        level: One vector per utterance, or one per moment.
    """

    corpus: str
    corpus_fingerprint: str
    modality: Modality
    encoder: str
    revision: str
    settings: Mapping[str, JSON]
    width: int
    level: Level = Level.UTTERANCE

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", json.loads(canonical(self.settings)))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the identity's canonical JSON."""
        return hashlib.sha256(canonical(self.to_json()).encode()).hexdigest()

    @property
    def recipe(self) -> dict[str, Any]:
        """The identity without the corpus, as JSON: how an utterance becomes its features."""
        return {fact: value for fact, value in self.to_json().items() if fact not in _OF_CORPUS}

    def to_json(self) -> dict[str, Any]:
        """The identity as plain JSON values."""
        return asdict(self) | {"modality": self.modality.word, "level": self.level.value}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> FeatureIdentity:
        """Read what `to_json` gave."""
        modality = Modality.parse(content["modality"])
        level = Level(content.get("level", Level.UTTERANCE.value))
        return cls(**{**content, "modality": modality, "level": level})


def check_same(found: FeatureIdentity, expected: FeatureIdentity, *, remedy: str) -> None:
    """Refuse features that are not those that a network was trained with.

    Raises:
        InputError: They differ; the message names the first fact that does, and both sides.
    """
    wanted = expected.to_json()
    for fact, value in found.to_json().items():
        if value != wanted[fact]:
            raise InputError(
                f"{found.modality.word} features",
                found=f"{fact.replace('_', ' ')} {value}",
                expected=f"{wanted[fact]}, which the network was trained with",
                remedy=remedy,
            )


def canonical(value: Any) -> str:
    """JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
