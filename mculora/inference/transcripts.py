"""The words of a recording: a text or subtitle file beside it, or what somebody gives instead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mculora.errors import InputError

SUBTITLE_SUFFIXES = (".srt", ".vtt")
TRANSCRIPT_SUFFIXES = (*SUBTITLE_SUFFIXES, ".txt")
"""What a transcript may be called; of several beside a recording the first of these counts."""

_MOST_BYTES = 16 * 2**20  # the words of a whole week
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # how a file says that it is UTF-16


@dataclass(frozen=True)
class TimedLine:
    """What is said from `start_seconds` to `end_seconds` of a recording."""

    start_seconds: float
    end_seconds: float
    text: str


@dataclass(frozen=True)
class Transcript:
    """What is said in a recording.

    Attributes:
        text: All of it; `""` where nothing is known.
        lines: The same line by line in time order; empty where nobody knows when.
    """

    text: str = ""
    lines: tuple[TimedLine, ...] = ()


def find_transcript(media: Path) -> Path | None:
    """The transcript beside a recording: the file of the same name with a transcript's suffix."""
    names = (media.with_suffix(s) for t in TRANSCRIPT_SUFFIXES for s in (t, t.upper()))
    return next((path for path in names if path.is_file()), None)


def read_transcript(path: Path) -> Transcript:
    """Read a transcript: lines with times from subtitles, words alone from anything else.

    Raises:
        InputError: It is not there, is no text, or is a subtitle file without a subtitle.
    """
    text = _read_text(path)
    if path.suffix.lower() not in SUBTITLE_SUFFIXES:
        return Transcript(" ".join(text.split()))
    lines = _parse(path, text)
    if not lines:
        raise InputError(path, found="no subtitle that has a time", expected="subtitles")
    return Transcript(" ".join(line.text for line in lines), lines)


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise InputError(path, found="no such file", expected="a transcript")
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(path, found=f"more than {_MOST_BYTES} bytes", expected="a transcript")
    content = path.read_bytes()
    encoding = _MARKS.get(content[:2], "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"bytes in line {line} that are not {encoding.removesuffix('-sig').upper()} text"
        raise _no_text(path, found) from None
    if "\0" in text:
        raise _no_text(path, "NUL bytes, as in no text")
    return text


def _no_text(path: Path, found: str) -> InputError:
    remedy = "save it as UTF-8, or leave it out with --without text"
    return InputError(path, found=found, expected="a transcript in UTF-8", remedy=remedy)


def _parse(path: Path, text: str) -> tuple[TimedLine, ...]:
    import pysubs2

    try:
        events = pysubs2.SSAFile.from_string(text, format_=path.suffix.lower()[1:])
    except (pysubs2.Pysubs2Error, ValueError, ArithmeticError, LookupError) as error:
        found = f"subtitles that cannot be read ({type(error).__name__})"
        raise InputError(path, found=found, expected="SubRip or WebVTT") from None
    lines = [TimedLine(e.start / 1000, e.end / 1000, " ".join(e.plaintext.split())) for e in events]
    kept = [line for line in lines if line.text and 0 <= line.start_seconds < line.end_seconds]
    return tuple(sorted(kept, key=lambda line: (line.start_seconds, line.end_seconds)))
