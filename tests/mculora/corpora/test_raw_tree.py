"""One walk finds everything below a raw folder, and says what it could not look into."""

import os
from pathlib import Path, PurePosixPath

import pytest

from mculora.corpora.manifest import Dropped
from mculora.corpora.raw_tree import RawTree, root_above
from mculora.errors import InputError


@pytest.fixture
def folder(tmp_path):
    for path in (
        "b/x.txt",
        "a/deep/x.txt",
        "a/y.wav",
        "__MACOSX/a/z.txt",
        "a/._y.wav",
        "._c/x.txt",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("text")
    return tmp_path


def test_near_comes_before_far_and_leftovers_of_macs_are_passed_over(folder):
    tree = RawTree.walk(folder)
    assert list(map(str, tree.find(lambda name: name == "x.txt"))) == ["b/x.txt", "a/deep/x.txt"]
    near = tree.folders(".txt", lambda path: True, near=PurePosixPath("a"))
    assert list(map(str, near)) == ["a/deep", "b"]
    assert tree.files(PurePosixPath("a"), ".wav") == [PurePosixPath("a/y.wav")]


def test_sizes_of_files_and_of_what_is_none(folder):
    (folder / "a/link.wav").symlink_to("/nowhere")
    tree = RawTree.walk(folder)
    sizes = [tree.size(PurePosixPath(path)) for path in ("a/y.wav", "a/link.wav", "a/no", "a/deep")]
    assert sizes == [4, None, None, None]


def test_links_in_a_circle_end(folder):
    (folder / "a/deep/up").symlink_to(folder)
    assert RawTree.walk(folder).names == {
        PurePosixPath(path): names
        for path, names in {".": (), "a": ("y.wav",), "a/deep": ("x.txt",), "b": ("x.txt",)}.items()
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_folder_that_cannot_be_listed_is_named(folder):
    (folder / "b").chmod(0)
    assert RawTree.walk(folder).dropped == (Dropped("b", "unreadable folder: Permission denied"),)
    (folder / "b").chmod(0o700)


def test_no_folder():
    with pytest.raises(InputError, match="mculora download"):
        RawTree.walk(Path("nowhere"))


def test_root_above():
    folder = PurePosixPath("raw/Raw/Transcript/Segmented/Combined")
    assert root_above(folder, "Transcript") == PurePosixPath("raw/Raw")
    assert root_above(PurePosixPath("Transcript"), "Transcript") == PurePosixPath()
    assert root_above(PurePosixPath("texts"), "Transcript") == PurePosixPath("texts")
