"""What paths name: files, folders and tables; which transcript counts; what must not be written."""

from pathlib import Path

import pytest
from media_clips import write_clip

from mculora.errors import InputError
from pipeline.predicting.outputs import STDOUT, Outputs
from pipeline.predicting.sources import Skipped, Source, find_sources


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Media among other files, at several depths."""
    root = tmp_path_factory.mktemp("talks")
    for name in ("b.MP4", "a.mkv", "deep/er/c.wav", ".hidden/d.mp4", ".e.mp4", "f.mp4.partial"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    (root / "notes.txt").write_text("no media")
    write_clip(root / "good.mp4")
    (root / "good.txt").write_text("what a day")
    (root / "clips.csv").write_text("path,transcript\ngood.mp4,hello\ndeep/er/c.wav,\n")
    return root


def find(*paths, transcript="", reads_transcripts=True):
    return find_sources(
        [*map(Path, paths)], transcript=transcript, reads_transcripts=reads_transcripts
    )


def test_a_folder_is_walked_in_order(folder):
    names = [Path(s.name).relative_to(folder).as_posix() for s in find(folder)]
    assert names == ["a.mkv", "b.MP4", "deep/er/c.wav", "good.mp4"]


def test_a_file_counts_once(folder):
    assert len(find(folder / "good.mp4", folder, folder / "deep" / ".." / "good.mp4")) == 4


def test_a_file_that_is_named_may_be_called_anything(folder):
    (source,) = find(folder / "notes.txt")
    assert isinstance(source, Source)


def test_words_beside_a_file(folder):
    (source,) = find(folder / "good.mp4")
    assert source.open().utterances[0].transcript == "what a day"
    assert folder / "good.txt" in source.files
    (source,) = find(folder / "good.mp4", reads_transcripts=False)
    assert source.open().utterances[0].transcript == ""


def test_words_that_are_given_count_more(folder):
    (source,) = find(folder / "good.mp4", transcript="other  words")
    assert source.open().utterances[0].transcript == "other words"
    (source,) = find(folder / "good.mp4", transcript=str(folder / "notes.txt"))
    assert source.open().utterances[0].transcript == "no media"


def test_a_transcript_file_that_is_not_there(folder):
    with pytest.raises(InputError, match=r"gone.srt: found no such file"):
        find(folder / "good.mp4", transcript="gone.srt")
    (source,) = find(folder / "good.mp4", transcript="i read gone.txt")
    assert source.open().utterances[0].transcript == "i read gone.txt"


@pytest.mark.parametrize("names", [["."], ["clips.csv"], ["good.mp4", "a.mkv"]])
def test_one_transcript_is_of_one_file(folder, names):
    with pytest.raises(InputError, match="expected one media file"):
        find(*(folder / name for name in names), transcript="hello")


def test_a_table_has_dialogues_and_bare_files(folder):
    first, second = find(folder / "clips.csv")
    assert first.name == "good.mp4" and first.open().utterances[0].transcript == "hello"
    assert first.open().cut == "as the table says"
    assert second.open().cut == "in one piece"


def test_what_is_not_there_is_skipped_with_its_reason(folder, tmp_path):
    (tmp_path / "bad.csv").write_text("name\nx\n")
    (tmp_path / "empty").mkdir()
    found = find(folder / "gone.mp4", tmp_path / "bad.csv", tmp_path / "empty")
    assert all(isinstance(one, Skipped) for one in found)
    told = [one.reason for one in found]
    assert told[0].startswith("found no such file")
    assert "expected a UTF-8 table" in told[1]
    assert told[2] == "found no audio or video file, expected some in this folder"


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({"timeline": "x.png"}, "--timeline: found x.png, expected a name that ends in .svg"),
        ({"subtitles": "x.txt"}, "ends in .srt or .vtt or .ass"),
        ({"annotated": "x.mkv"}, "ends in .mp4"),
        ({"annotated": "good.mp4"}, "good.mp4, which is read"),
        ({"json": "good.txt"}, "good.txt, which would be read|good.txt, which is read"),
        ({"subtitles": "good.srt"}, "would be read as the recording's transcript"),
        ({"json": "x", "csv": "x"}, "for the second time"),
        ({"json": "deep"}, "a folder"),
    ],
)
def test_what_must_not_be_written(folder, monkeypatch, outputs, reason):
    monkeypatch.chdir(folder)
    asked = Outputs(**{option: Path(name) for option, name in outputs.items()})
    with pytest.raises(InputError, match=reason):
        asked.check(find("good.mp4"))


def test_standard_output_is_for_one_file(folder):
    with pytest.raises(InputError, match="second time"):
        Outputs(json=STDOUT, csv=STDOUT).check(find(folder / "good.mp4"))


@pytest.mark.parametrize("option", ["timeline", "subtitles", "annotated"])
def test_what_shows_one_recording(folder, option):
    name = {"timeline": "x.svg", "subtitles": "x.srt", "annotated": "x.mp4"}[option]
    with pytest.raises(InputError, match="found 4 recordings, expected one recording"):
        Outputs(**{option: Path(name)}).check(find(folder))


def test_a_link_to_what_is_read(folder, tmp_path):
    (tmp_path / "link.mp4").symlink_to(folder / "good.mp4")
    with pytest.raises(InputError, match="which is read"):
        Outputs(annotated=tmp_path / "link.mp4").check(find(folder / "good.mp4"))
