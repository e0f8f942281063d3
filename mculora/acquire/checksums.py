"""Whether a file is the one that was meant: its size, its kind and its checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mculora.acquire.magic import FileKind, expected_kind, sniff_file
from mculora.errors import InputError

CHUNK_BYTES = 2**20
"""How much of a file is read and hashed at a time."""
_ALGORITHMS = {"md5": ("MD5", 32), "sha256": ("SHA-256", 64)}
"""Name for people, and number of hex digits."""


@dataclass(frozen=True)
class Progress:
    """How far a long reading is.

    Attributes:
        done_bytes: Bytes that are here, those of earlier runs included.
        total_bytes: Bytes of the whole file; None while nobody has said it.
        note: What is going on when it is not simply receiving bytes; else empty.
    """

    done_bytes: int
    total_bytes: int | None
    note: str = ""


@dataclass(frozen=True)
class Known:
    """What is known of a file; nothing, by default.

    Attributes:
        num_bytes: Its size.
        md5: MD5 sums (hex, either case) of the editions that are right.
        sha256: Their SHA-256 sums; a file is right when any one of all these sums is its own.

    Raises:
        InputError: A size or sum is none.
    """

    num_bytes: int | None = None
    md5: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for algorithm in _ALGORITHMS:
            sums = tuple(_checked_sum(algorithm, text) for text in getattr(self, algorithm))
            object.__setattr__(self, algorithm, sums)
        if self.num_bytes is not None and self.num_bytes <= 0:
            raise InputError("size", found=str(self.num_bytes), expected="a number of bytes")

    @property
    def has_sums(self) -> bool:
        """Whether any checksum is known."""
        return bool(self.md5 or self.sha256)

    def accepts(self, sums: Mapping[str, str]) -> bool:
        """Whether sums (by algorithm) are those of the file; any, when none is known."""
        return not self.has_sums or any(sums.get(a) in getattr(self, a) for a in _ALGORITHMS)

    def new_digests(self) -> Digests:
        """Digests that can tell; SHA-256, as a fingerprint, when no sum is known."""
        return Digests(tuple(a for a in _ALGORITHMS if getattr(self, a)) or ("sha256",))

    def __str__(self) -> str:
        every = [f"{word} {s}" for a, (word, _) in _ALGORITHMS.items() for s in getattr(self, a)]
        return " or ".join(every)


class Digests:
    """The checksums of bytes as they come by, and their number."""

    def __init__(self, algorithms: tuple[str, ...]) -> None:
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self.num_bytes = 0

    def add(self, chunk: bytes) -> None:
        """Take in the next bytes."""
        for digest in self._hashes.values():
            digest.update(chunk)
        self.num_bytes += len(chunk)

    def add_file(self, path: Path) -> Iterator[Progress]:
        """Take in a file's bytes, saying how far it is."""
        total_bytes = path.stat().st_size
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                self.add(chunk)
                yield Progress(self.num_bytes, total_bytes, "checking what is here")

    @property
    def sums(self) -> dict[str, str]:
        """The sums (hex) so far, by algorithm."""
        return {name: digest.hexdigest() for name, digest in self._hashes.items()}

    def __str__(self) -> str:
        return " and ".join(f"{_ALGORITHMS[a][0]} {text}" for a, text in self.sums.items())


def verify_file(
    path: Path,
    known: Known,
    *,
    name: str = "",
    remedy: str = "bring the file again, or correct what is expected of it",
) -> Generator[Progress, None, dict[str, str]]:
    """Check a file on disk: its size and kind at once, its sums, where known, by reading it all.

    Args:
        path: The file; it is only read.
        known: What it must be.
        name: The name that promises a kind, when it is not that of `path`.
        remedy: What to do about a wrong file.

    Returns:
        The sums that were made, by algorithm: those of which one is known.

    Raises:
        InputError: There is no such file, or it is another one.
    """
    if not path.is_file():
        raise InputError(path, found="no file", expected="a file", remedy=remedy)
    num_bytes, kind = path.stat().st_size, expected_kind(name or path.name)
    if known.num_bytes not in (None, num_bytes):
        found, expected = f"{num_bytes:,} bytes", f"{known.num_bytes:,} bytes"
        raise InputError(path, found=found, expected=expected, remedy=remedy)
    if kind is not None and sniff_file(path) is not kind:
        found = describe(sniff_file(path))
        raise InputError(path, found=found, expected=describe(kind), remedy=remedy)
    if not known.has_sums:
        return {}
    digests = known.new_digests()
    yield from digests.add_file(path)
    if not known.accepts(digests.sums):
        raise InputError(path, found=str(digests), expected=str(known), remedy=remedy)
    return digests.sums


def describe(kind: FileKind | None) -> str:
    """A kind as a message says it."""
    article = "an" if kind in (FileKind.HDF5, FileKind.HTML) else "a"
    return "a file of another kind" if kind is None else f"{article} {kind.value}"


def _checked_sum(algorithm: str, text: str) -> str:
    word, num_digits = _ALGORITHMS[algorithm]
    if len(text) != num_digits or not set(text.lower()) <= set("0123456789abcdef"):
        raise InputError(
            algorithm, found=repr(text), expected=f"the {num_digits} hex digits of an {word} sum"
        )
    return text.lower()
