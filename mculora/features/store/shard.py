"""A shard: the features of some utterances and what they are, in one file that never changes.

The file is safetensors with one tensor, `features` (R, D): the rows of all its utterances, one each
at utterance level, T at frame level, none for an absent one. Its metadata tells the recipe, the
utterances and a SHA-256 of all this, so that a damaged shard is noticed by itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mculora.errors import InputError
from mculora.features.identity import JSON, canonical
from mculora.files import whole_file

_METADATA = "mculora"  # one key only: safetensors writes several in no fixed order
_TENSOR = "features"
_OTHER = "another one than the index means"


@dataclass(frozen=True)
class Record:
    """What a shard says of one utterance.

    Attributes:
        utterance_id: Which one.
        input_digest: A digest of all that its features depend on, apart from the recipe.
        num_rows: How many rows of the shard are its own; 0 if it is absent.
        absence: Why it has no features, or None.
        facts: What was seen on the way.
    """

    utterance_id: str
    input_digest: str
    num_rows: int
    absence: str | None = None
    facts: Mapping[str, JSON] = field(default_factory=dict)

    def to_json(self) -> list[Any]:
        """The record as plain JSON values."""
        return [self.utterance_id, self.input_digest, self.num_rows, self.absence, self.facts]


@dataclass(frozen=True)
class Shard:
    """The content of one file.

    Attributes:
        recipe: How the features came about, as `FeatureIdentity.recipe` says it.
        records: Its utterances, absent ones included, in the order of their rows.
        features: (R, D) float32.
    """

    recipe: Mapping[str, Any]
    records: tuple[Record, ...]
    features: torch.Tensor  # (R, D)

    @cached_property
    def sha256(self) -> str:
        """A digest of all that the shard says."""
        digest = hashlib.sha256(canonical(self._facts()).encode())
        digest.update(self.features.numpy().data)
        return digest.hexdigest()

    def write(self, path: Path) -> str:
        """Write the shard so that it appears whole; return its `sha256`."""
        metadata = {_METADATA: canonical({**self._facts(), "sha256": self.sha256})}
        with whole_file(path) as temporary:
            temporary.write_bytes(save({_TENSOR: self.features}, metadata=metadata))
        return self.sha256

    def _facts(self) -> dict[str, Any]:
        return {"recipe": self.recipe, "utterances": [r.to_json() for r in self.records]}


def read_shard(path: Path, *, sha256: str | None = None, remedy: str = "") -> Shard:
    """Read a shard and see that it is what was written.

    Args:
        path: The shard.
        sha256: Which one it must be, if that is known.
        remedy: What to do if it is not.

    Raises:
        InputError: It is missing, damaged or another one.
    """
    with _opened(path, remedy) as file:
        facts = json.loads(file.metadata()[_METADATA])
        records = tuple(Record(*record) for record in facts["utterances"])
        shard = Shard(facts["recipe"], records, file.get_tensor(_TENSOR))
        expected_shape = (sum(r.num_rows for r in records), shard.recipe["width"])
        if shard.features.shape != expected_shape or shard.features.dtype != torch.float32:
            raise ValueError(f"features {tuple(shard.features.shape)}, not {expected_shape}")
        if shard.sha256 != facts["sha256"]:
            raise ValueError("other bytes than were written")
        if shard.sha256 != (sha256 or shard.sha256):
            raise ValueError(_OTHER)
    return shard


def read_rows(
    path: Path, rows: Sequence[slice], *, sha256: str, remedy: str = ""
) -> list[torch.Tensor]:
    """Read some rows of a shard and nothing else of it.

    Args:
        path: The shard.
        rows: Which ones; each gives a tensor (T, D).
        sha256: The shard that it must be, by its own account: its bytes are not checked.
        remedy: What to do if it is not.

    Raises:
        InputError: It is missing, not that shard, or no safetensors file.
    """
    with _opened(path, remedy) as file:
        if json.loads(file.metadata()[_METADATA])["sha256"] != sha256:
            raise ValueError(_OTHER)
        features = file.get_slice(_TENSOR)
        return [features[part.start : part.stop].clone() for part in rows]


@contextmanager
def _opened(path: Path, remedy: str) -> Iterator[Any]:
    """Open a safetensors file; whatever is wrong with it, here or in the block, is one line."""
    expected = "a whole shard of a feature store"
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except FileNotFoundError:
        raise InputError(path, found="nothing", expected=expected, remedy=remedy) from None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"a damaged shard ({' '.join(str(error).split())})"
        raise InputError(path, found=found, expected=expected, remedy=remedy) from None
