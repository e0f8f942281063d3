"""Which files of a source are needed, and which names an archive may give to what it holds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase

MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_DEPTH = 255, 3072, 100
_RESOURCE_FORKS = "__MACOSX"
_DRIVE = re.compile(r"[A-Za-z]:")


class HostileArchiveError(Exception):
    """An archive, or one of its members, is what no honest program writes; the text says how."""


def wanted(path: str, patterns: Sequence[str] = ()) -> bool:
    """Tell whether a file of a source is needed.

    Args:
        path: The file's posix path inside its source; a leading `./` or `/` changes nothing.
        patterns: Shell patterns on `/<path>`, case-sensitive, in which `*` crosses folders; none
            of them means everything.

    Returns:
        True if a pattern matches. Always False for hidden names (a file or folder that starts
        with a dot, so `._*` and `.DS_Store` too) and for what is below `__MACOSX`. Names that
        start with `-` or `_` are like any other.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or any(part.startswith(".") or part == _RESOURCE_FORKS for part in parts):
        return False
    rooted = "/" + "/".join(parts)
    return not patterns or any(fnmatchcase(rooted, pattern) for pattern in patterns)


def safe_path(name: str) -> str:
    """The path of a member below the folder that it is unpacked to, without `.` and `//`.

    Raises:
        HostileArchiveError: The name leads elsewhere, here or on another system, or no system
            could hold it.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or any(_DRIVE.match(part) for part in parts):
        raise HostileArchiveError(f"member {shown(name)} with an absolute path")
    if ".." in parts:
        raise HostileArchiveError(f"member {shown(name)} that climbs out of its folder")
    if "\\" in name or "\0" in name:
        raise HostileArchiveError(f"member {shown(name)} with a backslash or NUL in its name")
    sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    if max(sizes, default=0) > MAX_NAME_BYTES or sum(sizes) + len(sizes) > MAX_PATH_BYTES:
        raise HostileArchiveError(f"member {shown(name)} with a name that is too long")
    if len(parts) > MAX_DEPTH:
        raise HostileArchiveError(f"member {shown(name)} below more than {MAX_DEPTH} folders")
    return "/".join(parts)


class Names:
    """The paths given so far: each file has its own, on systems that ignore case, too."""

    def __init__(self) -> None:
        self._is_file: dict[str, bool] = {}

    def take(self, path: str) -> None:
        """Take the path of one more file.

        Raises:
            HostileArchiveError: It is a file or folder already, but for case or the form of
                accents, or one of its folders is a file.
        """
        if not path.isprintable():
            raise HostileArchiveError(f"member {shown(path)} with a name that cannot be printed")
        key = unicodedata.normalize("NFC", path).casefold()
        if key in self._is_file:
            raise HostileArchiveError(f"two members named {shown(path)}, but perhaps for case")
        self._is_file[key] = True
        while "/" in key:
            key = key.rpartition("/")[0]
            if self._is_file.setdefault(key, False):
                raise HostileArchiveError(f"member {shown(path)} below another that is a file")


def shown(name: str) -> str:
    """A name as a message can show it: on one line, and not too long."""
    short = name if len(name) <= 80 else f"{name[:40]}…{name[-40:]}"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)
