"""Reading ahead: in order, at the same time, within a limit, and over when it is closed."""

import threading
import time

import pytest

from mculora.features import reading
from mculora.features.reading import read_ahead


def test_in_order_whatever_takes_how_long():
    def slow_first(item):
        time.sleep(0.02 if item % 3 == 0 else 0)
        return item * item

    read = read_ahead(slow_first, range(40), size=lambda _: 1, workers=4)
    assert list(read) == [item * item for item in range(40)]


def test_several_at_once():
    together = threading.Barrier(3, timeout=10)
    assert list(read_ahead(lambda i: together.wait() * 0 + i, range(6), size=int, workers=3)) == [
        *range(6)
    ]


def test_nothing_to_read():
    assert list(read_ahead(int, [], size=int, workers=2)) == []


@pytest.mark.parametrize("num_bytes", [10, 1000])
def test_no_more_than_the_limit_waits(monkeypatch, num_bytes):
    monkeypatch.setattr(reading, "AHEAD_BYTES", 50)
    started = []

    def prepare(item):
        started.append(item)
        return item

    read = read_ahead(prepare, range(100), size=lambda _: num_bytes, workers=2)
    next(read)
    time.sleep(0.1)
    assert len(started) <= 1 + 50 // num_bytes + 2
    assert list(read) == [*range(1, 100)]


def test_no_more_than_so_many_wait(monkeypatch):
    monkeypatch.setattr(reading, "AHEAD_ITEMS", 5)
    started = []
    read = read_ahead(started.append, range(100), size=lambda _: 0, workers=2)
    next(read)
    time.sleep(0.1)
    assert len(started) <= 1 + 5 + 2
    assert len(list(read)) == 99


def test_an_error_comes_where_its_result_would_have_been():
    def prepare(item):
        if item == 3:
            raise ValueError("three")
        return item

    read = read_ahead(prepare, range(9), size=lambda _: 1, workers=4)
    assert [next(read) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(read)


def test_closing_ends_the_threads():
    before = threading.active_count()
    read = read_ahead(time.sleep, [0.01] * 50, size=lambda _: 1, workers=3)
    next(read)
    read.close()
    assert threading.active_count() == before
