"""Reasons of absence by kind: those that differ only in a number or a file's name are one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_NUMBER = re.compile(r"(?<![\w.-])\d+(\.\d+)?(?![\w-])")
_FILE_NAME = re.compile(r"\S+(\.[a-z]\w{1,13})\b")


def kind_of(reason: str) -> str:
    """A reason without its numbers and names: `no face in N frames`, `no video file *.mp4`."""
    return _NUMBER.sub("N", _FILE_NAME.sub(r"*\1", reason))


def count_by_kind(reasons: Iterable[str]) -> dict[str, int]:
    """How many reasons there are of each kind, the most common first."""
    return dict(Counter(map(kind_of, reasons)).most_common())
