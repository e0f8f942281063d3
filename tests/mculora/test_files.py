"""A file is there whole or not at all."""

import errno
import os

import pytest

from mculora.errors import InputError
from mculora.files import whole_file, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_with_its_folder(tmp_path):
    write_text(tmp_path / "new" / "a.txt", "é\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"\xc3\xa9\n"
    assert names(tmp_path / "new") == ["a.txt"]


def test_file_does_not_appear_before_the_end(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "half"


@pytest.mark.parametrize("before", [None, "old"])
def test_interrupted_writing_leaves_what_was_there(tmp_path, before):
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before)
    with pytest.raises(KeyboardInterrupt), whole_file(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == (["a.txt"] if before else [])
    assert not before or path.read_text() == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_when_renaming(tmp_path, monkeypatch, code):
    def refuse(source, target):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match=r"a\.txt: found no space to write it"):
        write_text(tmp_path / "a.txt", "text")
    assert names(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_when_writing(tmp_path):
    with (
        pytest.raises(InputError, match="free some space"),
        whole_file(tmp_path / "a.txt") as temporary,
    ):
        temporary.symlink_to("/dev/full")
        temporary.write_text("text")
    assert names(tmp_path) == []


def test_other_troubles_are_not_disguised(tmp_path):
    with pytest.raises(IsADirectoryError), whole_file(tmp_path / "a.txt") as temporary:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(temporary))
