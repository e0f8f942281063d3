"""Which files of a source are needed: shell patterns, and never what a file manager left there."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

_RESOURCE_FORKS = "__MACOSX"


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
