"""Every file below a raw corpus by folder, from one walk: corpora are found by what they hold."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from mculora.corpora.manifest import Dropped
from mculora.errors import InputError

_TOP = PurePosixPath()


@dataclass(frozen=True)
class RawTree:
    """What lies below a raw folder. Paths are relative to it, with `/` on every system.

    Attributes:
        raw_folder: Where the walk began.
        names: The names of each folder's files, sorted; leftovers of Macs are passed over.
        dropped: Files that no id can be made of, as their names are not UTF-8, and folders that
            cannot be listed.
    """

    raw_folder: Path
    names: Mapping[PurePosixPath, tuple[str, ...]]
    dropped: tuple[Dropped, ...]
    _sizes: dict[PurePosixPath, int | None] = field(default_factory=dict, repr=False)

    @classmethod
    def walk(cls, raw_folder: Path) -> RawTree:
        """List every file below a folder; linked folders are entered, once each.

        Raises:
            InputError: There is no such folder.
        """
        if not raw_folder.is_dir():
            raise InputError(
                raw_folder,
                found="nothing",
                expected="the raw corpus",
                remedy="run `mculora download` first",
            )
        names: dict[PurePosixPath, tuple[str, ...]] = {}
        dropped: list[Dropped] = []
        closed: list[OSError] = []
        for folder, files in _walk(raw_folder, closed):
            place = PurePosixPath(Path(folder).relative_to(raw_folder).as_posix())
            names[place] = tuple(sorted(filter(_is_text, files)))
            odd = (place / name for name in files if not _is_text(name))
            dropped += [Dropped(_readable(path), "file name that is not UTF-8") for path in odd]
        for error in closed:
            place = PurePosixPath(Path(error.filename).relative_to(raw_folder).as_posix())
            dropped.append(Dropped(_readable(place), f"unreadable folder: {error.strerror}"))
        return cls(raw_folder, names, tuple(dropped))

    def files(self, folder: PurePosixPath, suffix: str) -> list[PurePosixPath]:
        """The files of a folder whose names end in `suffix`, sorted."""
        return [folder / name for name in self.names.get(folder, ()) if name.endswith(suffix)]

    def folders(
        self, suffix: str, where: Callable[[PurePosixPath], bool], *, near: PurePosixPath = _TOP
    ) -> list[PurePosixPath]:
        """The folders that hold a file ending in `suffix`: those below `near` first, then by depth.

        Args:
            suffix: How the name of one of their files ends.
            where: Tells whether a folder is meant.
            near: The folder that is preferred.
        """
        found = [
            folder
            for folder, names in self.names.items()
            if where(folder) and any(name.endswith(suffix) for name in names)
        ]
        return sorted(found, key=lambda path: _rank(path, near))

    def find(self, is_wanted: Callable[[str], bool]) -> list[PurePosixPath]:
        """The files whose names `is_wanted` accepts, by depth and name."""
        found = [
            folder / name
            for folder, names in self.names.items()
            for name in filter(is_wanted, names)
        ]
        return sorted(found, key=lambda path: _rank(path, _TOP))

    def size(self, path: PurePosixPath) -> int | None:
        """The bytes of a file; None where there is none, or a link to nothing."""
        if path not in self._sizes:
            is_listed = path.name in self.names.get(path.parent, ())
            self._sizes[path] = _size(self.raw_folder / path) if is_listed else None
        return self._sizes[path]


def root_above(folder: PurePosixPath, name: str) -> PurePosixPath:
    """The folder that holds the nearest folder called `name` on the way up; else `folder`."""
    places = (folder, *folder.parents)
    return next((place.parent for place in places if place.name == name), folder)


def _walk(top: Path, closed: list[OSError]) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder and its files; `closed` gets the error of each that cannot be listed."""
    seen = set()
    for folder, subfolders, files in os.walk(top, onerror=closed.append, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = sorted(
            name
            for name in subfolders
            if name != "__MACOSX" and not name.startswith("._") and _is_text(name)
        )
        yield folder, [name for name in files if not name.startswith("._")]


def _rank(path: PurePosixPath, near: PurePosixPath) -> tuple[bool, int, str]:
    return not path.is_relative_to(near), len(path.parts), str(path)


def _size(path: Path) -> int | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _is_text(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def _readable(path: PurePosixPath) -> str:
    return str(path).encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
