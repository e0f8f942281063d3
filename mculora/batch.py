"""The corpus as tensors: one table of all utterances, and batches of dialogues cut from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mculora.corpora.manifest import Corpus
from mculora.errors import InputError
from mculora.features.store.reader import StoredFeatures
from mculora.modality import NUM_MODALITIES, Modality

_ABSENT = -1
"""The row number that stands where a store has no vector."""


@dataclass(frozen=True)
class FeatureTable:
    """N utterances, dialogue after dialogue, in time order inside each.

    Attributes:
        ids: The utterances' ids.
        dialogue: (N,) int64, the ordinal of each one's dialogue; never falling.
        features: One (N, D_m) float32 tensor per modality, in column order; zeros where absent,
            which nothing downstream may depend on.
        available: (N, M) bool, what the corpus offers; at least one per row. On the CPU, like
            `dialogue`.
        labels: (N,) float32, a score or a class index.
    """

    ids: tuple[str, ...]
    dialogue: Tensor
    features: tuple[Tensor, ...]
    available: Tensor
    labels: Tensor

    def __post_init__(self) -> None:
        num = len(self.ids)
        shapes = [t.shape[0] for t in (self.dialogue, self.available, self.labels, *self.features)]
        if any(size != num for size in shapes) or len(self.features) != NUM_MODALITIES:
            raise InputError("feature table", found=f"rows {shapes}", expected=f"{num} in each")
        if num and not bool(self.available.any(1).all()):
            raise InputError("feature table", found="an empty row", expected="a modality in each")

    @property
    def widths(self) -> tuple[int, ...]:
        """D_m of each modality, in column order."""
        return tuple(f.shape[1] for f in self.features)

    def to(self, device: torch.device) -> FeatureTable:
        """The same table, its features and labels on another device."""
        features = tuple(f.to(device) for f in self.features)
        return replace(self, features=features, labels=self.labels.to(device))


@dataclass(frozen=True)
class Batch:
    """n utterances of some dialogues, dialogue after dialogue; both on the CPU.

    Attributes:
        rows: (n,) int64, row numbers in the table.
        dialogue: (n,) int64, the ordinal of each one's dialogue in the table.
    """

    rows: Tensor
    dialogue: Tensor


def build_table(
    corpus: Corpus, stores: Sequence[StoredFeatures], dialogues: Iterable[str]
) -> FeatureTable:
    """Join the manifest and the three stores for the given dialogues, and nothing else.

    Utterances that offer no modality at all are left out; every other one stands in the table.

    Raises:
        InputError: None of the dialogues has an utterance with features.
    """
    wanted = set(dialogues)
    places = [store.rows for store in stores]
    kept = [
        u
        for u in corpus.utterances
        if u.dialogue in wanted and any(u.id in place for place in places)
    ]
    if not kept:
        raise InputError("features", found="no utterance of the split", expected="at least one")
    columns = [[place.get(u.id, _ABSENT) for u in kept] for place in places]
    rows = torch.tensor(columns).T  # (N, M)
    ordinals = {name: n for n, name in enumerate(dict.fromkeys(u.dialogue for u in kept))}
    return FeatureTable(
        ids=tuple(u.id for u in kept),
        dialogue=torch.tensor([ordinals[u.dialogue] for u in kept]),
        features=tuple(_take(stores[m].vectors, rows[:, m]) for m in Modality),
        available=rows != _ABSENT,
        labels=torch.tensor([u.label for u in kept], dtype=torch.float32),
    )


def batches(
    table: FeatureTable, batch_dialogues: int, generator: torch.Generator | None = None
) -> Iterator[Batch]:
    """Yield the whole table once, in batches of dialogues of like length.

    With a generator the order is drawn anew at each call; without one it is by length. Like
    lengths stand together, so that attention, which alone needs padding, needs little.
    """
    _, counts = torch.unique_consecutive(table.dialogue, return_counts=True)
    starts = counts.cumsum(0) - counts
    order = torch.arange(len(counts))
    if generator is not None:
        order = torch.randperm(len(counts), generator=generator)
    order = order[torch.argsort(counts[order], stable=True)]  # equal lengths keep the drawn order
    chunks = list(torch.split(order, batch_dialogues))
    if generator is not None:
        chunks = [chunks[i] for i in torch.randperm(len(chunks), generator=generator).tolist()]
    for chunk in chunks:
        lengths = counts[chunk]
        before = (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
        inside = torch.arange(int(lengths.sum())) - before
        rows = starts[chunk].repeat_interleave(lengths) + inside
        yield Batch(rows, table.dialogue[rows])


def _take(vectors: Tensor, rows: Tensor) -> Tensor:
    """Rows of `vectors`, zeros where the row is `_ABSENT`."""
    taken = vectors.new_zeros(len(rows), vectors.shape[1])
    found = rows != _ABSENT
    taken[found] = vectors[rows[found]]
    return taken
