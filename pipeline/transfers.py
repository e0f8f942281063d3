"""What the user sees of bytes on their way: bars on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any

from mculora.acquire.checksums import Progress

LINE_SECONDS = 30.0
"""How often a log hears of a transfer that goes on."""
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


class Transfers:
    """Several transfers side by side; safe to tell from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self._bars = _make_bars() if sys.stderr.isatty() else None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Transfers:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def tell(self, label: str, now: Progress) -> None:
        """Say how far a transfer has come."""
        with self._lock:
            if self._bars is not None:
                task = self._tasks.get(label)
                if task is None:
                    task = self._tasks[label] = self._bars.add_task(label)
                shown = f"{label} ({now.note})" if now.note else label
                self._bars.update(
                    task, description=shown, completed=now.done_bytes, total=now.total_bytes
                )
                return
            line = self._lines.setdefault(label, _Line(now.done_bytes))
            if (text := line.due(now)) is not None:
                sys.stderr.write(f"{label}: {text}\n")
                sys.stderr.flush()


class _Line:
    """When the next line about one transfer is due, and what it says."""

    def __init__(self, done_bytes: int) -> None:
        self._began = self._told = time.monotonic()
        self._first = done_bytes

    def due(self, now: Progress) -> str | None:
        seconds = time.monotonic()
        if seconds - self._told < LINE_SECONDS:
            return None
        self._told = seconds
        return describe(now, (now.done_bytes - self._first) / (seconds - self._began))


def describe(now: Progress, bytes_per_second: float) -> str:
    """Amount, rate and time left: "1.2 GB of 17.7 GB, 35.0 MB/s, 8 min left"."""
    text = size(now.done_bytes)
    if now.total_bytes is not None:
        text += f" of {size(now.total_bytes)}"
    text += f", {size(bytes_per_second)}/s"
    if now.total_bytes is not None and bytes_per_second > 0:
        seconds = max(now.total_bytes - now.done_bytes, 0) / bytes_per_second
        left = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
        text += f", {left} left"
    return f"{text} ({now.note})" if now.note else text


def size(num_bytes: float) -> str:
    """A number of bytes as a person reads it."""
    for unit_bytes, unit in _UNITS:
        if num_bytes >= unit_bytes:
            return f"{num_bytes / unit_bytes:.1f} {unit}"
    return f"{num_bytes:.0f} bytes"


def _make_bars() -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    return Progress(
        *columns,
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
