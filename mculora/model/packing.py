"""What a batch shows, without padding: each modality's present utterances, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.modality import Modality, ModalityCombination, combination_index


@dataclass(frozen=True)
class Grid:
    """Where n packed utterances stand in dialogues padded to the longest, for attention alone.

    Attributes:
        place: (n,) int64, the cell of each utterance in the flattened (B, L) grid.
        valid: (B, L) bool, the cells that are taken.
    """

    place: Tensor
    valid: Tensor

    @property
    def is_trivial(self) -> bool:
        """Whether every dialogue is one utterance, which attends to itself."""
        return self.valid.shape[1] <= 1


@dataclass(frozen=True)
class PresentUtterances:
    """The n_m utterances of a batch in which one modality is present.

    Attributes:
        rows: (n_m,) int64, their places among the n utterances of the batch, rising.
        inputs: (n_m, D_m) float32, their features.
        combination: (n_m,) int64, each one's modality combination.
        used: The combinations that occur, in order.
        grid: Which dialogue each belongs to.
    """

    rows: Tensor
    inputs: Tensor
    combination: Tensor
    used: tuple[ModalityCombination, ...]
    grid: Grid

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class PackedBatch:
    """n utterances, dialogue after dialogue, each with at least one modality.

    Attributes:
        num_utterances: n.
        modalities: What is present of each modality, in column order.
    """

    num_utterances: int
    modalities: tuple[PresentUtterances, ...]


def pack(
    features: Sequence[Tensor], rows: Tensor, *, dialogue: Tensor, present: Tensor
) -> PackedBatch:
    """Gather what is present, straight from the features of the whole corpus.

    Everything but the features is on the CPU, so that no device is waited for.

    Args:
        features: (N, D_m) per modality, on any device.
        rows: (n,) int64, which of the N rows the utterances are.
        dialogue: (n,) int64, each one's dialogue; equal numbers stand together.
        present: (n, M) bool, at least one True per row.
    """
    device = features[0].device
    combination = combination_index(present)
    modalities = []
    for modality in Modality:
        where = present[:, modality].nonzero()[:, 0]
        own = combination[where]
        modalities.append(
            PresentUtterances(
                rows=where.to(device),
                inputs=features[modality][rows[where].to(device)],
                combination=own.to(device),
                used=tuple(ModalityCombination(i) for i in torch.unique(own).tolist()),
                grid=grid_of(dialogue[where], device),
            )
        )
    return PackedBatch(len(rows), tuple(modalities))


def grid_of(dialogue: Tensor, device: torch.device) -> Grid:
    """Lay utterances out by dialogue.

    Args:
        dialogue: (n,) int64 on the CPU; equal numbers stand together.
        device: Where the grid is wanted.
    """
    _, column, counts = torch.unique_consecutive(dialogue, return_inverse=True, return_counts=True)
    longest = int(counts.max()) if len(counts) else 0
    starts = counts.cumsum(0) - counts
    place = column * longest + torch.arange(len(dialogue)) - starts[column]
    valid = torch.zeros(len(counts) * longest, dtype=torch.bool)
    valid[place] = True
    return Grid(place.to(device), valid.view(len(counts), longest).to(device))
