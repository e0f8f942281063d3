"""Bytes on their way: lines in a log, bars on a terminal."""

import io
import re
import threading

import pytest
from rich.console import Console

from mculora.acquire.checksums import Progress
from pipeline import transfers
from pipeline.transfers import LINE_SECONDS, Lines, describe, shown_bars, shown_transfers, size


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""

    class Clock:
        seconds = 1000.0

        def monotonic(self):
            return self.seconds

    clock = Clock()
    monkeypatch.setattr(transfers, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("num_bytes", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"),
     (126_081_363_749, "126.1 GB"), (34.6, "35 bytes")],
)  # fmt: skip
def test_sizes(num_bytes, text):
    assert size(num_bytes) == text


@pytest.mark.parametrize(
    ("now", "rate", "text"),
    [
        (Progress(1_200_000_000, 17_700_000_000), 35e6, "1.2 GB of 17.7 GB, 35.0 MB/s, 8 min left"),
        (Progress(0, 126_081_363_749), 2e6, "0 bytes of 126.1 GB, 2.0 MB/s, 17.5 h left"),
        (Progress(10, 100), 1, "10 bytes of 100 bytes, 1 bytes/s, 90 s left"),
        (Progress(5_000, None), 1e3, "5.0 kB, 1.0 kB/s"),
        (Progress(5_000, 9_000, "no connection; trying again"), 0,
         "5.0 kB of 9.0 kB (no connection; trying again)"),
        (Progress(10, 10), 5, "10 bytes of 10 bytes, 5 bytes/s, 0 s left"),
        (Progress(11, 10), 5, "11 bytes of 10 bytes, 5 bytes/s, 0 s left"),
    ],
)  # fmt: skip
def test_amount_rate_and_time_left(now, rate, text):
    if rate == 1:
        text = text.replace("90 s", "2 min")
    assert describe(now, rate) == text


def test_a_line_now_and_then_with_the_rate_since_the_last(clock):
    log = io.StringIO()
    lines = Lines(log)
    for seconds, done in ((0, 5_000_000), (29.9, 6_000_000), (0.2, 35_100_000), (30, 36_000_000)):
        clock.seconds += seconds
        lines.tell("raw/corpus", Progress(done, 40_000_000))
    first, second = log.getvalue().splitlines()
    assert first == "raw/corpus: 35.1 MB of 40.0 MB, 1.0 MB/s, 5 s left"
    assert second == "raw/corpus: 36.0 MB of 40.0 MB, 30.0 kB/s, 2 min left"
    assert LINE_SECONDS == 30


def test_unpacking_after_fetching_is_counted_by_itself(clock):
    log = io.StringIO()
    lines = Lines(log, seconds=10)
    for seconds, now in (
        (0, Progress(0, 9_000_000)),
        (9, Progress(9_000_000, 9_000_000)),
        (9, Progress(1_000_000, None, "unpacking, 1 files")),
        (10, Progress(3_000_000, None, "unpacking, 2 files")),
    ):
        clock.seconds += seconds
        lines.tell("raw/corpus", now)
    assert log.getvalue() == "raw/corpus: 3.0 MB, 200.0 kB/s (unpacking, 2 files)\n"


def test_each_transfer_has_its_own_lines_from_its_own_thread():
    log = io.StringIO()
    lines = Lines(log, seconds=0)

    def transfer(label):
        for done in range(200):
            lines.tell(label, Progress(done, 200))

    threads = [threading.Thread(target=transfer, args=(label,)) for label in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = log.getvalue().splitlines()
    assert len(shown) == 4 * 199
    assert all(re.match(r"[abcd]: \d+ bytes of 200 bytes", line) for line in shown)


def test_a_log_of_something_short_is_empty(capsys):
    with shown_transfers() as tell:
        tell("raw/corpus", Progress(0, 10))
        tell("raw/corpus", Progress(10, 10))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("width", [30, 120])
def test_bars_on_a_terminal(width):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, force_interactive=True)
    note = "no connection ([/red] [Errno 111] Connection refused); trying again"
    with shown_bars(console) as tell:
        for now in (
            Progress(0, None),
            Progress(50, 100),
            Progress(50, 100, note),
            Progress(100, 100),
            Progress(3, None, "unpacking, 1 files"),
            Progress(3_000, None, "unpacking, 2 files"),
        ):
            tell("raw/[bold]corpus", now)
            tell("labels", Progress(1, 2))
    assert "corpus"[:1] in file.getvalue()
    if width == 120:
        assert "raw/[bold]corpus" in file.getvalue()
        assert "unpacking, 2 files" in file.getvalue()


def test_terminals_get_bars(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with shown_transfers() as tell:
        tell("raw/corpus", Progress(1_000_000, 2_000_000))
    assert "raw/corpus" in terminal.getvalue()
    assert "1.0/2.0 MB" in terminal.getvalue()
