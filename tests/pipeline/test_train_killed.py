"""A training that is killed goes on where it was and ends with the bytes of an undisturbed one."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
]
PROJECT = Path(__file__).parents[2]
# As `mculora train`, but that every epoch is kept: the small network would be done before.
TRAIN = """
import sys
from pipeline import cli
from pipeline.training import kept
kept.SECONDS_BETWEEN_STATES = 0.0
sys.argv = ["mculora", "train"]
cli.main()
"""
PATIENCE = 120


class Training:
    """`mculora train` in processes of its own, in a group of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", TRAIN],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kept(self, pattern):
        """What is kept of it so far."""
        return sorted((self.folder / ".progress/sample").glob(pattern))

    def wait_for(self, happened):
        """Wait until something has happened, and for no longer than it runs."""
        end = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < end
            time.sleep(0.002)

    def finish(self):
        """Wait for its end; what it said."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert (self.process.returncode, err) == (0, "")
        return out

    def wait_for_all_to_end(self):
        end = time.monotonic() + PATIENCE
        while alive_in_group(self.process.pid):
            assert time.monotonic() < end, "a process goes on"
            time.sleep(0.01)


def alive_in_group(group):
    """The processes of a group that are not merely waiting to be buried."""
    alive = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group, *_ = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended in between
            continue
        if int(its_group) == group and state != "Z":
            alive.append(path.parent.name)
    return alive


def workers_of(group):
    """The processes that train."""
    commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in alive_in_group(group)}
    return [int(pid) for pid, command in commands.items() if b"spawn_main" in command]


def content(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def undisturbed(road):
    """The bytes of an undisturbed training, and the place to repeat it in."""
    models = content(road.folder / "models")
    shutil.rmtree(road.folder / "models")
    return models


def test_it_goes_on_after_each_kill_and_ends_the_same(road, undisturbed):
    moments = [
        lambda t: t.kept("*"),  # just begun
        lambda t: len(t.kept("*/encoders/*.safetensors")) >= 2 and t.kept("*/encoders/*.resume"),
        lambda t: len(t.kept("*/[!e]*/*.safetensors")) >= 4 and t.kept("*/[!e]*/*.resume"),
        lambda t: len(t.kept("*/[!e]*/*.safetensors")) >= 20 and t.kept("*/[!e]*/*.resume"),
        lambda t: list(road.folder.glob("models/sample/*/*")),  # nearly done
    ]
    numbers_begun = []
    for happened in moments:
        training = Training(road.folder)
        training.wait_for(lambda t=training, happened=happened: happened(t))
        os.killpg(training.process.pid, signal.SIGKILL)
        training.process.communicate()
        training.wait_for_all_to_end()
        numbers_begun.append(len(training.kept("*/*/*.resume")))
    said = Training(road.folder).finish()
    assert any(numbers_begun)
    assert re.search(r"goes on: \d+ of 42 trainings were done already", said)
    assert content(road.folder / "models") == undisturbed
    assert [path.name for path in (road.folder / ".progress").iterdir()] == ["sample.lock"]


def test_no_process_outlives_the_one_that_started_it(road, undisturbed):
    training = Training(road.folder)
    training.wait_for(lambda: training.kept("*/mculora/*.resume"))
    training.process.kill()  # this one alone, and with no chance to say anything to the others
    training.process.communicate()
    training.wait_for_all_to_end()
    left = content(road.folder / ".progress")
    time.sleep(0.5)
    assert content(road.folder / ".progress") == left
    said = Training(road.folder).finish()
    assert "goes on: " in said
    assert content(road.folder / "models") == undisturbed


def test_a_worker_that_the_system_ends_is_one_line_and_costs_little(road, undisturbed):
    training = Training(road.folder)
    training.wait_for(lambda: training.kept("*/mculora/*.resume"))
    os.kill(workers_of(training.process.pid)[0], signal.SIGKILL)  # as when memory runs out
    _, err = training.process.communicate(timeout=PATIENCE)
    assert training.process.returncode == 1
    assert err == "error: the system ended a worker process (memory?); run it again\n"
    training.wait_for_all_to_end()
    assert "goes on: " in Training(road.folder).finish()
    assert content(road.folder / "models") == undisturbed


def test_ctrl_c_ends_it_at_once_with_one_line(road, undisturbed):
    training = Training(road.folder)
    training.wait_for(lambda: training.kept("*/mculora/*.resume"))
    os.killpg(training.process.pid, signal.SIGINT)  # as a terminal does
    _, err = training.process.communicate(timeout=PATIENCE)
    assert training.process.returncode == 130
    assert err == "stopped; run the command again to go on\n"
    training.wait_for_all_to_end()
    assert training.kept("*/*/*.safetensors")
    assert not (road.folder / "models").exists()


def test_two_trainings_of_a_dataset_take_turns(road, undisturbed):
    first = Training(road.folder)
    first.wait_for(lambda: first.kept("*/encoders/*"))
    second = Training(road.folder)
    assert "waits" not in first.finish()
    assert "waits for another training" in second.finish()
    assert content(road.folder / "models") == undisturbed
