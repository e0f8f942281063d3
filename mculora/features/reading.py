"""Reading ahead: threads prepare what comes next while a batch is computed, within a limit."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import torch
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD_BYTES = 256 * 2**20
"""What is read ahead at most, beside the items that threads are at."""

AHEAD_ITEMS = 256
"""And how many items, however small."""


def usable_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def read_ahead(
    prepare: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    size: Callable[[Result], int],
    workers: int,
) -> Generator[Result]:
    """Yield `prepare(item)` of each item in order, prepared in threads beforehand.

    An error of `prepare` is raised where its result would have been. The threads end when the
    iterator is closed.

    Args:
        prepare: What a thread does with an item.
        items: The items.
        size: The memory that a result takes, in bytes.
        workers: How many threads.
    """
    ahead = _Ahead(prepare, items, size=size, workers=workers)
    try:
        for index in range(len(items)):
            yield ahead.take(index)
    finally:
        ahead.stop()


def _compute_alone() -> None:
    """Keep a thread's own small tensor work in it: no team of threads for each, beside the model's.

    `torch.set_num_threads` would reach the model's threads, too.
    """
    torch.get_num_threads()  # sets this thread's number, which would else happen later
    threadpool_limits(1, user_api="openmp")


class _Ahead(Generic[Item, Result]):
    """What is being prepared, and what waits to be taken."""

    def __init__(
        self,
        prepare: Callable[[Item], Result],
        items: Sequence[Item],
        *,
        size: Callable[[Result], int],
        workers: int,
    ) -> None:
        self._prepare, self._items, self._size, self._workers = prepare, items, size, workers
        self._pool = ThreadPoolExecutor(
            workers, thread_name_prefix="decode", initializer=_compute_alone
        )
        self._lock = threading.RLock()
        self._futures: dict[int, Future[Result]] = {}
        self._next = self._num_done = self._bytes = 0
        self._stopped = False
        self._fill()

    def take(self, index: int) -> Result:
        """Wait for a result and forget it here."""
        result = self._futures[index].result()
        with self._lock:
            del self._futures[index]
            self._num_done -= 1
            self._bytes -= self._size(result)
            self._fill()
        return result

    def stop(self) -> None:
        """Start nothing more and wait for what the threads are at."""
        with self._lock:
            self._stopped = True
        self._pool.shutdown(cancel_futures=True)

    def _fill(self) -> None:
        """Give the threads work while there is room: one that is waited for always has it."""
        with self._lock:
            while not self._stopped and self._next < len(self._items) and self._has_room():
                future = self._pool.submit(self._prepare, self._items[self._next])
                self._futures[self._next] = future
                self._next += 1
                future.add_done_callback(self._count)

    def _has_room(self) -> bool:
        in_work = len(self._futures) - self._num_done
        is_below = self._num_done < AHEAD_ITEMS and self._bytes < AHEAD_BYTES
        return not self._futures or (in_work < self._workers and is_below)

    def _count(self, future: Future[Result]) -> None:
        """Note that something is done, in the thread that did it, and go on."""
        if future.cancelled():
            return
        with self._lock:
            self._num_done += 1
            self._bytes += 0 if future.exception() else self._size(future.result())
            self._fill()
