"""Computational sequences as old and new SDKs write them, and files that mean harm."""

import os
import random
import zlib

import h5py
import numpy as np
import pytest
from csd import words, write_csd
from hypothesis import given, settings
from hypothesis import strategies as st

from mculora.acquire.csd import MAX_ENTRY_BYTES, open_sequence
from mculora.errors import InputError

DASH, NUMBER = "-QwErTy12_3", "900123"
TIMES = np.array([[0.0, 1.5], [-0.48, 2.0], [1.0, 1.0]])
COVAREP = np.array([[1, np.nan], [np.inf, 2], [-np.inf, 0.5]], np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.csd"


def read(path, key=DASH):
    with open_sequence(path) as sequence:
        return sequence.read(key)


@pytest.mark.parametrize("compression", ["gzip", None])
def test_values_come_as_they_are_stored(path, compression):
    write_csd(path, "COAVAREP", {NUMBER: (COVAREP, TIMES)}, compression=compression)
    with open_sequence(path) as sequence:
        assert (sequence.root_name, sequence.keys) == ("COAVAREP", (NUMBER,))
        entry = sequence.read(NUMBER)
    assert entry.features.dtype == np.float32
    np.testing.assert_array_equal(entry.features, COVAREP)
    np.testing.assert_array_equal(entry.intervals, TIMES)


@pytest.mark.parametrize("compression", ["gzip", None])
def test_words_are_bytes_of_each_entrys_width(path, compression):
    entries = {DASH: words("hello", "there"), NUMBER: words("extraordinarily", "so")}
    write_csd(path, "words", entries, compression=compression)
    short, long = read(path), read(path, NUMBER)
    assert (short.features.dtype, long.features.dtype) == ("S5", "S15")
    assert short.features[:, 0].tolist() == [b"sp", b"hello", b"sp", b"there"]
    assert short.features.shape == (4, 1)


def test_metadata_is_json_or_a_plain_string(path):
    names = ["sentiment", "happy"]
    facts = {"dimension names": names, "contact": "a person", "creator": "Jos\u00e9 [", "uuid": 7}
    write_csd(path, "All Labels", {DASH: (COVAREP, TIMES)}, metadata=facts)
    with open_sequence(path) as sequence:
        assert sequence.metadata == facts | {"root name": "All Labels", "md5": "None"}


def test_metadata_of_other_kinds(path):
    with h5py.File(write_csd(path, "r", {DASH: (COVAREP, TIMES)}), "a") as file:
        place = file["r/metadata"]
        place["fixed"] = np.array([b'["a"]'])
        place["scalar"] = "plain"
        place["many"] = ["a", "b"]
        place["group/inner"] = "x"
        place["away"] = h5py.ExternalLink("/nowhere.csd", "/x")
    with open_sequence(path) as sequence:
        assert sequence.metadata["fixed"] == ["a"]
        assert sequence.metadata["scalar"] == "plain"
        assert not {"many", "group", "away"} & set(sequence.metadata)


def test_without_metadata(path):
    with h5py.File(write_csd(path, "r", {DASH: (COVAREP, TIMES)}), "a") as file:
        del file["r/metadata"]
    with open_sequence(path) as sequence:
        assert sequence.metadata == {}


def test_other_numbers_become_native(path):
    write_csd(path, "r", {DASH: (COVAREP.astype(">f8"), TIMES.astype(">f4"))})
    entry = read(path)
    assert (entry.features.dtype, entry.intervals.dtype) == (np.float64, np.float64)
    assert entry.features.dtype.isnative


def test_entry_without_rows(path):
    write_csd(path, "r", {DASH: (np.zeros((0, 74), np.float32), np.zeros((0, 2)))})
    assert read(path).features.shape == (0, 74)


@pytest.mark.parametrize("key", ["nobody", "", "..", f"{DASH}/features", "\ud800"])
def test_unknown_key(path, key):
    write_csd(path, "r", {DASH: (COVAREP, TIMES)})
    with pytest.raises(InputError, match="no such entry"):
        read(path, key)


# Damage


@pytest.mark.parametrize(
    ("features", "intervals", "found"),
    [
        (COVAREP, TIMES[:2], "3 rows of features and 2 intervals"),
        (COVAREP[:, 0], TIMES, r"features of shape \(3,\)"),
        (COVAREP[None], TIMES, r"features of shape \(1, 3, 2\)"),
        (COVAREP, TIMES[:, :1], r"intervals \(3, 1\)"),
        (COVAREP, TIMES.astype("S3"), r"intervals \(3, 2\) of \|S3"),
        (COVAREP.astype(complex), TIMES, ".*type complex128"),
        (np.array([["a"], ["b"], ["c"]], h5py.string_dtype()), TIMES, ".*type object"),
        (COVAREP[0, 0], TIMES, r"features of shape \(\)"),
    ],
)
def test_entries_that_do_not_fit(path, features, intervals, found):
    write_csd(path, "r", {DASH: (features, intervals)}, compression=None)
    with pytest.raises(InputError, match=rf"a\.csd, entry {DASH}: found {found}"):
        read(path)


@pytest.mark.parametrize("name", ["features", "intervals"])
def test_missing_table(path, name):
    with h5py.File(write_csd(path, "r", {DASH: (COVAREP, TIMES)}), "a") as file:
        del file[f"r/data/{DASH}/{name}"]
    with pytest.raises(InputError, match=rf"a\.csd, entry {DASH}: found no readable {name}"):
        read(path)


def test_one_damaged_entry_leaves_the_others(path):
    with h5py.File(write_csd(path, "r", {DASH: (COVAREP, TIMES)}), "a") as file:
        file["r/data/broken"] = 1.0
    with open_sequence(path) as sequence:
        with pytest.raises(InputError, match="broken as a dataset"):
            sequence.read("broken")
        assert len(sequence.read(DASH).features) == 3


def test_values_never_written_are_not_zeros(path):
    with h5py.File(write_csd(path, "r", {DASH: (COVAREP, TIMES)}), "a") as file:
        group = file["r/data"].create_group("empty")
        group.create_dataset("features", (4, 2), "f4")
        group["intervals"] = np.zeros((4, 2))
        half = file["r/data"].create_group("half")
        half["intervals"] = np.zeros((4, 2))
        half.create_dataset("features", (4, 2), "f4", chunks=(2, 2))[:2] = 1
    for key in ("empty", "half"):
        with pytest.raises(InputError, match="values that were never written"):
            read(path, key)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<html>404 Not Found</html>", "file signature not found"),
        (b"", "found"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "found"),
    ],
)
def test_other_files(path, content, found):
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.csd: .*{found}"):
        read(path)


def test_no_file(path):
    with pytest.raises(InputError, match="found nothing"):
        read(path)


def test_cut_file(path):
    write_csd(path, "r", {DASH: (COVAREP, TIMES)})
    os.truncate(path, path.stat().st_size - 100)
    with pytest.raises(InputError, match="truncated"):
        read(path)


@pytest.mark.parametrize("place", ["", "r", "r/other"])
def test_hdf5_without_data(path, place):
    with h5py.File(path, "w") as file:
        if place:
            file.create_group(place)
    with pytest.raises(InputError, match=r"no (group at the top|readable data)"):
        read(path)


# Harm


@pytest.fixture
def secret(tmp_path):
    """A file that must not be read by way of another."""
    return write_csd(tmp_path / "secret.csd", "r", {DASH: (COVAREP, TIMES)}, compression=None)


@pytest.mark.parametrize("place", ["r", "r/data", f"r/data/{DASH}", f"r/data/{DASH}/features"])
@pytest.mark.parametrize("kind", ["external", "soft"])
def test_links_are_not_followed(path, secret, place, kind):
    write_csd(path, "r", {DASH: (COVAREP, TIMES)})
    with h5py.File(path, "a") as file:
        file.move(place, "hidden")
        link = h5py.ExternalLink(str(secret), place) if kind == "external" else "/hidden"
        file[place] = link if kind == "external" else h5py.SoftLink(link)
        del file["hidden"]
        if kind == "soft":
            file[f"{place}_away"] = h5py.ExternalLink(str(secret), place)
            del file[place]
            file[place] = h5py.SoftLink(f"/{place}_away")
            if place == "r":
                return  # a second root, which no file has
    with pytest.raises(InputError, match="as a link to elsewhere"):
        read(path)


def test_values_in_other_files_are_not_read(path, secret):
    with h5py.File(path, "w") as file:
        group = file.create_group(f"r/data/{DASH}")
        layout = h5py.VirtualLayout((3, 2), np.float32)
        layout[:] = h5py.VirtualSource(str(secret), f"r/data/{DASH}/features", (3, 2))
        group.create_virtual_dataset("features", layout)
        group.create_dataset("intervals", (3, 2), "f8", external=[(str(secret), 0, 48)])
    with pytest.raises(InputError, match="features that stands in other files"):
        read(path)
    with h5py.File(path, "a") as file:
        del file[f"r/data/{DASH}/features"]
        file[f"r/data/{DASH}/features"] = COVAREP
    with pytest.raises(InputError, match="intervals that stands in other files"):
        read(path)


@pytest.mark.parametrize("chunks", [None, (2**20, 1)])
def test_declared_size_has_a_limit(path, chunks):
    with h5py.File(path, "w") as file:
        group = file.create_group(f"r/data/{DASH}")
        group.create_dataset("features", (2**40, 2**20), "f4", chunks=chunks)
        group["intervals"] = TIMES
    with pytest.raises(InputError, match=f"at most {MAX_ENTRY_BYTES:,} are read"):
        read(path)


def test_chunks_have_a_limit(path):
    with h5py.File(path, "w") as file:
        group = file.create_group(f"r/data/{DASH}")
        group.create_dataset(
            "features", (3, 2), "f4", chunks=(2**15, 2**14), maxshape=(None, None), compression=1
        )
        group["intervals"] = TIMES
    with pytest.raises(InputError, match=f"at most {MAX_ENTRY_BYTES:,} are read"):
        read(path)


def test_gzip_bomb_is_not_unfolded(path):
    packer = zlib.compressobj(0)
    bomb = b"".join([*(packer.compress(bytes(2**20)) for _ in range(4)), packer.flush()])
    with h5py.File(path, "w") as file:
        group = file.create_group(f"r/data/{DASH}")
        place = group.create_dataset("features", (3, 2), "f4", chunks=(3, 2), compression=9)
        place.id.write_direct_chunk((0, 0), bomb)
        group["intervals"] = TIMES
    with pytest.raises(InputError, match="does not unfold to 24 bytes"):
        read(path)


def test_large_chunks_of_the_honest(path):
    table = np.random.default_rng(1).random((300_000, 1))
    with h5py.File(path, "w") as file:
        group = file.create_group(f"r/data/{DASH}")
        options = {"compression": 4, "shuffle": True, "fletcher32": True, "chunks": table.shape}
        group.create_dataset("features", data=table, **options)
        group["intervals"] = np.zeros((300_000, 2))
    np.testing.assert_array_equal(read(path).features, table)


def test_filters_of_plugins_are_refused(path):
    with h5py.File(path, "w") as file:
        group = file.create_group(f"r/data/{DASH}")
        group.create_dataset("features", data=COVAREP, compression="lzf", chunks=(3, 2))
        group["intervals"] = TIMES
    with pytest.raises(InputError, match="HDF5 filters"):
        read(path)


# Arbitrary bytes


def consume(path):
    """Read all there is; whatever cannot be read is an InputError."""
    try:
        with open_sequence(path) as sequence:
            assert isinstance(sequence.metadata, dict)
            for key in sequence.keys:
                try:
                    sequence.read(key)
                except InputError:
                    continue
    except InputError:
        return


@given(st.binary(max_size=300))
def test_arbitrary_bytes(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "arbitrary.csd"
    for start in (b"", b"\x89HDF\r\n\x1a\n"):
        path.write_bytes(start + content)
        consume(path)


# The same damage at each run: on one file of 30,000 HDF5 itself needs seconds and gigabytes.
@settings(derandomize=True, database=None)
@given(st.integers(0, 2**32), st.sampled_from(["gzip", None]))
def test_damaged_bytes(tmp_path_factory, seed, compression):
    path = tmp_path_factory.getbasetemp() / "damaged.csd"
    entries = {DASH: (COVAREP, TIMES), NUMBER: (COVAREP, TIMES)}
    write_csd(path, "All Labels", entries, compression=compression)
    content, draw = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(draw.choice((1, 1, 4, 16))):
        content[draw.randrange(len(content))] = draw.choice((0, 1, 255, draw.randrange(256)))
    path.write_bytes(content)
    consume(path)
