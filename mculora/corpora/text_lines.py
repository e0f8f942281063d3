"""Lines of files that may hold any bytes: a bad byte costs its character, not its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Not str.splitlines, which also cuts at form feeds and at Unicode's own line separators.
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class TextLine:
    """One line that is not blank.

    Attributes:
        number: Its place in the file, from 1 on.
        text: Its text without outer white space and NULs.
        is_damaged: Whether some bytes were not UTF-8 text; � stands for them.
    """

    number: int
    text: str
    is_damaged: bool


def read_lines(path: Path) -> Iterator[TextLine]:
    """Yield the lines of a file that are not blank."""
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(_LINE_END.split(content), start=1):
        decoded = line.decode("utf-8", errors="replace")
        if text := decoded.replace("\0", "").strip():
            yield TextLine(number, text, is_damaged="\0" in decoded or decoded.encode() != line)
