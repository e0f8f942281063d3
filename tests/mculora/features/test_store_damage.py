"""A damaged store: readers say so in one line, the next extraction mends that and nothing else."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from store_example import FRAMES, IDENTITY, IDS, INPUTS, OTHER, check, contents, fill, shards

from mculora.errors import InputError
from mculora.features.extraction import GROUP
from mculora.features.store import reader
from mculora.features.store.reader import open_sequences, read_store

REMEDY = "run `mculora extract --modality audio`"
SECOND = "shard-00001.safetensors"


def truncate(path):
    path.write_bytes(path.read_bytes()[:-3])


def cut_in_the_header(path):
    path.write_bytes(path.read_bytes()[:100])


def empty(path):
    path.write_bytes(b"")


def append(path):
    path.write_bytes(path.read_bytes() + b"more")


def flip_a_bit_of_a_vector(path):
    content = bytearray(path.read_bytes())
    content[-10] ^= 4
    path.write_bytes(content)


def change_a_reason(path):
    path.write_bytes(path.read_bytes().replace(b"no face", b"no farce"[:7]))


def put_another_file_there(path):
    save_file({"weights": torch.ones(3)}, path, metadata={"format": "pt"})


def put_no_safetensors_there(path):
    path.write_text("to whom it may concern " * 100)


def put_another_shard_there(path):
    shutil.copy(path.with_name("shard-00000.safetensors"), path)


DAMAGES = [
    truncate,
    cut_in_the_header,
    empty,
    append,
    flip_a_bit_of_a_vector,
    change_a_reason,
    put_another_file_there,
    put_no_safetensors_there,
    put_another_shard_there,
    Path.unlink,
]
every_damage = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


@pytest.fixture
def folder(tmp_path):
    fill(tmp_path / "audio")
    return tmp_path / "audio"


def refusal(read, folder):
    """What a reader says, in one line that names the remedy."""
    with pytest.raises(InputError) as error:
        read(folder)
    sentence = str(error.value)
    assert "\n" not in sentence and sentence.endswith(REMEDY)
    return sentence


@every_damage
def test_a_damaged_shard_is_refused_and_then_mended(folder, damage):
    before = contents(folder)
    damage(folder / SECOND)
    assert SECOND in refusal(read_store, folder)
    assert fill(folder) == IDS[GROUP : 2 * GROUP]
    check(folder)
    after = contents(folder)
    assert set(after.values()) >= {v for n, v in before.items() if "shard" in n and n != SECOND}
    assert len(shards(folder)) == 3


@pytest.mark.parametrize("identity", [IDENTITY, FRAMES])
@settings(max_examples=60)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(tmp_path_factory, identity, place, bit):
    inputs = dict(list(INPUTS.items())[:5])
    folder = tmp_path_factory.mktemp("flip") / "audio"
    fill(folder, inputs, identity)
    for name in ("shard-00000.safetensors", "index.json"):
        whole = (folder / name).read_bytes()
        content = bytearray(whole)
        content[int(place * len(content))] ^= 1 << bit
        (folder / name).write_bytes(content)
        try:
            stored = read_store(folder)
        except InputError as error:
            assert "\n" not in str(error)
        else:  # a bit of the frame around the content, such as a blank that is now a tab
            (folder / name).write_bytes(whole)
            again = read_store(folder)
            assert torch.equal(stored.vectors, again.vectors)
            assert (stored.ids, stored.absent) == (again.ids, again.absent)
        fill(folder, inputs, identity)
        check(folder, inputs, identity)
        if name.startswith("shard"):
            shutil.rmtree(folder)
            fill(folder, inputs, identity)


@pytest.mark.parametrize(
    "damage", [truncate, cut_in_the_header, empty, put_another_file_there, put_another_shard_there]
)
def test_sequences_of_a_damaged_shard_are_refused(folder, damage):
    sequences = open_sequences(folder)
    lost = next(i for i in sequences if i in IDS[GROUP : 2 * GROUP])
    damage(folder / SECOND)
    assert SECOND in refusal(lambda _: sequences[lost], folder)
    sequences[next(iter(sequences))]


def test_missing_and_unfinished_stores(tmp_path):
    folder = tmp_path / "audio"
    assert "found nothing" in refusal(read_store, folder)
    fill(folder, stop=GROUP)
    for read in (read_store, open_sequences):
        assert "an extraction that did not finish" in refusal(read, folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "null", '{"identity": 1}', '{"sha256": "0"}', "\x00", "\ud800"]
)
def test_a_damaged_index_is_refused_and_written_anew_from_the_shards(folder, text):
    before = contents(folder)
    (folder / "index.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert "a damaged index" in refusal(read_store, folder)
    assert fill(folder) == ()
    assert contents(folder) == before


def test_an_edited_index_is_noticed(folder):
    path = folder / "index.json"
    path.write_text(path.read_text().replace(IDS[7], IDS[7][::-1]))
    assert "a damaged index" in refusal(read_store, folder)


def test_stores_of_an_earlier_format_are_replaced(tmp_path):
    folder = tmp_path / "audio"
    folder.mkdir()
    old = {"identity": IDENTITY.to_json(), "ids": ["a"], "absent": {}}
    metadata = {"mculora": json.dumps(old)}
    save_file({"features": torch.ones(1, 5)}, folder / "shard-00000.safetensors", metadata)
    (folder / "index.json").write_text(json.dumps({"complete": True, "shards": [], "absent": {}}))
    assert "a damaged index" in refusal(read_store, folder)
    assert fill(folder) == IDS
    check(folder)
    assert len(shards(folder)) == 3


def test_what_else_lies_there_is_left_alone(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "other.safetensors").write_text("mine, too")
    (folder / "shard-old.safetensors").write_text("mine as well")
    fill(folder, identity=OTHER)
    check(folder, identity=OTHER)
    for name in ("notes.txt", "other.safetensors", "shard-old.safetensors"):
        assert (folder / name).read_text().startswith("mine")


def test_a_full_disk_leaves_no_half_file_and_what_was_there(tmp_path, monkeypatch):
    fill(tmp_path / "audio", stop=GROUP)
    before = contents(tmp_path / "audio")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match="room on the disk"):
            fill(tmp_path / "audio")
    assert contents(tmp_path / "audio") == before
    assert fill(tmp_path / "audio") == IDS[GROUP:]


@pytest.mark.parametrize("times", [1, 2])
def test_a_store_that_is_written_anew_while_it_is_read(folder, monkeypatch, times):
    """The reader has an old index, whose shards are gone: it looks again, once."""
    identities = [OTHER, IDENTITY][:times]
    read_shard = reader.read_shard

    def read_late(*arguments, **options):
        if identities:
            fill(folder, identity=identities.pop(0))
        return read_shard(*arguments, **options)

    monkeypatch.setattr(reader, "read_shard", read_late)
    if times == 1:
        assert read_store(folder).identity == OTHER
        check(folder, identity=OTHER)
    else:
        assert "nothing" in refusal(read_store, folder)


def test_sequences_of_a_store_that_is_written_anew(folder):
    sequences = open_sequences(folder)
    one = next(iter(sequences))
    before = sequences[one]
    fill(folder, identity=OTHER)
    assert not torch.equal(sequences[one], before)
    assert sequences.identity == OTHER
