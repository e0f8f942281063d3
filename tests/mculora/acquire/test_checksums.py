"""A file on disk is the one that was meant, or the message says how it is not."""

import hashlib
import random

import pytest

from mculora.acquire.checksums import Known, verify_file
from mculora.acquire.remote import Remote
from mculora.errors import InputError

CONTENT = b"PK\x03\x04" + random.Random(3).randbytes(300_000)
MD5 = (hashlib.md5(CONTENT).hexdigest(),)
SHA256 = (hashlib.sha256(CONTENT).hexdigest(),)


@pytest.mark.parametrize(
    "facts",
    [{"md5": ("abc",)}, {"md5": MD5[0]}, {"sha256": ("g" * 64,)}, {"num_bytes": 0}],
)
def test_malformed_knowledge(facts):
    with pytest.raises(InputError):
        Remote("http://h/a.zip", **facts)
    with pytest.raises(InputError):
        Known(**facts)


def test_local_file(tmp_path):
    path = tmp_path / "corpus.zip"
    path.write_bytes(CONTENT)
    progress = list(verify_file(path, Known(len(CONTENT), md5=(MD5[0].upper(),), sha256=SHA256)))
    assert progress[-1].done_bytes == progress[-1].total_bytes == len(CONTENT)
    assert list(verify_file(path, Known(len(CONTENT)))) == []
    assert [p.name for p in tmp_path.iterdir()] == ["corpus.zip"]


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (Known(7), "300,004 bytes, expected 7 bytes"),
        (Known(md5=("0" * 32,)), f"MD5 {MD5[0]}, expected MD5 {'0' * 32}; bring the file again"),
        (Known(sha256=("0" * 64,)), f"SHA-256 {SHA256[0]}, expected SHA-256 {'0' * 64}"),
    ],
)
def test_wrong_local_file(tmp_path, known, message):
    path = tmp_path / "corpus.zip"
    path.write_bytes(CONTENT)
    with pytest.raises(InputError, match=message):
        list(verify_file(path, known))


def test_local_file_of_another_kind(tmp_path):
    (tmp_path / "labels.csd").write_bytes(CONTENT)
    with pytest.raises(InputError, match="a zip archive, expected an HDF5 file"):
        list(verify_file(tmp_path / "labels.csd", Known()))
    with pytest.raises(InputError, match="found no file"):
        list(verify_file(tmp_path / "nothing.csd", Known()))
