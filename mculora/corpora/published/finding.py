"""Published files and folders are found by name, however deep they were unpacked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

FAMILIES = ("mosei", "mosi", "iemocap", "meld")
"""Corpora that are published side by side, as the folders of each are called."""


def find_named(
    folder: Path, names: Sequence[str], *, family: str, folders: bool = False
) -> list[Path]:
    """Find every file (or folder) that has one of these names, in one walk.

    A name may carry folders above it (`MOSI/Processed/aligned_50.pkl`). Places that name another
    corpus are passed over, and so is what an archive made on a Mac leaves (`._*`, `__MACOSX`).

    Args:
        folder: Where to look, at any depth; it need not exist.
        names: What to look for.
        family: The corpus, one of `FAMILIES`.
        folders: Whether folders are wanted, not files.

    Returns:
        The paths in the order of `names`; those of one name by depth, then by path.
    """
    wanted = [PurePosixPath(name).parts for name in names if PurePosixPath(name).parts]
    last = {parts[-1] for parts in wanted}
    found = []
    for parent, subfolders, files in os.walk(folder):
        subfolders[:] = [n for n in subfolders if n != "__MACOSX" and not n.startswith("._")]
        found += [Path(parent, n) for n in last.intersection(subfolders if folders else files)]
    found = [path for path in found if family in _families_of(path.relative_to(folder))]
    found.sort(key=lambda path: (len(path.parts), path.as_posix()))
    return [path for parts in wanted for path in found if path.parts[-len(parts) :] == parts]


def _families_of(path: Path) -> Sequence[str]:
    """The corpora that a path names, nearest to its end; all of them if it names none."""
    for part in reversed(path.parts):
        if named := [family for family in FAMILIES if family in part.lower()]:
            return named
    return FAMILIES
