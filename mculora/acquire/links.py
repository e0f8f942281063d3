"""A folder of links to the needed files of another: the same tree, no byte copied."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mculora.acquire.members import MAX_DEPTH, wanted
from mculora.errors import InputError


@dataclass(frozen=True)
class LinkTree:
    """What `link_tree` made.

    Attributes:
        num_files: How many needed files are linked.
        skipped: What could not be used, as (path inside the source, reason), sorted.
    """

    num_files: int
    skipped: tuple[tuple[str, str], ...]


def link_tree(source: Path, folder: Path, *, members: Sequence[str] = ()) -> LinkTree:
    """Make `folder` a tree of real folders with one link for each needed file of `source`.

    Links in `folder` that do not belong are removed, and folders that this empties; files stay.
    Linked folders of the source are entered, but no folder is entered twice. A second run that
    finds nothing changed changes nothing.

    Args:
        source: A folder, or one file, which is needed whatever its name.
        folder: Where the links go; made if missing.
        members: Shell patterns as `wanted` takes them; none for everything.

    Raises:
        InputError: The source is missing or unreadable, or one of the two folders lies in the
            other's way; or links cannot be made there.
    """
    root = source.resolve()
    if root.is_file():
        walk = _Walk(root.parent, folder.resolve(), (), targets={source.name: str(root)})
    else:
        _check(source, root, folder.resolve())
        walk = _Walk(root, folder.resolve(), members)
        walk.run()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_others(str(folder), "", walk.targets)
        num_files = sum(_link(folder, path, walk) for path in sorted(walk.targets))
    except OSError as error:
        raise InputError(
            error.filename2 or error.filename or folder,
            found=f"{error.strerror}",
            expected="a folder in which links can be made",
            remedy="check its rights, and that its disk knows symbolic links",
        ) from error
    return LinkTree(num_files, tuple(sorted(walk.skipped)))


def clear_links(folder: Path) -> None:
    """Remove every link below a folder, and the folders that this empties; files stay."""
    if folder.is_dir() and _remove_others(str(folder), "", {}):
        folder.rmdir()


def _check(source: Path, root: Path, folder: Path) -> None:
    if not root.is_dir():
        raise InputError(
            source,
            found="nothing" if not root.exists() else "neither a file nor a folder",
            expected="a folder or file",
            remedy="check the path",
        )
    if root.is_relative_to(folder):
        raise InputError(
            source,
            found="a source inside the folder that its links belong to",
            expected="a folder elsewhere",
            remedy=f"move it out of {folder}",
        )
    try:
        os.scandir(root).close()
    except OSError as error:
        raise InputError(
            source,
            found=f"{error.strerror}",
            expected="a readable folder",
            remedy="change its rights",
        ) from error


@dataclass
class _Walk:
    """A walk through the source: real folders first, so that files keep their own paths."""

    root: Path
    folder: Path
    members: Sequence[str]
    targets: dict[str, str] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    _entered: set[str] = field(default_factory=set)
    _linked: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> None:
        self._enter("", str(self.root))
        while self._linked:
            path, target = self._linked.pop(0)
            if self.root.is_relative_to(target):
                self.skipped.append((path, "a link to a folder that it is in"))
            elif target in self._entered:
                self.skipped.append((path, "a link to a folder that is here already"))
            else:
                self._enter(path, target)

    def _enter(self, path: str, target: str) -> None:
        waiting = [(path, target)]
        while waiting:
            path, target = waiting.pop()
            if target in self._entered or target == str(self.folder):
                continue
            self._entered.add(target)
            waiting += self._read(path, target)

    def _read(self, path: str, target: str) -> Iterator[tuple[str, str]]:
        try:
            with os.scandir(target) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            self.skipped.append((path, f"a folder that cannot be read ({error.strerror})"))
            return
        for entry in found:
            inside = f"{path}/{entry.name}" if path else entry.name
            if not wanted(inside):
                continue
            if inside.count("/") >= MAX_DEPTH:
                self.skipped.append((path, f"below more than {MAX_DEPTH} folders"))
                return
            if entry.is_dir(follow_symlinks=False):
                yield inside, entry.path
            elif entry.is_symlink() and os.path.isdir(entry.path):
                self._linked.append((inside, os.path.realpath(entry.path)))
            elif wanted(inside, self.members):
                self._take(inside, entry)

    def _take(self, path: str, entry: os.DirEntry[str]) -> None:
        if not path.isprintable():
            self.skipped.append((ascii(path)[1:-1], "a name that cannot be printed"))
        elif entry.is_file(follow_symlinks=False):
            self.targets[path] = entry.path  # real already: its folder is
        elif not os.path.exists(entry.path):
            self.skipped.append((path, "a link to nothing"))
        elif not entry.is_file():
            self.skipped.append((path, "neither a file nor a folder"))
        else:
            self.targets[path] = os.path.realpath(entry.path)


def _remove_others(folder: str, path: str, targets: dict[str, str]) -> bool:
    """Remove the links below a folder that do not belong; tell whether this emptied it."""
    with os.scandir(folder) as entries:
        found = list(entries)
    num_left, has_removed = len(found), False
    for entry in found:
        inside = f"{path}/{entry.name}" if path else entry.name
        if entry.is_symlink():
            is_other = os.readlink(entry.path) != targets.get(inside)
            if is_other:
                os.unlink(entry.path)
        else:
            is_other = entry.is_dir() and _remove_others(entry.path, inside, targets)
            if is_other:
                os.rmdir(entry.path)
        num_left -= is_other
        has_removed |= is_other
    return has_removed and not num_left


def _link(folder: Path, path: str, walk: _Walk) -> bool:
    place, target = os.path.join(folder, path), walk.targets[path]
    if os.path.islink(place):  # what is left of them belongs
        return True
    try:
        try:
            os.symlink(target, place)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(target, place)
    except (FileExistsError, NotADirectoryError):
        walk.skipped.append((path, "something that is no link stands where it belongs"))
        return False
    return True
