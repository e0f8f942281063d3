"""What the user sees of bytes on their way: bars on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from mculora.acquire.checksums import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

LINE_SECONDS = 30.0
"""How often a log hears of a transfer that goes on."""
Tell = Callable[[str, Progress], None]
"""Is told how far a transfer is, by its label."""
_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


@contextmanager
def shown_transfers() -> Iterator[Tell]:
    """Show several transfers side by side on standard error; may be told from several threads."""
    if not sys.stderr.isatty():
        yield Lines(sys.stderr).tell
        return
    from rich.console import Console

    with shown_bars(Console(stderr=True)) as tell:
        yield tell


class Lines:
    """A line about each transfer, as often as a log wants it.

    Args:
        file: The log.
        seconds: The time between two lines about one transfer.
    """

    def __init__(self, file: TextIO, seconds: float = LINE_SECONDS) -> None:
        self._file, self._seconds = file, seconds
        self._lock = threading.Lock()
        self._sections: dict[str, _Section] = {}

    def tell(self, label: str, now: Progress) -> None:
        """Say how far a transfer is, if a line is due."""
        with self._lock:
            if now.note.endswith("trying again"):  # the reason of a wait is worth a line of its own
                self._file.write(f"{label}: {describe(now, 0)}\n")
                self._file.flush()
                return
            section = self._sections.get(label)
            if section is None or now.done_bytes < section.reached_bytes:
                # the first time, or something else has begun: unpacking after fetching
                self._sections[label] = _Section(now.done_bytes)
                return
            section.reached_bytes = now.done_bytes
            seconds = time.monotonic() - section.began
            if seconds >= self._seconds:
                rate = (now.done_bytes - section.first_bytes) / max(seconds, 1e-3)
                self._file.write(f"{label}: {describe(now, rate)}\n")
                self._file.flush()
                self._sections[label] = _Section(now.done_bytes)


class _Section:
    """What happens to one transfer between two lines."""

    def __init__(self, first_bytes: int) -> None:
        self.first_bytes = self.reached_bytes = first_bytes
        self.began = time.monotonic()


def describe(now: Progress, bytes_per_second: float) -> str:
    """Amount, rate and time left: "1.2 GB of 17.7 GB, 35.0 MB/s, 8 min left"."""
    text = size(now.done_bytes)
    if now.total_bytes is not None:
        text += f" of {size(now.total_bytes)}"
    if bytes_per_second > 0:
        text += f", {size(bytes_per_second)}/s"
        if now.total_bytes is not None:
            left = max(now.total_bytes - now.done_bytes, 0) / bytes_per_second
            text += f", {_duration(left)} left"
    return f"{text} ({now.note})" if now.note else text


def size(num_bytes: float) -> str:
    """A number of bytes as a person reads it."""
    for unit_bytes, unit in _UNITS:
        if num_bytes >= 0.99995 * unit_bytes:  # no "1000.0 kB"
            return f"{num_bytes / unit_bytes:.1f} {unit}"
    return f"{num_bytes:.0f} bytes"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


@contextmanager
def shown_bars(console: Console) -> Iterator[Tell]:
    """Show a bar for each transfer on a terminal; none of them stays."""
    from rich import progress as rich

    bars = rich.Progress(
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    lock = threading.Lock()
    tasks: dict[str, TaskID] = {}
    reached: dict[str, int] = {}

    def tell(label: str, now: Progress) -> None:
        shown = f"{label} ({now.note})" if now.note else label
        with lock:
            if now.done_bytes < reached.get(label, 0):  # something else has begun
                bars.remove_task(tasks.pop(label))
            reached[label] = now.done_bytes
            if label not in tasks:
                tasks[label] = bars.add_task(shown, total=now.total_bytes)
            bars.update(
                tasks[label], description=shown, completed=now.done_bytes, total=now.total_bytes
            )

    with bars:
        yield tell
