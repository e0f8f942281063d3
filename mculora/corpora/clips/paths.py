"""The paths that a table names: which of them can be used, and where `download` links each."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

MEDIA_FOLDER = "media"
"""The folder beside the table in which its clips are linked."""
AUDIO_SUFFIXES = (
    *(".aac", ".ac3", ".aif", ".aiff", ".amr", ".au", ".caf", ".flac", ".m4a", ".mka", ".mp3"),
    *(".oga", ".ogg", ".opus", ".wav", ".wma"),
)
"""Names that promise sound without a picture."""
_OUTSIDE = "outside"
_LONGEST_PART, _LONGEST_PATH = 200, 1000  # bytes; file systems allow 255 and about 4000
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_DRIVE = re.compile(r"[A-Za-z]:")
_UNFIT = re.compile("[\0-\x1f\x7f\ud800-\udfff/]")


def is_url(path: str) -> bool:
    """Whether a path is an address, which is not fetched."""
    return _SCHEME.match(path) is not None


def is_audio(path: str) -> bool:
    """Whether the name promises sound without a picture."""
    return PurePosixPath(path).suffix.lower() in AUDIO_SUFFIXES


def linked_name(path: str) -> str:
    """Where a clip is linked below the media folder: a relative posix path that stays below it.

    A path below the table's own folder keeps its shape. Any other (absolute, from home, with
    `..`) and any that a file system might refuse becomes `outside/<hash of the path>/<name>`.
    Backslashes count as slashes, whatever string is given.
    """
    path = path.replace("\\", "/")
    inside = PurePosixPath(path)
    return inside.as_posix() if _keeps_its_shape(inside) else _outside(path)


def _keeps_its_shape(path: PurePosixPath) -> bool:
    text = path.as_posix()
    return (
        len(path.parts) > 0
        and not path.is_absolute()
        and ".." not in path.parts
        and path.parts[0] != _OUTSIDE
        and not text.startswith("~")
        and not _DRIVE.match(text)
        and not any(_UNFIT.search(part) for part in path.parts)
        and all(len(part.encode()) <= _LONGEST_PART for part in path.parts)
        and len(text.encode()) <= _LONGEST_PATH
    )


def _outside(path: str) -> str:
    digest = hashlib.sha256(path.encode("utf-8", errors="surrogatepass")).hexdigest()[:12]
    # The end of the name, because it has the suffix; 50 characters are at most 200 bytes.
    name = _UNFIT.sub("_", PurePosixPath(path).name)[-50:]
    return f"{_OUTSIDE}/{digest}/{name if name.strip('.') else 'clip'}"
