"""The service under load: many clients at once, alone and beside some who do harm; and its memory.

Run: python benchmarks/serving.py CLIP [--model FOLDER]     (else the best network trained here)
"""

from __future__ import annotations

import argparse
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from printed_table import print_head, print_row

WORDS = "well, that was lovely"
LARGE = 45_000_000  # bytes; below the service's limit
_PAUSE_SECONDS = 0.5
HEAD = (
    "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n"
    "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    '--b\r\nContent-Disposition: form-data; name="clip"; filename="a"\r\n\r\n'
)


@dataclass
class Round:
    """What some clients lived through: seconds of each answer, and how often each status came."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def ask(self, url: str, body: dict) -> None:
        """Ask once, over a connection of its own."""
        start = time.perf_counter()
        try:
            status = httpx.post(f"{url}/predict", timeout=120, trust_env=False, **body).status_code
        except httpx.HTTPError:
            status = 0
        self.seconds.append(time.perf_counter() - start)
        self.statuses[status] = self.statuses.get(status, 0) + 1

    def failures(self, expected: int) -> int:
        """How many answers were others than that."""
        return sum(count for status, count in self.statuses.items() if status != expected)


@contextmanager
def service(model: Path | None) -> Iterator[tuple[str, int]]:
    """Run `mculora serve`; gives its address and its process."""
    program = Path(sys.executable).with_name("mculora")
    options = ["--port", "0", *(["--model", str(model)] if model else [])]
    process = subprocess.Popen([program, "serve", *options], stdout=subprocess.PIPE, text=True)
    with process:
        found = re.search(r"http://\S+:\d+", process.stdout.readline())
        if found is None:
            sys.exit("the service did not start")
        yield found.group(), process.pid
        process.terminate()
        process.communicate()
        print(f"\nThe service ended with exit code {process.returncode}.")


def memory(pid: int) -> tuple[float, float]:
    """Resident memory of a process now and at its peak, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    now, peak = (re.search(rf"{name}:\s+(\d+)", status).group(1) for name in ("VmRSS", "VmHWM"))
    return int(now) / 1024, int(peak) / 1024


def load(clients: int, each: int, ask: Callable[[Round], None]) -> tuple[Round, float]:
    """Let so many clients ask so often, one request after the other; how long that took."""
    lived, start = Round(), time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        for _ in range(clients):
            pool.submit(lambda: [ask(lived) for _ in range(each)])
    return lived, time.perf_counter() - start


def hang_up(host: str, port: int) -> None:
    """Send half of an upload and go."""
    with suppress(OSError), socket.create_connection((host, port), timeout=10) as wire:
        wire.sendall(HEAD.format(LARGE).encode() + bytes(2_000_000))


def send_garbage(host: str, port: int) -> None:
    """Send what is no HTTP."""
    with suppress(OSError), socket.create_connection((host, port), timeout=10) as wire:
        wire.sendall(b"\x16\x03\x01" + bytes(range(256)) * 100)
        wire.recv(1_000)


@contextmanager
def harm(url: str) -> Iterator[None]:
    """Ten clients hang up and ten send garbage, again and again, for the length of the block.

    Each pauses: 40 a second of them are a nuisance, ten times as many a flood, which takes every
    place there is.
    """
    host, port = url.removeprefix("http://").split(":")
    is_over = threading.Event()

    def go_on(do: Callable[[str, int], None]) -> None:
        while not is_over.wait(_PAUSE_SECONDS):
            do(host, int(port))

    with ThreadPoolExecutor(20) as pool:
        for do in [hang_up, send_garbage] * 10:
            pool.submit(go_on, do)
        try:
            yield
        finally:
            is_over.set()


def tell(what: str, lived: Round, wall: float, *, expected: int, pid: int) -> None:
    """One line of the table."""
    order = sorted(lived.seconds)
    late = order[min(len(order) - 1, round(0.95 * len(order)))]
    now, peak = memory(pid)
    print_row(
        what,
        f"{len(order)}",
        f"{lived.failures(expected)}",
        f"{len(order) / wall:.1f}",
        *(f"{seconds:.2f}" for seconds in (statistics.median(order), late, order[-1])),
        *(f"{mebibytes:.0f}" for mebibytes in (now, peak)),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", type=Path)
    parser.add_argument("--model", type=Path)
    chosen = parser.parse_args()
    body = {"files": {"clip": ("a", chosen.clip.read_bytes())}, "data": {"transcript": WORDS}}
    large = {"files": {"clip": ("a", bytes(LARGE))}}
    with service(chosen.model) as (url, pid):
        print(f"At rest: {memory(pid)[0]:.0f} MiB")
        print_head(
            *("clients", "requests", "failed", "per second", "median s", "95 % s", "longest s"),
            *("MiB", "peak MiB"),
        )

        def ask(lived: Round) -> None:
            lived.ask(url, body)

        for clients, each in ((1, 20), (10, 10), (50, 4), (50, 4), (50, 4)):
            lived, wall = load(clients, each, ask)
            tell(f"{clients}", lived, wall, expected=200, pid=pid)
        with harm(url):
            lived, wall = load(25, 8, ask)
        tell(
            "25, beside 40 hang-ups and bits of garbage a second",
            lived,
            wall,
            expected=200,
            pid=pid,
        )
        lived, wall = load(50, 1, lambda lived: lived.ask(url, large))
        tell("50 with 45 MB of zeros", lived, wall, expected=415, pid=pid)
        lived, wall = load(100, 2, ask)
        refused = lived.statuses.get(503, 0)
        lived.statuses.pop(503, None)
        tell(f"100, of which 503: {refused}", lived, wall, expected=200, pid=pid)
        lived, wall = load(10, 10, ask)
        tell("10, once more", lived, wall, expected=200, pid=pid)


if __name__ == "__main__":
    main()
