"""What is wrong is one line with a remedy, an exit code, and nothing half-written."""

import errno
import json
import shutil
from pathlib import Path

import pytest
import torch

from mculora import files
from mculora.corpora.manifest import read_manifest
from mculora.features.store.reader import read_store
from mculora.modality import Modality
from mculora.model.checkpoint import load_checkpoint, save_checkpoint
from mculora.model.network import MCULoRA
from pipeline.layout import Layout

pytestmark = pytest.mark.slow
RAW = Path("data/raw/sample/Raw")


@pytest.fixture
def fails(run):
    """Run a command that must fail with one line and change nothing; give the line."""

    def run_and_look(road, line, *more):
        before = road.files()
        done = run(line, *more)
        assert done.code == 1
        (message,) = done.err.splitlines()
        assert message.startswith("error: ")
        assert road.files() == before
        return message

    return run_and_look


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"rnak": 4}, "key rnak: found an unknown key, expected dataset, features, rank"),
        ({"rank": "four"}, "key rank: found 'four'"),
        ({"rank": -4}, "key rank: found -4"),
        ({"rank": 2.5}, "key rank: found 2.5"),
        ({"dataset": "moseii"}, "key dataset: found 'moseii', expected 'sample', 'mosei', "),
        ({"train": {"dpft": "sometimes"}}, "key train.dpft: found 'sometimes'"),
        ({"train": {"ranks": [17]}}, "key train.ranks: found 17, expected at most model.hidden"),
    ],
)
def test_params(road, fails, values, told):
    path = road.folder / "params.yaml"
    if "rnak" in values:
        path.write_text(path.read_text() + "\nrnak: 4\n")
    else:
        road.change(**values)
    assert told in fails(road, "train")


def test_missing_raw_folder(road, fails):
    shutil.rmtree("data/raw")
    assert "run `mculora download`" in fails(road, "prepare")
    assert "run `mculora download`" in fails(road, "extract --modality visual")


def test_truncated_and_empty_videos_are_absent_not_zero(road, run):
    names = sorted({u.video_path for u in corpus_of(road).utterances if u.video_path})
    empty, cut, *_ = (Path("data/raw/sample") / name for name in names)
    empty.write_bytes(b"")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 3])
    for line in ("prepare", "extract --modality audio", "extract --modality visual"):
        done = run(line)
        assert (done.code, done.err) == (0, ""), done
    for modality in (Modality.AUDIO, Modality.VISUAL):
        stored = read_store(Layout("sample").features(modality))
        reasons = dict(stored.absent)
        of_empty = {why for i, why in reasons.items() if i.startswith(f"{empty.stem}_")}
        of_cut = [why for i, why in reasons.items() if i.startswith(f"{cut.stem}_")]
        assert of_empty == {"zero bytes"}
        assert any(why.startswith("cannot be decoded: ") for why in of_cut)
        assert not (stored.vectors == 0).all(1).any()


def corpus_of(road):
    return read_manifest(Layout("sample").corpus)


def test_transcript_that_is_not_utf8(road, run):
    path = next(iter(sorted(RAW.rglob("*.txt"))))
    whole = len(corpus_of(road).utterances)
    path.write_bytes(path.read_bytes().rstrip() + b" caf\xe9 \x80\n")
    assert run("prepare").code == 0
    dropped = (Layout("sample").corpus / "dropped.csv").read_text(encoding="utf-8")
    assert "not UTF-8" in dropped
    assert len(corpus_of(road).utterances) == whole


def test_transcript_that_is_no_text_costs_itself_only(road, run, fails):
    path = next(iter(sorted(RAW.rglob("*.txt"))))
    path.write_bytes(bytes(range(256)))
    assert "1 unreadable transcript file" in run("prepare").out
    assert "unusable parts, first " in fails(road, "prepare --strict")


def test_strict_leaves_nothing_out(road, fails, run):
    assert "unusable parts, first " in fails(road, "prepare --strict")
    # what an earlier extraction left out counts as well
    assert "found no visual: " in fails(road, "extract --modality visual --strict")
    shutil.rmtree("data/features/sample/visual")
    done = run("extract --modality visual --strict")
    assert done.code == 1 and "found no visual: " in done.err
    assert [*Path("data/features/sample/visual").glob("shard-*")]  # what was done before stays


def test_label_for_an_unknown_utterance(road, run):
    labels = next(iter(sorted(RAW.rglob("*.csv"))))
    lines = labels.read_text(encoding="utf-8").splitlines()
    labels.write_text("\n".join([*lines, lines[-1]]) + "\n", encoding="utf-8")
    assert run("prepare").code == 0
    dropped = (Layout("sample").corpus / "dropped.csv").read_text(encoding="utf-8")
    assert "label of an unknown utterance" in dropped


def test_features_of_another_corpus(road, run, fails):
    labels = next(iter(sorted(RAW.rglob("*.csv"))))
    lines = labels.read_text(encoding="utf-8").splitlines()
    labels.write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    assert run("prepare").code == 0
    assert "run `mculora extract --modality audio`" in fails(road, "train")


def test_features_of_another_encoder(road, run, fails):
    road.change(extract={"audio": {"encoder": "logmel"}})
    assert run("extract --modality audio").code == 0
    message = fails(road, "evaluate")
    assert "audio features: found encoder logmel, expected egemaps" in message
    assert "run `mculora train`" in message


def test_checkpoint_of_another_architecture(road, fails):
    path = Layout("sample").checkpoint("mculora", 0, "official")
    checkpoint = load_checkpoint(path)
    other = MCULoRA(checkpoint.network.config)
    other.bridge = torch.nn.Linear(4, 4)
    save_checkpoint(path, other, checkpoint.provenance)
    message = fails(road, "evaluate")
    assert "bridge.bias" in message and "another architecture" in message
    assert str(path) in message


def test_training_that_is_no_longer_a_number(road, run):
    shutil.rmtree("models")
    road.change(train={"learning_rate": 1e30})
    done = run("train")
    assert done.code == 1
    (message,) = done.err.splitlines()
    assert message.startswith("error: training: the prediction is not finite for the validation ")
    assert "lower the learning rate" in message
    assert not Path("models").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"{}"])
def test_checkpoint_that_is_none(road, fails, content):
    path = Layout("sample").checkpoint("mculora", 1, "official")
    path.write_bytes(content)
    assert "no checkpoint of this program" in fails(road, "evaluate")


@pytest.mark.parametrize(
    "line", ["prepare", "extract --modality text", "split", "train", "evaluate", "report"]
)
def test_disk_full(road, run, monkeypatch, line):
    """The rename that makes a file whole fails as on a full disk."""
    if line.startswith("extract"):
        shutil.rmtree("data/features/sample/text")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = road.files()
    monkeypatch.setattr(files.os, "replace", full)
    done = run(line)
    assert done.code == 1
    (message,) = done.err.splitlines()
    assert "no space to write it (No space left on device)" in message
    assert "free some space" in message
    assert {p: c for p, c in road.files().items() if p in before} == before
    assert not list(road.folder.rglob("*.partial"))


def test_results_of_another_dataset(road, fails):
    path = Layout("sample").evaluation
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "dataset": "mosei"}))
    assert "results of sample" in fails(road, "report")
