"""Reading a finished store: all vectors at once, or one utterance's course in time by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from mculora.errors import InputError
from mculora.features.identity import JSON, FeatureIdentity
from mculora.features.outcome import pooled
from mculora.features.store.index import Place, StoreIndex, read_index, remedy_for
from mculora.features.store.reasons import count_by_kind
from mculora.features.store.shard import read_rows, read_shard


@dataclass(frozen=True)
class StoredFeatures:
    """The content of a finished store, one vector per utterance.

    Attributes:
        identity: What the vectors are.
        ids: The N utterances that have a vector, in manifest order.
        vectors: (N, D) float32, finite; of features at frame level, the mean over the moments.
        absent: The other utterances, each with its reason.
        facts: What was seen on the way, of each utterance of which there is something to tell.
    """

    identity: FeatureIdentity
    ids: tuple[str, ...]
    vectors: torch.Tensor  # (N, D)
    absent: Mapping[str, str]
    facts: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """The row of each id in `vectors`."""
        return {utterance_id: row for row, utterance_id in enumerate(self.ids)}

    @property
    def absent_by_reason(self) -> dict[str, int]:
        """How many utterances are absent for each kind of reason, the most common first.

        Reasons that differ only in a number or in a file's name are of one kind.
        """
        return count_by_kind(self.absent.values())


class StoredSequences(Mapping[str, torch.Tensor]):
    """The features (T, D) of each utterance that has some, read when asked for.

    Nothing else is held in memory or read, and so the bytes of a shard are not checked.

    Attributes:
        identity: What the features are; at utterance level T is 1.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._take(read_index(folder))

    def __getitem__(self, utterance_id: str) -> torch.Tensor:
        """Read one utterance's features.

        Raises:
            KeyError: It has none.
            InputError: Its shard is missing or damaged.
        """
        try:
            return self._read(utterance_id)
        except InputError:  # perhaps the store was written anew in the meantime
            self._take(read_index(self._folder))
            return self._read(utterance_id)

    def __contains__(self, utterance_id: object) -> bool:
        return utterance_id in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def _take(self, index: StoreIndex) -> None:
        self.identity, self._shards = index.identity, index.shards
        self._places = _present(index)

    def _read(self, utterance_id: str) -> torch.Tensor:
        place = self._places[utterance_id]
        remedy = remedy_for(self.identity.modality.word)
        path, sha256 = self._folder / place.shard, self._shards[place.shard]
        [features] = read_rows(path, [place.rows], sha256=sha256, remedy=remedy)
        return features


def open_sequences(folder: Path) -> StoredSequences:
    """Open a finished store to read its utterances one by one.

    Raises:
        InputError: The store is missing, unfinished or its index damaged.
    """
    return StoredSequences(folder)


def read_store(folder: Path) -> StoredFeatures:
    """Read a finished store, shard by shard.

    Raises:
        InputError: The store is missing, unfinished or damaged.
    """
    index = read_index(folder)
    try:
        return _gather(folder, index)
    except InputError:
        newer = read_index(folder)
        if newer == index:
            raise
        return _gather(folder, newer)  # the store was written anew in the meantime


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
            remedy=remedy_for(identity.modality.word),
        )


def _gather(folder: Path, index: StoreIndex) -> StoredFeatures:
    """Read the vectors that an index names, in its order."""
    present = _present(index)
    vectors = torch.empty(len(present), index.identity.width)
    of_shard: dict[str, list[tuple[int, Place]]] = {}
    for row, place in enumerate(present.values()):
        of_shard.setdefault(place.shard, []).append((row, place))
    remedy = remedy_for(index.identity.modality.word)
    for name, places in of_shard.items():
        shard = read_shard(folder / name, sha256=index.shards[name], remedy=remedy)
        for row, place in places:
            vectors[row] = pooled(shard.features[place.rows])
    return StoredFeatures(index.identity, tuple(present), vectors, index.absent, index.facts)


def _present(index: StoreIndex) -> dict[str, Place]:
    return {i: place for i, place in index.places.items() if place.absence is None}
