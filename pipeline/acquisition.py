"""One place of params.yaml becomes files on this disk: fetched, checked and unpacked, once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mculora.acquire.archive import unpack
from mculora.acquire.checksums import Known, Progress, verify_file
from mculora.acquire.http import fetch
from mculora.acquire.magic import FileKind, sniff_file
from mculora.acquire.remote import Credentials, Remote, name_of
from mculora.corpora.artefacts import Artefact
from mculora.errors import InputError
from mculora.files import write_text
from pipeline.sources import Source

ARCHIVES = (FileKind.ZIP, FileKind.GZIP, FileKind.TAR)
NO_ARCHIVES = (".npz",)
"""Zip files that are read as they are."""
Watch = Callable[[str, Progress], None]
"""Is told how far something is, by its label."""


@dataclass(frozen=True)
class Part:
    """One place of one artefact.

    Attributes:
        key: The source's key in params.yaml, for messages.
        artefact: What it is a part of.
        place: A local path or a URL.
        source: The source that names the place.
    """

    key: str
    artefact: Artefact
    place: str
    source: Source

    @property
    def is_remote(self) -> bool:
        """Whether the place is an address and no path."""
        return "://" in self.place

    @property
    def name(self) -> str:
        """What the place is called, without folders and archive suffixes."""
        name = name_of(self.place) if self.is_remote else Path(self.place).expanduser().name
        for suffix in (".zip", ".tar.gz", ".tgz", ".tar"):
            name = name.removesuffix(suffix)
        return name.lstrip(".") or "here"


def bring(part: Part, downloads: Path, watch: Watch) -> Path:
    """Return the local file or folder that a place stands for.

    Args:
        part: The place.
        downloads: Where what is fetched and unpacked is kept, for all datasets.
        watch: Is told how far it is.

    Raises:
        InputError: It cannot be had; the message says what to do and which key to set.
    """
    if not part.is_remote:
        local = Path(part.place).expanduser().absolute()
        return local if local.is_dir() else _opened(part, local, downloads, watch)
    folder = downloads / f"{part.name}-{_digest(part.place)}"
    unpacked = folder / "unpacked"
    if _is_done(unpacked, _unpacking(part, None)):  # the archive itself may be gone by then
        return unpacked / part.name
    target = folder / name_of(part.place)
    try:
        for progress in fetch(_remote(part), target):
            watch(part.key, progress)
    except InputError as error:
        raise InputError(
            f"{part.key}: {error.where}",
            found=error.found,
            expected=error.expected,
            remedy=f"{error.remedy}; or get it by hand ({part.artefact.how_to_get}) and set "
            f"{part.key}.at to its place",
        ) from error
    return _opened(part, target, downloads, watch)


def _opened(part: Part, path: Path, downloads: Path, watch: Watch) -> Path:
    """Check a file; where it is an archive, unpack what is needed of it."""
    if not path.exists():
        raise InputError(
            f"{part.key}.at",
            found=f"{path}, which does not exist",
            expected="a folder, a file or a URL",
            remedy=part.artefact.how_to_get,
        )

    def told(steps: Iterable[Progress]) -> Iterator[None]:
        for progress in steps:
            watch(part.key, progress)
            yield

    is_archive = path.suffix not in NO_ARCHIVES and sniff_file(path) in ARCHIVES
    kept = downloads / f"{part.name}-{_digest(part.place if part.is_remote else str(path))}"
    if not part.is_remote:
        known = Known(part.source.bytes, part.source.md5_sums, part.source.sha256_sums)
        remedy = f"check the file, or mend the size or sum of {part.key} in params.yaml"
        if known != Known():
            facts = {**_state(path), "bytes": known.num_bytes, "sums": str(known)}
            _do_once(kept / "checked", facts, told(verify_file(path, known, remedy=remedy)))
    if not is_archive:
        return path
    unpacked = kept / "unpacked"
    facts = _unpacking(part, None if part.is_remote else path)
    _do_once(unpacked, facts, _unpack(part, path, unpacked / part.name, watch))
    return unpacked / part.name


def _unpack(part: Part, archive: Path, folder: Path, watch: Watch) -> Iterator[None]:
    num_bytes = 0
    for count, path in enumerate(unpack(archive, folder, members=part.artefact.members), start=1):
        num_bytes += path.stat().st_size
        watch(part.key, Progress(num_bytes, None, f"unpacking, {count} files"))
        yield


def _unpacking(part: Part, archive: Path | None) -> dict[str, Any]:
    """What an unpacked folder was made of: of a remote archive the address and the sums."""
    members = list(part.artefact.members)
    if archive is not None:
        return {**_state(archive), "members": members}
    source = part.source
    sums = [*source.md5_sums, *source.sha256_sums]
    return {"url": part.place, "bytes": source.bytes, "sums": sums, "members": members}


def _do_once(outcome: Path, facts: dict[str, Any], work: Iterable[object]) -> None:
    """Do some work unless a record beside its outcome says that it was done on these facts."""
    if _is_done(outcome, facts):
        return
    record = _record(outcome)
    record.unlink(missing_ok=True)
    for _ in work:
        pass
    write_text(record, json.dumps(facts, indent=1) + "\n")


def _is_done(outcome: Path, facts: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(_record(outcome).read_bytes()) == facts)
    except (OSError, ValueError):
        return False


def _record(outcome: Path) -> Path:
    return outcome.with_name(outcome.name + ".json")


def _state(path: Path) -> dict[str, Any]:
    state = path.stat()
    return {"path": str(path), "size": state.st_size, "changed": state.st_mtime_ns}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


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
        md5=source.md5_sums,
        sha256=source.sha256_sums,
        credentials=credentials,
        how_to_sign_in=how,
    )
