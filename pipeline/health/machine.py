"""What this process may use of the machine: processors, memory, disk."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # how a cgroup of the first kind writes "no limit": some such number


@dataclass(frozen=True)
class Memory:
    """Main memory in bytes, as this process may use it; None where the system does not tell."""

    total: int | None
    free: int | None


def usable_cores() -> int:
    """How many processors this process may keep busy: its affinity, and its container's share."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    share = _processor_share()
    return cores if share is None else max(1, min(cores, round(share)))


def usable_memory() -> Memory:
    """How much memory there is, and how much is free, under the container's limit if any."""
    facts = _meminfo()
    total, free = facts.get("MemTotal"), facts.get("MemAvailable")
    if total is None and hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _number("memory.max", "memory/memory.limit_in_bytes")
    if limit is not None and limit < _UNLIMITED:
        used = _number("memory.current", "memory/memory.usage_in_bytes") or 0
        total = limit if total is None else min(total, limit)
        free = limit - used if free is None else min(free, limit - used)
    return Memory(total, free)


def free_disk(path: Path) -> int:
    """Free bytes where `path` lies, or will lie once its folders are made."""
    there = path.absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free


def _processor_share() -> float | None:
    """The container's quota in processors, or None where it has none."""
    words = _words("cpu.max")
    if len(words) == 2 and words[0] != "max":
        return float(words[0]) / float(words[1])
    quota, period = _number("cpu/cpu.cfs_quota_us"), _number("cpu/cpu.cfs_period_us")
    return quota / period if quota and period and quota > 0 else None


def _meminfo() -> dict[str, int]:
    """Linux's table of memory, in bytes; nothing elsewhere."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    rows = (line.replace(":", "").split() for line in lines)
    return {row[0]: int(row[1]) * 1024 for row in rows if len(row) == 3}


def _number(*names: str) -> int | None:
    """The number in the first of a cgroup's files that has one."""
    for name in names:
        words = _words(name)
        if words and words[0].lstrip("-").isdigit():
            return int(words[0])
    return None


def _words(name: str) -> list[str]:
    try:
        return (_CGROUP / name).read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return []


def write_size(num_bytes: float | None) -> str:
    """A size to read: `290 MB`, `3.1 GB`."""
    if num_bytes is None:
        return "unknown"
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.0f} MB"
