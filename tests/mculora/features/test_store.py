"""The store: what is added is read back, a kill loses nothing, and nothing foreign gets in."""

import errno
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mculora.errors import InputError
from mculora.features.identity import FeatureIdentity, check_same
from mculora.features.outcome import Absence
from mculora.features.store import (
    FLUSH,
    StoredFeatures,
    StoreWriter,
    check_same_corpus,
    read_store,
)
from mculora.modality import Modality

IDENTITY = FeatureIdentity(
    corpus="sample",
    corpus_fingerprint="f" * 64,
    modality=Modality.AUDIO,
    encoder="logmel",
    revision="1",
    settings={"mels": 64, "layers": [-1]},
    width=5,
)
IDS = tuple(f"v{i:03d}_{i}" for i in range(2 * FLUSH + 7))


def outcome(number: int) -> torch.Tensor | Absence:
    if number % 5 == 0:
        return Absence("no audio track")
    return torch.arange(5, dtype=torch.float32) + number


def fill(folder: Path, identity: FeatureIdentity = IDENTITY, stop: int | None = None) -> None:
    writer = StoreWriter(folder, identity, IDS)
    for utterance_id in writer.pending[:stop]:
        writer.add(utterance_id, outcome(IDS.index(utterance_id)))
    if stop is None:
        writer.finish()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_round_trip(tmp_path: Path) -> None:
    fill(tmp_path / "audio")
    stored = read_store(tmp_path / "audio")
    assert stored.identity == IDENTITY
    assert stored.ids == tuple(i for n, i in enumerate(IDS) if n % 5)
    assert stored.absent == {i: "no audio track" for n, i in enumerate(IDS) if n % 5 == 0}
    for utterance_id, row in stored.rows.items():
        assert torch.equal(stored.vectors[row], outcome(IDS.index(utterance_id)))


def test_all_absent_round_trip(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path, IDENTITY, IDS[:2])
    for utterance_id in writer.pending:
        writer.add(utterance_id, Absence("silent"))
    writer.finish()
    assert read_store(tmp_path).vectors.shape == (0, IDENTITY.width)


@pytest.mark.parametrize("stop", [0, 1, FLUSH - 1, FLUSH, FLUSH + 1, len(IDS)])
def test_resumed_extraction_ends_with_the_same_bytes(tmp_path: Path, stop: int) -> None:
    fill(tmp_path / "whole")
    fill(tmp_path / "resumed", stop=stop)
    (tmp_path / "resumed").mkdir(exist_ok=True)
    (tmp_path / "resumed" / "shard-00001.safetensors.partial").write_bytes(b"half")
    assert len(StoreWriter(tmp_path / "resumed", IDENTITY, IDS).pending) == len(IDS) - (
        stop // FLUSH * FLUSH
    )
    fill(tmp_path / "resumed")
    assert contents(tmp_path / "whole") == contents(tmp_path / "resumed")


def test_opening_a_finished_store_leaves_nothing_to_do(tmp_path: Path) -> None:
    fill(tmp_path)
    before = contents(tmp_path)
    writer = StoreWriter(tmp_path, IDENTITY, IDS)
    assert writer.pending == ()
    writer.finish()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05])
def test_sigkill_at_any_moment(tmp_path: Path, delay: float) -> None:
    program = (
        "import sys, time; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "import test_store as t\n"
        "writer = t.StoreWriter(Path(sys.argv[1]), t.IDENTITY, t.IDS)\n"
        "print('ready', flush=True)\n"
        "for i in writer.pending:\n"
        "    writer.add(i, t.outcome(t.IDS.index(i))); time.sleep(0.0005)\n"
        "writer.finish(); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "b"), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        signal.sigtimedwait([], delay)
        process.kill()
    fill(tmp_path / "a")
    fill(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_another_identity_starts_anew(tmp_path: Path) -> None:
    fill(tmp_path)
    other = replace(IDENTITY, revision="2")
    assert StoreWriter(tmp_path, other, IDS).pending == IDS
    assert not list(tmp_path.iterdir())


def test_identity_digest_sees_every_field() -> None:
    changes = {
        "corpus": "mosei",
        "corpus_fingerprint": "0",
        "modality": Modality.TEXT,
        "encoder": "egemaps",
        "revision": "2",
        "settings": {"mels": 40},
        "width": 6,
    }
    digests = {replace(IDENTITY, **{key: value}).digest for key, value in changes.items()}
    assert len(digests | {IDENTITY.digest}) == len(changes) + 1
    assert FeatureIdentity.from_json(IDENTITY.to_json()) == IDENTITY
    reordered = replace(IDENTITY, settings={"layers": (-1,), "mels": 64})
    assert reordered.digest == IDENTITY.digest


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (torch.zeros(4), r"shape \(4,\), expected a finite vector of width 5"),
        (torch.tensor([0, 1, 2, 3, torch.nan]), "not finite"),
        (torch.tensor([0, 1, 2, 3, torch.inf]), "not finite"),
    ],
)
def test_bad_vectors_are_refused(tmp_path: Path, vector: torch.Tensor, message: str) -> None:
    writer = StoreWriter(tmp_path, IDENTITY, IDS)
    with pytest.raises(InputError, match=message):
        writer.add(IDS[0], vector)
    assert writer.pending == IDS


def test_order_is_kept_and_finish_waits_for_all(tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path, IDENTITY, IDS)
    with pytest.raises(InputError, match=f"expected {IDS[0]}"):
        writer.add(IDS[1], Absence("silent"))
    with pytest.raises(InputError, match=f"{len(IDS)} utterances not yet stored"):
        writer.finish()


def test_missing_unfinished_and_damaged_stores(tmp_path: Path) -> None:
    folder = tmp_path / "audio"
    remedy = re.escape("run `mculora extract --modality audio`")
    with pytest.raises(InputError, match=f"found nothing.*{remedy}"):
        read_store(folder)
    fill(folder, stop=FLUSH)
    with pytest.raises(InputError, match=f"did not finish.*{remedy}"):
        read_store(folder)
    fill(folder)
    shard = folder / "shard-00001.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match=f"missing or damaged.*{remedy}"):
        read_store(folder)
    shard.write_bytes(b"")
    assert len(StoreWriter(folder, IDENTITY, IDS).pending) == len(IDS) - FLUSH
    fill(folder)
    read_store(folder)
    for text in ("", "[]", '{"identity": 1}', "\x00"):
        (folder / "index.json").write_text(text)
        with pytest.raises(InputError, match=f"damaged index.*{remedy}"):
            read_store(folder)


def test_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="room on the disk"):
        fill(tmp_path)
    assert not list(tmp_path.iterdir())


def test_features_of_another_corpus_or_encoder_are_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    stored = read_store(tmp_path)
    check_same_corpus(stored, "f" * 64)
    with pytest.raises(InputError, match="corpus ffffffffffff, expected the corpus 000000000000"):
        check_same_corpus(stored, "0" * 64)
    other = replace(IDENTITY, encoder="egemaps")
    with pytest.raises(InputError, match="found encoder logmel, expected egemaps, which"):
        check_same(IDENTITY, other, remedy="train again")
    check_same(IDENTITY, replace(other, encoder="logmel"), remedy="train again")


def test_reasons_are_counted_by_kind():
    absent = {
        "a": "no face in 3 frames",
        "b": "no face in 12 frames",
        "c": "no video file x-4.mp4",
        "d": "no video file _9.mp4",
        "e": "no video file y.mp4",
        "f": "the clip ends at 1.0 s, the utterance starts at 2.5 s",
    }
    stored = StoredFeatures(IDENTITY, (), torch.empty(0, 5), absent)
    assert stored.absent_by_reason == {
        "no video file *.mp4": 3,
        "no face in N frames": 2,
        "the clip ends at N s, the utterance starts at N s": 1,
    }
