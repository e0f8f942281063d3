"""One place of params.yaml becomes files on this disk: fetched, checked and unpacked, once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from filelock import FileLock, Timeout

from mculora.acquire.checksums import Progress, verify_file
from mculora.acquire.http import fetch
from mculora.acquire.magic import FileKind, sniff_file
from mculora.acquire.patience import PATIENCE
from mculora.acquire.remote import Credentials, Remote, name_of
from mculora.acquire.unpacked import Unpacked
from mculora.corpora.artefacts import Artefact
from mculora.errors import InputError
from pipeline.sources import Source, is_remote

_ARCHIVES = (FileKind.ZIP, FileKind.GZIP, FileKind.TAR)
_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_NO_ARCHIVE = ".npz"
"""A zip that is read as it is."""
_SECONDS_BETWEEN_LOOKS = 0.5

Watch = Callable[[Progress], None]
"""Is told how far something is."""


@dataclass(frozen=True)
class Part:
    """One place of one artefact.

    Attributes:
        key: The source's key in params.yaml, for messages.
        artefact: What it is a part of.
        place: A local path or a URL.
        source: The source that names the place.
        folder: Its own folder below the raw corpus, which ends in its name.
    """

    key: str
    artefact: Artefact
    place: str
    source: Source
    folder: PurePath

    @property
    def path(self) -> Path:
        """A local place as an absolute path."""
        return _absolute(self.place)

    @property
    def name(self) -> str:
        """What the place is called, without folders and archive suffixes."""
        return self.folder.name

    @property
    def members(self) -> tuple[str, ...]:
        """Which of its files are needed; all of them if it is itself one of the needed folders."""
        members = self.artefact.members
        return () if f"*/{self.name}/*" in members else members


def parts_of(key: str, artefact: Artefact, source: Source) -> list[Part]:
    """Every place of a source; those of one name have numbered folders around them."""
    names = [_name(place) for place in source.at]
    parts = []
    for number, (place, name) in enumerate(zip(source.at, names, strict=True)):
        around = [str(number + 1)] if name in names[:number] else []
        folder = PurePath(artefact.name, *around, name)
        parts.append(Part(key, artefact, place, source, folder))
    return parts


def _name(place: str) -> str:
    name = name_of(place) if is_remote(place) else _absolute(place).name
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name.lstrip(".") or "here"


def _absolute(place: str) -> Path:
    return Path(os.path.expanduser(place)).absolute()


def bring(part: Part, downloads: Path, watch: Watch) -> Path:
    """Return the local file or folder that a place stands for.

    What is fetched and unpacked stays, so that it is neither fetched nor unpacked again; an archive
    that is unpacked may be removed.

    Args:
        part: The place.
        downloads: Where what is fetched and unpacked is kept, for all datasets.
        watch: Is told how far it is.

    Raises:
        InputError: It cannot be had; the message says what to do and which key to set.
    """
    digest = hashlib.sha256((part.place if is_remote(part.place) else str(part.path)).encode())
    kept = downloads / f"{part.name}-{digest.hexdigest()[:8]}"
    with naming_the_key(part):
        if is_remote(part.place):
            return _bring_remote(part, kept, watch)
        return part.path if part.path.is_dir() else _bring_local(part, kept, watch)


@contextmanager
def naming_the_key(part: Part) -> Iterator[None]:
    """Errors name the key; those of a server also say what to get by hand."""
    try:
        yield
    except InputError as error:
        is_of_server = is_remote(part.place) and error.where == part.place
        remedies = [error.remedy, _by_hand(part) if is_of_server else ""]
        raise InputError(
            f"{part.key}.at: {error.where}",
            found=error.found,
            expected=error.expected,
            remedy="; ".join(filter(None, remedies)),
        ) from error


def _bring_remote(part: Part, kept: Path, watch: Watch) -> Path:
    target = kept / name_of(part.place)
    with _turn(kept, watch):
        unpacked = _unpacked(part, kept, target)
        if unpacked.is_done:
            return unpacked.folder
        _tell(watch, fetch(_remote(part), target, patience=PATIENCE))
        if not _is_archive(target):
            return target
        try:
            _tell(watch, unpacked.update())
        except InputError as error:
            raise InputError(
                error.where,
                found=error.found,
                expected=error.expected,
                remedy=f"{error.remedy}; to fetch it anew, remove {target} first",
            ) from error
        return unpacked.folder


def _bring_local(part: Part, kept: Path, watch: Watch) -> Path:
    is_new = not kept.exists()
    if not _is_archive(part.path) or (is_new and not part.path.exists()):
        _check(part, watch)
        return part.path
    with _turn(kept, watch):
        unpacked = _unpacked(part, kept, part.path)
        if not unpacked.is_done:
            _check(part, watch)
            _tell(watch, unpacked.update())
        return unpacked.folder


def _unpacked(part: Part, kept: Path, archive: Path) -> Unpacked:
    folder, known = kept / "unpacked" / part.name, part.source.known
    return Unpacked(folder, archive, members=part.members, known=known)


def _check(part: Part, watch: Watch) -> None:
    if not part.path.exists():
        raise InputError(
            part.path,
            found="nothing",
            expected="a folder, a file or archive, or a URL",
            remedy=f"correct the path; {_by_hand(part)}",
        )
    remedy = f"check the file, or correct the size or sum of {part.key}"
    _tell(watch, verify_file(part.path, part.source.known, remedy=remedy))


def _is_archive(path: Path) -> bool:
    """Whether a file is one by its first bytes or, also where it is gone, by its name."""
    name = path.name.lower()
    has_mark = path.is_file() and sniff_file(path) in _ARCHIVES
    return name.endswith(_SUFFIXES) or (has_mark and not name.endswith(_NO_ARCHIVE))


def _tell(watch: Watch, steps: Iterator[Progress]) -> None:
    """Take every step; a watcher that raises ends them at once, and what they hold is let go."""
    try:
        for progress in steps:
            watch(progress)
    finally:
        if isinstance(steps, Generator):
            steps.close()


@contextmanager
def _turn(kept: Path, watch: Watch) -> Iterator[None]:
    """Wait until nobody else works on a place: another part, or another process."""
    kept.mkdir(parents=True, exist_ok=True)
    lock = FileLock(kept / "lock")
    while not lock.is_locked:
        try:
            lock.acquire(timeout=_SECONDS_BETWEEN_LOOKS)
        except Timeout:
            watch(Progress(0, None, "waiting for who else brings it"))
    try:
        yield
    finally:
        lock.release()


def _by_hand(part: Part) -> str:
    return f"to get by hand, and to be named in {part.key}.at: {part.artefact.how_to_get}"


def _remote(part: Part) -> Remote:
    source, credentials, how = part.source, None, f"set {part.key}.auth_env"
    if source.auth_env is not None:
        names = [f"{source.auth_env}_USER", f"{source.auth_env}_PASSWORD"]
        user, password = (os.environ.get(name) for name in names)
        how = f"set {' and '.join(names)} in the environment"
        if user is not None and password is not None:
            credentials = Credentials(user, password)
    return Remote(
        part.place,
        num_bytes=source.bytes,
        md5=source.md5,
        sha256=source.sha256,
        credentials=credentials,
        how_to_sign_in=how,
    )
