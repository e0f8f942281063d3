"""The corpus as tensors: one table of all utterances, and padded batches cut from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.corpora.manifest import Corpus
from mculora.errors import InputError
from mculora.features.store.reader import StoredFeatures
from mculora.modality import NUM_MODALITIES, Modality

PADDING = -1
"""The row number that stands where a dialogue of a batch has no utterance."""


@dataclass(frozen=True)
class FeatureTable:
    """N utterances, dialogue after dialogue, in time order inside each.

    Attributes:
        ids: The utterances' ids.
        dialogue: (N,) int64, the ordinal of each one's dialogue; never falling.
        features: One (N, D_m) float32 tensor per modality, in column order; zeros where absent,
            which nothing downstream may depend on.
        available: (N, M) bool, what the corpus offers; at least one per row.
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

    def dialogue_rows(self) -> list[Tensor]:
        """The row numbers of each dialogue."""
        _, counts = torch.unique_consecutive(self.dialogue, return_counts=True)
        return list(torch.split(torch.arange(len(self.ids)), counts.tolist()))

    def to(self, device: torch.device) -> FeatureTable:
        """The same table on another device (the dialogue index stays on the CPU)."""
        features = tuple(f.to(device) for f in self.features)
        available, labels = self.available.to(device), self.labels.to(device)
        return FeatureTable(self.ids, self.dialogue, features, available, labels)


@dataclass(frozen=True)
class Batch:
    """B dialogues of at most L utterances.

    Attributes:
        rows: (B, L) int64, row numbers in the table, `PADDING` where there is none.
        features: One (B, L, D_m) float32 tensor per modality.
        valid: (B, L) bool, True where there is an utterance.
        available: (B, L, M) bool, True where the corpus offers the modality.
        labels: (B, L) float32, 0 in the padding.
    """

    rows: Tensor
    features: tuple[Tensor, ...]
    valid: Tensor
    available: Tensor
    labels: Tensor


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
    columns = [[place.get(u.id, PADDING) for u in kept] for place in places]
    rows = torch.tensor(columns).T  # (N, M)
    ordinals = {name: n for n, name in enumerate(dict.fromkeys(u.dialogue for u in kept))}
    return FeatureTable(
        ids=tuple(u.id for u in kept),
        dialogue=torch.tensor([ordinals[u.dialogue] for u in kept]),
        features=tuple(_take(stores[m].vectors, rows[:, m]) for m in Modality),
        available=rows != PADDING,
        labels=torch.tensor([u.label for u in kept], dtype=torch.float32),
    )


def collate(table: FeatureTable, dialogues: Sequence[Tensor]) -> Batch:
    """Pad the given dialogues (each the row numbers of one) to the longest of them."""
    rows = torch.nn.utils.rnn.pad_sequence(list(dialogues), batch_first=True, padding_value=PADDING)
    valid = (rows != PADDING).to(table.labels.device)  # (B, L)
    source = rows.clamp(min=0).to(table.labels.device)
    return Batch(
        rows=rows,
        features=tuple(f[source] for f in table.features),
        valid=valid,
        available=table.available[source] & valid[..., None],
        labels=table.labels[source] * valid,
    )


def batches(
    table: FeatureTable, batch_dialogues: int, generator: torch.Generator | None = None
) -> Iterator[Batch]:
    """Yield the whole table once, in batches of dialogues of like length.

    With a generator the order is drawn anew at each call; without one it is by length. Like
    lengths stand together, so that little is padded.
    """
    dialogues = table.dialogue_rows()
    if generator is not None:
        order = torch.randperm(len(dialogues), generator=generator).tolist()
        dialogues = [dialogues[i] for i in order]
    dialogues.sort(key=len)  # stable: equal lengths keep the drawn order
    chunks = [dialogues[i : i + batch_dialogues] for i in range(0, len(dialogues), batch_dialogues)]
    if generator is not None:
        chunks = [chunks[i] for i in torch.randperm(len(chunks), generator=generator).tolist()]
    for chunk in chunks:
        yield collate(table, chunk)


def _take(vectors: Tensor, rows: Tensor) -> Tensor:
    """Rows of `vectors`, zeros where the row is `PADDING`."""
    taken = vectors.new_zeros(len(rows), vectors.shape[1])
    found = rows != PADDING
    taken[found] = vectors[rows[found]]
    return taken
