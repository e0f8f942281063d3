"""One modality's frozen vectors on disk: shards that appear whole, then an index that closes them.

A folder holds `shard-00000.safetensors`, … (`FLUSH` utterances each, in manifest order) and, once
every utterance is stored, `index.json`. A shard carries the identity of its features, the ids and
the reasons of the absent ones, so that a killed extraction goes on from the last shard.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mculora.errors import InputError
from mculora.features.identity import JSON, FeatureIdentity, canonical
from mculora.features.outcome import Absence
from mculora.files import TEMPORARY_SUFFIX, whole_file, write_text

FLUSH = 64
"""Utterances per shard: what a killed extraction loses at most."""

_NUMBER = re.compile(r"(?<![\w.-])\d+(\.\d+)?(?![\w-])")
_FILE_NAME = re.compile(r"\S+(\.[a-z]\w{1,13})\b")

_INDEX = "index.json"
_METADATA = "mculora"  # one key only: safetensors writes several in no fixed order


@dataclass(frozen=True)
class StoredFeatures:
    """The content of a finished store.

    Attributes:
        identity: What the vectors are.
        ids: The N utterances that have a vector, in manifest order.
        vectors: (N, D) float32, finite.
        absent: The other utterances, each with its reason.
    """

    identity: FeatureIdentity
    ids: tuple[str, ...]
    vectors: torch.Tensor  # (N, D)
    absent: Mapping[str, str]

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each id in `vectors`."""
        return {utterance_id: row for row, utterance_id in enumerate(self.ids)}

    @property
    def absent_by_reason(self) -> dict[str, int]:
        """How many utterances are absent for each kind of reason, the most common first.

        Reasons that differ only in a number or in a file's name are of one kind.
        """
        kinds = (
            _NUMBER.sub("N", _FILE_NAME.sub(r"*\1", reason)) for reason in self.absent.values()
        )
        return dict(Counter(kinds).most_common())


@dataclass(frozen=True)
class _Shard:
    """One file: the utterances it covers, in manifest order, absent ones included."""

    identity: FeatureIdentity
    ids: tuple[str, ...]
    absent: Mapping[str, str]
    vectors: torch.Tensor  # (n, D), of the ids that are not absent

    def to_bytes(self) -> bytes:
        facts = {"identity": self.identity.to_json(), "ids": self.ids, "absent": self.absent}
        return save({"features": self.vectors}, metadata={_METADATA: canonical(facts)})


def read_store(folder: Path) -> StoredFeatures:
    """Read a finished store.

    Raises:
        InputError: The store is missing, unfinished or damaged.
    """
    index = _read_index(folder)
    identity = FeatureIdentity.from_json(index["identity"])
    shards = []
    for entry in index["shards"]:
        path = folder / entry["file"]
        if not path.exists() or _sha256(path) != entry["sha256"]:
            raise _store_error(path, "a file that is missing or damaged", identity.modality.word)
        shards.append(_read_shard(path))
    empty = torch.empty(0, identity.width)
    return StoredFeatures(
        identity=identity,
        ids=tuple(i for shard in shards for i in shard.ids if i not in shard.absent),
        vectors=torch.cat([empty, *(shard.vectors for shard in shards)]),
        absent={i: reason for shard in shards for i, reason in shard.absent.items()},
    )


def check_same_corpus(stored: StoredFeatures, corpus_fingerprint: str) -> None:
    """Refuse features that were extracted from another manifest.

    Raises:
        InputError: The fingerprints differ.
    """
    identity = stored.identity
    if identity.corpus_fingerprint != corpus_fingerprint:
        raise InputError(
            f"{identity.modality.word} features of {identity.corpus}",
            found=f"features of the corpus {identity.corpus_fingerprint[:12]}",
            expected=f"the corpus {corpus_fingerprint[:12]}",
            remedy=f"run `mculora extract --modality {identity.modality.word}`",
        )


class StoreWriter:
    """Appends vectors to a store in manifest order; safe to kill at any moment.

    Args:
        folder: The store; made if it does not exist, emptied if it holds another identity.
        identity: What the vectors are.
        ids: All utterances, in manifest order.
    """

    def __init__(self, folder: Path, identity: FeatureIdentity, ids: Sequence[str]) -> None:
        if len(set(ids)) != len(ids):
            raise InputError("manifest", found="an utterance id twice", expected="unique ids")
        self._folder, self._identity, self._ids = folder, identity, tuple(ids)
        self._shards = self._keep_valid_shards()
        self._next = min(len(self._shards) * FLUSH, len(self._ids))
        self._vectors: list[torch.Tensor] = []
        self._absent: dict[str, str] = {}

    @property
    def pending(self) -> tuple[str, ...]:
        """The ids not yet stored, in manifest order."""
        return self._ids[self._next :]

    def add(self, utterance_id: str, outcome: torch.Tensor | Absence) -> None:
        """Append the next pending utterance: its vector (D,) or why there is none.

        Raises:
            InputError: It is not the next one, or the vector is not finite or not of width D.
        """
        if self.pending[:1] != (utterance_id,):
            expected = next(iter(self.pending), "no further utterance")
            raise InputError(self._folder, found=f"utterance {utterance_id}", expected=expected)
        if isinstance(outcome, Absence):
            self._absent[utterance_id] = outcome.reason
        else:
            self._vectors.append(self._checked(utterance_id, outcome))
        self._next += 1
        if self._next % FLUSH == 0:
            self._flush()

    def finish(self) -> None:
        """Write what remains and close the store with its index.

        Raises:
            InputError: An utterance is still pending.
        """
        if self.pending:
            found = f"{len(self.pending)} utterances not yet stored"
            raise InputError(self._folder, found=found, expected="none")
        if self._vectors or self._absent:
            self._flush()
        absent = {i: reason for shard in self._shards for i, reason in shard.absent.items()}
        index = {
            "complete": True,
            "identity": self._identity.to_json(),
            "shards": [self._entry(number) for number in range(len(self._shards))],
            "absent": absent,
        }
        text = json.dumps(index, indent=1, ensure_ascii=False, sort_keys=True)
        write_text(self._folder / _INDEX, text + "\n")

    def _checked(self, utterance_id: str, vector: torch.Tensor) -> torch.Tensor:
        where = f"{self._identity.encoder}, utterance {utterance_id}"
        expected = f"a finite vector of width {self._identity.width}"
        if vector.shape != (self._identity.width,):
            raise InputError(where, found=f"shape {tuple(vector.shape)}", expected=expected)
        if not torch.isfinite(vector).all():
            raise InputError(where, found="values that are not finite", expected=expected)
        return vector.detach().to("cpu", torch.float32)

    def _flush(self) -> None:
        """Write the utterances since the last shard as a new one."""
        first = len(self._shards) * FLUSH
        empty = torch.empty(0, self._identity.width)
        vectors = torch.stack(self._vectors) if self._vectors else empty
        shard = _Shard(self._identity, self._ids[first : self._next], dict(self._absent), vectors)
        with whole_file(self._path(len(self._shards))) as temporary:
            temporary.write_bytes(shard.to_bytes())
        self._shards.append(shard)
        self._vectors.clear()
        self._absent.clear()

    def _keep_valid_shards(self) -> list[_Shard]:
        """Read the leading shards of this very extraction and remove every other file."""
        shards: list[_Shard] = []
        for number in range(-(-len(self._ids) // FLUSH)):
            wanted = self._ids[number * FLUSH : (number + 1) * FLUSH]
            try:
                shard = _read_shard(self._path(number))
            except InputError:
                break
            if shard.identity != self._identity or shard.ids != wanted:
                break
            shards.append(shard)
        kept = {self._path(number).name for number in range(len(shards))}
        for path in self._folder.glob("*"):
            is_ours = path.suffix in (".safetensors", TEMPORARY_SUFFIX) or path.name == _INDEX
            if is_ours and path.name not in kept:
                path.unlink()
        return shards

    def _path(self, number: int) -> Path:
        return self._folder / f"shard-{number:05d}.safetensors"

    def _entry(self, number: int) -> dict[str, JSON]:
        path, shard = self._path(number), self._shards[number]
        return {
            "file": path.name,
            "utterances": len(shard.ids),
            "vectors": len(shard.vectors),
            "sha256": _sha256(path),
        }


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / _INDEX
    if not folder.is_dir():
        raise _store_error(folder, "nothing", folder.name)
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _store_error(folder, "an extraction that did not finish", folder.name) from None
    except (ValueError, OSError) as error:
        raise _store_error(path, f"a damaged index ({error})", folder.name) from None
    if not isinstance(index, dict) or not {"identity", "shards"} <= set(index):
        raise _store_error(path, "a damaged index", folder.name)
    return index


def _read_shard(path: Path) -> _Shard:
    """Read one shard and check it against its own metadata."""
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[_METADATA])
            vectors = file.get_tensor("features")
        identity = FeatureIdentity.from_json(facts["identity"])
        ids, absent = tuple(facts["ids"]), dict(facts["absent"])
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, InputError) as error:
        reason = " ".join(str(error).split())
        raise _store_error(path, f"a damaged shard ({reason})", path.parent.name) from None
    if vectors.shape != (len(ids) - len(absent), identity.width):
        raise _store_error(path, "a damaged shard (its shape)", path.parent.name)
    return _Shard(identity, ids, absent, vectors)


def _store_error(where: Path, found: str, modality: str) -> InputError:
    remedy = f"run `mculora extract --modality {modality}`"
    return InputError(where, found=found, expected="a finished feature store", remedy=remedy)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
