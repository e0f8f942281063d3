"""Published files and folders are found by name, however deep they were unpacked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from mculora.corpora.raw_tree import RawTree

FAMILIES = ("mosei", "mosi", "iemocap", "meld")
"""Corpora that are published side by side, as the folders of each are called."""


def find_files(tree: RawTree, names: Sequence[str], *, family: str) -> list[PurePosixPath]:
    """Find every file that has one of these names; a link to nothing is none.

    A name may carry folders above it (`MOSI/Processed/aligned_50.pkl`). Places that name another
    corpus are passed over.

    Args:
        tree: Where to look.
        names: What to look for.
        family: The corpus, one of `FAMILIES`.

    Returns:
        The paths in the order of `names`; those of one name by depth, then by path.
    """
    last = {PurePosixPath(name).name for name in names}
    found = tree.find(last.__contains__)
    return _in_order_of(names, [p for p in found if tree.size(p) is not None], family)


def find_folders(tree: RawTree, name: str, *, family: str) -> list[PurePosixPath]:
    """Find every folder of this name, by the same rules."""
    found = sorted(tree.names, key=lambda path: (len(path.parts), str(path)))
    return _in_order_of([name], found, family)


def _in_order_of(
    names: Iterable[str], paths: Iterable[PurePosixPath], family: str
) -> list[PurePosixPath]:
    wanted = [PurePosixPath(name).parts for name in names]
    own = [path for path in paths if family in _families_of(path)]
    return [path for parts in wanted if parts for path in own if path.parts[-len(parts) :] == parts]


def _families_of(path: PurePosixPath) -> Sequence[str]:
    """The corpora that a path names, nearest to its end; all of them if it names none."""
    for part in reversed(path.parts):
        if named := [family for family in FAMILIES if family in part.lower()]:
            return named
    return FAMILIES
