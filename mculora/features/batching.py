"""Which pieces go through a model together: of like length, within a budget, halved if need be."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mculora.features.encoder import Encoded, Encoder, Piece

_ALLOCATION_FAILED = ("allocate memory", "ALLOC_FAILED")
"""What is said of the processor's memory, and by CUDA's libraries."""


def plan_batches(lengths: Sequence[int], *, budget: int, can_pad: bool) -> list[list[int]]:
    """Divide pieces into batches.

    A batch costs its size times its longest length, padding included; that stays within the budget
    unless one piece alone exceeds it. The longest come first: what does not fit shows at once.

    Args:
        lengths: The length of each piece.
        budget: The most that a batch may cost, in the unit of the lengths.
        can_pad: Whether lengths may differ inside a batch.

    Returns:
        The indices of each batch; every index once. Equal arguments give equal batches.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        batch = batches[-1] if batches else []
        longest = lengths[batch[0]] if batch else 0
        is_alike = can_pad or longest == lengths[index]
        if batch and is_alike and longest * (len(batch) + 1) <= budget:
            batch.append(index)
        else:
            batches.append([index])
    return batches


class BackingOff:
    """Takes batches through an encoder and halves what the device has no memory for.

    Args:
        encoder: The encoder.
        budget: The most that a batch may cost at first.
    """

    def __init__(self, encoder: Encoder, budget: int) -> None:
        self._encoder = encoder
        self.budget = budget

    def encode(self, pieces: Sequence[Piece]) -> list[Encoded | None]:
        """Encode a batch; None for a piece that is too large alone.

        After a failure later batches are planned for half of what failed.
        """
        encoded = self._try(pieces)
        if encoded is not None:
            return [*encoded]
        _free_memory()
        if len(pieces) == 1:
            return [None]
        middle = -(-len(pieces) // 2)
        self.budget = max(min(self.budget, middle * max(p.length for p in pieces)), 1)
        return [*self.encode(pieces[:middle]), *self.encode(pieces[middle:])]

    def _try(self, pieces: Sequence[Piece]) -> list[Encoded] | None:
        """Encode, or None where memory ran out; its traceback, which holds the batch, is gone."""
        try:
            return self._encoder.encode(pieces)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            return None


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Whether an error says that there was no memory left, on a device or here."""
    is_by_type = isinstance(error, (torch.OutOfMemoryError, MemoryError))
    return is_by_type or any(words in str(error) for words in _ALLOCATION_FAILED)


def _free_memory() -> None:
    """Give back what the allocator of a GPU keeps for later."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
