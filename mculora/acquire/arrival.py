"""Where a download lies while it arrives and once it is whole, so that no byte comes twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from mculora.acquire.checksums import Progress, verify_file
from mculora.acquire.free_disk import check_free_disk, room_for
from mculora.acquire.record import beside, read_object, read_record, write_record
from mculora.acquire.remote import Remote
from mculora.errors import InputError
from mculora.files import TEMPORARY_SUFFIX, write_text

WRONG_SUFFIX = ".wrong-checksum"
"""A whole file that is not the one that was meant, kept for a person to decide."""
LOCK_SUFFIX = ".lock"
SECONDS_BETWEEN_LOOKS = 0.2
KEPT_REMEDY = "correct what is expected of it, or remove it and run again to fetch it anew"


class Interrupted(Exception):
    """No bytes this time, or no more; trying again may help.

    Args:
        reason: What happened, as part of a sentence.
        retry_after_seconds: How long the server asks to be left alone.
    """

    def __init__(self, reason: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True)
class Origin:
    """Which edition of a remote file some bytes are of; empty or None where unsaid."""

    url: str
    total_bytes: int | None = None
    etag: str = ""
    last_modified: str = ""

    @property
    def if_range(self) -> str:
        """What a server needs to see that its file is still this one; weak tags do not do."""
        tag = "" if self.etag.startswith("W/") else self.etag
        says = tag or self.last_modified
        return says if says.isascii() and says.isprintable() else ""

    def is_other_than(self, newer: Origin) -> bool:
        """Whether both say something, and not the same."""
        mine, theirs = asdict(self), asdict(newer)
        return any(mine[f] and theirs[f] and mine[f] != theirs[f] for f in mine)

    def is_surely(self, newer: Origin) -> bool:
        """Whether a mark of the file says that it is the same, and nothing says otherwise."""
        is_marked = bool(self.if_range) and self.if_range == newer.if_range
        return is_marked and not self.is_other_than(newer)


class Arrival:
    """One remote file on its way to one target; only who holds the turn may use it."""

    def __init__(self, remote: Remote, target: Path) -> None:
        self.remote, self.target = remote, target
        self.partial = beside(target, TEMPORARY_SUFFIX)
        self.kept = beside(target, WRONG_SUFFIX)
        self._origin_path = beside(self.partial, ".json")
        self._lock = FileLock(beside(target, LOCK_SUFFIX), thread_local=False)
        self.origin: Origin | None = None
        self._digests = remote.known.new_digests()

    @property
    def num_bytes(self) -> int:
        """How many bytes are here, and hashed."""
        return self._digests.num_bytes

    @property
    def total_bytes(self) -> int | None:
        """How many there will be, as far as anybody has said."""
        said = self.origin.total_bytes if self.origin else None
        return said if said is not None else self.remote.num_bytes

    @property
    def is_whole(self) -> bool:
        """Whether every byte is here."""
        return self.num_bytes > 0 and self.num_bytes == self.total_bytes

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(self.num_bytes, self.total_bytes)

    def take_turn(self, sleep: Callable[[float], None]) -> Iterator[Progress]:
        """Wait until no other thread or process fetches the same; the system frees a dead one's."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                self._lock.acquire(blocking=False)
                return
            except Timeout:
                done = self.partial.stat().st_size if self.partial.exists() else 0
                yield Progress(done, self.total_bytes, "waiting for who else fetches it")
                sleep(SECONDS_BETWEEN_LOOKS)

    def leave_turn(self) -> None:
        """Let others have it."""
        self._lock.release()

    def check_again(self) -> Iterator[Progress]:
        """See whether a whole file without a record, or one kept as wrong, is right by now.

        Raises:
            InputError: It is not.
        """
        found = self.target if self.target.exists() else self.kept
        record = read_record(self.target)
        known = self.remote.known
        was = record.get("url", self.remote.url)
        if was != self.remote.url and not known.has_sums and known.num_bytes is None:
            raise InputError(
                found, found=f"the file of {was}", expected=self.remote.url, remedy=KEPT_REMEDY
            )
        sums = yield from verify_file(found, known, name=self.target.name, remedy=KEPT_REMEDY)
        self._give_name(found, sums)

    def take_up(self) -> Iterator[Progress]:
        """Go on from what an earlier process left of this address, reading it once to hash it."""
        origin = _read_origin(self._origin_path)
        if origin and origin.url == self.remote.url and self.partial.is_file():
            yield from self._digests.add_file(self.partial)
            self.origin = origin

    def forget(self) -> None:
        """Count what is here as nothing, since it is of another edition; `begin` removes it."""
        self.origin, self._digests = None, self.remote.known.new_digests()
        self._origin_path.unlink(missing_ok=True)

    def begin(self, origin: Origin) -> None:
        """Start anew with this edition."""
        self.check_room(origin.total_bytes)
        self.forget()
        with room_for(self.partial):
            self.partial.write_bytes(b"")  # first: old bytes never stand beside a new origin
            self._settle(origin)

    def go_on(self, newer: Origin) -> None:
        """Go on with this edition.

        Raises:
            Interrupted: What is here is of another one; it will start anew.
        """
        assert self.origin is not None, "only what has begun goes on"
        if self.origin.is_other_than(newer):
            self.forget()
            raise Interrupted("a file that has changed on the server meanwhile")
        self.check_room(newer.total_bytes)
        if self.origin.total_bytes is None:
            self._settle(replace(self.origin, total_bytes=newer.total_bytes))

    def end(self, total_bytes: int | None) -> None:
        """Take it that the server has no more bytes, and only so many in all, if it says that.

        Raises:
            Interrupted: There should be more; or it has too many and will start anew.
        """
        assert self.origin is not None, "only what has begun ends"
        if total_bytes is None:
            total_bytes = self.total_bytes or self.num_bytes
        if total_bytes < self.num_bytes:
            self.forget()
            raise Interrupted(f"a file of only {total_bytes:,} bytes")
        if total_bytes > self.num_bytes:
            raise Interrupted(f"the end after {self.num_bytes:,} of {total_bytes:,} bytes")
        self._settle(replace(self.origin, total_bytes=total_bytes))

    def check_room(self, total_bytes: int | None) -> None:
        """Refuse a file that the disk has no room for, if its size is known."""
        if total_bytes is not None:
            here = self.partial.stat().st_size if self.partial.exists() else 0
            check_free_disk(self.partial, total_bytes - here)

    def append(self, chunks: Iterator[bytes]) -> Iterator[Progress]:
        """Write chunks through to the system, so that a killed process loses none of them."""
        with room_for(self.partial), self.partial.open("ab") as file:
            for chunk in chunks:
                file.write(chunk)
                file.flush()
                self._digests.add(chunk)
                yield self.progress

    def _settle(self, origin: Origin) -> None:
        self.origin = origin
        write_text(self._origin_path, json.dumps(asdict(origin)))

    def land(self) -> None:
        """Give the whole file its name, if it is the right one.

        Raises:
            InputError: Its checksum is wrong; the file is kept under another name.
        """
        with self.partial.open("rb+") as file:
            os.fsync(file.fileno())
        if self.remote.known.accepts(self._digests.sums):
            self._give_name(self.partial, self._digests.sums)
            return
        os.replace(self.partial, self.kept)
        self._origin_path.unlink(missing_ok=True)
        raise InputError(
            self.kept,
            found=f"{self._digests} in what {self.remote.url} sent",
            expected=str(self.remote.known),
            remedy=KEPT_REMEDY,
        )

    def _give_name(self, whole: Path, sums: Mapping[str, str]) -> None:
        os.replace(whole, self.target)
        self._origin_path.unlink(missing_ok=True)
        write_record(self.target, self.remote, sums=sums)


def _read_origin(path: Path) -> Origin | None:
    try:
        origin = Origin(**read_object(path))
    except TypeError:
        return None
    texts = (origin.url, origin.etag, origin.last_modified)
    is_sound = all(isinstance(text, str) for text in texts)
    return origin if is_sound and isinstance(origin.total_bytes, int | None) else None
