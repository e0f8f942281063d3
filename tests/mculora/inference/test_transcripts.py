"""Words beside a recording: which file counts, what it says and when, and what is no text."""

import pytest

from mculora.errors import InputError
from mculora.inference.transcripts import TimedLine, find_transcript, read_transcript

SRT = """1
00:00:00,500 --> 00:00:02,000
<i>well</i>, that was

2
00:00:02,500 --> 00:01:02,250
{\\an8}lovely
indeed
"""
VTT = """WEBVTT

NOTE nobody says this

intro
00:00.500 --> 00:02.000 align:start
<v Ann>well, that was

01:02.500 --> 01:04.000
lovely
"""


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_subtitles_have_times_and_words_without_marks(tmp_path):
    transcript = read_transcript(write(tmp_path / "a.srt", SRT))
    first, second = transcript.lines
    assert first == TimedLine(0.5, 2.0, "well, that was")
    assert second == TimedLine(2.5, 62.25, "lovely indeed")
    assert transcript.text == "well, that was lovely indeed"


def test_web_subtitles(tmp_path):
    lines = read_transcript(write(tmp_path / "a.VTT", VTT)).lines
    assert lines == (TimedLine(0.5, 2.0, "well, that was"), TimedLine(62.5, 64.0, "lovely"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_words_alone_in_every_unicode_encoding(tmp_path, encoding):
    path = write(tmp_path / "a.txt", "schön,\r\n  das 😀\n".encode(encoding))
    transcript = read_transcript(path)
    assert (transcript.text, transcript.lines) == ("schön, das 😀", ())


def test_lines_in_time_order_without_empty_ones(tmp_path):
    content = (
        "1\n00:00:05,000 --> 00:00:06,000\nb\n\n2\n00:00:01,000 --> 00:00:02,000\na\n\n"
        "3\n00:00:03,000 --> 00:00:03,000\nno time\n\n4\n00:00:08,000 --> 00:00:09,000\n \n"
    )
    assert [line.text for line in read_transcript(write(tmp_path / "a.srt", content)).lines] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize("name", ["a.txt", "a.srt", "a.vtt"])
@pytest.mark.parametrize("content", ["fine\nsch\xf6n".encode("latin-1"), b"a\0b", b"\xff\xfea"])
def test_another_encoding_is_one_line_that_says_what_to_do(tmp_path, name, content):
    with pytest.raises(InputError, match="UTF-8") as caught:
        read_transcript(write(tmp_path / name, content))
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_the_line_of_the_first_bad_byte(tmp_path):
    with pytest.raises(InputError, match="bytes in line 2 that are not UTF-8"):
        read_transcript(write(tmp_path / "a.txt", "fine\nsch\xf6n".encode("latin-1")))


@pytest.mark.parametrize("content", ["", "just words", "1\n00:00:xx --> 2\nhello\n"])
@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_subtitles_without_a_subtitle(tmp_path, name, content):
    with pytest.raises(InputError, match=r"no subtitle that has a time|cannot be read"):
        read_transcript(write(tmp_path / name, content))


def test_an_empty_text_is_no_words(tmp_path):
    assert read_transcript(write(tmp_path / "a.txt", " \n")).text == ""


def test_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_transcript(tmp_path / "a.txt")


def test_times_count_more_than_words_alone(tmp_path):
    media = tmp_path / "a.b.mp4"
    assert find_transcript(media) is None
    for name in ("a.b.txt", "a.b.VTT", "a.b.srt"):
        path = write(tmp_path / name, "x")
        assert find_transcript(media) == path
    write(tmp_path / "other.srt", "x")
    assert find_transcript(tmp_path / "a.mp4") is None
