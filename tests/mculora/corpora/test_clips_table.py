"""Tables as people and programs write them: every dialect, every slip, and arbitrary bytes."""

import csv
import io
import json
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mculora.corpora.clips.paths import is_audio, is_url, linked_name
from mculora.corpora.clips.table import COLUMNS, TABLE_SUFFIXES, list_clip_paths, read_table
from mculora.corpora.manifest import Dropped
from mculora.errors import InputError

HEADER = "path,start,end,transcript,speaker,dialogue,label,split,id"


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@pytest.fixture
def read(folder):
    """Read a table with this content."""

    def read_content(content, name="clips.csv"):
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path)

    return read_content


def only(table):
    (row,) = table.rows
    return row


# CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_dialect_says_the_same(read, delimiter, line_end, mark):
    lines = ["path|Label|TRANSCRIPT", 'a.mp4|happy|"well, ""so""; that\tis it"', "", "b.mp4|sad|"]
    table = read(mark + line_end.join(lines).replace("|", delimiter))
    assert [(r.path, r.label, r.transcript) for r in table.rows] == [
        ("a.mp4", "happy", 'well, "so"; that\tis it'),
        ("b.mp4", "sad", ""),
    ]
    assert (table.dropped, table.unused_columns) == ((), ())


def test_cells_stay_text(read):
    row = only(read(f"{HEADER}\n007.mp4,1e1,,nan,NA,null,0900123,, 900123 \n"))
    assert (row.id, row.path, row.start) == ("900123", "007.mp4", "1e1")
    assert (row.transcript, row.speaker, row.dialogue) == ("nan", "NA", "null")
    assert row.label == "0900123"


def test_a_transcript_may_run_over_lines(read):
    first, second = read('path,text\na.mp4,"one\n\ntwo"\nb.mp4,three\n').rows
    assert first.transcript == "one\n\ntwo"
    assert (second.place, second.transcript) == ("clips.csv:5", "three")


def test_synonyms_give_way_to_the_names_themselves(read):
    table = read("File,dialog,text,label,transcript\na.mp4,d,words,x,more\n")
    row = only(table)
    assert (row.path, row.dialogue, row.transcript) == ("a.mp4", "d", "more")
    assert table.unused_columns == ("text",)


def test_unused_columns_are_named(read):
    table = read("path,Mood,label,,label\na.mp4,1,2,3,4\n")
    assert only(table).label == "2"
    assert table.unused_columns == ("Mood", "(column 4)", "label (column 5)")


def test_what_spreadsheets_leave_behind(read):
    table = read("path,label,,\na.mp4,x,,\n,,,\nb.mp4,,,\n")
    assert [row.path for row in table.rows] == ["a.mp4", "b.mp4"]
    assert table.dropped == ()


def test_bad_byte_costs_a_character_not_the_row(read):
    table = read(b"path,transcript\nb.mp4,fine\na.mp4,caf\xe9\n")
    assert table.rows[1].transcript == "caf\ufffd"
    assert table.dropped == (Dropped("clips.csv:3", "bytes that are not UTF-8 text: transcript"),)


def test_nulls_are_harmless(read):
    assert only(read("pa\0th,label\na\0.mp4,\0x\n")).path == "a.mp4"


@pytest.mark.parametrize(
    "broken", ['b.mp4,"never closed', 'b.mp4,"shut" too early', f'b.mp4,"{"x" * 200_000}"']
)
def test_broken_quotes_cost_their_line_alone(read, broken):
    table = read(f"path,transcript\na.mp4,x\n{broken}\nc.mp4,y\n")
    assert [row.path for row in table.rows] == ["a.mp4", "c.mp4"]
    (dropped,) = table.dropped
    assert (dropped.id, dropped.kind) == ("clips.csv:3", "unreadable row")


def test_unquoted_comma_does_not_shift_the_cells(read):
    table = read("path,transcript,label\na.mp4,oh, well,x\nb.mp4,fine\n")
    assert [row.path for row in table.rows] == ["b.mp4"]
    (dropped,) = table.dropped
    assert dropped.reason == "row longer than the header: 4 cells for 3 columns"


def test_rows_without_a_path(read):
    table = read("path,label\n,x\na.mp4,y\n")
    assert table.dropped == (Dropped("clips.csv:2", "no path"),)


def test_repeated_rows_and_ids(read):
    table = read(f"{HEADER}\na.mp4,,,,,,x,,\na.mp4,,,,,,x,,\na.mp4,,,,,,y,,i\nb.mp4,,,,,,y,,i\n")
    assert [row.id for row in table.rows] == ["a_1", "i"]
    assert table.dropped == (
        Dropped("a_2", "row occurs again: clips.csv:3"),
        Dropped("i", "id occurs again: clips.csv:5"),
    )


def test_backslashes_are_slashes(read):
    assert only(read("path\nclips\\one\\a.mp4\n")).path == "clips/one/a.mp4"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", "no rows"),
        ("\n\n", "no rows"),
        ("path,label\n", "no rows"),
        ("name,label\na.mp4,x\n", "columns 'name', 'label', first row: no path"),
        ("path,label\n,x\n", "first row: no path"),
        ("<html>404</html>", "no rows"),
        (bytes(range(256)), "columns '.x01"),
        ("path,label\na.mp4,x\n".encode("utf-16"), "columns '\ufffd\ufffdpath'"),
        ("[1]", "no rows"),
        ('{"path": ""}', "no path"),
        ("{", "unreadable row"),
    ],
)
def test_tables_without_clips(read, content, found):
    with pytest.raises(InputError, match=rf"clips\.csv: found .*{found}.*a path in the column"):
        read(content)


def test_missing_table_and_foreign_formats(tmp_path):
    with pytest.raises(InputError, match=r"clips\.csv: found No such file"):
        read_table(tmp_path / "clips.csv")
    with pytest.raises(InputError, match=r"clips\.xlsx.*save the table as CSV"):
        read_table(tmp_path / "clips.xlsx")


# JSON lines


def test_json_lines(read):
    lines = [
        {"path": "a.mp4", "label": 1, "start": 0.50, "speaker": None, "id": 900123},
        {"Path": "b.mp4", "label": True, "text": "one\u2028two", "more": {"deep": [1]}},
        {"path": "c.mp4", "transcript": "caf\u00e9", "label": "NaN"},
    ]
    table = read("\n".join(["", *map(json.dumps, lines), "  "]), "clips.jsonl")
    first, second, third = table.rows
    assert (first.id, first.label, first.start, first.speaker) == ("900123", "1", "0.5", "")
    assert (second.id, second.label, second.transcript) == ("b_1", "true", "one\u2028two")
    assert (third.place, third.transcript, third.label) == ("clips.jsonl:4", "caf\u00e9", "NaN")
    assert table.unused_columns == ("more",)


def test_numbers_keep_their_spelling(read):
    line = '{"path": "a.mp4", "label": 1.0, "id": 12345678901234567890123, "speaker": NaN}'
    row = only(read(line))
    assert (row.label, row.id, row.speaker) == ("1.0", "12345678901234567890123", "")


@pytest.mark.parametrize(
    "line",
    ["[1]", '"a.mp4"', '{"path": "b.mp4"', "[" * 100_000, '{"path": ["b.mp4"]}', '{"path": {}}'],
)
def test_unreadable_lines(read, line):
    table = read(f'{{"path": "a.mp4"}}\n{line}\n{{"path": "c.mp4"}}')
    assert [row.path for row in table.rows] == ["a.mp4", "c.mp4"]
    (dropped,) = table.dropped
    assert (dropped.id, dropped.kind) == ("clips.csv:2", "unreadable row")


def test_lone_surrogates_are_no_text(read):
    table = read('{"path": "a.mp4", "transcript": "\\ud800 x"}')
    assert only(table).transcript == "\ufffd x"
    assert [d.kind for d in table.dropped] == ["bytes that are not UTF-8 text"]


# Ids


def test_ids_count_the_rows_of_a_name(read):
    table = read("path,id,label\nx/a.mp4,,1\nb.wav,,2\ny/a.mov,,3\na.mp4,a_3,4\na.mp4,,5\n")
    assert [row.id for row in table.rows] == ["a_1", "b_1", "a_2", "a_3", "a_4"]


def test_ids_do_not_depend_on_what_is_below(read):
    few = read("path,label\na.mp4,1\na.mp4,2\n").rows
    more = read("path,label\na.mp4,1\na.mp4,2\nz/a.mp4,3\n").rows
    assert more[:2] == few
    assert [row.id for row in more[:2]] == [row.id for row in few]


names = st.sampled_from(["a.mp4", "x/a.mp4", "a_1.mp4", "a_1_1.wav", "a", "..", "/", "é.mp4"])


@given(st.lists(st.tuples(names | st.text(), st.sampled_from(["", "", "a_1", "a_2", "i"]))))
def test_ids_are_unique_for_any_paths(folder, pairs):
    rows = [{"path": path, "id": id_, "label": n} for n, (path, id_) in enumerate(pairs)]
    path = folder / "ids.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    try:
        table = read_table(path)
    except InputError:
        return
    ids = [row.id for row in table.rows]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert sum(d.kind == "id occurs again" for d in table.dropped) + len(ids) == sum(
        bool(path.replace("\0", "").strip()) for path, _ in pairs
    )


# Round trips

plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\\")).map(str.strip)
cells = st.fixed_dictionaries(
    {column: plain.filter(bool) if column == "path" else plain for column in COLUMNS}
)


def without_repeats(rows):
    """Rows that the table keeps: the first of each content and of each id."""
    kept, contents, ids = [], set(), set()
    for row in rows:
        content = tuple(value for column, value in row.items() if column != "id")
        if content not in contents and row["id"] not in ids:
            kept.append(row)
            contents.add(content)
            ids |= {row["id"]} - {""}
    return kept


def said(table):
    return [{column: getattr(row, column) for column in COLUMNS} for row in table.rows]


def with_numbers(rows, read_rows):
    """The same rows, with the generated ids filled in."""
    return [
        row | {"id": row["id"] or read_row["id"]}
        for row, read_row in zip(rows, read_rows, strict=True)
    ]


@given(st.lists(cells, min_size=1, max_size=5), st.sampled_from([",", ";", "\t"]))
def test_csv_round_trip(folder, rows, delimiter):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "round.csv"
    path.write_bytes(text.getvalue().encode())
    found = said(read_table(path))
    assert found == with_numbers(without_repeats(rows), found)


@given(st.lists(cells, min_size=1, max_size=5), st.booleans())
def test_json_round_trip(folder, rows, ensure_ascii):
    path = folder / "round.jsonl"
    path.write_bytes("\n".join(json.dumps(row, ensure_ascii=ensure_ascii) for row in rows).encode())
    found = said(read_table(path))
    assert found == with_numbers(without_repeats(rows), found)


# Arbitrary bytes

VALID = [
    f'{HEADER}\na.mp4,0,1.5,"well, so",ann,d,happy,train,i\nb.wav,,,,,,sad,,\n'.encode(),
    b'{"path": "a.mp4", "label": 1.5, "start": "0:01"}\n{"path": "b.wav", "text": "x"}\n',
]
JUNK = st.sampled_from([b'"', b",", b";", b"\t", b"\r", b"\0", b"\xff", b"{", b"[", b"\\", b"\n"])


@st.composite
def mutated(draw):
    """A valid table with pieces cut out and put in."""
    content = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 6))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.integers(0, 3)))
        content = content[:begin] + draw(JUNK | st.binary(max_size=3)) + content[end:]
    return content


@given(
    st.binary()
    | st.lists(JUNK | st.just(b"path") | st.binary(max_size=4)).map(b"".join)
    | mutated()
)
def test_arbitrary_bytes_are_rows_or_one_clear_error(folder, content):
    path = folder / "any.csv"
    path.write_bytes(content)
    try:
        table = read_table(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: found ")
        return
    assert table.rows
    for row in table.rows:
        assert row.path
        assert row.id
        row.transcript.encode()  # has no surrogates
    for dropped in table.dropped:
        dropped.reason.encode()


# Paths


def test_paths_are_listed_once_and_urls_not(folder):
    path = folder / "paths.csv"
    path.write_text("path\nb.mp4\nx\\a.mp4\nhttps://example.org/c.mp4\nb.mp4\n~/d.mp4\nC:\\e.mp4\n")
    assert list_clip_paths(path) == ("b.mp4", "x/a.mp4", "~/d.mp4", "C:/e.mp4")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.mp4", "a.mp4"),
        ("x/y z/a.mp4", "x/y z/a.mp4"),
        ("./x//a.mp4", "x/a.mp4"),
        ("x\\a.mp4", "x/a.mp4"),
        ("x/a.mp4/", "x/a.mp4"),
        (".hidden/…/ä.mp4", ".hidden/…/ä.mp4"),
    ],
)
def test_paths_below_the_table_keep_their_shape(path, name):
    assert linked_name(path) == name


@pytest.mark.parametrize(
    "path",
    [
        *("/data/a.mp4", "../a.mp4", "x/../../a.mp4", "~/a.mp4", "~bob/a.mp4", "C:/x/a.mp4"),
        *("C:\\x\\a.mp4", "//server/a.mp4", "\\\\server\\share\\a.mp4", "outside/x/a.mp4"),
        *("x\0/a.mp4", "x/" * 600 + "a.mp4", "x" * 300 + "/a.mp4"),
    ],
)
def test_other_paths_are_outside(path):
    outside, digest, name = linked_name(path).split("/")
    assert (outside, len(digest), name) == ("outside", 12, "a.mp4")
    assert linked_name(path) != linked_name(f"{path}.mp4")


def test_long_names_keep_their_suffix():
    assert linked_name("ä" * 300 + ".mp4").endswith("äää.mp4")


@pytest.mark.parametrize("path", ["", "/", "..", ".", "../..", "~", "\0", "\\", "/\0", "a\0.mp4"])
def test_names_that_are_none(path):
    assert linked_name(path).startswith("outside/")


@given(
    st.text()
    | st.text("./\\~ :a\0\ud800", max_size=12)
    | st.lists(st.sampled_from(["..", ".", "", "~", "a", "outside", "x" * 250])).map("/".join)
)
def test_linked_names_stay_below_their_folder(path):
    name = linked_name(path)
    parts = PurePosixPath(name).parts
    assert parts == tuple(name.split("/"))
    assert 0 < len(name.encode()) <= 1000
    assert not name.startswith(("/", "~"))
    assert not {"..", ".", ""} & set(parts)
    assert all(len(part.encode()) <= 255 for part in parts)
    assert "\0" not in name
    assert "\\" not in name


@given(st.lists(st.text("a/.~\\", min_size=1, max_size=5), max_size=6))
def test_different_files_have_different_names(paths):
    files = {PurePosixPath(path.replace("\\", "/")) for path in paths}
    assert len({linked_name(path) for path in paths}) >= len(files)


@pytest.mark.parametrize("path", ["http://x/a.mp4", "HTTPS://x", "s3://b/a", "file:///a.mp4"])
def test_urls(path):
    assert is_url(path)


@pytest.mark.parametrize("path", ["C:/a.mp4", "C://a.mp4", "a.mp4", "//server/a", "x/http://y"])
def test_what_is_no_url(path):
    assert not is_url(path)


def test_audio_is_told_by_its_suffix():
    assert all(map(is_audio, ["a.wav", "x/a.MP3", "a.b.opus"]))
    assert not any(map(is_audio, ["a.mp4", "wav", ".wav", "a.webm"]))


def test_suffixes_of_tables():
    assert set(TABLE_SUFFIXES) == {".csv", ".tsv", ".jsonl", ".ndjson"}
