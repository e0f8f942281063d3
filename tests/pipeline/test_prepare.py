"""Stage `prepare`, on a raw corpus of three videos."""

import shutil
from pathlib import Path

import pytest

from mculora.corpora.manifest import read_manifest
from mculora.errors import InputError
from pipeline import prepare

PROJECT = Path(__file__).parents[2]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """Three videos, one per split; clip 1 of each has no label."""
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    raw = tmp_path / "data/raw/sample"
    for video in "abc":
        write(
            raw / f"Raw/Transcript/Segmented/Combined/{video}.txt",
            f"{video}___0___0___1___one\n{video}___1___1___2___two\n",
        )
        write(raw / f"Raw/Videos/Full/Combined/{video}.mp4", "film")
    labels = "Input.VIDEO_ID,Input.CLIP,Answer.sentiment\na,0,1\nb,0,2\nc,0,3\nz,9,0\n"
    write(raw / "Raw/Labels/batch.csv", labels)
    folds = "standard_{}_fold=['{}']\n"
    write(
        raw / "cmu_mosei_std_folds.py",
        "".join(map(folds.format, ("train", "valid", "test"), "abc")),
    )
    return raw


def test_manifest_and_closing_line(raw, capsys):
    prepare.run()
    corpus = read_manifest(Path("data/corpus/sample"))
    assert [u.id for u in corpus.utterances] == ["a_0", "b_0", "c_0"]
    assert corpus.name == "sample"
    assert "data/raw/sample" in (out := capsys.readouterr().out)
    assert "3 utterances; 3 dialogues" in out
    assert "4 in dropped.csv: 1 label of an unknown utterance, 3 no label" in out


def test_running_again_writes_the_same_bytes(raw):
    prepare.run()
    before = {path: path.read_bytes() for path in Path("data/corpus/sample").iterdir()}
    prepare.run()
    assert before == {path: path.read_bytes() for path in Path("data/corpus/sample").iterdir()}


def test_utterance_with_a_bad_byte_is_kept_and_named(raw, capsys):
    write(raw / "Raw/Transcript/Segmented/Combined/a.txt", b"a___0___0___1___caf\xe9\n")
    prepare.run()
    assert read_manifest(Path("data/corpus/sample")).utterances[0].transcript == "caf\ufffd"
    assert "a.txt line 1" in Path("data/corpus/sample/dropped.csv").read_text(encoding="utf-8")
    assert "1 bytes that are not UTF-8 text" in capsys.readouterr().out


def test_a_transcript_of_garbage_costs_itself_only(raw, capsys):
    write(raw / "Raw/Transcript/Segmented/Combined/a.txt", bytes(range(256)))
    prepare.run()
    assert "1 unreadable transcript file" in capsys.readouterr().out
    assert len(read_manifest(Path("data/corpus/sample")).utterances) == 2
    with pytest.raises(InputError, match="none under --strict"):
        prepare.run(strict=True)


@pytest.mark.parametrize("damage", ["no labels", "no folds", "empty"])
def test_bad_raw_corpus_writes_nothing(raw, damage):
    if damage == "no labels":
        shutil.rmtree(raw / "Raw/Labels")
    elif damage == "no folds":
        (raw / "cmu_mosei_std_folds.py").unlink()
    else:
        shutil.rmtree(raw)
        raw.mkdir()
    with pytest.raises(InputError) as caught:
        prepare.run()
    assert "data/raw/sample" in str(caught.value)
    assert not Path("data/corpus").exists()
