"""A store that is killed at any moment, or wanted by two at once, ends as if nothing had been."""

import multiprocessing
import os
import random
import shutil
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import store_example
from store_example import (
    FRAMES,
    IDENTITY,
    IDS,
    INPUTS,
    OTHER,
    check,
    contents,
    extracted,
    fill,
    shards,
    work,
)

from mculora.features.extraction import GROUP
from mculora.features.store.reader import read_store
from mculora.features.store.writer import StoreWriter

EDITED = {**INPUTS, **{i: f"edit {n}" for n, i in enumerate(IDS[5:115])}, "new": "input 7"}


def nothing(folder):
    """No store at all."""


def finished(folder):
    """A store of the inputs before they are edited."""
    fill(folder)


def scattered(folder):
    """A store in as many shards as may be: one edit more, and they are written anew."""
    for num_old in (60, 45, 30, 15):
        fill(folder, {**EDITED, **dict.fromkeys(IDS[:num_old], "old")})
    assert len(shards(folder)) == 6


def of_another_encoder(folder):
    """A finished store of another encoder."""
    fill(folder, identity=OTHER)


STATES = [nothing, finished, scattered, of_another_encoder]
every_state = pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)


class Stop(BaseException):
    """Stands for the end of the process: from then on nothing reaches the disk."""


@pytest.fixture
def stop_after(monkeypatch):
    """Let only so many changes of the file system come through."""

    def arrange(patch, num_changes):
        left = [num_changes]

        def limited(change, is_half_done):
            def changed(path, *arguments, **options):
                left[0] -= 1
                if left[0] == 0 and is_half_done:
                    change(path, arguments[0][: len(arguments[0]) // 2], **options)
                if left[0] <= 0:
                    raise Stop
                return change(path, *arguments, **options)

            return changed

        patch.setattr(os, "replace", limited(os.replace, is_half_done=False))
        for name in ("write_bytes", "write_text", "unlink"):
            change = limited(getattr(Path, name), is_half_done=name != "unlink")
            patch.setattr(Path, name, change)

    return arrange


@every_state
@pytest.mark.parametrize("identity", [IDENTITY, FRAMES], ids=["utterances", "frames"])
def test_stopped_before_each_change_of_a_file(tmp_path, monkeypatch, stop_after, state, identity):
    """Every state that a kill can leave on the disk, one after the other."""
    before, whole, stopped = tmp_path / "before" / "a", tmp_path / "whole", tmp_path / "stopped"
    before.parent.mkdir()
    state(before)
    if before.exists():
        shutil.copytree(before, whole)
    num_asked = len(fill(whole, EDITED, identity))
    made = []
    for num_changes in range(1, 100):
        shutil.rmtree(stopped, ignore_errors=True)
        if before.exists():
            shutil.copytree(before, stopped)
        made.clear()
        with monkeypatch.context() as patch:
            patch.setattr(store_example, "extracted", lambda *a: made.append(a) or extracted(*a))
            stop_after(patch, num_changes)
            try:
                fill(stopped, EDITED, identity)
            except Stop:
                pass
            else:
                break  # all changes came through
        if (stopped / "index.json").exists():
            read_store(stopped)  # the old content or the new one, and never half of it
        num_kept = num_asked - len(fill(stopped, EDITED, identity))
        assert len(made) - GROUP <= num_kept <= len(made)
        assert contents(stopped) == contents(whole)
    else:
        pytest.fail("it never ended")
    assert num_changes > 5
    check(stopped, EDITED, identity)


@pytest.fixture(scope="module")
def processes():
    """Processes that start at once, forked from one that has everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["store_example"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        context.Process(target=os.getpid).start()  # with it, the server that they are forked from
        yield context


def start(processes, *arguments):
    """Start a process that completes a store; what it is and what it says."""
    mine, its = processes.Pipe()
    process = processes.Process(target=work, args=(its, *arguments))
    process.start()
    its.close()
    assert mine.recv() == process.pid
    return process, mine


@pytest.mark.slow
@every_state
def test_killed_at_random_moments(tmp_path, processes, state):
    """What a user's `kill -9` leaves is completed to the bytes of an undisturbed run."""
    before, whole = tmp_path / "before", tmp_path / "whole"
    state(before)
    if before.exists():
        shutil.copytree(before, whole)
    process, said = start(processes, whole, EDITED, IDENTITY, 0.001)
    begin = time.perf_counter()
    assert said.recv() > 0
    seconds = time.perf_counter() - begin
    process.join()
    draw, num_killed, stopped = random.Random(0), 0, tmp_path / "stopped"
    is_begun = False
    while num_killed < 6:
        if not is_begun or draw.random() < 0.7:  # else killed again while it goes on
            shutil.rmtree(stopped, ignore_errors=True)
            if before.exists():
                shutil.copytree(before, stopped)
        process, said = start(processes, stopped, EDITED, IDENTITY, 0.001)
        time.sleep(draw.uniform(0, seconds))
        process.kill()
        process.join()
        is_begun = process.exitcode != 0
        if not is_begun:  # it was done before the kill
            seconds *= 0.9
            continue
        num_killed += 1
        if (stopped / "index.json").exists():
            read_store(stopped)
        completed = shutil.copytree(stopped, tmp_path / f"completed-{num_killed}")
        process, said = start(processes, completed, EDITED, IDENTITY, 0.0)
        said.recv()
        process.join()
        assert process.exitcode == 0
        assert contents(completed) == contents(whole)
        check(completed, EDITED)


def test_two_processes_on_one_store(tmp_path, processes):
    """They take turns: the second finds nothing left to do, and no byte is another."""
    both = [start(processes, tmp_path / "a", INPUTS, IDENTITY, 0.001) for _ in range(2)]
    assert sorted(said.recv() for _, said in both) == [0, len(IDS)]
    for process, _ in both:
        process.join()
    fill(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_the_turn_of_a_killed_process_is_over(tmp_path, processes):
    process, _ = start(processes, tmp_path / "a", INPUTS, IDENTITY, 0.01)
    while len(shards(tmp_path / "a")) < 1:
        time.sleep(0.01)
    process.kill()
    process.join()
    assert fill(tmp_path / "a") == IDS[GROUP:]
    check(tmp_path / "a")


def test_who_waits_is_told_once_and_goes_on_where_the_first_stopped(tmp_path):
    told, pending = [], []

    def second():
        wait = partial(told.append, "wait")
        with StoreWriter(tmp_path / "a", IDENTITY, INPUTS, on_wait=wait) as writer:
            pending.append(writer.pending)

    with StoreWriter(tmp_path / "a", IDENTITY, INPUTS, on_wait=lambda: told.append("no")) as writer:
        thread = threading.Thread(target=second)
        thread.start()
        for utterance_id in IDS[: GROUP + 1]:
            writer.add(extracted(utterance_id, INPUTS[utterance_id]))
        while not told:
            time.sleep(0.01)
        assert not pending
    thread.join(timeout=10)
    assert (told, pending) == (["wait"], [IDS[GROUP:]])
