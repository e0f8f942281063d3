"""What a pickle may rebuild: containers, numbers, texts and plain numpy arrays, by our own code."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_DTYPE = re.compile(r"[<>|=]?(?:b1|[?bBhHiIlLqQefdgFDGO]|[iufc]\d{1,2}|O8|[SUa]\d{0,9})")
_LATIN1 = ("latin1", "latin-1")
_MAX_CODE_POINT = 0x10FFFF
_OBJECT_BYTES = 128  # what a small Python object, its reference and its memo entry take at most


class RefusedError(Exception):
    """The pickle asks for something that is not on the list; the text names it."""


@dataclass(frozen=True)
class Rule:
    """A function on the list: what runs in its place."""

    name: str
    call: Callable[..., Any]


@dataclass
class Rebuilder:
    """The allow-list for one pickle, with what that pickle may still allocate.

    No function of numpy that a pickle names is called: each has a stand-in here that checks its
    arguments. An array is filled exactly once, before the end, from as many bytes as it holds.

    Attributes:
        budget_bytes: How much more the pickle may make out of nothing, or of the same bytes again.
    """

    budget_bytes: int
    _rules: dict[tuple[str, str], Any] = field(init=False)
    _unfilled: dict[int, Any] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        rules: dict[tuple[str, str], Any] = {
            ("numpy", "ndarray"): np.ndarray,  # only an argument: no rule, so never called
            ("numpy", "dtype"): Rule("numpy.dtype", self._dtype),
            ("collections", "OrderedDict"): Rule("OrderedDict", self._ordered_dict),
            ("_codecs", "encode"): Rule("_codecs.encode", self._encode),
        }
        for core in ("numpy.core", "numpy._core"):
            rules[f"{core}.multiarray", "_reconstruct"] = Rule("_reconstruct", self._empty_array)
            rules[f"{core}.multiarray", "scalar"] = Rule("scalar", self._scalar)
            rules[f"{core}.numeric", "_frombuffer"] = Rule("_frombuffer", self._from_buffer)
        for builtins in ("builtins", "__builtin__"):
            rules[builtins, "set"] = Rule("set", self._set)
            rules[builtins, "frozenset"] = Rule("frozenset", lambda *a: frozenset(self._set(*a)))
            rules[builtins, "complex"] = Rule("complex", _complex)
            rules[builtins, "bytes"] = Rule("bytes", _no_bytes)
        self._rules = rules

    def find(self, module: str, name: str) -> Any:
        """Give the stand-in for a global; nothing is ever imported.

        Raises:
            RefusedError: It is not on the list.
        """
        try:
            return self._rules[module, name]
        except KeyError:
            raise RefusedError(f"`{module}.{name}`") from None

    def call(self, function: Any, arguments: Any) -> Any:
        """Run a stand-in on the pickle's arguments.

        Raises:
            RefusedError: Not a stand-in, or not with these arguments.
        """
        if type(function) is not Rule or type(arguments) is not tuple:
            raise RefusedError(f"a call of {type(function).__name__} data")
        self.spend(_OBJECT_BYTES)
        return function.call(*arguments)

    def fill(self, value: Any, state: Any) -> None:
        """Give an array or dtype, just made, the state that the pickle holds for it.

        Raises:
            RefusedError: The value takes no state, has it already, or this one does not fit.
        """
        if id(value) not in self._unfilled or type(state) is not tuple:
            raise RefusedError(f"a state for {type(value).__name__} data")
        if isinstance(value, np.dtype):
            _fill_dtype(value, *state)
        else:
            self._fill_array(value, *state[-4:])
        del self._unfilled[id(value)]  # only now: an array may not hold itself either

    def spend(self, num_bytes: int) -> None:
        """Count memory that the pickle's own bytes do not pay for.

        Raises:
            RefusedError: The budget is used up.
        """
        self.budget_bytes -= num_bytes
        if self.budget_bytes < 0:
            raise RefusedError("far more memory than its own size")

    def check_complete(self) -> None:
        """Refuse arrays that never got their content.

        Raises:
            RefusedError: There are some.
        """
        if any(isinstance(value, np.ndarray) for value in self._unfilled.values()):
            raise RefusedError("an array without content")

    def check_keys(self, keys: Sequence[Any]) -> Sequence[Any]:
        """Refuse keys that are slow to hash or made to collide: only texts, numbers, flat tuples.

        Raises:
            RefusedError: A key is something else.
        """
        self.spend(_OBJECT_BYTES * len(keys))
        for key in keys:
            if type(key) is not str and not all(
                map(_is_plain, key if type(key) is tuple else (key,))
            ):
                raise RefusedError(f"a key that is {type(key).__name__} data")
        return keys

    def _empty_array(self, kind: Any, _shape: Any, _dtype: Any) -> np.ndarray:
        _require(kind is np.ndarray, "an array that is not a plain numpy.ndarray")
        array: np.ndarray = np.ndarray((0,), "b")
        self._unfilled[id(array)] = array  # held, so that its id stays its own
        return array

    def _dtype(self, name: Any, _align: Any = False, _copy: Any = True) -> np.dtype[Any]:
        name = name.decode("ascii") if type(name) is bytes else name
        if type(name) is not str or not _DTYPE.fullmatch(name):
            raise RefusedError(f"the dtype {name!r:.40}")
        dtype: np.dtype[Any] = np.dtype(name, copy=True)  # never the one that all of numpy shares
        self._unfilled[id(dtype)] = dtype
        return dtype

    def _fill_array(
        self, array: np.ndarray, shape: Any, dtype: Any, is_fortran: Any, content: Any
    ) -> None:
        length = num_items(shape)
        dtype = self._finished(dtype)
        if dtype.hasobject:
            _require(type(content) is list and len(content) == length, "a false array size")
            # An array of arrays of arrays … would overflow the C stack when it is freed.
            _require(not any(map(self._is_deep, content)), "object arrays inside object arrays")
        else:
            content = self._check_content(content, dtype, length)
        state: Any = (1, shape, dtype, bool(is_fortran), content)
        array.__setstate__(state)

    def _is_deep(self, item: Any) -> bool:
        return isinstance(item, np.ndarray) and (item.dtype.hasobject or id(item) in self._unfilled)

    def _finished(self, dtype: Any) -> np.dtype[Any]:
        _require(isinstance(dtype, np.dtype), "an array without a dtype")
        _require(id(dtype) not in self._unfilled, "an unfinished dtype")
        checked: np.dtype[Any] = dtype
        return checked

    def _check_content(self, content: Any, dtype: np.dtype[Any], length: int) -> bytes:
        if type(content) is str:  # Python 2 wrote bytes as text
            content = self._encode(content, "latin1")
        _require(type(content) in (bytes, bytearray), "an array that is not made of bytes")
        _require(len(content) == length * dtype.itemsize, "a false array size")
        _require(dtype.itemsize > 0 or length <= 1, "an array of nothing")
        self.spend(len(content) if not dtype.isnative else 0)  # numpy swaps a copy
        if dtype.itemsize > 0:
            check_text(np.frombuffer(content, dtype))
        checked: bytes = content
        return checked

    def _scalar(self, dtype: Any, content: Any = b"") -> Any:
        dtype = self._finished(dtype)
        _require(not dtype.hasobject, "an object as a number")
        content = self._check_content(content, dtype, 1)
        self.spend(len(content))
        return np.ndarray((), dtype, content)[()]

    def _from_buffer(
        self, content: Any, dtype: Any, shape: Any, order: Any, axes: Any = None
    ) -> np.ndarray:
        length = num_items(shape)
        dtype = self._finished(dtype)
        _require(not dtype.hasobject, "objects made of bytes")
        content = self._check_content(content, dtype, length)
        array: np.ndarray = np.ndarray(length, dtype, content)
        if order == "K" and axes is not None:
            return array.reshape(shape).transpose(axes)
        return array.reshape(shape, order="F" if order == "F" else "C")

    def _encode(self, text: Any, encoding: Any) -> bytes:
        _require(type(text) is str and encoding in _LATIN1, "an encoding other than latin1")
        self.spend(len(text))
        encoded: bytes = text.encode("latin1")
        return encoded

    def _set(self, items: Any = ()) -> set[Any]:
        _require(type(items) in (list, tuple), "a set of something else than a list")
        return set(self.check_keys(items))

    def _ordered_dict(self, pairs: Any = ()) -> OrderedDict[Any, Any]:
        _require(type(pairs) is list or pairs == (), "an OrderedDict of something else than a list")
        _require(all(type(p) in (list, tuple) and len(p) == 2 for p in pairs), "no pairs")
        self.check_keys([pair[0] for pair in pairs])
        return OrderedDict(pairs)


def _is_plain(key: Any) -> bool:
    if isinstance(key, int):
        return -(2**63) <= key < 2**63
    return key is None or isinstance(key, (str, bytes, float, np.integer, np.bool_, np.floating))


def _fill_dtype(
    dtype: Any, _version: Any, order: Any, base: Any, names: Any, fields: Any, *_: Any
) -> None:
    _require(base is None and names is None and fields is None, "a structured dtype")
    order = order.decode("ascii") if type(order) is bytes else order
    _require(order in ("<", ">", "|", "="), "a dtype without byte order")
    if order in "<>" and dtype.byteorder != "|":
        own = dtype.__reduce__()[2]  # sizes and flags are numpy's own, whatever the pickle says
        dtype.__setstate__((own[0], order, *own[2:]))


def num_items(shape: Any) -> int:
    """How many items an array of this shape has.

    Raises:
        RefusedError: It is no shape.
    """
    _require(type(shape) is tuple, "an array without a shape")
    _require(all(type(length) is int and length >= 0 for length in shape), "a false array shape")
    return math.prod(shape)


def check_text(array: np.ndarray) -> None:
    """Refuse an array of text with characters that would raise when somebody looks at them.

    Raises:
        RefusedError: There are some.
    """
    if array.dtype.kind == "U" and array.size and array.itemsize:
        code_point = np.dtype("u4").newbyteorder(array.dtype.byteorder)
        highest = array.ravel(order="K").view(code_point).max()
        _require(int(highest) <= _MAX_CODE_POINT, "characters that do not exist")


def _complex(real: Any, imaginary: Any) -> complex:
    _require(type(real) is float and type(imaginary) is float, "a complex number of something else")
    return complex(real, imaginary)


def _no_bytes() -> bytes:
    return b""


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise RefusedError(otherwise)
