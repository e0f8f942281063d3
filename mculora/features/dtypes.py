"""What a device computes fastest in: decided by the units that it has, never by a stopwatch.

A choice by timing would differ from run to run on a busy machine, and with it the features. So
`fastest_dtype` asks what the device has; `measure_dtypes` shows what that is worth.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from pathlib import Path

import torch

_BFLOAT16_UNITS = {
    "AMX": ("_is_amx_tile_supported", "amx_bf16"),
    "AVX512-BF16": ("_is_avx512_bf16_supported", "avx512_bf16"),
}
"""What makes bfloat16 fast on a processor: torch's question for it, and Linux's flag."""

_SIDES = {"cpu": 384, "cuda": 4096, "mps": 1024}  # of the square matrices multiplied
_ROUNDS = 4
_PATIENCE = 0.04  # seconds of one dtype in one round, unless a single product takes longer


def fastest_dtype(device: torch.device | str) -> torch.dtype:
    """The dtype that a device computes networks in fastest.

    bfloat16 on a processor with AMX or AVX512-BF16 and on a GPU that has it (compute capability 8
    on); float16 on older GPUs with tensor cores (7 on); float32 everywhere else. Processors are
    slow in float16, and Apple's GPUs gain little.
    """
    device = torch.device(device)
    if device.type == "cpu":
        return torch.bfloat16 if cpu_bfloat16_unit() else torch.float32
    if device.type == "cuda":
        with torch.cuda.device(device):
            has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return _cuda_dtype(torch.cuda.get_device_capability(device)[0], has_bfloat16)
    return torch.float32


def cpu_bfloat16_unit() -> str | None:
    """What computes bfloat16 in this processor (`AMX`, `AVX512-BF16`), or None."""
    for unit, (question, flag) in _BFLOAT16_UNITS.items():
        ask = getattr(torch.cpu, question, None)  # torch promises no such question
        if ask() if ask else flag in _processor_flags():
            return unit
    return None


def measure_dtypes(device: torch.device | str) -> dict[torch.dtype, float]:
    """Time a square matrix product in each dtype: how many times as fast as in float32.

    The fastest product counts, and the dtypes take turns, so that other work on the machine
    disturbs little. Takes about a second, plus what the device needs to wake up. A dtype in which
    the device cannot multiply is left out; all of them where it has no memory left.
    """
    device = torch.device(device)
    seconds: dict[torch.dtype, float] = {}
    for _ in range(_ROUNDS):
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            with suppress(RuntimeError, TypeError):  # no such product, or no such dtype
                seconds[dtype] = min(_seconds(device, dtype), seconds.get(dtype, math.inf))
    exact = seconds.get(torch.float32)
    return {dtype: exact / taken for dtype, taken in seconds.items()} if exact else {}


def _cuda_dtype(major: int, has_bfloat16: bool) -> torch.dtype:
    if has_bfloat16:
        return torch.bfloat16
    return torch.float16 if major >= 7 else torch.float32


def _seconds(device: torch.device, dtype: torch.dtype) -> float:
    """The fastest of several products; where they are slow, of one."""
    side = _SIDES.get(device.type, 1024)
    matrix = torch.randn(side, side, device=device, dtype=torch.float32).to(dtype)
    fastest, stop = math.inf, time.perf_counter() + _PATIENCE
    while fastest == math.inf or time.perf_counter() < stop:
        start = time.perf_counter()
        (matrix @ matrix)[0, 0].item()  # the value comes back when the product is done
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def _processor_flags() -> set[str]:
    """What Linux says that the processor has; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return {word for line in lines if line.startswith("flags") for word in line.split()}
