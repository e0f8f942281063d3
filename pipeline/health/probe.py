"""Asking what may fail in any way, or hang: its answer in time, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import TypeVar

Answer = TypeVar("Answer")

_LONGEST = 70  # letters of a reason
_NUMBER = re.compile(r"^\[Errno -?\d+\] ")  # says nothing to a reader


@dataclass(frozen=True)
class NoAnswer:
    """Why there is no answer, on one short line."""

    reason: str


def probe(ask: Callable[[], Answer], *, seconds: float) -> Answer | NoAnswer:
    """Call `ask` in a thread of its own; one that hangs is left behind, and ends with the program.

    Args:
        ask: May raise anything: a broken installation fails in ways that nobody lists.
        seconds: How long to wait.
    """
    failures: list[BaseException] = []
    pool = ThreadPool(1)
    asked = pool.apply_async(ask, error_callback=failures.append)
    pool.close()
    asked.wait(seconds)
    if failures:
        return NoAnswer(_first_line(failures[0]))
    return asked.get() if asked.ready() else NoAnswer(f"no answer within {seconds:.0f} s")


def _first_line(failure: BaseException) -> str:
    lines = str(failure).strip().splitlines()
    text = " ".join(_NUMBER.sub("", lines[0]).split()) if lines else type(failure).__name__
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()} …"
