"""Stage `download`: makes the sample, or brings and links what params.yaml names."""

import errno
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from small_corpora import (
    ENTRIES,
    IEMOCAP,
    LABELS,
    PROJECT,
    RELEASE,
    below,
    content_below,
    state_of,
    tar_of,
    write_params,
    write_tree,
    zip_of,
)

from pipeline import download
from pipeline.layout import DOWNLOADS

from http_server import Server  # isort: skip

FOLDS = "cmu_mosi_std_folds.py"
HDF5 = b"\x89HDF\r\n\x1a\n"
RAW = Path("data/raw")


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project folder, with the user's own things in `own` beside it; the current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MCULORA_DOWNLOADS", raising=False)
    return folder


@pytest.fixture
def own(tmp_path):
    return tmp_path / "own"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def fetch(run):
    """Run the stage on the sources of one dataset; it must end well. Gives what it said."""

    def fetch_these(dataset, sources, **values):
        sources = {name: {"md5": None, "at": at} for name, at in sources.items()}
        write_params(".", sources={dataset: sources}, dataset=dataset, **values)
        done = run("download")
        assert (done.code, done.err) == (0, ""), done
        return done.out

    return fetch_these


@pytest.fixture
def fails(fetch, run):
    """Run it on sources that cannot be used; gives the one line that says so."""

    def fetch_badly(dataset, sources, **values):
        sources = {
            name: {"md5": None, **(at if isinstance(at, dict) else {"at": at})}
            for name, at in sources.items()
        }
        write_params(".", sources={dataset: sources}, dataset=dataset, **values)
        done = run("download")
        assert done.code == 1, done
        (line,) = done.err.splitlines()
        assert line.startswith("error: ")
        return line

    return fetch_badly


def raw_content(dataset):
    """What is below a raw corpus, all of it links to files elsewhere."""
    links = [path for path in (RAW / dataset).rglob("*") if not path.is_dir()]
    assert all(path.is_symlink() and path.is_file() for path in links)
    return content_below(RAW / dataset)


# The sample


@pytest.mark.slow
def test_sample_is_made(capsys):
    write_params(".", sources={}, sample={"seed": 3, "num_videos": 12})
    download.run(DOWNLOADS)
    output = capsys.readouterr().out
    assert "download: reads params.yaml (seed 3)" in output
    assert "wrote data/raw/sample (11 videos; " in output
    videos = sorted((RAW / "sample/Raw/Videos/Full/Combined").iterdir())
    assert len(videos) == 11
    assert sorted(path.name for path in (RAW / "sample").iterdir()) == [
        "Raw",
        "cmu_mosei_std_folds.py",
    ]


# Places


def test_a_folder_of_the_users_is_linked_and_left_alone(fetch, own):
    write_tree(own / "IEMOCAP", below("IEMOCAP_full_release", RELEASE))
    before = state_of(own)
    said = fetch("iemocap4", {"raw": str(own / "IEMOCAP")})
    expected = below("raw/IEMOCAP/IEMOCAP_full_release", IEMOCAP)
    assert raw_content("iemocap4") == expected
    assert state_of(own) == before
    assert not DOWNLOADS.exists()
    num_bytes = sum(map(len, expected.values()))
    first, middle, last = said.splitlines()
    assert first == "download: reads sources.iemocap4 of params.yaml"
    assert middle == f"raw/IEMOCAP: 4 files, {num_bytes} bytes from {own / 'IEMOCAP'}"
    assert re.fullmatch(
        rf"download: wrote data/raw/iemocap4 \(4 files, {num_bytes} bytes; \d+\.\d s\)", last
    )


@pytest.mark.parametrize("root", ["", "IEMOCAP_full_release/", "a/b/renamed/"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("is_remote", [False, True])
def test_an_archive_is_unpacked_and_linked(fetch, server, own, root, kind, is_remote):
    files = below(root.rstrip("/"), RELEASE) if root else RELEASE
    content = zip_of(files) if kind == "zip" else tar_of(files, "gz")
    place = str(write_tree(own, {f"release.{kind}": content}) / f"release.{kind}")
    if is_remote:
        place, _ = server.serve(f"release.{kind}", content)
    said = fetch("iemocap4", {"raw": place})
    assert raw_content("iemocap4") == below(f"raw/release/{root}".rstrip("/"), IEMOCAP)
    assert f"raw/release: 4 files, 20 bytes from {place}, kept in data/downloads/release-" in said
    assert not list(Path().rglob("._*"))


def test_a_corpus_from_three_addresses(fetch, server):
    raw, _ = server.serve("raw/CMU_MOSI.zip", zip_of({"Raw/Video/Segmented/v_1.mp4": b"film"}))
    labels, _ = server.serve("CMU_MOSI_Opinion_Labels.csd", HDF5)
    folds, _ = server.serve(f"sdk/{FOLDS}", b"standard_train_fold = []")
    said = fetch("mosi", {"raw": raw, "labels": labels, "folds": folds})
    assert raw_content("mosi") == {
        "raw/CMU_MOSI/Raw/Video/Segmented/v_1.mp4": b"film",
        "labels/CMU_MOSI_Opinion_Labels.csd/CMU_MOSI_Opinion_Labels.csd": HDF5,
        f"folds/{FOLDS}/{FOLDS}": b"standard_train_fold = []",
    }
    assert said.count("kept in data/downloads/") == 3
    before = state_of("data")
    assert (
        fetch("mosi", {"raw": raw, "labels": labels, "folds": folds}).splitlines()[:-1]
        == (said.splitlines()[:-1])
    )
    assert state_of("data") == before
    for archive in DOWNLOADS.glob("*/*.zip"):
        archive.unlink()
    before = state_of("data")
    fetch("mosi", {"raw": raw, "labels": labels, "folds": folds})
    assert state_of("data") == before
    assert len(server.asked) == 3


def test_an_optional_part_may_be_left_out(fetch, own):
    write_tree(own, {"MOSI/Raw/Video/Full/v.mp4": b"film", FOLDS: b"folds"})
    fetch("mosi", {"raw": str(own / "MOSI"), "labels": None, "folds": str(own / FOLDS)})
    assert sorted(path.name for path in (RAW / "mosi").iterdir()) == ["folds", "raw"]


def test_published_features_as_one_folder(fetch, own):
    files = {f"features/{entry}/u{n}.npy": b"x" for entry in ENTRIES for n in range(3)}
    files |= {LABELS: b"\x80labels", "features/other-UTT/u0.npy": b"y"}
    write_tree(own / "IEMOCAP", files)
    fetch("iemocap4", {"published": str(own / "IEMOCAP")}, features="published")
    del files["features/other-UTT/u0.npy"]
    assert raw_content("iemocap4") == below("published/IEMOCAP", files)


def test_published_features_as_a_folder_each_and_labels_elsewhere(fetch, own):
    for number, entry in enumerate(ENTRIES):
        write_tree(own / str(number) / entry, {"u0.npy": b"x", "u1/000000.npy": b"y"})
    write_tree(own, {f"labels/IEMOCAP/{LABELS}": b"\x80labels"})
    folders = [str(own / str(number) / entry) for number, entry in enumerate(ENTRIES)]
    labels = {"published_labels": str(own / f"labels/IEMOCAP/{LABELS}")}
    fetch("iemocap4", {"published": folders, **labels}, features="published")
    arrays = {f"{entry}/u0.npy": b"x" for entry in ENTRIES}
    arrays |= {f"{entry}/u1/000000.npy": b"y" for entry in ENTRIES}
    label = {f"published_labels/{LABELS}/{LABELS}": b"\x80labels"}
    assert raw_content("iemocap4") == below("published", arrays) | label


def test_published_features_as_an_archive_each(fetch, own, server):
    urls = [
        server.serve(f"{entry}.zip", zip_of({f"{root}u0.npy": b"x"}))[0]
        for entry, root in zip(ENTRIES, ("", "wav/", f"{ENTRIES[2]}/"), strict=True)
    ]
    write_tree(own, {LABELS: b"\x80labels"})
    labels = {"published_labels": str(own / LABELS)}
    fetch("iemocap4", {"published": urls, **labels}, features="published")
    names = [
        f"{ENTRIES[0]}/u0.npy",
        f"{ENTRIES[1]}/wav/u0.npy",
        f"{ENTRIES[2]}/{ENTRIES[2]}/u0.npy",
    ]
    assert below("published", dict.fromkeys(names, b"x")).items() <= raw_content("iemocap4").items()


def test_features_and_labels_in_one_archive(fetch, server):
    files = {f"IEMOCAP/features/{entry}/u0.npy": b"x" for entry in ENTRIES}
    files[f"IEMOCAP/{LABELS}"] = b"\x80labels"
    url, _ = server.serve("gcnet.zip", zip_of(files))
    fetch("iemocap4", {"published": url, "published_labels": url}, features="published")
    expected = below("published/gcnet", files)
    expected[f"published_labels/gcnet/IEMOCAP/{LABELS}"] = b"\x80labels"
    assert expected.items() <= raw_content("iemocap4").items()
    assert len(server.asked) == 1


def test_places_of_one_name_lie_side_by_side(fetch, own):
    names = list(IEMOCAP)
    for number, name in enumerate(names):
        write_tree(own / str(number) / "IEMOCAP", {name: IEMOCAP[name]})
    places = [str(own / str(number) / "IEMOCAP") for number in range(len(names))]
    fetch("iemocap4", {"raw": places})
    first, *others = names
    expected = {f"raw/IEMOCAP/{first}": IEMOCAP[first]}
    expected |= {f"raw/{n}/IEMOCAP/{name}": IEMOCAP[name] for n, name in enumerate(others, 2)}
    assert raw_content("iemocap4") == expected
    before = state_of(RAW)
    fetch("iemocap4", {"raw": places})
    assert state_of(RAW) == before
    fetch("iemocap4", {"raw": places[:1]})
    assert raw_content("iemocap4") == {f"raw/IEMOCAP/{first}": IEMOCAP[first]}


# Your own clips


@pytest.fixture
def clips(own):
    """A table of clips here, elsewhere and nowhere, and those clips."""
    write_tree(own, {"far/c.wav": b"c", "talks/media/a b.mp4": b"ab", "talks/b.mp4": b"b"})
    rows = ["media/a b.mp4,1", "./b.mp4,0", "b.mp4,1", f"{own}/far/c.wav,1", "../far/c.wav,0"]
    lost = ["gone.mp4,1", "~nobody-of-this-name/x.wav,1", "far,0", f"{'long' * 99}.mp4,1"]
    table = "\n".join(["path,label", *rows, *lost, "http://host/x.mp4,1"])
    write_tree(own, {"talks/clips.csv": table.encode()})
    return own / "talks/clips.csv"


def test_a_table_of_clips_and_what_it_names(fetch, clips, own):
    before = state_of(own)
    said = fetch("clips", {"table": str(clips)})
    found = raw_content("clips")
    assert found.pop("table/clips.csv/clips.csv") == clips.read_bytes()
    inside = {name.removeprefix("table/clips.csv/media/"): c for name, c in found.items()}
    outside = {name: c for name, c in inside.items() if name.startswith("outside/")}
    assert inside.items() - outside.items() == {("media/a b.mp4", b"ab"), ("b.mp4", b"b")}
    assert list(outside.values()) == [b"c", b"c"]
    assert state_of(own) == before
    lines = said.splitlines()
    assert lines[1].startswith("table/clips.csv: 5 files, ")
    assert lines[2] == "left out: gone.mp4: no such file"
    assert lines[5] == "left out: 1 more"
    before = content_below(RAW)
    fetch("clips", {"table": str(clips)})
    assert content_below(RAW) == before


def test_a_table_that_is_edited_is_seen_at_once(fetch, clips):
    fetch("clips", {"table": str(clips)})
    clips.write_text("path,label\nb.mp4,1\n")
    assert raw_content("clips")["table/clips.csv/clips.csv"] == b"path,label\nb.mp4,1\n"
    fetch("clips", {"table": str(clips)})
    assert sorted(raw_content("clips")) == [
        "table/clips.csv/clips.csv",
        "table/clips.csv/media/b.mp4",
    ]


def test_a_folder_or_an_archive_with_a_table(fetch, clips, own):
    fetch("clips", {"table": str(clips.parent)})
    assert "table/talks/media/b.mp4" in raw_content("clips")
    files = {"mine/clips.jsonl": b'{"path": "v/a.wav", "label": 1}', "mine/v/a.wav": b"a"}
    write_tree(own, {"mine.tar.gz": tar_of(files, "gz")})
    fetch("clips", {"table": str(own / "mine.tar.gz")})
    assert raw_content("clips") == {
        "table/mine/clips.jsonl": files["mine/clips.jsonl"],
        "table/mine/media/v/a.wav": b"a",
    }


def test_another_table_takes_the_place_of_the_first(fetch, clips):
    fetch("clips", {"table": str(clips)})
    other = clips.with_name("others.csv")
    other.write_text("path,label\nb.mp4,1\n")
    fetch("clips", {"table": str(other)})
    assert list(raw_content("clips")) == [
        "table/others.csv/media/b.mp4",
        "table/others.csv/others.csv",
    ]


def test_a_table_that_is_none(fails, own):
    write_tree(own, {"clips.csv": b"file name,mood\na.mp4,1\n", "empty/readme.md": b""})
    assert "columns 'file name', 'mood'" in fails("clips", {"table": str(own / "clips.csv")})
    line = fails("clips", {"table": str(own / "empty")})
    assert f"sources.clips.table.at: {own / 'empty'}: found no table" in line


# Another time


def test_other_sources_leave_no_link_and_touch_no_file(fetch, own):
    write_tree(own / "first", RELEASE)
    write_tree(own / "second", below("again", IEMOCAP))
    write_tree(own / "published", {f"{entry}/u.npy": b"x" for entry in ENTRIES})
    fetch("iemocap4", {"raw": str(own / "first")})
    by_hand = {"iemocap4/raw/first/Session1/notes.txt": b"mine", "iemocap4/raw/x.txt": b"mine"}
    write_tree(RAW, by_hand)
    Path(RAW, "iemocap4/linked by hand").symlink_to(own / "first")
    Path(RAW, "iemocap4/raw/old").symlink_to(own / "first")
    Path(own, "first/Documentation/link").symlink_to(own / "first/Documentation/speech.txt")
    before = state_of(own)
    for sources, values in (
        ({"raw": str(own / "second")}, {}),
        ({"published": str(own / "published")}, {"features": "published"}),
        ({"raw": str(own / "first")}, {}),
        ({"raw": str(own / "second")}, {}),
    ):
        fetch("iemocap4", sources, **values)
    links = {p for p in RAW.rglob("*") if p.is_symlink() and p.name != "linked by hand"}
    assert links == {RAW / f"iemocap4/raw/second/again/{name}" for name in IEMOCAP}
    assert by_hand.items() <= content_below(RAW).items()
    assert Path(RAW, "iemocap4/linked by hand").is_dir()
    assert state_of(own) == before


def test_two_datasets_share_one_archive(fetch, server):
    url, _ = server.serve("release.zip", zip_of(RELEASE))
    fetch("iemocap4", {"raw": url})
    before = state_of(DOWNLOADS)
    fetch("iemocap6", {"raw": url})
    assert state_of(DOWNLOADS) == before
    assert raw_content("iemocap4") == raw_content("iemocap6") == below("raw/release", IEMOCAP)
    assert len(server.asked) == 1


def test_downloads_may_lie_elsewhere(fetch, own, monkeypatch):
    write_tree(own, {"release.zip": zip_of(RELEASE)})
    monkeypatch.setenv("MCULORA_DOWNLOADS", str(own / "kept"))
    fetch("iemocap4", {"raw": str(own / "release.zip")})
    assert content_below(own / "kept")
    assert not DOWNLOADS.exists()
    assert raw_content("iemocap4") == below("raw/release", IEMOCAP)


# What cannot be


def test_a_source_that_nobody_named_is_said_before_anything_is_fetched(fails, server):
    url, _ = server.serve("CMU_MOSI.zip", b"")
    line = fails("mosi", {"raw": url, "labels": url, "folds": None})
    assert "params.yaml: key sources.mosi.folds.at: found nothing" in line
    assert "CMU Multimodal SDK" in line
    assert not server.asked


def test_a_dataset_that_sources_forget(run):
    write_params(".", sources={}, dataset="mosi")
    text = Path("params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(re.sub(r"(?ms)^  mosi:\n.*?(?=^  \w)", "", text))
    done = run("download")
    assert "key sources.mosi.raw.at: found nothing" in done.err


@pytest.mark.parametrize(
    ("dataset", "name", "files", "place"),
    [
        ("iemocap4", "raw", {"videos/a.mp4": b"x"}, ""),
        ("iemocap4", "raw", {"Ses01F_impro09.txt": b"x"}, "Ses01F_impro09.txt"),
        ("iemocap4", "raw", {"release.rar": b"Rar!"}, "release.rar"),
        ("mosi", "folds", {"folds.py": b"x"}, "folds.py"),
    ],
)
def test_a_place_without_anything_that_is_needed(fails, own, dataset, name, files, place):
    write_tree(own, files | {"MOSI/Raw/Video/v.mp4": b"x"})
    sources = {"raw": str(own / "MOSI"), "labels": None} if dataset == "mosi" else {}
    line = fails(dataset, sources | {name: str(own / place)})
    assert f"sources.{dataset}.{name}.at: {own / place}: found no file that is needed" in line
    assert "CMU Multimodal SDK" in line or "sail.usc.edu" in line


def test_what_a_folder_has_of_no_use_is_counted(fetch, own):
    folder = write_tree(own / "IEMOCAP", RELEASE)
    for number in range(5):
        (folder / f"Session1/dialog/wav/{number}.wav").symlink_to(own / "nowhere")
    said = fetch("iemocap4", {"raw": str(folder)})
    assert "left out: Session1/dialog/wav/0.wav: a link to nothing\n" in said
    assert "left out: 2 more\n" in said
    assert said.count("left out") == 4


def test_a_file_where_a_folder_belongs(fails, own):
    write_tree(own / "IEMOCAP", RELEASE)
    Path("data").write_bytes(b"")
    line = fails("iemocap4", {"raw": str(own / "IEMOCAP")})
    assert "data" in line


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_full_disk_is_one_line(fails, fetch, own, server, monkeypatch, kind):
    content = zip_of(RELEASE) if kind == "zip" else tar_of(RELEASE)
    url, _ = server.serve(f"release.{kind}", content)
    write_tree(own, {f"release.{kind}": content})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        for place in (url, str(own / f"release.{kind}")):
            line = fails("iemocap4", {"raw": place})
            assert "no space to write it" in line
            assert "free some space" in line
    for place in (url, str(own / f"release.{kind}")):
        fetch("iemocap4", {"raw": place})
        assert raw_content("iemocap4") == below("raw/release", IEMOCAP)


def test_the_password_is_written_nowhere(run, server, monkeypatch):
    url, _ = server.serve("release.zip", zip_of(RELEASE), user="ann", password="s3cret-word")
    source = {"at": url, "md5": None, "auth_env": "IEMOCAP"}
    write_params(".", sources={"iemocap4": {"raw": source}}, dataset="iemocap4")
    monkeypatch.setenv("IEMOCAP_USER", "ann")
    said = []
    for password in ("s3cret-old", "s3cret-word"):
        monkeypatch.setenv("IEMOCAP_PASSWORD", password)
        said.append(run("download"))
    assert [done.code for done in said] == [1, 0]
    assert "sources.iemocap4.raw.at" in said[0].err
    assert "IEMOCAP_USER and IEMOCAP_PASSWORD" in said[0].err
    assert "s3cret" not in repr(said)
    assert b"s3cret" not in b"".join(content_below(".").values())


# Side by side, and stopped


class Meeting:
    """Replies that are none, after all who ask have come."""

    def __init__(self, num_clients):
        self.barrier = threading.Barrier(num_clients)

    def __bool__(self):
        self.barrier.wait(20)
        return False


def test_places_are_brought_side_by_side(fetch, server):
    meeting = Meeting(len(IEMOCAP))
    urls = [
        server.serve(f"{number}/release.zip", zip_of({name: b""}), replies=meeting)[0]
        for number, name in enumerate(IEMOCAP)
    ]
    fetch("iemocap4", {"raw": urls})
    assert len(raw_content("iemocap4")) == len(IEMOCAP)


def test_when_one_fails_the_others_stop_and_keep_what_they_have(fails, fetch, server):
    content = zip_of({"Raw/Video/v.mp4": os.urandom(3_000_000)})
    raw, served = server.serve("CMU_MOSI.zip", content, bytes_per_second=1e6)
    page = b"<html>" + bytes(20_000)  # comes in two parts
    folds, page_served = server.serve(FOLDS, page, bytes_per_second=5e4)
    sources = {"raw": raw, "labels": None, "folds": folds}
    assert "sources.mosi.folds.at: " in fails("mosi", sources)
    time.sleep(0.1)  # the other stops at its next bytes
    assert not (RAW / "mosi").exists()
    (partial,) = DOWNLOADS.glob("*/*.partial")
    num_kept = partial.stat().st_size
    assert 0 < num_kept < len(content)
    served.bytes_per_second, page_served.content = 0, b"folds"
    fetch("mosi", sources)
    assert f"bytes={num_kept}-" in [asked.headers.get("Range") for asked in server.asked]
    assert len(raw_content("mosi")) == 2


def start_process():
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "download"],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 30
        time.sleep(0.01)


@pytest.mark.parametrize("is_silent", [False, True])
def test_ctrl_c_stops_at_once_and_can_go_on(fetch, server, is_silent):
    """Also while the server says nothing: its thread is not waited for."""
    content = zip_of({"Raw/Video/v.mp4": os.urandom(3_000_000)})
    raw, served = server.serve("CMU_MOSI.zip", content, bytes_per_second=1e6)
    folds, _ = server.serve(FOLDS, b"folds")
    sources = {"raw": {"at": raw}, "labels": {"at": None}, "folds": {"at": folds}}
    write_params(".", sources={"mosi": sources}, dataset="mosi")
    process = start_process()
    wait_for(lambda: any(p.stat().st_size > 100_000 for p in DOWNLOADS.glob("*/*.partial")))
    if is_silent:
        served.bytes_per_second = 0.1
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 2
    assert process.returncode == 130
    assert len(err.splitlines()) <= 1 and "Traceback" not in err
    assert "wrote" not in out
    served.bytes_per_second = 0
    num_sent = server.num_sent
    fetch("mosi", {"raw": raw, "labels": None, "folds": folds})
    assert server.num_sent - num_sent < len(content) - 50_000
    assert len(raw_content("mosi")) == 2


@pytest.mark.slow
def test_killed_at_random_moments_the_next_run_ends_alike(fetch, server):
    draw = random.Random(5)
    files = {f"Raw/Video/Segmented/v_{n}.mp4": draw.randbytes(2**13) for n in range(300)}
    raw, served = server.serve("CMU_MOSI.zip", zip_of(files), bytes_per_second=2e6)
    folds, _ = server.serve(FOLDS, b"folds")
    sources = {"raw": {"at": raw}, "labels": {"at": None}, "folds": {"at": folds}}
    write_params(".", sources={"mosi": sources}, dataset="mosi")
    for _ in range(12):
        process = start_process()
        process.stdout.readline()  # it has read its parameters
        time.sleep(draw.uniform(0, 0.4))
        process.kill()
        process.communicate()
        served.bytes_per_second *= 1.3
    fetch("mosi", {"raw": raw, "labels": None, "folds": folds})
    expected = below("raw/CMU_MOSI", files) | {f"folds/{FOLDS}/{FOLDS}": b"folds"}
    assert raw_content("mosi") == expected
    assert not list(DOWNLOADS.rglob("*.partial"))
