"""Which device computes: an option of the command, never a part of the numbers."""

from __future__ import annotations

import os

import torch

from mculora.errors import InputError


def pick_device(name: str) -> torch.device:
    """The device of that name; `auto` is CUDA where there is one.

    Raises:
        InputError: No such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda", "mps"):
            raise RuntimeError(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise InputError(
            "--device", found=name, expected="cpu, or a cuda device that this machine has"
        ) from None
    return device


def num_processes(device: str) -> int:
    """How many trainings run side by side: one per processor here, one alone on a GPU."""
    if device != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
