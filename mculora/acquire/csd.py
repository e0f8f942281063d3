"""Computational sequences of the CMU SDK (.csd): HDF5 files of rows in time, read with distrust."""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mculora.errors import InputError

MAX_ENTRY_BYTES = 2**30
"""More than this, unpacked, is no video's features: hours of the widest sequence fit."""
_SAFE_CHUNK_BYTES = 2**20  # gzip unfolds to 1032 times the size at most: here to about 1 GiB
_MAX_TEXT_BYTES = 2**20
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
# What h5py raises for bytes that are no HDF5, each seen with damaged files.
_DAMAGE = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError, MemoryError)


@dataclass(frozen=True)
class Entry:
    """The rows of one video.

    Attributes:
        features: (T, D): floats as they are stored, NaN and infinities included; words and phones
            are fixed-width bytes.
        intervals: (T, 2) float64: start and end of each row in seconds.
    """

    features: NDArray[Any]
    intervals: NDArray[np.float64]


class Sequence:
    """An open computational sequence: its entries are read one by one.

    Attributes:
        root_name: The name of the one group at the top, as the file spells it.
        keys: The ids of its videos, sorted; after alignment `<video>[<segment>]`.
    """

    def __init__(self, path: Path, file: Any) -> None:
        self._path = path
        roots = list(file.id)
        if not roots:
            raise self._unusable("", "no group at the top")
        self.root_name = _to_text(roots[0])
        self._root = self._open(file, roots[0], self.root_name, h5py.Group)
        data = self._open(self._root, b"data", f"{self.root_name}/data", h5py.Group)
        self._entries, names = data, sorted(data.id)
        self._names = {_to_text(name): name for name in names}
        self.keys: tuple[str, ...] = tuple(self._names)

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """What the file says of itself: JSON values or, where it is none, plain strings.

        Readers can do without it, so a value that is damaged is left out.
        """
        try:
            group = self._open(self._root, b"metadata", "metadata", h5py.Group)
            texts = {_to_text(name): self._read_text(group, name) for name in group.id}
        except (InputError, *_DAMAGE):
            return {}
        return {name: _parse(text) for name, text in texts.items() if text is not None}

    def _read_text(self, group: Any, name: bytes) -> str | None:
        """Read one string of any kind; None where it cannot be read."""
        try:
            dataset = self._open_dataset(group, name, f"metadata/{_to_text(name)}")
            if dataset.size != 1:
                return None
            if dataset.dtype.kind != "O":
                return _to_text(np.ravel(dataset[()]).astype(bytes)[0])
            return _read_heap_string(self._path, dataset.id.get_offset())
        except (InputError, struct.error, *_DAMAGE):
            return None

    def read(self, key: str) -> Entry:
        """Read the entry of one video.

        Raises:
            InputError: There is none, or it is damaged; the message names file and key.
        """
        if key not in self._names:
            raise self._unusable(key, "no such entry")
        try:
            group = self._open(self._entries, self._names[key], key, h5py.Group)
            features = self._read_table(group, b"features", key)
            intervals = self._read_table(group, b"intervals", key)
        except _DAMAGE as error:
            raise self._unusable(key, f"a damaged entry ({_one_line(error)})") from error
        if intervals.shape[1] != 2 or intervals.dtype.kind not in "fiu":
            raise self._unusable(key, f"intervals {intervals.shape} of {intervals.dtype}")
        if len(features) != len(intervals):
            found = f"{len(features)} rows of features and {len(intervals)} intervals"
            raise self._unusable(key, found)
        return Entry(features, intervals.astype(np.float64))

    def _read_table(self, group: Any, name: bytes, key: str) -> NDArray[Any]:
        dataset = self._open_dataset(group, name, key)
        if dataset.shape is None or len(dataset.shape) != 2 or dataset.dtype.kind not in "fiubS":
            found = f"{name.decode()} of shape {dataset.shape} and type {dataset.dtype}"
            raise self._unusable(key, found)
        table: NDArray[Any] = dataset[()]
        return table.astype(table.dtype.newbyteorder("="), copy=False)

    def _open_dataset(self, group: Any, name: bytes, key: str) -> Any:
        """Open a dataset whose values stand in this file and in memory have their due size."""
        dataset = self._open(group, name, key, h5py.Dataset)
        layout = dataset.id.get_create_plist()
        if layout.get_layout() == h5py.h5d.VIRTUAL or layout.get_external_count():
            raise self._unusable(key, f"{_to_text(name)} that stands in other files")
        if dataset.size:
            self._check_storage(dataset, layout, key)
        return dataset

    def _check_storage(self, dataset: Any, layout: Any, key: str) -> None:
        """Refuse what unpacks to more than it should, or was never written: that reads as zero."""
        num_bytes = dataset.size * dataset.dtype.itemsize
        chunk_bytes = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
        if max(num_bytes, chunk_bytes) > MAX_ENTRY_BYTES:
            found = f"{max(num_bytes, chunk_bytes):,} bytes (at most {MAX_ENTRY_BYTES:,} are read)"
            raise self._unusable(key, found)
        filters = [layout.get_filter(i)[0] for i in range(layout.get_nfilters())]
        if not _FILTERS.issuperset(filters) or filters.count(h5py.h5z.FILTER_DEFLATE) > 1:
            raise self._unusable(key, f"HDF5 filters {filters}, which no .csd file has")
        if not dataset.chunks:
            num_missing = max(num_bytes - dataset.id.get_storage_size(), 0)
        else:
            chunks: list[Any] = []
            dataset.id.chunk_iter(chunks.append)
            sides = zip(dataset.shape, dataset.chunks, strict=True)
            num_missing = math.prod(-(-side // chunk) for side, chunk in sides) - len(chunks)
            large = [chunk for chunk in chunks if filters and chunk.size > _SAFE_CHUNK_BYTES]
            if not all(_unfolds(dataset, chunk, chunk_bytes) for chunk in large):
                raise self._unusable(key, f"a chunk that does not unfold to {chunk_bytes:,} bytes")
        if num_missing:
            raise self._unusable(key, "values that were never written")

    def _open(self, group: Any, name: bytes, key: str, kind: type) -> Any:
        """Open what stands in the file itself: no link to another place is followed."""
        try:
            if group.id.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                raise self._unusable(key, f"{_to_text(name)} as a link to elsewhere")
            item = group[name]
        except (KeyError, RuntimeError) as error:
            raise self._unusable(key, f"no readable {_to_text(name)}") from error
        if not isinstance(item, kind):
            raise self._unusable(key, f"{_to_text(name)} as a {type(item).__name__.lower()}")
        return item

    def _unusable(self, key: str, found: str) -> InputError:
        return InputError(
            f"{self._path}, entry {key}" if key else self._path,
            found=found,
            expected="a computational sequence: <root>/data/<video>/{features (T, D), "
            "intervals (T, 2)}",
            remedy="fetch the file again",
        )


@contextmanager
def open_sequence(path: Path) -> Iterator[Sequence]:
    """Open a .csd file for reading and close it after the block.

    Only this file is ever read: links and datasets that lead out of it are refused.

    Raises:
        InputError: It is missing, no HDF5, or has no `<root>/data`.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except _DAMAGE as error:
        raise _unreadable(path, error) from error
    with file:
        try:
            sequence = Sequence(path, file)
        except _DAMAGE as error:
            raise _unreadable(path, error) from error
        yield sequence


def _unreadable(path: Path, error: BaseException) -> InputError:
    return InputError(
        path,
        found="nothing" if isinstance(error, FileNotFoundError) else _one_line(error),
        expected="a .csd file (HDF5) of the CMU Multimodal SDK",
        remedy="fetch the file again",
    )


def _unfolds(dataset: Any, chunk: Any, num_bytes: int) -> bool:
    """Tell whether a packed chunk unfolds to no more than it should, without unfolding more."""
    packed = dataset.id.read_direct_chunk(chunk.chunk_offset)[1]
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(packed, num_bytes + 64)  # 64: room for a checksum
    except zlib.error:
        return False
    return not unpacker.unconsumed_tail


def _read_heap_string(path: Path, offset: int | None) -> str | None:
    """Read a string of variable length: at `offset` stands where it is in a heap of the file.

    HDF5's own reader of such heaps runs for ever on some damaged files.
    """
    if offset is None:
        return None
    with path.open("rb") as file:
        file.seek(offset)
        length, heap, wanted = struct.unpack("<IQI", file.read(16))
        file.seek(heap)
        mark, num_bytes = struct.unpack("<4s4xQ", file.read(16))
        if mark != b"GCOL":
            return None
        end = heap + num_bytes
        while file.tell() < end:
            index, size = struct.unpack("<H6xQ", file.read(16))
            if index == wanted:
                return _to_text(file.read(length)) if length <= min(size, _MAX_TEXT_BYTES) else None
            if index == 0:  # the rest of the heap is free
                return None
            file.seek(-(-size // 8) * 8, os.SEEK_CUR)  # objects begin at multiples of 8
    return None


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _to_text(name: bytes) -> str:
    return name.decode("utf-8", errors="backslashreplace")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
