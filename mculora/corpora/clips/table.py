"""The table of your own clips: which columns it may have, and one row per clip or part of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath

from mculora.corpora.clips.paths import is_url
from mculora.corpora.manifest import Dropped
from mculora.corpora.records import Record, read_records
from mculora.errors import InputError

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "path": ("file", "filename"),
    "start": ("start_seconds", "start_time"),
    "end": ("end_seconds", "end_time"),
    "transcript": ("text",),
    "dialogue": ("dialog",),
    "split": ("mode",),
}
"""Other names of columns, taken where the column's own name is missing."""
_MOST_SHOWN = 100  # characters of a useless header


@dataclass(frozen=True)
class Row:
    """One row; every cell is text, `""` where empty. Rows are equal if they say the same.

    Attributes:
        place: Table and line: `clips.csv:12`.
        id: Given, or made of the file's name and a running number.
        path: The media file; never empty, with forward slashes.
        start: Where the clip begins in the file.
        end: Where it ends.
        transcript: What is said.
        speaker: Who says it.
        dialogue: What it belongs to.
        label: What is to be predicted.
        split: The part that it is meant for.
        gender: Of the speaker, in the table's words.
    """

    place: str = field(compare=False)
    id: str = field(compare=False)
    path: str
    start: str
    end: str
    transcript: str
    speaker: str
    dialogue: str
    label: str
    split: str
    gender: str


COLUMNS = tuple(f.name for f in fields(Row) if f.name != "place")


@dataclass(frozen=True)
class Table:
    """What a table says.

    Attributes:
        rows: In the table's order, each id once.
        dropped: Rows that cannot be used, and cells with bytes that are not text.
        unused_columns: Names that mean nothing here.
    """

    rows: tuple[Row, ...]
    dropped: tuple[Dropped, ...]
    unused_columns: tuple[str, ...]


def list_clip_paths(table: Path) -> tuple[str, ...]:
    """The distinct media paths of a table, in its order: relative ones start from its folder.

    As written, but for backslashes, which become slashes. URLs are left out: nothing fetches them.

    Raises:
        InputError: The table cannot be used.
    """
    paths = dict.fromkeys(row.path for row in read_table(table).rows)
    return tuple(path for path in paths if not is_url(path))


def read_table(path: Path) -> Table:
    """Read a CSV or JSONL table whose columns may stand in any order, in small or large letters.

    A row whose cells repeat an earlier one's is dropped, and so is a second row of the same id.

    Raises:
        InputError: There is no such file, it has another suffix, or no row names a media file.
    """
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise InputError(
            path,
            found=f"a table called {path.name}",
            expected=f"a name with {', '.join(TABLE_SUFFIXES)}",
            remedy="save the table as CSV (UTF-8)",
        )
    items = list(read_records(path))
    records = [item for item in items if isinstance(item, Record)]
    results = [_to_row(item) if isinstance(item, Record) else item for item in items]
    rows = [result for result in results if isinstance(result, Row)]
    dropped = [result for result in results if isinstance(result, Dropped)]
    if not rows:
        raise _without_paths(path, records, dropped)
    first = list(_first_of_each(with_ids(rows)))
    used = {name for record in records for name in _find_columns(record.cells).values()}
    unused = dict.fromkeys(n for record in records for n in record.cells if n not in used)
    return Table(
        rows=tuple(item for item in first if isinstance(item, Row)),
        dropped=(*dropped, *(item for item in first if isinstance(item, Dropped))),
        unused_columns=tuple(unused),
    )


def with_ids(rows: Sequence[Row]) -> list[Row]:
    """Give each row without an id its file's name and a running number, which no other row has.

    The number counts the rows of files of that name, so a row more at the end changes no other id.
    """
    given = {row.id for row in rows}
    counts: Counter[str] = Counter()
    named = []
    for row in rows:
        stem, candidate = PurePosixPath(row.path).stem or "clip", row.id
        while not candidate or (not row.id and candidate in given):
            counts[stem] += 1
            candidate = f"{stem}_{counts[stem]}"
        named.append(replace(row, id=candidate))
    return named


def _first_of_each(rows: Sequence[Row]) -> Iterator[Row | Dropped]:
    seen: set[Row] = set()
    ids: set[str] = set()
    for row in rows:
        if row in seen:
            yield Dropped(row.id, f"row occurs again: {row.place}")
        elif row.id in ids:
            yield Dropped(row.id, f"id occurs again: {row.place}")
        else:
            seen.add(row)
            ids.add(row.id)
            yield row


def _find_columns(names: Mapping[str, object]) -> dict[str, str]:
    """Find the name under which a table has each column."""
    spelled: dict[str, str] = {}
    for name in names:
        spelled.setdefault(name.strip().lower(), name)
    found = {}
    for column in COLUMNS:
        for word in (column, *SYNONYMS.get(column, ())):
            if word in spelled:
                found[column] = spelled[word]
                break
    return found


def _to_row(record: Record) -> Row | Dropped:
    cells = dict.fromkeys(COLUMNS, "")
    for column, name in _find_columns(record.cells).items():
        value = record.cells[name]
        if value is None:
            return Dropped(record.place, f"unreadable row: {column} is no plain value")
        cells[column] = value
    cells["path"] = cells["path"].replace("\\", "/")
    if not cells["path"]:
        return Dropped(record.place, "no path")
    return Row(record.place, **cells)


def _without_paths(path: Path, records: Sequence[Record], dropped: Sequence[Dropped]) -> InputError:
    names = dict.fromkeys(name for record in records for name in record.cells)
    found = f"columns {', '.join(map(repr, names))}" if names else "no rows"
    if dropped:
        found += f", first row: {dropped[0].reason}"
    return InputError(
        path,
        found=found[:_MOST_SHOWN],
        expected="a UTF-8 table (CSV with a header, or JSON lines) with a path in the column path",
        remedy="name the column of media files path",
    )
