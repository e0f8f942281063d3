"""Honest archives of every kind come out whole; hostile ones write nothing outside, or too much."""

import gzip
import io
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import hostile_archives
import pytest
from hostile_archives import tar_of, zip_of
from hypothesis import given, settings
from hypothesis import strategies as st

from mculora.acquire import destination
from mculora.acquire.archive import unpack
from mculora.acquire.destination import Limits
from mculora.acquire.members import wanted
from mculora.errors import InputError

CORPUS = {
    "Raw/Audio/Full/WAV_16000/-QwErTy12_3.wav": b"\0sound" * 90_000,
    "Raw/Audio/Full/WAV_16000/900123.wav": b"",
    "Raw/Labels/5000 batch.csv": b"a,b\n",
    "Raw/Transcript/Segmented/Combined/_aB-dEfGh9k.txt": "é\n".encode(),
}
JUNK = {
    "Raw/Labels/._5000 batch.csv": b"fork",
    "._Raw": b"fork",
    "__MACOSX/Raw/._Labels": b"fork",
    "Raw/.DS_Store": b"x",
    "Raw/.git/config": b"x",
}


@pytest.fixture
def place(tmp_path):
    """Where to unpack, beside something that must stay as it is."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/sentinel").write_bytes(b"untouched")
    return tmp_path / "inside"


def unpacked(content, place, **options):
    archive = place.with_name("corpus.bin")
    archive.write_bytes(content)
    return list(unpack(archive, place, **options))


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_nothing_escaped(place):
    outside = {path.name for path in place.parent.iterdir()}
    assert outside <= {"outside", "inside", "corpus.bin"}
    assert files_below(place.parent / "outside") == {"sentinel": b"untouched"}
    assert not any(path.is_symlink() for path in place.rglob("*"))
    assert not (place / ".unpacking").exists()
    assert not Path("/tmp/escaped.wav").exists()


# Honest archives


def members():
    return [*CORPUS.items(), *JUNK.items()]


def tar_by(mode):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{mode}") as archive:
        for name, content in members():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


HONEST = {
    "zip": lambda: zip_of(*members()),
    "zip, stored": lambda: zip_of(*members(), method=zipfile.ZIP_STORED),
    "zip, bzip2": lambda: zip_of(*members(), method=zipfile.ZIP_BZIP2),
    "zip, lzma": lambda: zip_of(*members(), method=zipfile.ZIP_LZMA),
    "zip with folders": lambda: zip_of(("Raw/", b""), ("Raw/Labels/", b""), *members()),
    "tar": lambda: tar_by(""),
    "tar.gz": lambda: tar_by("gz"),
    "tar.bz2": lambda: tar_by("bz2"),
    "tar.xz": lambda: tar_by("xz"),
    "tar.gz in parts": lambda: gzip.compress(tar_by("")[:5000]) + gzip.compress(tar_by("")[5000:]),
}


@pytest.mark.parametrize("kind", HONEST)
def test_everything_but_junk_comes_out(place, kind):
    paths = unpacked(HONEST[kind](), place)
    assert files_below(place) == CORPUS
    assert {path.relative_to(place).as_posix() for path in paths} == set(CORPUS)
    assert_nothing_escaped(place)


@pytest.mark.parametrize("kind", HONEST)
def test_only_what_is_needed_comes_out(place, kind):
    needed = ["*/Labels/*.csv", "*/Combined/*"]
    unpacked(HONEST[kind](), place, members=needed)
    assert set(files_below(place)) == {name for name in CORPUS if wanted(name, needed)}
    assert not (place / "Raw/Audio").exists()


def test_zip64(place):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, archive.open("a/b.wav", "w", force_zip64=True) as f:
        f.write(b"abc")
    entries = zip_of(*((f"{i}.txt", b"%d" % i) for i in range(70_000)), method=zipfile.ZIP_STORED)
    assert [p.read_bytes() for p in unpacked(file.getvalue(), place)] == [b"abc"]
    assert b"PK\x06\x06" in entries
    assert len(unpacked(entries, place, members=["/6?.txt"])) == 10


def test_old_tar_without_magic(place):
    archive = bytearray(tar_of(("a.wav", b"abc")))
    archive[257:265] = bytes(8)
    archive[148:156] = b" " * 8
    archive[148:156] = b"%06o\0 " % sum(archive[:512])
    assert [path.read_bytes() for path in unpacked(archive, place)] == [b"abc"]


def test_long_and_foreign_names(place):
    names = ["é/" + "long " * 40 + ".wav", "deep/" * 60 + "łódź.txt", "at 12: b.txt", "-x", "_y"]
    for archive in (zip_of(*((n, b"1") for n in names)), tar_of(*((n, b"1") for n in names))):
        assert {str(p.relative_to(place)) for p in unpacked(archive, place)} == set(names)


def test_rights_owners_and_times_are_not_taken_over(place):
    entry = hostile_archives.tar_entry("a", tarfile.REGTYPE, mode=0o6777, uid=1, gid=1, mtime=1)
    packed = hostile_archives.zip_entry("b", stat.S_IFREG | 0o6777)
    (first,) = unpacked(tar_of((entry, b"")), place)
    (second,) = unpacked(zip_of((packed, b"")), place)
    for path in (first, second):
        assert path.stat().st_mode & 0o7111 == 0
        assert path.stat().st_uid == os.getuid()
        assert path.stat().st_mtime > 1e9


def test_links_that_nobody_needs_are_skipped(place):
    link = hostile_archives.tar_entry("latest", tarfile.SYMTYPE, "/etc")
    device = hostile_archives.tar_entry("null", tarfile.CHRTYPE)
    unpacked(tar_of((link, b""), (device, b""), ("a.wav", b"1")), place, members=["*.wav"])
    assert files_below(place) == {"a.wav": b"1"}
    link = hostile_archives.zip_entry("latest", stat.S_IFLNK)
    unpacked(zip_of((link, b"/etc"), ("b.wav", b"1")), place, members=["*.wav"])
    assert_nothing_escaped(place)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_second_run_writes_only_what_is_missing(place, kind):
    first = unpacked(HONEST[kind](), place)
    first[0].write_bytes(b"half")
    first[1].unlink()
    (place / ".unpacking").write_bytes(b"stale")
    before = {path: path.stat().st_mtime_ns for path in first[2:]}
    assert unpacked(HONEST[kind](), place) == first
    assert {path: path.stat().st_mtime_ns for path in first[2:]} == before
    assert files_below(place) == CORPUS


def test_stopping_between_files_loses_nothing(place):
    archive = place.with_name("corpus.bin")
    archive.write_bytes(HONEST["tar.gz"]())
    running = unpack(archive, place)
    path = next(running)
    running.close()
    assert set(files_below(place)) == {path.relative_to(place).as_posix()}
    assert len(list(unpack(archive, place))) == len(CORPUS)


KILLED = """
import os, signal, sys
from pathlib import Path
from mculora.acquire import archive
def chunks(file):
    yield file.read(1000)
    os.kill(os.getpid(), signal.SIGKILL)
archive._chunks = chunks
list(archive.unpack(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def test_sigkill_leaves_no_half_file(place):
    archive = place.with_name("corpus.bin")
    archive.write_bytes(HONEST["zip"]())
    done = subprocess.run([sys.executable, "-c", KILLED, archive, place], check=False)
    assert done.returncode == -9
    assert [path.name for path in place.iterdir() if path.is_file()] == [".unpacking"]
    list(unpack(archive, place))
    assert files_below(place) == CORPUS


def test_nested_archives_are_files(place):
    unpacked(zip_of(("inner.zip", zip_of(("../x", b"1")))), place)
    assert list(files_below(place)) == ["inner.zip"]


# Hostile archives

ODD_NAMES = dict(hostile_archives.odd_names())
COLLISIONS = dict(hostile_archives.collisions())
DAMAGED = dict(hostile_archives.damaged())
LINKS = [name for name, _ in hostile_archives.links_and_devices("x")]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_refused(place, name):
    with pytest.raises(InputError, match=r"corpus\.bin: found member .*publishers") as error:
        unpacked(ODD_NAMES[name], place)
    assert str(error.value).isprintable()
    if name.startswith("zip"):  # a directory is checked before anything is written
        assert not files_below(place)
    assert_nothing_escaped(place)


@pytest.mark.parametrize("name", ["climbing out", "absolute", "backslashes", "drive letter"])
@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_names_that_escape_are_refused_even_if_not_needed(place, name, pack):
    content = pack(("a.txt", b"1"), (hostile_archives.ODD_NAMES[name], b"2"))
    with pytest.raises(InputError, match="escaped"):
        unpacked(content, place, members=["*.txt"])


def test_names_that_are_not_utf8_are_refused_if_needed(place):
    content = tar_of(("a.txt", b"1"), ("b\udcff.wav", b"2"))
    assert len(unpacked(content, place, members=["*.txt"])) == 1
    with pytest.raises(InputError, match=r"b\\udcff\.wav with a name that cannot be printed"):
        unpacked(content, place)


@pytest.mark.parametrize("name", COLLISIONS)
def test_members_that_take_each_others_place_are_refused(place, name):
    with pytest.raises(InputError, match=r"corpus\.bin: found (two members|member .* below)"):
        unpacked(COLLISIONS[name], place)
    assert_nothing_escaped(place)


@pytest.mark.parametrize("name", LINKS)
def test_links_and_devices_are_refused(place, name):
    content = dict(hostile_archives.links_and_devices(place.with_name("outside")))[name]
    with pytest.raises(InputError, match="a link or special file"):
        unpacked(content, place)
    assert not list(place.rglob("*"))
    assert_nothing_escaped(place)


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_archives_say_so(place, name):
    with pytest.raises(InputError, match="fetch it again"):
        unpacked(DAMAGED[name], place)
    for path, content in files_below(place).items():
        assert path in ("a.wav", "b.wav")
        assert content == bytes(range(256)) * 40
    assert_nothing_escaped(place)


LIMITED = """
import resource, sys
from pathlib import Path
from mculora.acquire.archive import unpack
from mculora.acquire.destination import Limits
from mculora.errors import InputError
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
try:
    list(unpack(Path(sys.argv[1]), Path(sys.argv[2]), limits=Limits(**eval(sys.argv[3]))))
except InputError as error:
    print(error)
print(peak() - before)
"""


@pytest.mark.parametrize("name", hostile_archives.BOMBS)
def test_bombs_fill_neither_disk_nor_memory(place, name):
    archive = place.with_name("corpus.bin")
    archive.write_bytes(hostile_archives.BOMBS[name]())
    limits = str(hostile_archives.BOMB_LIMITS)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, archive, place, limits],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said, peak = done.stdout.splitlines()
    assert "corpus.bin: found" in said
    assert "MemoryError" not in said
    assert int(peak) < 50_000_000
    allowed = 10_000_000 + 20 * archive.stat().st_size
    assert sum(map(len, files_below(place).values())) <= allowed
    assert_nothing_escaped(place)


def test_default_limits_fit_the_corpora(place):
    limits = Limits()
    assert limits.max_bytes >= 200e9
    assert limits.max_files >= 200_000
    (place.parent / "small.zip").write_bytes(zip_of(("zeros.npy", bytes(20_000_000))))
    assert len(list(unpack(place.parent / "small.zip", place))) == 1


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_full_disk_is_seen_beforehand(place, kind, monkeypatch):
    room = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(destination.shutil, "disk_usage", lambda _: room)
    with pytest.raises(InputError, match="free disk"):
        unpacked(HONEST[kind](), place)
    assert not files_below(place)


def test_disk_that_fills_up_meanwhile(place):
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from mculora.acquire.archive import unpack\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (99_000, 99_000))\n"
        "list(unpack(Path(sys.argv[1]), Path(sys.argv[2])))"
    )
    archive = place.with_name("corpus.bin")
    archive.write_bytes(HONEST["zip"]())
    done = subprocess.run(
        [sys.executable, "-c", script, archive, place], capture_output=True, text=True, check=False
    )
    assert "InputError" in done.stderr
    assert_nothing_escaped(place)


def test_links_inside_the_folder_are_not_followed(place):
    place.mkdir()
    (place / "Raw").symlink_to(place.with_name("outside"))
    with pytest.raises(InputError, match="Raw: found a link or file"):
        unpacked(HONEST["zip"](), place)
    with pytest.raises(InputError, match="Raw: found a link or file"):
        unpacked(zip_of(("Raw/sentinel", b"untouched")), place)
    (place / "Raw").unlink()
    (place / "a.wav").symlink_to(place.with_name("outside") / "sentinel")
    (place / ".unpacking").symlink_to(place.with_name("outside") / "sentinel")
    unpacked(zip_of(("a.wav", b"mine")), place)
    assert_nothing_escaped(place)
    assert (place / "a.wav").read_bytes() == b"mine"


def test_folder_itself_may_be_a_link(place):
    place.with_name("outside").rename(place.with_name("disk"))
    place.symlink_to(place.with_name("disk"))
    unpacked(zip_of(("a.wav", b"mine")), place)
    assert (place.with_name("disk") / "a.wav").read_bytes() == b"mine"


def test_something_in_the_way(place):
    (place / "a.wav").mkdir(parents=True)
    with pytest.raises(InputError, match=r"a\.wav"):
        unpacked(zip_of(("a.wav", b"mine")), place)
    with pytest.raises(InputError, match="corpus"):
        list(unpack(place.with_name("corpus.bin"), place.with_name("corpus.bin")))


def test_encrypted_and_foreign_methods(place):
    content = bytearray(zip_of(("a.wav", b"secret"), ("b.txt", b"open")))
    entry = content.index(b"PK\x01\x02")
    for offset, value, match in ((8, 1, "encrypted"), (10, 9, "Deflate64")):
        changed = bytearray(content)
        changed[entry + offset] = value
        with pytest.raises(InputError, match=rf"member a\.wav that is .*{match}.*another program"):
            unpacked(changed, place)
        assert len(unpacked(changed, place, members=["*.txt"])) == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "something else"),
        (b"<!DOCTYPE html><p>Not found", "HTML page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(999), "HDF5 file"),
        (gzip.compress(b"a,b\n" * 999), "something else"),
        (gzip.compress(b""), "something else"),
        (b"\x1f\x8b", "damaged"),
        (b"PK\x07\x08PK\x03\x04" + bytes(99), "split archive"),
        (zip_of(), "no member"),
        (tar_of(), "no member"),
        (tar_of((".hidden", b"1")), "no member"),
    ],
)
def test_what_is_no_archive(place, content, found):
    with pytest.raises(InputError, match=found):
        unpacked(content, place)


def test_missing_archive(place):
    with pytest.raises(InputError, match="No such file"):
        list(unpack(place / "missing.zip", place))


@pytest.mark.parametrize("kind", ["zip", "zip, stored", "tar", "tar.gz"])
def test_mutated_archives_never_crash(place, kind):
    seed = HONEST[kind]().replace(b"\0sound" * 80_000, b"") if kind == "tar" else HONEST[kind]()

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def check(data):
        content = bytearray(seed)
        for _ in range(data.draw(st.integers(1, 4))):
            near_end = max(0, len(content) - 900)
            start = data.draw(st.sampled_from([0, near_end]))
            spot = data.draw(st.integers(start, min(len(content) - 1, start + 1500)))
            content[spot : spot + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        unpack_or_refuse(content, place)

    check()


@settings(deadline=None)
@given(st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08"]), st.binary(max_size=600))
def test_arbitrary_bytes_never_crash(tmp_path_factory, mark, content):
    unpack_or_refuse(mark + content, tmp_path_factory.getbasetemp() / "arbitrary/inside")


def unpack_or_refuse(content, place):
    place.parent.mkdir(exist_ok=True)
    try:
        unpacked(content, place)
    except InputError as error:
        assert str(error).isprintable()
    outside = {path.name for path in place.parent.iterdir()}
    assert outside <= {"outside", "inside", "corpus.bin"}
    assert not (place / ".unpacking").exists()


# Names


@pytest.mark.parametrize(
    ("path", "patterns", "is_wanted"),
    [
        ("Raw/Labels/a.csv", ["*/Labels/*.csv"], True),
        ("Labels/a.csv", ["*/Labels/*.csv"], True),
        ("Labels/deep/er/a.csv", ["*/Labels/*.csv"], True),
        ("./Labels/a.csv", ["/Labels/*.csv"], True),
        ("MyLabels/a.csv", ["*/Labels/*.csv"], False),
        ("Labels/A.CSV", ["*/Labels/*.csv"], False),
        ("a.csv", [], True),
        ("-QwErTy12_3.wav", ["*.wav"], True),
        ("_aB/__x.wav", ["*.mp4", "*.wav"], True),
        ("._a.wav", ["*.wav"], False),
        ("Raw/._x/a.wav", ["*"], False),
        ("a/.DS_Store", [], False),
        ("__MACOSX/Raw/a.wav", [], False),
        ("Raw/__MACOSX/a.wav", [], False),
        ("..", [], False),
        ("", [], False),
        ("x[1].wav", ["*.wav"], True),
    ],
)
def test_wanted(path, patterns, is_wanted):
    assert wanted(path, patterns) is is_wanted
