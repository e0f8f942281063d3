"""What a stage shows: what it reads, a progress bar on a terminal, a closing line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from mculora.features.meter import Meter

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


_SECONDS_BETWEEN_LINES = 30.0


def watch(items: Iterable[Item], meter: Meter, *, label: str, total: int) -> Iterator[Item]:
    """Yield `items` and show what the meter of their extraction counts.

    On a terminal as a bar that moves with every batch, elsewhere as a line now and then.
    """
    if sys.stderr.isatty():
        with _bar(meter, label=label, total=total):
            yield from items
        return
    told = meter.elapsed_seconds
    for item in items:
        yield item
        if meter.elapsed_seconds - told > _SECONDS_BETWEEN_LINES:
            told = meter.elapsed_seconds
            say(f"{label}: {meter.utterances:.0f} of {total} utterances; {meter.progress(total)}")


def _bar(meter: Meter, *, label: str, total: int) -> AbstractContextManager[Any]:
    """A bar that looks at the meter by itself, some times a second."""
    from rich.console import Console, RenderableType
    from rich.progress import BarColumn, Progress, TextColumn

    class Watching(Progress):
        def get_renderables(self) -> Iterator[RenderableType]:
            for task in self.tasks:
                task.completed = min(meter.utterances, total)
                task.fields["told"] = f"{meter.utterances:.0f}/{total}  {meter.progress(total)}"
            yield from super().get_renderables()

    columns = (TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[told]}"))
    bar = Watching(*columns, console=Console(stderr=True), transient=True)
    bar.add_task(label, total=max(total, 1), told="")
    return bar
