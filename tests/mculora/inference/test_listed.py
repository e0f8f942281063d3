"""Rows of a table as recordings: a dialogue on one clock, and what cannot be used."""

import pytest
from media_clips import write_clip

from mculora.corpora.clips.table import read_table
from mculora.errors import InputError
from mculora.inference.listed import is_bare, open_rows, rows_by_dialogue


@pytest.fixture
def folder(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write_clip(tmp_path / name)
    return tmp_path


def opened(folder, *lines, name="d"):
    table = folder / "clips.csv"
    table.write_text("\n".join(("path,start,end,transcript,dialogue,label", *lines)) + "\n")
    return open_rows(name, rows_by_dialogue(read_table(table).rows)[name], folder)


def test_rows_without_a_label_are_utterances(folder):
    recording = opened(folder, "a.mp4,0,1,well,d,", "a.mp4,1.5,2.5,lovely,d,")
    assert [(u.start_seconds, u.end_seconds, u.transcript) for u in recording.utterances] == [
        (0.0, 1.0, "well"),
        (1.5, 2.5, "lovely"),
    ]
    assert recording.cut == "as the table says"


def test_files_of_a_dialogue_follow_each_other(folder):
    first, second = opened(folder, "a.mp4,,,well,d,", "b.mp4,0:01,,lovely,d,").utterances
    assert second.start_seconds == pytest.approx(first.end_seconds)
    assert second.audio_window.start_seconds == pytest.approx(1.0)
    assert second.audio_path == folder / "b.mp4"


def test_utterances_stand_in_time_order(folder):
    recording = opened(folder, "a.mp4,2,3,late,d,", "a.mp4,0,1,early,d,")
    assert [u.transcript for u in recording.utterances] == ["early", "late"]


def test_what_cannot_be_used_is_named(folder):
    (folder / "bad.mp4").write_bytes(b"x")
    recording = opened(
        folder,
        "a.mp4,0,99,well,d,",
        "gone.mp4,,,x,d,",
        "bad.mp4,,,x,d,",
        "https://x.org/a.mp4,,,x,d,",
        "a.mp4,7,8,x,d,",
    )
    assert len(recording.utterances) == 1
    told = "\n".join(recording.left_out)
    for reason in ("clipped", "no such file: gone.mp4", "unreadable media", "a URL", "beyond"):
        assert reason in told
    assert "clips.csv:3" in told


def test_nothing_usable_is_an_error(folder):
    with pytest.raises(InputError, match=r"d: found clips.csv:2: no such file: gone.mp4"):
        opened(folder, "gone.mp4,,,x,d,")


def test_a_file_is_a_dialogue_where_none_is_named(folder):
    table = folder / "t.jsonl"
    table.write_text(
        '{"path": "a.mp4"}\n{"path": "b.mp4", "text": "hi"}\n{"path": "a.mp4", "end": 1}'
    )
    groups = rows_by_dialogue(read_table(table).rows)
    assert {name: len(rows) for name, rows in groups.items()} == {"a.mp4": 2, "b.mp4": 1}
    assert [is_bare(row) for rows in groups.values() for row in rows] == [True, False, False]
