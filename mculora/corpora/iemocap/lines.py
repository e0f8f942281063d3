"""A dialogue's text file line by line, whatever bytes it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.manifest import Dropped

# Not str.splitlines, which also cuts at form feeds and at Unicode's own line separators.
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Line:
    """One line that is not blank.

    Attributes:
        text: Its text without outer white space.
        where: Folder, file and number, for people.
    """

    text: str
    where: str


def read_lines(path: Path) -> Iterator[Line | Dropped]:
    """Yield a file's lines and what was wrong with its bytes.

    A byte that is not UTF-8 costs its character, not its line; NULs are left out. A file that
    cannot be read has no lines.
    """
    name = f"{path.parent.name}/{path.name}"
    try:
        content = path.read_bytes()
    except OSError as error:
        yield Dropped(name, f"unreadable file: {error.strerror}")
        return
    lines = _LINE_END.split(content.removeprefix(b"\xef\xbb\xbf"))
    for number, line in enumerate(lines, start=1):
        where = f"{name} line {number}"
        text = line.decode("utf-8", errors="replace")
        if "\0" in text or text.encode() != line:
            yield Dropped(where, "bytes that are not UTF-8 text")
        if text := text.replace("\0", "").strip():
            yield Line(text, where)
