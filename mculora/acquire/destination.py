"""The folder that an archive is unpacked to: nothing is written beside it, half, or for ever."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mculora.acquire.members import HostileArchiveError
from mculora.errors import InputError

_TEMPORARY = ".unpacking"  # hidden, so no wanted member has this name


@dataclass(frozen=True)
class Limits:
    """What unpacking may take; more than that is a bomb. The defaults fit corpora of 200 GB.

    Attributes:
        max_bytes: Of all files together.
        max_files: Members of the archive, needed or not.
        max_ratio: Bytes unpacked per byte of the archive …
        free_bytes: … above these, which even a small archive may grow to.
    """

    max_bytes: int = 400 * 10**9
    max_files: int = 500_000
    max_ratio: float = 100
    free_bytes: int = 2**26


DEFAULT_LIMITS = Limits()


class Meter:
    """Counts real bytes and stops at the limit.

    Args:
        limits: What is allowed.
        archive_bytes: The size of the archive on disk.
    """

    def __init__(self, limits: Limits, archive_bytes: int) -> None:
        by_ratio = limits.free_bytes + limits.max_ratio * archive_bytes
        self.max_bytes = int(min(limits.max_bytes, by_ratio))
        self.num_bytes = 0

    def count(self, num_bytes: int) -> None:
        """Add bytes that are about to be made.

        Raises:
            HostileArchiveError: They are too many.
        """
        self.num_bytes += num_bytes
        if self.num_bytes > self.max_bytes:
            raise HostileArchiveError(f"more than {self.max_bytes:,} bytes when unpacked")


class Destination:
    """A folder to write files into.

    Args:
        folder: Made if missing. It may be a link; nothing inside it is followed if it is one.
        meter: Counts what is written.

    Raises:
        OSError: The folder cannot be made or written to.
    """

    def __init__(self, folder: Path, meter: Meter) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._meter = meter
        self._own_folders = {""}
        self._temporary.unlink(missing_ok=True)

    def has(self, path: str, num_bytes: int) -> bool:
        """Whether a file is there already, whole: they appear only when they are.

        Raises:
            InputError: Something that is no folder stands where one of its folders belongs.
        """
        if not self._has_folder(path.rpartition("/")[0]):
            return False
        try:
            found = (self.folder / path).lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == num_bytes

    def check_room(self, num_bytes: int) -> None:
        """Refuse to begin what cannot end well.

        Raises:
            InputError: The disk has less room.
        """
        free = shutil.disk_usage(self.folder).free
        if num_bytes > free:
            raise InputError(
                self.folder,
                found=f"{free / 1e9:,.1f} GB of free disk",
                expected=f"{num_bytes / 1e9:,.1f} GB for what is unpacked",
                remedy="free some space, or set a folder on another disk",
            )

    def write(self, path: str, chunks: Iterable[bytes], num_bytes: int) -> Path:
        """Write one file so that it appears whole, with this process's owner and rights.

        Args:
            path: Below the folder, as `safe_path` gave it.
            chunks: Its content.
            num_bytes: Its size.

        Raises:
            HostileArchiveError: The content is too much.
            EOFError: It is not of that size.
            InputError: Something that is no folder stands where one of its folders belongs.
        """
        self._make_folders(path.rpartition("/")[0])
        with self._new_file() as file:
            for chunk in chunks:
                self._meter.count(len(chunk))
                file.write(chunk)
            if file.tell() != num_bytes:
                raise EOFError(f"{file.tell():,} of {num_bytes:,} bytes")
        os.replace(self._temporary, self.folder / path)
        return self.folder / path

    @property
    def _temporary(self) -> Path:
        return self.folder / _TEMPORARY

    @contextmanager
    def _new_file(self) -> Iterator[IO[bytes]]:
        try:
            with self._temporary.open("xb") as file:  # x: never through a link
                yield file
        except BaseException:
            self._temporary.unlink(missing_ok=True)
            raise

    def _make_folders(self, path: str) -> None:
        if not self._has_folder(path):
            self._make_folders(path.rpartition("/")[0])
            (self.folder / path).mkdir()

    def _has_folder(self, path: str) -> bool:
        if path in self._own_folders:
            return True
        if not self._has_folder(path.rpartition("/")[0]):
            return False
        try:
            found = (self.folder / path).lstat()
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(found.st_mode):
            raise InputError(
                self.folder / path,
                found="a link or file",
                expected="a folder",
                remedy="remove it: nothing is unpacked through links",
            )
        self._own_folders.add(path)
        return True
