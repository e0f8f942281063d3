"""The sample corpus on disk: its papers, then its videos, made side by side on all cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mculora.corpora.sample.papers import VIDEOS, write_papers
from mculora.corpora.sample.plan import PlannedVideo, SamplePlan

MAX_WORKERS = 4
"""More processes than this gain little and cost memory."""


def synthesise(plan: SamplePlan, folder: Path, *, workers: int | None = None) -> Iterator[Path]:
    """Write the corpus into `folder` and yield each video's path as soon as it is there.

    A video that is already there is whole and stays; a video of another plan is removed.
    The files do not depend on `workers`.

    Args:
        plan: From `plan_sample`.
        folder: The raw corpus folder; created.
        workers: Processes; None takes the machine's cores, at most `MAX_WORKERS`.
    """
    write_papers(plan, folder)
    paths = {folder / VIDEOS / f"{video.id}.mp4": video for video in plan.available}
    _remove_strangers(folder / VIDEOS, set(paths))
    todo = {path: video for path, video in paths.items() if not path.exists()}
    yield from (path for path in paths if path not in todo)
    if not todo:
        return
    num_workers = workers or min(os.cpu_count() or 1, MAX_WORKERS)
    # Spawned, not forked: the caller may have threads of its own.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start_worker)
    try:
        yield from pool.map(_write, todo.values(), todo)
    finally:
        pool.shutdown(cancel_futures=True)


def _remove_strangers(folder: Path, expected: set[Path]) -> None:
    for path in folder.glob("*"):
        if path not in expected:
            path.unlink()


def _start_worker() -> None:
    """Leave interrupts to the parent, and the other cores to the other workers."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _write(video: PlannedVideo, path: Path) -> Path:
    from mculora.corpora.sample.video import write_video

    write_video(video, path)
    return path
