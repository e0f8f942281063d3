"""What an extraction shows while it runs: a bar on a terminal, a line now and then elsewhere."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from mculora.features.meter import Meter
from pipeline import console

PROJECT = Path(__file__).parents[2]

WATCHING = """
import time
from mculora.features.meter import Meter
from pipeline.console import watch
meter = Meter()
def items():
    for number in range(8):
        time.sleep(0.15)
        meter.utterances += 8
        meter.media_seconds += 80
        meter.encoding_seconds += 0.15
        yield number
assert list(watch(items(), meter, label="extract audio", total=64)) == list(range(8))
"""


def test_a_terminal_shows_how_far_how_fast_how_long_and_what_holds_it_up():
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([sys.executable, "-c", WATCHING], stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 0
    text = shown.decode()
    for part in ("extract audio", "40/64", "h of media per hour", " left", "encoder bound"):
        assert part in text


def test_elsewhere_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(console, "_SECONDS_BETWEEN_LINES", 0.0)
    meter = Meter(utterances=30, media_seconds=90.0, waiting_seconds=2.0, encoding_seconds=1.0)
    assert list(console.watch(iter("abc"), meter, label="extract text", total=60)) == [*"abc"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("extract text: 30 of 60 utterances; ")
    assert lines[0].endswith(" left, decoder bound")


def test_a_short_wait_shows_nothing(capsys):
    assert list(console.watch(iter("ab"), Meter(), label="extract text", total=2)) == ["a", "b"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("done", "shown"), [(0, "begins"), (32, "0:00:0"), (64, "0:00:00 left")])
def test_the_time_left(done, shown):
    assert shown in Meter(utterances=done, media_seconds=done).progress(64)
