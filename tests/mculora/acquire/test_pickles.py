"""Pickles from strangers: honest ones read as plain pickle would, hostile ones run nothing."""

import copyreg
import io
import pickle
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict, defaultdict
from decimal import Decimal

import hostile_pickles
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mculora.acquire.pickles import read_npz, read_pickle, read_pickle_bytes
from mculora.errors import InputError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def label_pickle(num_videos=3, num_utterances=4):
    """What GCNet's label pickles hold for MOSI, of invented videos."""
    ids = {f"-vid{v}": [f"-vid{v}_{u}" for u in range(num_utterances)] for v in range(num_videos)}
    return [
        ids,
        {video: [np.float64(u / 3 - 1) for u in range(num_utterances)] for video in ids},
        {video: [""] * num_utterances for video in ids},
        {video: np.array([f"SOME WORDS {u}" for u in range(num_utterances)]) for video in ids},
        set(list(ids)[:-2]),
        set(list(ids)[-2:-1]),
        set(list(ids)[-1:]),
    ]


def feature_pickle():
    """What MMSA's pickles hold, of two invented utterances."""
    rng = np.random.default_rng(0)
    sound = rng.normal(size=(2, 5, 4)).astype(np.float32)
    sound[0, 0] = -np.inf
    part = {
        "raw_text": np.array(["SO IT WAS FINE", "NO — é"], dtype=object),
        "id": ["aBcDeFgHiJ1$_$1", "-xYz_012345$_$12"],
        "text": rng.normal(size=(2, 5, 8)).astype(np.float32),
        "text_bert": rng.integers(0, 30000, size=(2, 3, 5)),
        "audio": sound,
        "vision": np.asfortranarray(rng.normal(size=(2, 5, 3))),
        "audio_lengths": [5, 3],
        "regression_labels": np.array([0.6, -1.4], dtype=np.float32),
        "annotations": np.array(["Positive", "Negative"]),
        "classification_labels": np.array([2, 0]),
    }
    return {"train": part, "valid": {**part, "id": []}, "test": part}


def odds_and_ends():
    return [
        (np.str_("é"), np.str_(""), np.bool_(True), np.int8(-3), np.float32("nan")),
        np.array("x"),
        np.array({"a": 1}, dtype=object),
        np.arange(6, dtype=">i4").reshape(2, 3),
        np.array(["é", "łx"], dtype=">U3"),
        np.array([b"a", b"bc"]),
        np.arange(24.0).reshape(2, 3, 4).transpose(1, 0, 2),
        np.zeros((0, 74)),
        np.array([np.zeros(3), np.zeros((2, 2)), None], dtype=object),
        OrderedDict(a=1, b=[2]),
        frozenset({("a", 1), None, 2.5, b"x"}),
        (-(2**70), 2**62, True, None, 1.5, 1j, b"", b"\xff\x00", "\x00é\u0142\U0001f600", ()),
    ]


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for mine, theirs in zip(found, expected, strict=True):
            assert_same(mine, theirs)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.flags.writeable == expected.flags.writeable
        assert found.strides == expected.strides or 0 in found.shape
        assert_same(found.tolist(), expected.tolist())
    elif isinstance(expected, (float, np.floating)):
        np.testing.assert_array_equal(found, expected)
    else:
        assert found == expected


# Honest files


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("build", [label_pickle, feature_pickle, odds_and_ends])
def test_honest_pickles_read_as_plain_pickle_does(tmp_path, build, protocol):
    content = pickle.dumps(build(), protocol)
    (tmp_path / "labels.pkl").write_bytes(content)
    assert_same(read_pickle(tmp_path / "labels.pkl"), pickle.loads(content, encoding="latin1"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_old_module_names(protocol):
    content = pickle.dumps(label_pickle(), protocol)
    old = content.replace(b"\x16numpy._core.multiarray", b"\x15numpy.core.multiarray")
    old = old.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray")
    if protocol < 4:  # frames would have to be told of the missing byte
        assert_same(read_pickle_bytes(old, "x"), label_pickle())


def test_pickles_of_python_2():
    content = (
        b"(dp0\nS'vid\\xe9'\np1\ncnumpy.core.multiarray\nscalar\np2\n(cnumpy\ndtype\np3\n(S'f8'\np4\n"
        b"I0\nI1\ntp5\nRp6\n(I3\nS'<'\np7\nNNNI-1\nI-1\nI0\ntp8\nbS'\\x00\\x00\\x00\\x00\\x00\\x00"
        b"\\xf8?'\np9\ntp10\nRp11\nsS'set'\nc__builtin__\nset\n((lp12\nI1\naL2L\natRsVa\\u0142\n"
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(L2L\ntg6\nI00\n"
        b"S'\\x00\\x00\\x00\\x00\\x00\\x00\\xf8?\\x00\\x00\\x00\\x00\\x00\\x00\\xf0?'\ntbs."
    )
    found = read_pickle_bytes(content, "x")
    assert list(found) == ["vidé", "set", "a\u0142"]
    assert found["vidé"] == 1.5
    assert type(found["vidé"]) is np.float64
    assert found["set"] == {1, 2}
    np.testing.assert_array_equal(found["a\u0142"], [1.5, 1.0])


def test_numpy_itself_is_unchanged():
    before = np.dtype("f8").byteorder, np.dtype("f8").itemsize
    read_pickle_bytes(pickle.dumps([np.array([1.0], ">f8"), np.array(["a"], ">U1")]), "x")
    for content in hostile_pickles.liars().values():
        with pytest.raises(InputError):
            read_pickle_bytes(content, "x")
    assert (np.dtype("f8").byteorder, np.dtype("f8").itemsize) == before
    assert np.array([None]).dtype.hasobject


def test_many_labels_are_quick():
    content = pickle.dumps(label_pickle(2_500, 10), protocol=4)
    started = time.perf_counter()
    read_pickle_bytes(content, "x")
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_large_arrays_take_little_more_than_their_size(tmp_path, protocol):
    path, size = tmp_path / "large.pkl", 2**27
    with path.open("wb") as file:
        pickle.dump({"train": np.ones(size // 8)}, file, protocol)
    peak = int(run_limited("print(before, read_pickle(path)['train'].sum())", path).split()[-1])
    assert peak < 2.7 * size


# Hostile files


@pytest.mark.parametrize("name", hostile_pickles.code_runners(""))
def test_what_would_run_is_refused(tmp_path, name):
    content = hostile_pickles.code_runners(tmp_path / "sentinel")[name]
    (tmp_path / "labels.pkl").write_bytes(content)
    modules = set(sys.modules)
    with pytest.raises(InputError, match=r"labels\.pkl: found data that asks for .*nothing was run"
    ) as error:  # fmt: skip
        read_pickle(tmp_path / "labels.pkl")
    assert name.removeprefix("old ") in str(error.value)
    assert "\n" not in str(error.value)
    assert set(sys.modules) == modules
    assert [path.name for path in tmp_path.iterdir()] == ["labels.pkl"]


def test_registered_extensions_are_refused():
    copyreg.add_extension("decimal", "Decimal", 1)
    try:
        with pytest.raises(InputError, match="EXT1"):
            read_pickle_bytes(hostile_pickles.code_runners("")["EXT1"], "x")
    finally:
        copyreg.remove_extension("decimal", "Decimal", 1)


@pytest.mark.parametrize(
    "value",
    [
        Decimal(1),
        defaultdict(list),
        np.ma.array([1.0], mask=[True]),
        np.rec.array([(1, 2.0)]),
        np.zeros(2, dtype=[("a", "f8")]),
        np.datetime64("2020-01-01"),
        np.random.default_rng(0),
        np.float32,
        slice(3),
        InputError,
    ],
    ids=repr,
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_other_types_are_refused(value, protocol):
    with pytest.raises(InputError, match="nothing was run"):
        read_pickle_bytes(pickle.dumps([value], protocol), "x")


@pytest.mark.parametrize("name", hostile_pickles.liars())
def test_what_is_not_what_it_claims_is_refused(name):
    with pytest.raises(InputError, match=r"labels\.pkl: found .*; "):
        read_pickle_bytes(hostile_pickles.liars()[name], "labels.pkl")


RUN_LIMITED = """
import resource, sys
from pathlib import Path
from mculora.acquire.pickles import read_pickle, read_npz
path = Path(sys.argv[1])
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
resource.setrlimit(resource.RLIMIT_AS, (2**31 + 2**30, 2**31 + 2**30))
try:
    {code}
except Exception as error:
    print(type(error).__name__, error)
print(peak() - before)
"""


def run_limited(code, path):
    script = RUN_LIMITED.format(code=code)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("name", hostile_pickles.BOMBS)
def test_bombs_fill_neither_memory_nor_time(tmp_path, name):
    path = tmp_path / "bomb.pkl"
    path.write_bytes(hostile_pickles.BOMBS[name]())
    *said, peak = run_limited("read_pickle(path)", path).splitlines()
    assert all(line.startswith("InputError") and "MemoryError" not in line for line in said)
    assert said or name == "a huge memo"
    assert int(peak) < 600_000_000


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_pickle(tmp_path / "labels.pkl")
    with pytest.raises(InputError, match="directory"):
        read_pickle(tmp_path)


def test_messages_keep_to_one_short_line():
    content = hostile_pickles.stored(hostile_pickles.find_on_stack("a\nb\x1b[31m" * 999, "c"))
    with pytest.raises(InputError) as error:
        read_pickle_bytes(content, "x")
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert len(str(error.value)) < 500


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_crash(content):
    for prefix in (b"", b"\x80\x02", b"\x80\x04"):
        read_or_refuse(prefix + content)


SEEDS = [
    pickle.dumps(build(), protocol)
    for build in (label_pickle, odds_and_ends)
    for protocol in PROTOCOLS
] + [c for c in hostile_pickles.liars().values() if 20 < len(c) < 5000]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_mutated_pickles_never_crash(seed, data):
    content = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 3))
        content[place : place + length] = data.draw(st.binary(max_size=3))
        content = content or bytearray(b".")
    read_or_refuse(bytes(content))


def read_or_refuse(content):
    try:
        repr(read_pickle_bytes(content, "x"))
    except InputError as error:
        assert "\n" not in str(error)


# npz


def label_npz():
    return {f"_vid{i}_{i}": {"emo": 0, "val": np.float32(i / 2)} for i in range(5)}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_labels(tmp_path, save):
    path = tmp_path / "label.npz"
    plain = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    save(
        path,
        train_corpus=label_npz(),
        val_corpus={},
        plain=plain,
        names=np.array(["é", "b"]),
        ragged=np.array([None, np.ones(2)], dtype=object),
        number=np.float64(3),
        empty=np.zeros((0, 4), dtype=">f4"),
    )
    found = read_npz(path)
    assert found["train_corpus"] == label_npz()
    assert found["val_corpus"] == {}
    with np.load(path) as expected:
        for name in ("plain", "names", "number", "empty"):
            np.testing.assert_array_equal(found[name], expected[name], strict=True)
    assert found["ragged"][0] is None
    np.testing.assert_array_equal(found["ragged"][1], np.ones(2))


def npy(header, content=b""):
    if isinstance(header, str):
        header = header.encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def npz(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


HEADER = "{'descr': %s, 'fortran_order': False, 'shape': %s, }\n"
HOSTILE_NPY = {
    "code": npy(HEADER % ("'|O'", "()"), hostile_pickles.code_runners("never")["posix.system"]),
    "expression": npy(HEADER % ("__import__('os').system('true')", "()")),
    "huge": npy(HEADER % ("'<f8'", f"({2**40},)"), bytes(8)),
    "overflow": npy(HEADER % ("'<f8'", f"({2**32}, {2**32})"), bytes(8)),
    "negative": npy(HEADER % ("'<f8'", "(-1,)")),
    "too long": npy(HEADER % ("'<f8'", "(1,)"), bytes(9)),
    "nothing": npy(HEADER % ("'<U0'", f"({2**40},)")),
    "characters": npy(HEADER % ("'<U1'", "(1,)"), b"\xff" * 4),
    "not an array": npy(HEADER % ("'|O'", "(1,)"), pickle.dumps([1])),
    "another shape": npy(HEADER % ("'|O'", "(2,)"), pickle.dumps(np.array([None]))),
    "objects in fields": npy(HEADER % ("[('a', '|O')]", "(1,)"), bytes(8)),
    "deep header": npy("[" * 9000),
    "long header": npy("[" * 60000),
    "half a header": npy("{'descr': (\n"),
    "no header": b"\x93NUMPY\x01\x00",
    "version": b"\x93NUMPY\x09\x00\x00\x00",
    "text": b"hello",
    "empty": b"",
}


@pytest.mark.parametrize("name", HOSTILE_NPY)
def test_hostile_arrays_in_npz(tmp_path, name):
    (tmp_path / "label.npz").write_bytes(npz(x=HOSTILE_NPY[name]))
    with pytest.raises(InputError, match=r"label\.npz: found"):
        read_npz(tmp_path / "label.npz")


def test_npz_bomb(tmp_path):
    (tmp_path / "label.npz").write_bytes(
        npz(x=npy(HEADER % ("'|u1'", "(9000000,)"), bytes(9000000)))
    )
    with pytest.raises(InputError, match="1,000,000 bytes of memory"):
        read_npz(tmp_path / "label.npz", max_bytes=1_000_000)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>", npz(x=b"")[:-9]])
def test_what_is_no_npz(tmp_path, content):
    (tmp_path / "label.npz").write_bytes(content)
    with pytest.raises(InputError, match="fetch it again"):
        read_npz(tmp_path / "label.npz")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_mutated_npz_never_crash(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "mutated.npz"
    content = bytearray(NPZ_SEED)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    path.write_bytes(content)
    try:
        read_npz(path)
    except InputError as error:
        assert "\n" not in str(error)


def _npz_seed():
    file = io.BytesIO()
    np.savez(file, a=np.arange(3.0), b=np.array({"x": np.float32(1)}), c=np.array(["a"]))
    return file.getvalue()


NPZ_SEED = _npz_seed()
