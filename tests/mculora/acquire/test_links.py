"""Trees of links: what belongs is there, what is not a link is never touched."""

import os
import time

import pytest

from mculora.acquire.links import link_tree
from mculora.errors import InputError

FILES = {
    "Session1/dialog/wav/Ses01F_impro01.wav": "sound",
    "Session1/dialog/wav/._Ses01F_impro01.wav": "fork",
    "Session1/dialog/avi/DivX/Ses01F_impro01.avi": "video",
    "Session1/sentences/wav/-x/_y.wav": "sound",
    "Documentation/._README.txt": "fork",
    "__MACOSX/Session1/x.wav": "fork",
    ".DS_Store": "x",
    "README.txt": "read me",
}


@pytest.fixture
def source(tmp_path):
    for path, text in FILES.items():
        write(tmp_path / "source" / path, text)
    return tmp_path / "source"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data/raw/corpus"


def write(path, text="x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def tree(folder):
    """Every path below a folder and what it is; nothing is followed."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(parent, name)
            found[os.path.relpath(path, folder)] = (
                os.readlink(path) if os.path.islink(path) else os.path.isdir(path),
                os.lstat(path).st_mtime_ns,
            )
    return found


def links(folder):
    return {path: content for path, (content, _) in tree(folder).items() if type(content) is str}


def test_tree_of_links_to_everything_but_junk(source, folder):
    made = link_tree(source, folder)
    expected = [p for p in FILES if "._" not in p and "__MAC" not in p and not p.startswith(".")]
    assert links(folder) == {path: str(source / path) for path in expected}
    assert made.num_files == len(expected)
    assert made.skipped == ()
    assert all((folder / path).read_text() == FILES[path] for path in expected)
    assert not (folder / "Documentation").exists()


def test_only_what_is_needed_is_linked(source, folder):
    assert link_tree(source, folder, members=["*/dialog/wav/*.wav"]).num_files == 1
    assert list(links(folder)) == ["Session1/dialog/wav/Ses01F_impro01.wav"]
    assert not (folder / "Session1/sentences").exists()


def test_one_file_is_linked_whatever_its_name(source, folder):
    assert link_tree(source / "README.txt", folder, members=["*.csv"]).num_files == 1
    assert links(folder) == {"README.txt": str(source / "README.txt")}


def test_targets_are_absolute_and_resolved(source, folder, monkeypatch):
    (source.parent / "alias").symlink_to("source")
    (source / "alias.txt").symlink_to("README.txt")
    monkeypatch.chdir(source.parent)
    link_tree(source.relative_to(source.parent).with_name("alias"), folder)
    assert links(folder)["alias.txt"] == str(source / "README.txt")
    assert all(target.startswith(str(source)) for target in links(folder).values())


def test_second_run_touches_nothing(source, folder):
    first = link_tree(source, folder)
    before = tree(folder)
    assert link_tree(source, folder) == first
    assert tree(folder) == before


def test_what_no_longer_belongs_is_removed(source, folder):
    link_tree(source, folder)
    (source / "README.txt").unlink()
    made = link_tree(source, folder, members=["*.avi", "*.txt"])
    assert made.num_files == 1
    assert list(links(folder)) == ["Session1/dialog/avi/DivX/Ses01F_impro01.avi"]
    assert not (folder / "Session1/sentences").exists()
    link_tree(source, folder, members=["nothing"])
    assert tree(folder) == {}


def test_source_that_moved(source, folder):
    link_tree(source, folder)
    moved = source.rename(source.with_name("elsewhere"))
    link_tree(moved, folder)
    assert all(target.startswith(str(moved)) for target in links(folder).values())


def test_what_is_no_link_stays(source, folder):
    mine = write(folder / "Session1/notes/mine.txt", "mine")
    empty = folder / "Session1/empty"
    empty.mkdir()
    link_tree(source, folder)
    link_tree(source, folder, members=["*.avi"])
    link_tree(source, folder, members=["nothing"])
    assert mine.read_text() == "mine"
    assert empty.is_dir()


def test_removal_never_follows_links(source, folder, tmp_path):
    outside = write(tmp_path / "outside/deep/file.txt", "outside")
    (outside.parent / "link").symlink_to(outside)
    folder.mkdir(parents=True)
    (folder / "Session1").symlink_to(tmp_path / "outside")
    (folder / "elsewhere").symlink_to(tmp_path / "outside")
    link_tree(source, folder)
    assert outside.read_text() == "outside"
    assert (outside.parent / "link").is_symlink()
    assert not (folder / "elsewhere").exists()
    assert not (folder / "Session1").is_symlink()
    assert (folder / "Session1/dialog/wav/Ses01F_impro01.wav").read_text() == "sound"


def test_what_stands_in_the_way_is_reported(source, folder):
    write(folder / "README.txt", "mine")
    write(folder / "Session1/dialog", "mine")
    made = link_tree(source, folder)
    assert {path for path, _ in made.skipped} == {
        "README.txt",
        "Session1/dialog/wav/Ses01F_impro01.wav",
        "Session1/dialog/avi/DivX/Ses01F_impro01.avi",
    }
    assert made.num_files == 1
    assert (folder / "README.txt").read_text() == "mine"


def test_linked_folders_are_entered_once(source, folder, tmp_path):
    other = write(tmp_path / "other/a/x.wav").parents[1]
    (other / "back").symlink_to(source)
    (other / "self").symlink_to(".")
    (source / "A_first").symlink_to("Session1")
    (source / "one").symlink_to(other)
    (source / "two").symlink_to(other)
    (source / "up").symlink_to("..")
    made = link_tree(source, folder, members=["*.wav"])
    assert {p for p in links(folder) if "Session1" not in p} == {"one/a/x.wav"}
    assert "Session1/dialog/wav/Ses01F_impro01.wav" in links(folder)
    assert {path: reason[:32] for path, reason in made.skipped} == {
        "A_first": "a link to a folder that is here ",
        "one/back": "a link to a folder that it is in",
        "one/self": "a link to a folder that is here ",
        "two": "a link to a folder that is here ",
        "up": "a link to a folder that it is in",
    }


def test_what_cannot_be_used_is_reported(source, folder):
    (source / "gone.wav").symlink_to("nowhere.wav")
    (source / "ring.wav").symlink_to("ring.wav")
    (source / "gone.txt").symlink_to("nowhere.txt")
    os.mkfifo(source / "pipe.wav")
    write(source / "bad\udcff.wav")
    write(source / ("d/" * 120) / "x.wav")
    made = link_tree(source, folder, members=["*.wav"])
    assert made.num_files == 2
    assert dict(made.skipped) == {
        "gone.wav": "a link to nothing",
        "ring.wav": "a link to nothing",
        "pipe.wav": "neither a file nor a folder",
        "bad\\udcff.wav": "a name that cannot be printed",
        "/".join(["d"] * 100): "below more than 100 folders",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_folders_are_reported(source, folder):
    closed = source / "Session1/dialog/avi"
    closed.chmod(0)
    try:
        made = link_tree(source, folder)
    finally:
        closed.chmod(0o755)
    assert [path for path, _ in made.skipped] == ["Session1/dialog/avi"]
    assert made.num_files > 1


def test_folder_inside_its_source(source):
    folder = source / "raw"
    first = link_tree(source, folder)
    assert link_tree(source, folder) == first
    assert not any(path.startswith("raw") for path in links(folder))


def test_unusable_sources(source, folder):
    with pytest.raises(InputError, match=r"missing: found nothing.*check the path"):
        link_tree(source / "missing", folder)
    os.mkfifo(source / "pipe")
    with pytest.raises(InputError, match="neither a file nor a folder"):
        link_tree(source / "pipe", folder)
    with pytest.raises(InputError, match="inside the folder"):
        link_tree(source, source)
    with pytest.raises(InputError, match="inside the folder"):
        link_tree(source / "Session1", source)
    with pytest.raises(InputError, match=r"README\.txt"):
        link_tree(source, source / "README.txt")
    assert not folder.exists()


def test_finding_nothing_to_do_is_quick(source, folder):
    for i in range(4_000):
        path = source / f"many/{i % 40}/{i}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert link_tree(source, folder, members=["*/many/*.npy"]).num_files == 4_000
    started = time.perf_counter()
    assert link_tree(source, folder, members=["*/many/*.npy"]).num_files == 4_000
    assert time.perf_counter() - started < 1
