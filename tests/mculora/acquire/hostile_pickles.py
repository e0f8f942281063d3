"""Pickles that no honest program writes, put together opcode by opcode."""

import pickle as op
import struct


def find(module, name):
    return op.GLOBAL + f"{module}\n{name}\n".encode()


def find_on_stack(module, name):
    return text(module) + text(name) + op.STACK_GLOBAL


def text(content):
    encoded = content.encode()
    return op.BINUNICODE + struct.pack("<I", len(encoded)) + encoded


def raw(content):
    return op.BINBYTES + struct.pack("<I", len(content)) + content


def whole(number):
    return op.LONG1 + b"\x09" + number.to_bytes(9, "little", signed=True)


def tuple_of(*items):
    return op.MARK + b"".join(items) + op.TUPLE


def list_of(*items):
    return op.MARK + b"".join(items) + op.LIST


def call(function, *arguments):
    return function + tuple_of(*arguments) + op.REDUCE


def stored(*parts, protocol=4):
    return op.PROTO + bytes([protocol]) + b"".join(parts) + op.STOP


def dtype(name, order="<", *rest):
    state = tuple_of(whole(3), text(order), *(rest or [op.NONE] * 3), *[whole(-1)] * 2, whole(0))
    return call(find("numpy", "dtype"), text(name)) + state + op.BUILD


EMPTY_ARRAY = call(
    find("numpy.core.multiarray", "_reconstruct"),
    find("numpy", "ndarray"),
    tuple_of(whole(0)),
    raw(b"b"),
)


def array(shape, kind, content):
    lengths = tuple_of(*map(whole, shape))
    return EMPTY_ARRAY + tuple_of(whole(1), lengths, kind, op.NEWFALSE, content) + op.BUILD


def code_runners(sentinel):
    """Each would make the file `sentinel`, if it ran, and names what it asks for."""
    shell, python = f"touch {sentinel}", f"open({str(sentinel)!r}, 'w')"
    popen = call(find("subprocess", "Popen"), list_of(text("touch"), text(str(sentinel))))
    return {
        "posix.system": stored(call(find("posix", "system"), text(shell))),
        "os.system": stored(call(find_on_stack("os", "system"), text(shell))),
        "builtins.eval": stored(call(find("builtins", "eval"), text(python))),
        "builtins.exec": stored(call(find_on_stack("builtins", "exec"), text(python))),
        "__builtin__.execfile": stored(call(find("__builtin__", "execfile"), text("x"))),
        "builtins.__import__": stored(call(find("builtins", "__import__"), text("this"))),
        "builtins.getattr": stored(
            call(find("builtins", "getattr"), find("numpy", "ndarray"), text("tofile"))
        ),
        "builtins.open": stored(call(find("builtins", "open"), text(str(sentinel)), text("w"))),
        "subprocess.Popen": stored(popen),
        "old subprocess.Popen": op.MARK + text("touch") + b"isubprocess\nPopen\n.",
        "pathlib.PosixPath": stored(call(find("pathlib", "PosixPath"), text("/"))),
        "runpy.run_path": stored(call(find("runpy", "run_path"), text(str(sentinel)))),
        "numpy.load": stored(call(find("numpy", "load"), text("x"), op.NONE, op.NEWTRUE)),
        "numpy.memmap": stored(call(find("numpy", "memmap"), text(str(sentinel)))),
        "numpy.ndarray.tofile": stored(
            call(find_on_stack("numpy", "ndarray.tofile"), text(str(sentinel)))
        ),
        "numpy.core.multiarray.fromfile": stored(
            call(find("numpy.core.multiarray", "fromfile"), text("/dev/zero"))
        ),
        "numpy.testing._private.utils.runstring": stored(
            call(find("numpy.testing._private.utils", "runstring"), text(python), op.EMPTY_DICT)
        ),
        "numpy.random._pickle.__randomstate_ctor": stored(
            call(find("numpy.random._pickle", "__randomstate_ctor"))
        ),
        "numpy.ma.core._mareconstruct": stored(
            call(find("numpy.ma.core", "_mareconstruct"), op.NONE)
        ),
        "pandas.core.frame.DataFrame": stored(call(find("pandas.core.frame", "DataFrame"))),
        "torch._utils._rebuild_tensor_v2": stored(find("torch._utils", "_rebuild_tensor_v2")),
        "pickle.loads": stored(call(find("pickle", "loads"), raw(b"."))),
        "an encoding": stored(call(find("_codecs", "encode"), text("x"), text("zip"))),
        "PERSID": b"P/etc/passwd\n.",
        "BINPERSID": stored(text("/etc/passwd") + op.BINPERSID),
        "EXT1": stored(op.EXT1 + b"\x01"),
        "EXT4": stored(op.EXT4 + struct.pack("<i", -1)),
        "NEWOBJ": stored(find("numpy", "ndarray") + tuple_of(whole(9)) + op.NEWOBJ),
        "NEWOBJ_EX": stored(
            find("numpy", "ndarray") + op.EMPTY_TUPLE + op.EMPTY_DICT + op.NEWOBJ_EX
        ),
        "OBJ": stored(op.MARK + find("numpy", "dtype") + text("f8") + op.OBJ),
        "NEXT_BUFFER": stored(op.NEXT_BUFFER, protocol=5),
        "READONLY_BUFFER": stored(raw(b"x") + op.READONLY_BUFFER, protocol=5),
    }


def liars():
    """Values that claim what they are not; numpy would believe some of them."""
    f8, u2, objects = dtype("f8"), dtype("U2"), dtype("O8", "|")
    unfinished = call(find("numpy", "dtype"), text("f8"))
    a_list = list_of(op.NONE)
    inner = op.BINPUT + b"\x01"
    return {
        "an array called": stored(call(find("numpy", "ndarray"), tuple_of(whole(2**40)))),
        "an array too long": stored(array([2], f8, raw(bytes(8)))),
        "an array of 2**60": stored(array([2**60], f8, raw(bytes(8)))),
        "an array that overflows": stored(array([2**32, 2**32], f8, raw(b""))),
        "a negative shape": stored(array([-1], f8, raw(b""))),
        "a shape of text": stored(EMPTY_ARRAY + tuple_of(
            whole(1), tuple_of(text("x")), f8, op.NEWFALSE, raw(b"")) + op.BUILD),
        "objects too many": stored(array([2**40], objects, a_list)),
        "objects from bytes": stored(array([1], objects, raw(b"\x41" * 8))),
        "objects without the flag": stored(
            call(find("numpy", "dtype"), text("O8"))
            + tuple_of(whole(3), text("|"), *[op.NONE] * 3, whole(8), whole(8), whole(0))
            + op.BUILD + op.POP + array([1], op.MARK + op.POP_MARK + objects, raw(b"\x41" * 8))),
        "object as a scalar": stored(
            call(find("numpy.core.multiarray", "scalar"), objects, op.NONE)),
        "a structured dtype": stored(call(find("numpy", "dtype"), text("V8"))),
        "fields in a dtype": stored(dtype("f8", "<", op.NONE, tuple_of(text("a")), op.EMPTY_DICT)),
        "a dtype by expression": stored(call(find("numpy", "dtype"), text("f8,(99999999,)f8"))),
        "a dtype by dict": stored(call(find("numpy", "dtype"), op.EMPTY_DICT)),
        "a dtype changed twice": stored(f8 + tuple_of(whole(3), text(">")) + op.BUILD),
        "a dtype of odd order": stored(dtype("f8", "x")),
        "an array filled twice": stored(
            array([0], f8, raw(b"")) + tuple_of(whole(1)) + op.BUILD),
        "an array never filled": stored(EMPTY_ARRAY),
        "an unfinished dtype": stored(array([1], unfinished, raw(bytes(8)))),
        "a state for a list": stored(op.EMPTY_LIST + op.EMPTY_DICT + op.BUILD),
        "a state for a class": stored(find("numpy", "ndarray") + op.EMPTY_DICT + op.BUILD),
        "no such characters": stored(array([1], u2, raw(b"\xff" * 8))),
        "no such character": stored(
            call(find("numpy.core.multiarray", "scalar"), dtype("U1"), raw(b"\xff" * 4))),
        "many nothings": stored(array([2**50], dtype("U0"), raw(b""))),
        "arrays in arrays": stored(array([1], objects, list_of(array([1], objects, a_list)))),
        "an array in itself": stored(
            EMPTY_ARRAY + inner + tuple_of(
                whole(1), tuple_of(whole(1)), objects, op.NEWFALSE,
                list_of(op.BINGET + b"\x01")) + op.BUILD),
        "a list as a key": stored(op.EMPTY_DICT + op.EMPTY_LIST + op.NONE + op.SETITEM),
        "an array as a key": stored(
            op.EMPTY_SET + op.MARK + array([0], f8, raw(b"")) + op.ADDITEMS),
        "keys of one hash": stored(op.EMPTY_SET + op.MARK + whole(2**61 * 8) + op.ADDITEMS),
        "append to a dict": stored(op.EMPTY_DICT + op.NONE + op.APPEND),
        "items of a list": stored(op.EMPTY_LIST + op.NONE + op.NONE + op.SETITEM),
        "items of an array": stored(array([1], f8, raw(bytes(8))) + whole(0) * 2 + op.SETITEM),
        "a dict with half an item": stored(op.EMPTY_DICT + op.MARK + op.NONE + op.SETITEMS),
        "a set of a number": stored(call(find("builtins", "set"), whole(3))),
        "a negative length": stored(op.LONG4 + struct.pack("<i", -2)),
        "a negative text": op.BINSTRING + struct.pack("<i", -2) + b".",
        "no such protocol": stored(op.NONE, protocol=77),
        "no such memo": stored(op.LONG_BINGET + b"\xff\xff\xff\x7f"),
        "no mark": stored(op.TUPLE),
        "nothing": b"",
        "no stop": op.NONE,
        "no value": op.STOP,
        "a long number": op.INT + b"9" * 100_000 + b"\n.",
        "a page": b"<!DOCTYPE html><html>404</html>",
    }  # fmt: skip


def slow_hash(level=60):
    return stored(op.EMPTY_DICT, op.NONE, (op.DUP + op.TUPLE2) * level, op.NONE + op.SETITEM)


def deep_arrays(levels=100_000):
    """An array that holds an array that holds …: numpy frees them by recursion."""
    state = tuple_of(whole(1), tuple_of(whole(1)), op.BINGET + b"\x02", op.NEWFALSE, b"%s")
    first, last = state.split(b"%s")
    level = op.BINPUT + b"\x03" + op.POP + EMPTY_ARRAY + first
    level += op.MARK + op.BINGET + b"\x03" + op.LIST + last + op.BUILD
    objects = dtype("O8", "|") + op.BINPUT + b"\x02" + op.POP
    return stored(objects, EMPTY_ARRAY, level * levels)


def same_bytes_again(times=200_000):
    million = text("x" * 1_000_000) + op.BINPUT + b"\x00" + op.POP
    latin = find("_codecs", "encode") + op.BINPUT + b"\x01" + op.POP
    again = op.BINGET + b"\x01" + op.BINGET + b"\x00" + text("latin1") + op.TUPLE2 + op.REDUCE
    return stored(million, latin, again * times)


BOMBS = {
    "a huge memo": lambda: op.NONE + op.LONG_BINPUT + b"\xff\xff\xff\xff" + op.STOP,
    "huge bytes": lambda: stored(op.BINBYTES8 + struct.pack("<Q", 2**40)),
    "huger bytes": lambda: stored(op.BINBYTES8 + struct.pack("<Q", 2**64 - 1)),
    "a huge bytearray": lambda: stored(op.BYTEARRAY8 + struct.pack("<Q", 2**40), protocol=5),
    "a huge text": lambda: stored(op.BINUNICODE8 + struct.pack("<Q", 2**62)),
    "a huge number": lambda: stored(op.LONG4 + struct.pack("<i", 2**31 - 1)),
    "a huge frame": lambda: stored(op.FRAME + struct.pack("<Q", 2**62)),
    "a slow hash": slow_hash,
    "a deep hash": lambda: stored(
        op.EMPTY_SET + op.MARK + op.NONE + op.TUPLE1 * 200_000 + op.ADDITEMS
    ),
    "deep arrays": deep_arrays,
    "the same bytes again": same_bytes_again,
    "only sets": lambda: op.EMPTY_SET * 5_000_000,
    "only marks": lambda: op.MARK * 5_000_000,
    "only memos": lambda: op.NONE + op.MEMOIZE * 5_000_000,
    "only tuples": lambda: op.NONE + op.TUPLE1 * 5_000_000,
    "only lists": lambda: op.EMPTY_LIST * 5_000_000,
}
"""Small files that would fill the memory, or the time, of who believes them."""
