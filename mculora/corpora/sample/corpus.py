"""The sample corpus on disk: its papers, then its videos, made side by side on all cores."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mculora.corpora.sample.papers import VIDEOS, write_papers
from mculora.corpora.sample.plan import PlannedVideo, SamplePlan
from mculora.files import write_text

MAX_WORKERS = 4
"""More processes than this gain little and cost memory."""
UNFINISHED = "unfinished.sha256"
"""This file stands in the corpus folder until its last video is there."""


def synthesise(plan: SamplePlan, folder: Path, *, workers: int | None = None) -> Iterator[Path]:
    """Write the corpus into `folder` and yield each video's path as soon as it is there.

    Begun again after a stop, it goes on: the videos of the same plan and code are whole and stay.
    Everything else in the folder of videos is removed. The files do not depend on `workers`.

    Args:
        plan: From `plan_sample`.
        folder: The raw corpus folder; created.
        workers: Processes; None takes the machine's cores, at most `MAX_WORKERS`.
    """
    paths = {folder / VIDEOS / f"{video.id}.mp4": video for video in plan.available}
    identity, mark = _identity(plan), folder / UNFINISHED
    is_continued = mark.exists() and mark.read_text(encoding="utf-8") == identity
    _remove_others(folder / VIDEOS, keep=set(paths) if is_continued else set())
    write_text(mark, identity)
    write_papers(plan, folder)
    todo = {path: video for path, video in paths.items() if not path.exists()}
    yield from (path for path in paths if path not in todo)
    yield from _write_all(todo, workers)
    mark.unlink()


def _write_all(todo: dict[Path, PlannedVideo], workers: int | None) -> Iterator[Path]:
    """Write the videos in several processes and yield their paths in order."""
    num_workers = workers or min(os.cpu_count() or 1, MAX_WORKERS)
    # Spawned, not forked: the caller may have threads of its own.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start_worker)
    try:
        yield from pool.map(_write, todo.values(), todo)
    finally:
        pool.shutdown(cancel_futures=True)


def _identity(plan: SamplePlan) -> str:
    """Name the plan and the code that makes it real: other code makes other files."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    parts = [repr(plan).encode(), *(source.read_bytes() for source in sources)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _remove_others(folder: Path, *, keep: set[Path]) -> None:
    for path in folder.glob("*"):
        if path not in keep:
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
