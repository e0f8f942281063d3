"""What a stage shows: what it reads, a progress bar on a terminal, a closing line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")


def say(line: str) -> None:
    """Write one line on standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def stage(name: str, *, reads: Iterable[Path | str], writes: Path) -> Iterator[list[str]]:
    """Say what a stage reads, and at its end what it wrote and how long it took.

    Yields:
        A list; what the stage appends to it stands in the closing line ("300 utterances").
    """
    say(f"{name}: reads {', '.join(str(source) for source in reads)}")
    facts: list[str] = []
    start = time.perf_counter()
    yield facts
    seconds = time.perf_counter() - start
    say(f"{name}: wrote {writes} ({'; '.join([*facts, f'{seconds:.1f} s'])})")


def progress(items: Iterable[Item], *, label: str, total: int | None = None) -> Iterator[Item]:
    """Yield `items` under a progress bar; silent where standard error is not a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, description=label, total=total, console=console, transient=True)
