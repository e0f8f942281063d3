"""What is unpacked of an archive, with a record of what it was made of: nothing comes out twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from mculora.acquire.archive import unpack
from mculora.acquire.checksums import Known, Progress
from mculora.acquire.record import read_object
from mculora.files import write_text


class Unpacked:
    """A folder of an archive's members.

    Args:
        folder: Where they are; the record stands beside its parent folder.
        archive: The archive; it may be gone once it is unpacked.
        members: Shell patterns of what is needed; none for everything.
        known: What the archive is checked against.
    """

    def __init__(
        self, folder: Path, archive: Path, *, members: Sequence[str], known: Known
    ) -> None:
        self.folder = folder
        self._archive, self._members = archive, list(members)
        self._record = folder.parent.with_suffix(".json")
        self._known = {"bytes": known.num_bytes, "sums": [*known.md5, *known.sha256]}

    @property
    def is_done(self) -> bool:
        """Whether all that is needed is here, of the archive as it is now, if it is."""
        record = read_object(self._record)
        is_of_it = not self._archive.exists() or record.get("archive") == _state(self._archive)
        is_known = record.get("known") == self._known
        has_all = self.folder.is_dir() and self._members in record.get("members", [])
        return is_of_it and is_known and has_all

    def update(self) -> Iterator[Progress]:
        """Unpack what is needed and not here yet; what is of an earlier archive goes first.

        Raises:
            InputError: The archive is damaged or hostile, or has nothing that is needed.
        """
        record, state = read_object(self._record), _state(self._archive)
        if record.get("archive") != state and self.folder.exists():
            self._record.unlink(missing_ok=True)  # first: what is half removed is never taken
            shutil.rmtree(self.folder)
        done = record.get("members", []) if self.folder.exists() else []
        self._write(state, done)
        if self._members not in done:
            yield from self._unpack()
            self._write(state, [*done, self._members])

    def _unpack(self) -> Iterator[Progress]:
        num_bytes = 0
        files = unpack(self._archive, self.folder, members=self._members)
        for count, path in enumerate(files, start=1):
            num_bytes += path.stat().st_size
            yield Progress(num_bytes, None, f"unpacking file {count:,}")

    def _write(self, state: dict[str, int], members: list[list[str]]) -> None:
        record = {"archive": state, "known": self._known, "members": members}
        write_text(self._record, json.dumps(record, indent=1) + "\n")


def _state(path: Path) -> dict[str, int]:
    state = path.stat()
    return {"size": state.st_size, "changed": state.st_mtime_ns}
