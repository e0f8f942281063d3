"""Archives from strangers: the needed members are streamed out, and nothing escapes or explodes."""

from __future__ import annotations

import errno
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from mculora.acquire.destination import DEFAULT_LIMITS, Destination, Limits, Meter
from mculora.acquire.magic import HEAD_BYTES, FileKind, sniff, sniff_file
from mculora.acquire.members import HostileArchiveError, Names, safe_path, shown, wanted
from mculora.acquire.tar_stream import (
    CHUNK_BYTES,
    ForwardStream,
    is_tar,
    iterate_tar,
    open_stream,
)
from mculora.errors import InputError

_DAMAGED = (
    EOFError,
    LookupError,
    MemoryError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""Whatever damaged bytes make of the readers below."""
_DIRECTORY_BYTES_PER_FILE = 200  # of a zip's directory: an entry has 46 bytes and a path
_END_OF_ZIP, _ZIP64_LOCATOR = b"PK\x05\x06", b"PK\x06\x07"
_DEFLATE64 = 9


@dataclass(frozen=True)
class _Member:
    """What an archive says of one member; `trouble` is why it could not be unpacked if needed."""

    name: str
    num_bytes: int
    open: Callable[[], IO[bytes]]
    is_folder: bool
    trouble: str


def unpack(
    archive: Path, folder: Path, *, members: Sequence[str] = (), limits: Limits = DEFAULT_LIMITS
) -> Iterator[Path]:
    """Unpack the needed files of a zip or tar, of any size, told by its first bytes.

    A tar (plain, gzip, bzip2, xz) is read once from front to back, a zip by its directory. Only
    files and their folders are made, without owners, rights and times. Each appears whole; those
    that are there already, whole, are not written again, so an interrupted run can be repeated.

    Args:
        archive: The archive.
        folder: Where to unpack it; made if missing.
        members: Shell patterns as `wanted` takes them; none for everything.
        limits: What the archive may grow to.

    Yields:
        The path of each needed file, in the archive's order, once it is there.

    Raises:
        InputError: The archive is missing, damaged, encrypted, or no archive; no member is
            wanted; a member would escape the folder, or take another's place, or a wanted one is
            a link or a device; the limits are reached; the disk is full.
    """
    with _one_error(archive), _open(archive, limits) as found:
        target = Destination(folder, _meter(archive, limits))
        is_empty = True
        for path, member in _plan(found, members, archive=archive, target=target):
            is_empty = False
            if not target.has(path, member.num_bytes):
                target.check_room(member.num_bytes)
                with member.open() as content:
                    target.write(path, _chunks(content), member.num_bytes)
            yield folder / path
    if is_empty:
        raise InputError(
            archive,
            found="no member that is needed",
            expected=" or ".join(members) or "files",
            remedy="check that it is the archive that belongs here",
        )


def _plan(
    found: Iterable[_Member], patterns: Sequence[str], *, archive: Path, target: Destination
) -> Iterable[tuple[str, _Member]]:
    """Check every name and pick the needed members: all at once where there is a directory."""
    picked = _pick(found, patterns, archive)
    if not isinstance(found, list):
        return picked
    plan = list(picked)
    target.check_room(sum(m.num_bytes for path, m in plan if not target.has(path, m.num_bytes)))
    return plan


def _pick(
    found: Iterable[_Member], patterns: Sequence[str], archive: Path
) -> Iterator[tuple[str, _Member]]:
    names = Names()
    for member in found:
        path = safe_path(member.name)
        if member.is_folder or not wanted(path, patterns):
            continue
        if member.trouble:
            raise InputError(
                archive,
                found=f"member {shown(path)} that is {member.trouble}",
                expected="a plain file",
                remedy="unpack the archive with another program and set its folder as the source",
            )
        names.take(path)
        yield path, member


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(file.read, CHUNK_BYTES), b"")


@contextmanager
def _open(archive: Path, limits: Limits) -> Iterator[Iterable[_Member]]:
    if sniff_file(archive) is FileKind.ZIP:
        _check_directory(archive, limits)
        with zipfile.ZipFile(archive) as opened:
            yield _zip_members(opened, limits)
        return
    with open_stream(archive) as stream:
        head = stream.read(HEAD_BYTES)
    if not is_tar(head):
        kind = sniff(head)
        raise InputError(
            archive,
            found=kind.value if kind else "something else, or part of a split archive",
            expected="a zip or tar archive",
            remedy="fetch it again, or set the right file",
        )
    with open_stream(archive) as stream:
        yield _tar_members(ForwardStream(stream, _meter(archive, limits).count), limits)


def _meter(archive: Path, limits: Limits) -> Meter:
    return Meter(limits, archive.stat().st_size)


def _check_directory(archive: Path, limits: Limits) -> None:
    """Refuse a zip's directory that is too large before `zipfile` holds all of it in memory."""
    with archive.open("rb") as file:
        file.seek(-min(archive.stat().st_size, 2**16 + 200), os.SEEK_END)
        tail = file.read()
    end = tail.rindex(_END_OF_ZIP)
    (num_bytes,) = struct.unpack_from("<I", tail, end + 12)
    if tail[:end][-20:].startswith(_ZIP64_LOCATOR):
        (num_bytes,) = struct.unpack_from("<Q", tail, end - 36)
    if num_bytes > limits.max_files * _DIRECTORY_BYTES_PER_FILE:
        raise HostileArchiveError(f"a directory of {num_bytes:,} bytes")


def _zip_members(opened: zipfile.ZipFile, limits: Limits) -> list[_Member]:
    entries = sorted(opened.infolist(), key=lambda entry: entry.header_offset)
    _check_number(len(entries), limits)
    return [
        _Member(
            entry.orig_filename,
            entry.file_size,
            partial(opened.open, entry),
            is_folder=entry.is_dir(),
            trouble=_zip_trouble(entry),
        )
        for entry in entries
    ]


def _zip_trouble(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & 1:
        return "encrypted"
    if entry.compress_type == _DEFLATE64:
        return "compressed by Deflate64"
    mode = stat.S_IFMT(entry.external_attr >> 16)  # 0 where the zip was not made on Unix
    return "" if mode in (0, stat.S_IFREG) else "a link or special file"


def _tar_members(stream: ForwardStream, limits: Limits) -> Iterator[_Member]:
    for number, (entry, tar) in enumerate(iterate_tar(stream), start=1):
        _check_number(number, limits)
        extract: Any = partial(tar.extractfile, entry)
        is_plain = entry.isreg() and not entry.issparse()
        yield _Member(
            entry.name,
            entry.size,
            extract,
            is_folder=entry.isdir(),
            trouble="" if is_plain else "a link or special file",
        )


def _check_number(num_members: int, limits: Limits) -> None:
    if num_members > limits.max_files:
        raise HostileArchiveError(f"more than {limits.max_files:,} members")


@contextmanager
def _one_error(archive: Path) -> Iterator[None]:
    try:
        yield
    except HostileArchiveError as error:
        raise InputError(
            archive,
            found=str(error),
            expected="an archive of plain files in folders of its own",
            remedy="nothing was written outside the folder; get the archive from its publishers",
        ) from error
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # a damaged stream, a place that cannot be
            raise _damaged(archive, error) from error
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise InputError(
            error.filename2 or error.filename or archive,
            found="no space to write it" if is_full else f"{error.strerror}",
            expected="room on the disk" if is_full else "a file or folder that can be used",
            remedy="free some space and run the command again" if is_full else "check the path",
        ) from error
    except _DAMAGED as error:
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> InputError:
    return InputError(
        archive,
        found=f"a damaged or incomplete archive ({shown(f'{type(error).__name__}: {error}')})",
        expected="all of it",
        remedy="fetch it again; what was unpacked already is kept",
    )
