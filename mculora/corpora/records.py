"""CSV and JSON lines as records: named cells of text, whichever of the two a file is."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from mculora.corpora.manifest import Dropped
from mculora.errors import InputError

_DELIMITERS = (",", ";", "\t")
_LINE_END = re.compile(r"\r\n|\r|\n")
_NO_TEXT = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Record:
    """One row under its file's own column names.

    Attributes:
        place: File and line: `clips.csv:12`.
        cells: Text without outer white space, numbers as they are written, `""` where empty; None
            for a JSON value that holds others.
    """

    place: str
    cells: Mapping[str, str | None]


def read_records(path: Path) -> Iterator[Record | Dropped]:
    """Read JSON lines if the file begins with `{`, else CSV with comma, semicolon or tab.

    The CSV's delimiter is the one that divides its header into most columns. A byte that is not
    UTF-8 costs its character, not its row: a `Dropped` after the record names its cell.

    Raises:
        InputError: There is no such file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            path, found=error.strerror or "no readable file", expected="a CSV or JSONL table"
        ) from error
    # A byte that is not UTF-8 becomes a lone surrogate, so that it is found where it stands.
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="surrogateescape")
    is_json = text.lstrip("\0 \t\r\n").startswith("{")
    for item in (_read_json if is_json else _read_csv)(text, path.name):
        if isinstance(item, Dropped):
            yield item
            continue
        yield Record(item.place, {_clean(k): v and _clean(v) for k, v in item.cells.items()})
        damaged = [_clean(k) for k, v in item.cells.items() if _NO_TEXT.search(f"{k}{v}")]
        if damaged:
            yield Dropped(item.place, f"bytes that are not UTF-8 text: {', '.join(damaged)}")


def _clean(text: str) -> str:
    return _NO_TEXT.sub("\ufffd", text).replace("\0", "").strip()


def _read_csv(text: str, name: str) -> Iterator[Record | Dropped]:
    lines = io.StringIO(text.replace("\0", ""), newline="").readlines()
    header: list[str] = []
    for number, cells in _split_rows(lines, _find_delimiter(lines)):
        place = f"{name}:{number}"
        if isinstance(cells, csv.Error):
            yield Dropped(place, f"unreadable row: {cells}")
            continue
        while cells and not cells[-1].strip():  # as spreadsheets leave behind
            cells.pop()
        if not header:
            header = _distinct(cells)
        elif len(cells) > len(header):
            found = f"{len(cells)} cells for {len(header)} columns"
            yield Dropped(place, f"row longer than the header: {found}")
        elif cells:
            yield Record(place, dict(zip_longest(header, cells, fillvalue="")))


def _split_rows(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Yield each row with the number of its first line; a broken row costs that line alone.

    Reading begins again after it: a quote that is never closed would swallow the rest.
    """
    begin = 0
    while begin < len(lines):
        rest = (lines[i] for i in range(begin, len(lines)))
        rows = csv.reader(rest, delimiter=delimiter, strict=True, skipinitialspace=True)
        done = begin
        try:
            for cells in rows:
                yield done + 1, cells
                done = begin + rows.line_num
            return
        except csv.Error as error:
            yield done + 1, error
            begin = done + 1


def _find_delimiter(lines: list[str]) -> str:
    header = next((line for line in lines if line.strip()), "")
    return max(_DELIMITERS, key=header.count)


def _distinct(names: list[str]) -> list[str]:
    """Name what has no name or a name that is taken, so that no column hides another."""
    found: list[str] = []
    for number, name in enumerate(map(str.strip, names), start=1):
        if name and name not in found:
            found.append(name)
        else:
            found.append(f"{name} (column {number})".strip())
    return found


def _read_json(text: str, name: str) -> Iterator[Record | Dropped]:
    for number, line in enumerate(_LINE_END.split(text), start=1):
        place, line = f"{name}:{number}", line.strip("\0 \t")
        if not line:
            continue
        try:
            row = json.loads(line, parse_int=str, parse_float=str, parse_constant=_read_constant)
        except (ValueError, RecursionError) as error:
            yield Dropped(place, f"unreadable row: {error}")
            continue
        if isinstance(row, dict):
            yield Record(place, {key: _to_text(value) for key, value in row.items()})
        else:
            yield Dropped(place, "unreadable row: no JSON object")


def _read_constant(name: str) -> str | None:
    """JSON's own NaN is how other programs write an empty cell; the text "NaN" stays a text."""
    return None if name == "NaN" else name


def _to_text(value: Any) -> str | None:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else None
