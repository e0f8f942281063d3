"""A place becomes files here, once: folders, files, archives, and addresses on a real server."""

import gzip
import hashlib
import multiprocessing
import os
import random
import socket
import threading
import time
from dataclasses import replace

import pytest
from small_corpora import (
    IEMOCAP,
    RELEASE,
    below,
    content_below,
    state_of,
    tar_of,
    write_tree,
    zip_of,
)

from mculora.acquire.patience import Patience
from mculora.corpora.artefacts import Artefact, raw_artefacts
from mculora.errors import InputError
from pipeline import acquisition
from pipeline.acquisition import bring, parts_of
from pipeline.sources import Source

from http_server import Server  # isort: skip

KEY = "sources.iemocap4.raw"
(RAW,) = raw_artefacts("iemocap4")
FOLDS = Artefact("folds", ("*std_folds.py",), "std_folds.py from the SDK")
ARCHIVE = zip_of(below("release", RELEASE))
NEEDED = below("release", IEMOCAP)


def md5_of(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    """Nobody waits here."""
    patience = Patience(tries=2, tries_midway=3, connect_seconds=2, sleep=lambda seconds: None)
    monkeypatch.setattr(acquisition, "PATIENCE", patience)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def downloads(tmp_path):
    return tmp_path / "downloads"


@pytest.fixture
def bring_place(downloads):
    """Bring one place as part of a corpus; what was told meanwhile is in `.told`."""

    def bring_one(place, *, artefact=RAW, watch=None, **facts):
        (part,) = parts_of(KEY, artefact, Source(at=(str(place),), **facts))
        return bring(part, downloads, watch or bring_one.told.append)

    bring_one.told = []
    return bring_one


@pytest.fixture
def refused(bring_place):
    """Bring what cannot be had; the message."""

    def bring_badly(place, **facts):
        with pytest.raises(InputError) as error:
            bring_place(place, **facts)
        assert "\n" not in str(error.value)
        assert str(error.value).startswith(f"{KEY}.at: ")
        return str(error.value)

    return bring_badly


# Local places


def test_a_folder_is_taken_where_it_is(bring_place, downloads, tmp_path, monkeypatch):
    folder = write_tree(tmp_path / "release", RELEASE)
    before = state_of(folder)
    assert bring_place(folder) == folder
    monkeypatch.chdir(tmp_path)
    assert bring_place("release/") == folder
    monkeypatch.setenv("HOME", str(tmp_path))
    assert bring_place("~/release") == folder
    assert bring_place(".") == tmp_path
    assert state_of(folder) == before
    assert not downloads.exists()


def test_a_file_is_taken_where_it_is(bring_place, downloads, tmp_path):
    path = tmp_path / "std_folds.py"
    path.write_bytes(b"standard_train_fold = []")
    assert bring_place(path, artefact=FOLDS) == path
    sums = {"bytes": 24, "md5": (md5_of(path.read_bytes()),)}
    assert bring_place(path, artefact=FOLDS, **sums) == path
    assert not downloads.exists()


@pytest.mark.parametrize("name", ["features.npz", "features.NPZ"])
def test_numpy_files_are_no_archives(bring_place, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(zip_of({"labels.npy": b"x"}))
    assert bring_place(path) == path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("release.zip", ARCHIVE),
        ("release.tar", tar_of(below("./release", RELEASE))),
        ("release.tar.gz", tar_of(below("release", RELEASE), "gz")),
        ("release.tgz", tar_of(below("release", RELEASE), "gz")),
        ("release.tar.bz2", tar_of(below("release", RELEASE), "bz2")),
        ("release.tar.xz", tar_of(below("release", RELEASE), "xz")),
        ("release", ARCHIVE),
    ],
)
def test_of_an_archive_the_needed_files_are_unpacked(bring_place, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    folder = bring_place(path)
    assert folder.name == "release"
    assert content_below(folder) == NEEDED
    assert bring_place.told[-1].note == "unpacking file 4"


@pytest.mark.parametrize("root", [".", "IEMOCAP", "a/b/IEMOCAP_full_release"])
def test_roots_may_be_missing_renamed_or_nested(bring_place, tmp_path, root):
    path = tmp_path / "release.tar.gz"
    path.write_bytes(tar_of(below(root, RELEASE), "gz"))
    assert content_below(bring_place(path) / root) == IEMOCAP


@pytest.mark.parametrize("root", ["", "manet_UTT/", "other/"])
def test_all_of_what_is_called_like_a_needed_folder_is_needed(bring_place, tmp_path, root):
    artefact = Artefact("published", ("*/manet_UTT", "*/manet_UTT/*"), "")
    path = tmp_path / "manet_UTT.zip"
    path.write_bytes(zip_of({f"{root}Ses01F_impro09_F000.npy": b"x", f"{root}._x.npy": b""}))
    folder = bring_place(path, artefact=artefact)
    assert folder.name == "manet_UTT"
    assert content_below(folder) == {f"{root}Ses01F_impro09_F000.npy": b"x"}


def test_nothing_is_unpacked_twice(bring_place, downloads, tmp_path):
    path = tmp_path / "release.zip"
    path.write_bytes(ARCHIVE)
    facts = {"bytes": len(ARCHIVE), "md5": (md5_of(ARCHIVE),)}
    folder = bring_place(path, **facts)
    before = state_of(downloads)
    told = len(bring_place.told)
    assert bring_place(path, **facts) == folder
    path.unlink()  # it is unpacked
    assert bring_place(path, **facts) == folder
    assert state_of(downloads) == before
    assert len(bring_place.told) == told


def test_a_changed_archive_is_unpacked_anew(bring_place, tmp_path):
    path = tmp_path / "release.zip"
    path.write_bytes(ARCHIVE)
    bring_place(path)
    longer = {name: content[::-1] for name, content in IEMOCAP.items()}  # of the same sizes
    del longer["Session1/dialog/wav/Ses01F_impro09.wav"]
    path.write_bytes(zip_of(below("release", longer)))
    os.utime(path, (1, 1))
    assert content_below(bring_place(path)) == below("release", longer)


def test_other_needed_files_are_unpacked_beside_the_first(bring_place, downloads, tmp_path):
    path = tmp_path / "release.zip"
    path.write_bytes(ARCHIVE)
    wavs = replace(RAW, members=("*.wav",))
    documents = replace(RAW, members=("*/speech.txt",))
    bring_place(path, artefact=wavs)
    first = state_of(downloads / bring_place(path).relative_to(downloads).parts[0] / "unpacked")
    folder = bring_place(path, artefact=documents)
    both = state_of(folder.parent)
    assert {name: both[name] for name in first if "." in name} == {
        name: state for name, state in first.items() if "." in name
    }
    assert (folder / "release/Documentation/speech.txt").read_bytes() == b"read me"
    before = state_of(downloads)
    for artefact in (wavs, documents, RAW):  # there is no more to do for any of them
        bring_place(path, artefact=artefact)
    assert state_of(downloads) == before


def test_what_somebody_removed_is_unpacked_again(bring_place, downloads, tmp_path):
    path = tmp_path / "release.zip"
    path.write_bytes(ARCHIVE)
    folder = bring_place(path)
    for name in ("moved", "moved more"):
        folder.parent.rename(downloads / name)
        assert content_below(bring_place(path)) == NEEDED


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"members": [[]]}'])
def test_a_damaged_record_costs_time_only(bring_place, tmp_path, content):
    path = tmp_path / "release.zip"
    path.write_bytes(ARCHIVE)
    folder = bring_place(path)
    (folder.parents[1] / "unpacked.json").write_bytes(content)
    assert content_below(bring_place(path)) == NEEDED


def test_a_sum_or_size_that_is_wrong(refused, bring_place, tmp_path, downloads):
    path = tmp_path / "release.zip"
    path.write_bytes(ARCHIVE)
    wrong = md5_of(b"other")
    message = refused(path, md5=(wrong,))
    assert f"found MD5 {md5_of(ARCHIVE)}, expected MD5 {wrong}" in message
    assert f"correct the size or sum of {KEY}" in message
    assert "found 1," in refused(path, bytes=7) or f"{len(ARCHIVE):,} bytes" in refused(
        path, bytes=7
    )
    assert not list(downloads.rglob("*.wav"))
    bring_place(path, md5=(wrong, md5_of(ARCHIVE).upper()))
    assert f"found MD5 {md5_of(ARCHIVE)}" in refused(path, md5=(wrong,))  # though it is unpacked


def test_what_is_not_there_says_what_to_get(refused, tmp_path, downloads):
    message = refused(tmp_path / "IEMOCAP_full_release.tar.gz")
    assert "IEMOCAP_full_release.tar.gz: found nothing" in message
    assert message.count(f"named in {KEY}.at: IEMOCAP is licensed") == 1
    assert "found nothing" in refused(tmp_path / "folder/")
    assert "found nothing" in refused("~nobody-of-this-name/x")
    assert not downloads.exists()


def test_no_file_at_all(refused, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "found no file" in refused(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.zip", b"<!DOCTYPE html><title>Sign in</title>", "found an HTML page"),
        ("x.zip", ARCHIVE[:-30], "damaged or incomplete archive"),
        ("x.tar.gz", tar_of(RELEASE, "gz")[:-30], "damaged or incomplete archive"),
        ("x.tar.gz", tar_of(RELEASE), "found a tar archive, expected a gzip stream"),
        ("x.csv.gz", gzip.compress(b"a,b"), "expected a zip or tar archive"),
        ("x.zip", zip_of({"../x.wav": b""}), "climbs out of its folder"),
        ("x.zip", zip_of({"x.txt": b""}), "found no member that is needed"),
        ("x.tar.xz", b"something", "expected a zip or tar archive"),
        ("x.csd", b"<html>", "found an HTML page, expected an HDF5 file"),
    ],
)
def test_what_cannot_be_opened(refused, tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    message = refused(tmp_path / name)
    assert told in message
    assert str(tmp_path / name) in message


def test_a_repaired_archive_goes_on(refused, bring_place, tmp_path):
    path = tmp_path / "release.tar"
    path.write_bytes(tar_of(below("release", RELEASE))[:6000])
    assert "damaged or incomplete" in refused(path)
    path.write_bytes(tar_of(below("release", RELEASE)))
    assert content_below(bring_place(path)) == NEEDED


# Addresses


def test_an_archive_is_fetched_and_unpacked_once(server, bring_place, downloads):
    url, _ = server.serve("release.zip", ARCHIVE)
    facts = {"bytes": len(ARCHIVE), "md5": (md5_of(b"other"), md5_of(ARCHIVE))}
    folder = bring_place(url, **facts)
    assert content_below(folder) == NEEDED
    assert folder.name == "release"
    before = state_of(downloads)
    assert bring_place(url, **facts) == folder
    assert state_of(downloads) == before
    (archive,) = downloads.glob("*/release.zip")
    archive.unlink()
    assert bring_place(url, **facts) == folder
    assert len(server.asked) == 1


def test_a_removed_archive_is_fetched_again_for_other_files(server, bring_place, downloads):
    url, _ = server.serve("release.zip", ARCHIVE)
    bring_place(url, artefact=replace(RAW, members=("*.wav",)))
    (archive,) = downloads.glob("*/release.zip")
    archive.unlink()
    assert content_below(bring_place(url)) == NEEDED
    assert len(server.asked) == 2


@pytest.mark.parametrize("query", ["", "?download=1"])
def test_a_file_is_fetched_once_under_its_own_name(server, bring_place, query):
    url, _ = server.serve("std_folds.py", b"standard_train_fold = []")
    for _ in range(2):
        path = bring_place(url + query, artefact=FOLDS)
        assert path.name == "std_folds.py"
        assert path.read_bytes() == b"standard_train_fold = []"
    assert len(server.asked) == 1


def test_files_of_one_name_at_two_addresses(server, bring_place):
    for folder in "ab":
        url, _ = server.serve(f"{folder}/std_folds.py", folder.encode())
        assert bring_place(url, artefact=FOLDS).read_bytes() == folder.encode()


def test_an_archive_without_a_name_is_told_by_its_bytes(server, bring_place):
    url, _ = server.serve("content", ARCHIVE)
    assert content_below(bring_place(url)) == NEEDED


def test_a_wrong_sum_keeps_the_file_and_names_the_key(server, refused):
    url, _ = server.serve("release.zip", ARCHIVE)
    wrong = md5_of(b"other")
    message = refused(url, md5=(wrong,))
    assert f"expected MD5 {wrong}" in message
    assert "release.zip.wrong-checksum" in message
    assert refused(url, md5=(wrong,))
    assert len(server.asked) == 1


def test_a_wrong_size_costs_no_download(server, refused):
    url, _ = server.serve("release.zip", ARCHIVE)
    assert "expected 7 bytes" in refused(url, bytes=7)


@pytest.mark.parametrize(
    ("served", "told"),
    [
        ({}, "found status 404"),
        ({"content": b"<html><title>Moved</title>"}, "found an HTML page “Moved” with status 200"),
    ],
)
def test_a_server_without_the_file_says_what_to_get_by_hand(server, refused, served, told):
    if served:
        server.serve("release.zip", **served)
    message = refused(f"{server.root}/release.zip")
    assert told in message
    assert f"named in {KEY}.at: IEMOCAP is licensed" in message


def test_a_dead_host_says_what_to_get_by_hand(refused):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        message = refused(f"http://127.0.0.1:{nobody.getsockname()[1]}/release.zip")
    assert "no connection" in message
    assert "run again later" in message
    assert f"named in {KEY}.at: IEMOCAP is licensed" in message


@pytest.mark.parametrize("address", ["ftp://host/x.zip", "https://", "file:///etc/passwd"])
def test_no_usable_address(refused, address):
    assert "found no usable address, expected http://… or https://…; to get" in refused(address)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "since none were given"),
        ({"IEMOCAP_USER": "ann"}, "since none were given"),
        ({"IEMOCAP_USER": "ann", "IEMOCAP_PASSWORD": "s3cret-old"}, "which may be wrong"),
    ],
)
def test_a_password_from_the_environment(server, bring_place, refused, monkeypatch, given, told):
    url, _ = server.serve("release.zip", ARCHIVE, user="ann", password="s3cret-word")
    for name in ("IEMOCAP_USER", "IEMOCAP_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    message = refused(url, auth_env="IEMOCAP")
    assert told in message
    assert "set IEMOCAP_USER and IEMOCAP_PASSWORD in the environment" in message
    assert "s3cret" not in message
    monkeypatch.setenv("IEMOCAP_USER", "ann")
    monkeypatch.setenv("IEMOCAP_PASSWORD", "s3cret-word")
    assert f"set {KEY}.auth_env" in refused(url)
    folder = bring_place(url, auth_env="IEMOCAP")
    kept = b"".join(p.read_bytes() for p in folder.parents[2].rglob("*") if p.is_file())
    assert b"s3cret" not in kept and b"s3cret" not in repr(bring_place.told).encode()


# Several at once, and interruptions


def test_two_parts_of_one_archive_bring_it_once(server, bring_place, tmp_path):
    url, _ = server.serve("release.zip", ARCHIVE, bytes_per_second=3 * len(ARCHIVE))
    documents = replace(RAW, members=("*/speech.txt",))
    found = {}

    def bring_it(artefact):
        found[artefact] = bring_place(url, artefact=artefact)

    threads = [threading.Thread(target=bring_it, args=(a,)) for a in (RAW, documents)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[RAW] == found[documents]
    assert content_below(found[RAW]) == NEEDED | {"release/Documentation/speech.txt": b"read me"}
    assert len(server.asked) == 1


def test_who_waits_for_another_says_so_and_can_be_stopped(bring_place, tmp_path, monkeypatch):
    monkeypatch.setattr(acquisition, "_SECONDS_BETWEEN_LOOKS", 0.02)
    path = tmp_path / "release.zip"
    path.write_bytes(ARCHIVE)
    folder = bring_place(path)
    (folder.parents[1] / "unpacked.json").unlink()
    has_begun, may_end = threading.Event(), threading.Event()

    def wait(progress):
        has_begun.set()
        may_end.wait(20)

    first = threading.Thread(target=bring_place, args=(path,), kwargs={"watch": wait})
    first.start()
    has_begun.wait(20)

    def stop(progress):
        assert progress.note == "waiting for who else brings it"
        raise InterruptedError

    with pytest.raises(InterruptedError):
        bring_place(path, watch=stop)
    may_end.set()
    first.join()
    assert content_below(bring_place(path)) == NEEDED


def test_stopped_between_any_two_steps_it_goes_on(server, bring_place, downloads):
    """The watcher is what stops a run, so each step is one at which it can end."""
    content = tar_of(below("release", RELEASE | {"Session1/dialog/wav/b.wav": bytes(300_000)}))
    url, _ = server.serve("release.tar", content)
    for num_steps in range(40):
        steps = iter(range(num_steps))

        def stop(progress, steps=steps):
            if next(steps, None) is None:
                raise InterruptedError

        try:
            folder = bring_place(url, watch=stop)
            break
        except InterruptedError:
            pass
    assert 5 < num_steps < 39
    assert content_below(folder) == NEEDED | {"release/Session1/dialog/wav/b.wav": bytes(300_000)}


def test_killed_at_random_moments_it_loses_nothing(server, bring_place, downloads):
    """SIGKILL while fetching and while unpacking; then one run to the end."""
    draw = random.Random(3)
    files = {f"Session1/dialog/wav/{n}.wav": draw.randbytes(2**14) for n in range(400)}
    content = tar_of(below("release", files))
    url, _ = server.serve("release.tar", content, bytes_per_second=1e7)
    moments = set()
    for _ in range(25):
        process = multiprocessing.get_context("fork").Process(target=bring_place, args=(url,))
        process.start()
        time.sleep(draw.uniform(0, 0.15))
        process.kill()
        process.join()
        has_archive = bool(list(downloads.glob("*/release.tar")))
        num_unpacked = len(list(downloads.rglob("*.wav")))
        moments.add((has_archive, num_unpacked))
    assert (False, 0) in moments and len(moments) > 1
    assert content_below(bring_place(url)) == below("release", files)
    assert server.num_sent < 2 * len(content)
