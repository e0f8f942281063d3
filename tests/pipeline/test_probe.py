"""A probe gives its answer in time or says why there is none; a hanging one holds nothing up."""

import subprocess
import sys
import time

import pytest

from pipeline.health.probe import NoAnswer, probe


def test_an_answer():
    assert probe(lambda: [1, 2], seconds=5) == [1, 2]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("libfoo.so: cannot open\nmore"), "libfoo.so: cannot open"),
        (OSError(2, "No such file"), "No such file"),
        (AssertionError(), "AssertionError"),
        (RuntimeError("x" * 500), "x" * 70 + " …"),
    ],
)
def test_any_failure_becomes_one_short_line(error, reason):
    def fail():
        raise error

    assert probe(fail, seconds=5) == NoAnswer(reason)


def test_a_hanging_probe_is_left_behind():
    code = (
        "import time; from pipeline.health.probe import probe;"
        "print(probe(lambda: time.sleep(60), seconds=0.2))"
    )
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "no answer within" in done.stdout
    assert time.monotonic() - start < 20
