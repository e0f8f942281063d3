"""Jobs side by side in processes that end with the one that started them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread

from pipeline.training.jobs import Job
from pipeline.training.worker import Worker, Workplace


def run_jobs(
    phases: Sequence[Sequence[Job]], workplace: Workplace, num_workers: int
) -> Iterator[Job]:
    """Do all jobs of one phase, then those of the next; yield each when it is done.

    The number of processes changes no result.

    Args:
        phases: What does not depend on each other; later ones need earlier ones.
        workplace: What the processes are told.
        num_workers: Processes, at most.
    """
    most = max(map(len, phases))
    if not most:
        return
    context = get_context("spawn")
    end, alive = context.Pipe(duplex=False)  # only this process holds the end called alive
    with (
        alive,
        ProcessPoolExecutor(min(num_workers, most), context, _live_until, (end,)) as pool,
    ):
        try:
            for jobs in phases:
                futures = {pool.submit(_run, workplace, job): job for job in jobs}
                for future in as_completed(futures):
                    future.result()
                    yield futures[future]
        except BaseException:  # nobody waits for what is under way: it is kept
            pool.shutdown(wait=False, cancel_futures=True)
            alive.close()
            raise


def _live_until(end: Connection) -> None:
    """Let this process end when the other end of a pipe is closed, be it by a SIGKILL there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent closes the pipe

    def watch() -> None:
        end.poll(None)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@cache
def _worker(workplace: Workplace) -> Worker:
    return Worker(workplace)


def _run(workplace: Workplace, job: Job) -> None:
    _worker(workplace).run(job)
