"""Who is let in and who computes: so many places, and so many workers behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from mculora.features.reading import usable_processors
from pipeline.serving.limits import Limits
from pipeline.serving.refusal import UNAVAILABLE, Refusal

Result = TypeVar("Result")


class Desk:
    """Places and workers; used from the event loop's thread alone.

    A request holds its place until it is answered. A worker that computes for somebody who was
    answered (too late) or has gone is free again only when it is done: never more than the given
    number compute at once.

    Attributes:
        num_inside: How many requests hold a place.
        num_waiting: How many of them wait for a worker.
        num_working: How many workers compute.
        is_closed: Whether nobody is let in any more.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.num_inside = self.num_waiting = self.num_working = 0
        self.is_closed = False
        self._free = asyncio.Semaphore(limits.workers)
        self._threads = ThreadPoolExecutor(
            limits.workers, thread_name_prefix="predict", initializer=self._prepare_thread
        )

    def _prepare_thread(self) -> None:
        """Share the processors among the workers."""
        torch.set_num_threads(max(1, usable_processors() // self._limits.workers))

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for the length of the block.

        Raises:
            Refusal: There is none, or the service is about to stop.
        """
        if self.is_closed:
            raise Refusal(UNAVAILABLE, "the service is stopping")
        if self.num_inside >= self._limits.places:
            raise Refusal(UNAVAILABLE, "too many requests at the moment")
        self.num_inside += 1
        try:
            yield
        finally:
            self.num_inside -= 1

    async def work(self, job: Callable[[], Result]) -> Result:
        """Let a worker do a job as soon as one is free.

        If this is cancelled, a job that has not begun never will; one that has goes on unheard.
        """
        self.num_waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.num_waiting -= 1
        self.num_working += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, job)
        future.add_done_callback(self._release)
        return await asyncio.shield(future)

    def _release(self, future: asyncio.Future[Result]) -> None:
        self.num_working -= 1
        self._free.release()
        if not future.cancelled():
            future.exception()  # looked at: somebody may have stopped waiting for it

    def close(self) -> None:
        """Let nobody in any more."""
        self.is_closed = True
