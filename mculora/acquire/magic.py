"""What a file is by its first bytes: servers and names lie, magic numbers seldom."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

HEAD_BYTES = 512
"""How much of a file's beginning `sniff` looks at: enough for tar, whose mark stands at 257."""


class FileKind(StrEnum):
    """Kinds of file that corpora are published as, and the page that stands where one should be."""

    ZIP = "zip archive"
    GZIP = "gzip stream"
    TAR = "tar archive"
    HDF5 = "HDF5 file"
    PICKLE = "pickle"
    HTML = "HTML page"


_MARKS = (
    (0, b"PK\x03\x04", FileKind.ZIP),
    (0, b"PK\x05\x06", FileKind.ZIP),  # an empty one
    (0, b"\x1f\x8b", FileKind.GZIP),
    (0, b"\x89HDF\r\n\x1a\n", FileKind.HDF5),
    (257, b"ustar", FileKind.TAR),
    (0, b"\x80", FileKind.PICKLE),
)
_EXPECTED = {
    ".zip": FileKind.ZIP,
    ".gz": FileKind.GZIP,
    ".tgz": FileKind.GZIP,
    ".tar": FileKind.TAR,
    ".csd": FileKind.HDF5,
    ".h5": FileKind.HDF5,
    ".pkl": FileKind.PICKLE,
    ".npz": FileKind.ZIP,
}


def sniff(head: bytes) -> FileKind | None:
    """Tell a file's kind from its first `HEAD_BYTES`; None for anything else, text included."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return FileKind.HTML
    for place, mark, kind in _MARKS:
        if head[place : place + len(mark)] == mark:
            return kind
    return None


def sniff_file(path: Path) -> FileKind | None:
    """Tell the kind of a file on disk."""
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES))


def expected_kind(name: str) -> FileKind | None:
    """What a file of this name ought to be; None where the name promises nothing checked here."""
    return _EXPECTED.get(Path(name).suffix.lower())
