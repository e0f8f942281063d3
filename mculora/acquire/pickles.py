"""Pickles and npz files from strangers, read through an allow-list: nothing in them can run."""

from __future__ import annotations

import io
import lzma
import os
import pickle
import pickletools
import struct
import tokenize
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from mculora.acquire.pickled_values import Rebuilder, RefusedError, check_text, num_items
from mculora.errors import InputError

MAX_NPZ_BYTES = 2**32
_PICKLE = "a pickle of containers, numbers, texts and numpy arrays"
_DAMAGED = (
    pickle.UnpicklingError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""Whatever damaged bytes make of the readers below."""
_FREE_BYTES, _FREE_BYTES_PER_BYTE = 2**28, 4
"""Memory that a pickle may make out of opcodes of a few bytes: far above what real ones take."""
_PLAIN_OPCODES = (
    "PROTO", "FRAME", "STOP", "POP", "POP_MARK", "DUP", "GET", "BINGET", "LONG_BINGET", "BINPUT",
    "NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4",
    "FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "EMPTY_TUPLE",
    "GLOBAL", "STACK_GLOBAL",
)  # fmt: skip
_COSTLY_OPCODES = {
    **dict.fromkeys(("MARK", "LIST", "EMPTY_LIST", "EMPTY_DICT"), 64),
    **dict.fromkeys(("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"), 64),
    **dict.fromkeys(("MEMOIZE", "PUT", "LONG_BINPUT"), 128),
    "EMPTY_SET": 224,
}
"""Opcodes of few bytes, and about how many bytes of memory each takes."""
_Opcode = Callable[[Any], None]


def read_pickle(path: Path) -> Any:
    """Read a pickle from somebody else, in which 8-bit strings are latin1.

    What comes back consists of dict, OrderedDict, list, tuple, set, frozenset, str, bytes, int,
    float, bool, None, complex, and numpy scalars and plain arrays (of objects, too: these again).

    Raises:
        InputError: The file is missing, damaged, or asks for anything else; nothing of it was run.
    """
    with _one_error(path, _PICKLE), path.open("rb") as file:
        return _Unpickler(file, os.fstat(file.fileno()).st_size).load()


def read_pickle_bytes(content: bytes, where: Path | str) -> Any:
    """Read a pickle from memory, as `read_pickle` does; `where` is what messages name.

    Raises:
        InputError: The content is damaged or not on the allow-list.
    """
    with _one_error(where, _PICKLE):
        return _Unpickler(io.BytesIO(content), len(content)).load()


def read_npz(path: Path, *, max_bytes: int = MAX_NPZ_BYTES) -> dict[str, Any]:
    """Read the arrays of an .npz file; those of objects pass through the same allow-list.

    Args:
        path: What `np.savez` or `np.savez_compressed` wrote.
        max_bytes: How large its arrays may be together; more is taken for a zip bomb.

    Returns:
        Its arrays by name; a single object (an object array without dimensions) as itself.

    Raises:
        InputError: The file is missing, damaged, too large, or an array is not on the list.
    """
    with _one_error(path, "an .npz file of numpy arrays"), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > max_bytes:
            raise RefusedError(f"more than {max_bytes:,} bytes of memory")
        return {
            member.filename.removesuffix(".npy"): _read_npy(archive, member) for member in members
        }


def _read_npy(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
    with archive.open(member) as file:
        read_header = (
            npy.read_array_header_1_0
            if npy.read_magic(file) == (1, 0)
            else npy.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
        if dtype.hasobject:
            content = file.read()
            array = _Unpickler(io.BytesIO(content), len(content)).load()
            if type(array) is not np.ndarray or array.shape != shape:
                raise ValueError(f"{member.filename} is not the array that it claims to be")
            return array if shape else array.item()
        num_bytes = member.file_size - file.tell()
    if num_items(shape) * max(dtype.itemsize, 1) != num_bytes:
        raise ValueError(f"{member.filename} does not have the size that it claims")
    with archive.open(member) as file:
        array = npy.read_array(file, allow_pickle=False)
        file.read(1)  # only at its end is a member's checksum compared
    check_text(array)
    return array


@contextmanager
def _one_error(where: Path | str, expected: str) -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        raise InputError(
            where,
            found=ascii(f"data that asks for {error}"[:200])[1:-1],
            expected=expected,
            remedy="nothing was run; get the file from the people who published it",
        ) from error
    except OSError as error:
        raise InputError(
            where,
            found=f"a file that cannot be read ({error.strerror or error})",
            expected=expected,
            remedy="check the path, or fetch it again",
        ) from error
    except _DAMAGED as error:
        reason = ascii(f"{type(error).__name__}: {error}"[:160])[1:-1]
        raise InputError(
            where,
            found=f"a file that is damaged or something else ({reason})",
            expected=expected,
            remedy="fetch it again",
        ) from error


class _Source:
    """A file of known size that never gives less, or allocates more, than it is asked for."""

    def __init__(self, file: IO[bytes], num_bytes: int) -> None:
        self._file, self._left = file, num_bytes

    def read(self, num_bytes: int) -> bytes:
        if num_bytes > self._left:
            raise EOFError(f"it ends {num_bytes - self._left} bytes early")
        return self._counted(self._file.read(num_bytes))

    def readline(self) -> bytes:
        return self._counted(self._file.readline())

    def _counted(self, content: bytes) -> bytes:
        self._left -= len(content)
        return content


def _charged(run: _Opcode, num_bytes: int) -> _Opcode:
    def run_charged(machine: _Unpickler) -> None:
        machine.rebuilder.spend(num_bytes)
        run(machine)

    return run_charged


def _refused(name: str) -> _Opcode:
    def refuse(machine: _Unpickler) -> None:
        raise RefusedError(f"the opcode {name}")

    return refuse


def _base_dispatch() -> dict[int, _Opcode]:
    inherited: dict[int, _Opcode] = dict(pickle._Unpickler.dispatch)
    names = {opcode.code.encode("latin1")[0]: opcode.name for opcode in pickletools.opcodes}
    dispatch = {code: _refused(name) for code, name in names.items()}
    for code, run in inherited.items():
        if names[code] in _PLAIN_OPCODES:
            dispatch[code] = run
        elif names[code] in _COSTLY_OPCODES:
            dispatch[code] = _charged(run, _COSTLY_OPCODES[names[code]])
    return dispatch


class _Unpickler(pickle._Unpickler):
    """The interpreter of opcodes, without those that could run, import or overflow something.

    The pure-Python unpickler is the base: its opcodes can be left out and replaced, and its memo
    is a dict, where the C one allocates a table as long as the largest index that it reads.
    """

    dispatch = _base_dispatch()
    read: Callable[[int], bytes]
    readline: Callable[[], bytes]
    stack: list[Any]
    pop_mark: Callable[[], list[Any]]

    def __init__(self, file: IO[bytes], num_bytes: int) -> None:
        super().__init__(_Source(file, num_bytes), fix_imports=False, encoding="latin1")
        self.rebuilder = Rebuilder(_FREE_BYTES + _FREE_BYTES_PER_BYTE * num_bytes)

    def load(self) -> Any:
        value = super().load()
        self.rebuilder.check_complete()
        return value

    def find_class(self, module: str, name: str) -> Any:
        return self.rebuilder.find(module, name)

    def load_inst(self) -> None:
        module, name = (self.readline()[:-1].decode("latin1") for _ in range(2))
        raise RefusedError(f"an instance of `{module}.{name}`")

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self.rebuilder.call(self.stack[-1], arguments)

    def load_build(self) -> None:
        state = self.stack.pop()
        self.rebuilder.fill(self.stack[-1], state)

    def load_bytearray8(self) -> None:
        (length,) = struct.unpack("<Q", self.read(8))
        self.stack.append(bytearray(self.read(length)))  # read first: a false length makes nothing

    def load_append(self) -> None:
        item = self.stack.pop()
        self._top(list).append(item)

    def load_appends(self) -> None:
        items = self.pop_mark()
        self._top(list).extend(items)

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self._set_items(items)

    def load_setitem(self) -> None:
        items = [self.stack.pop(-2), self.stack.pop()]
        self._set_items(items)

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self._set_items(items)

    def load_additems(self) -> None:
        items = self.pop_mark()
        self._top(set).update(self.rebuilder.check_keys(items))

    def load_frozenset(self) -> None:
        items = self.pop_mark()
        self.stack.append(frozenset(self.rebuilder.check_keys(items)))

    def _set_items(self, items: list[Any]) -> None:
        keys = self.rebuilder.check_keys(items[::2])
        self._top(dict, OrderedDict).update(zip(keys, items[1::2], strict=True))

    def _top(self, *kinds: type) -> Any:
        if type(self.stack[-1]) not in kinds:
            raise TypeError(f"{type(self.stack[-1]).__name__} data where a container belongs")
        return self.stack[-1]


_Unpickler.dispatch.update(
    (getattr(pickle, name.removeprefix("load_").upper())[0], opcode)
    for name, opcode in vars(_Unpickler).items()
    if name.startswith("load_")
)
