"""A tar read once from its beginning to its end, however it is compressed and however long."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from mculora.acquire.members import HostileArchiveError

CHUNK_BYTES = 2**18
_BLOCK_BYTES = 512
_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}


class ForwardStream:
    """What `tarfile` needs of a file, going forward only and with every byte counted.

    Args:
        file: The stream, decompressed.
        count: Called with the number of bytes that come next, before they are read.
    """

    def __init__(self, file: IO[bytes], count: Callable[[int], None]) -> None:
        self._file, self._count = file, count
        self._position = 0
        self._last = b""

    @property
    def has_ended_well(self) -> bool:
        """Whether what was read last is the block of zeros that ends a tar."""
        return self._last == bytes(_BLOCK_BYTES)

    def tell(self) -> int:
        """Bytes from the beginning."""
        return self._position

    def seek(self, position: int) -> None:
        """Go forward to a position.

        Raises:
            HostileArchiveError: It lies behind.
        """
        if position < self._position:
            raise HostileArchiveError("a member that begins before the one in front of it")
        self._count(position - self._position)
        self._file.seek(position)
        self._position = position

    def read(self, num_bytes: int) -> bytes:
        """Read so many bytes, or what is left.

        Raises:
            HostileArchiveError: More than one chunk at once: `tarfile` wants that of long names
                and headers only, and would keep it in memory.
        """
        if not 0 <= num_bytes <= CHUNK_BYTES:
            raise HostileArchiveError(f"a name or header of {num_bytes:,} bytes")
        self._count(num_bytes)
        self._last = self._file.read(num_bytes)
        self._position += len(self._last)
        return self._last


@contextmanager
def open_stream(archive: Path) -> Iterator[IO[bytes]]:
    """Open a file and undo its compression, told by its first bytes."""
    with archive.open("rb") as file:
        head = file.read(8)
    openers = [opener for mark, opener in _OPENERS.items() if head.startswith(mark)]
    with openers[0](archive) if openers else archive.open("rb") as stream:
        yield stream


def is_tar(head: bytes) -> bool:
    """Whether a file that begins with `head` (512 bytes) is a tar: its header has a checksum."""
    try:
        tarfile.TarInfo.frombuf(head[:_BLOCK_BYTES], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return head == bytes(_BLOCK_BYTES)  # an empty one
    return True


def iterate_tar(stream: ForwardStream) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    """Give the members in order; each can be extracted until the next one is asked for.

    Raises:
        tarfile.TarError: The tar is damaged, or something follows its end.
    """
    source: Any = stream
    tar: Any
    with tarfile.TarFile(fileobj=source, encoding="utf-8", errors="surrogateescape") as tar:
        while member := tar.next():
            tar.members.clear()  # 200,000 of them need not be kept
            yield member, tar
        if not stream.has_ended_well:  # tarfile takes a damaged header for the end
            raise tarfile.ReadError(f"it breaks off or is damaged near byte {stream.tell():,}")
        while rest := stream.read(CHUNK_BYTES):  # only at its end is a gzip's checksum compared
            if rest.strip(b"\0"):
                raise tarfile.ReadError(f"more data after its end, near byte {stream.tell():,}")
