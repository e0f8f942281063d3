"""From a network's states over time to what stands for a piece: shares of each moment."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy to the device; to a GPU from pinned memory, so that nobody waits for it."""
    if device.type != "cuda" or tensor.is_cuda:
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def weigh(states: torch.Tensor, shares: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Weighted sums over time, for each piece of a batch.

    Args:
        states: (B, T, D) float32.
        shares: For each piece (M, T'), on the CPU: what each of its T' <= T first moments weighs
            in each of M results. What lies beyond weighs nothing.

    Returns:
        For each piece (M, D), on the states' device.
    """
    most = max(len(share) for share in shares)
    table = torch.zeros(len(shares), most, states.shape[1])
    for row, share in zip(table, shares, strict=True):
        row[: share.shape[0], : share.shape[1]] = share
    weighed = torch.bmm(to_device(table, states.device), states)  # (B, M, D)
    return [one[: len(share)] for one, share in zip(weighed, shares, strict=True)]
