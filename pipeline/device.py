"""Which device computes and in how many processes: options of the command, not part of results."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from mculora.errors import InputError


@dataclass(frozen=True)
class Computing:
    """On what a training computes.

    Attributes:
        device: Where.
        is_deterministic: Whether CUDA gives the same bits in every run; a CPU always does.
    """

    device: torch.device
    is_deterministic: bool = False


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


def num_processes(device: torch.device) -> int:
    """How many trainings run side by side: one per processor here, one alone on a GPU."""
    if device.type != "cpu":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute in one thread for a while.

    Small products gain nothing from a second one and, on a busy machine, wait for it; sums in one
    thread have the same order wherever they are computed.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def prepare_process(computing: Computing) -> None:
    """Set torch up in a process that trains beside others, before it computes anything.

    One thread each: small products gain nothing from a second one, and sums in one thread always
    have the same order.
    """
    torch.set_num_threads(1)
    if computing.is_deterministic and computing.device.type == "cuda":
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
        torch.use_deterministic_algorithms(True)
