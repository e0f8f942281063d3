"""The stage extract: a store from a manifest, resumed, quiet, and one line for what goes wrong."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from mculora.corpora.manifest import Corpus, Task, read_manifest, write_manifest
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError, MissingInputError
from mculora.features.store.reader import read_store
from mculora.modality import Modality
from pipeline import extract

PROJECT = Path(__file__).parents[2]
COUNT = 9


def utterance(number: int) -> Utterance:
    return Utterance(
        id=f"-d_{number}",
        dialogue="-d",
        speaker="",
        split=None,
        session="",
        start_seconds=number * 0.5,
        end_seconds=number * 0.5 + 0.5,
        transcript="" if number == 1 else f"this is sentence number {number}",
        label=float(number % 3),
        audio_path="-d.wav",
        absent={Modality.VISUAL: "no video file"},
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder whose corpus has sound for eight of nine utterances, and no picture."""
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params["extract"]["audio"]["encoder"] = "logmel"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    raw = tmp_path / "data" / "raw" / "sample"
    raw.mkdir(parents=True)
    sound = 0.1 * np.random.default_rng(0).standard_normal(8 * 8_000)
    soundfile.write(raw / "-d.wav", sound, 16_000)
    rows = tuple(utterance(number) for number in range(COUNT))
    corpus = Corpus(name="sample", task=Task.REGRESSION, class_names=(), utterances=rows)
    write_manifest(tmp_path / "data" / "corpus" / "sample", corpus)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def store_of(project: Path, modality: str) -> Path:
    return project / "data" / "features" / "sample" / modality


def test_every_utterance_is_stored_or_absent(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extract.run("audio")
    stored = read_store(store_of(project, "audio"))
    corpus = read_manifest(project / "data" / "corpus" / "sample")
    assert stored.ids == tuple(f"-d_{number}" for number in range(8))
    assert stored.absent == {
        "-d_8": "the clip ends at 4.0 s, the utterance starts at 4.0 s",
    }
    assert stored.identity.corpus_fingerprint == corpus.fingerprint
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 4
    assert "1   11.1%  the clip ends at N s, the utterance starts at N s  as -d_8" in output.out
    assert "8 vectors of width 128 by logmel; 0:00:04 of media, " in output.out
    assert output.err == ""


def test_other_media_of_the_same_size_are_extracted_anew(project: Path) -> None:
    extract.run("audio")
    before = read_store(store_of(project, "audio")).vectors
    (path,) = project.rglob("*.wav")
    size = path.stat().st_size
    sound = 0.1 * np.random.default_rng(1).standard_normal(8 * 8_000)
    soundfile.write(path, sound, 16_000)
    assert path.stat().st_size == size
    extract.run("audio")
    after = read_store(store_of(project, "audio")).vectors
    assert not np.allclose(before, after)


def test_text(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extract.run("text")
    assert read_store(store_of(project, "text")).absent == {"-d_1": "empty transcript"}
    output = capsys.readouterr().out
    assert "8 vectors of width 1024 by hashed-ngrams; " in output
    assert "1   11.1%  empty transcript  as -d_1" in output


def test_what_the_corpus_does_not_offer_is_no_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extract.run("visual")
    assert len(read_store(store_of(project, "visual")).absent) == 9
    assert "note: no utterance offers visual" in capsys.readouterr().out


def test_recordings_without_a_picture_are_no_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [replace(utterance(n), video_path="-d.wav", absent={}) for n in range(COUNT)]
    corpus = Corpus(name="sample", task=Task.REGRESSION, class_names=(), utterances=tuple(rows))
    write_manifest(project / "data" / "corpus" / "sample", corpus)
    extract.run("visual")
    output = capsys.readouterr().out
    assert "0 vectors of width 648 by hog; " in output
    assert "9  100.0%  no video track  as -d_0" in output


def test_nothing_at_all_is_an_error(project: Path) -> None:
    for path in project.rglob("*.wav"):
        path.write_bytes(b"no sound")
    with pytest.raises(InputError, match="no vector of 9 of 9 utterances that should have one"):
        extract.run("audio")


def test_repeating_changes_no_byte(project: Path) -> None:
    extract.run("audio")
    before = {p.name: p.read_bytes() for p in store_of(project, "audio").iterdir()}
    (store_of(project, "audio") / "index.json").unlink()
    extract.run("audio")
    assert before == {p.name: p.read_bytes() for p in store_of(project, "audio").iterdir()}


def test_another_encoder_starts_anew(project: Path) -> None:
    extract.run("audio")
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["extract"]["audio"]["encoder"] = "egemaps"
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    extract.run("audio")
    assert read_store(store_of(project, "audio")).identity.encoder == "egemaps"


def test_what_is_missing_names_its_command(project: Path) -> None:
    (project / "data" / "corpus").rename(project / "elsewhere")
    with pytest.raises(MissingInputError, match="run `mculora prepare` first"):
        extract.run("audio")


def test_store_holds_no_path_of_this_machine(project: Path) -> None:
    extract.run("audio")
    index = json.loads((store_of(project, "audio") / "index.json").read_text())
    assert str(project) not in json.dumps(index)


def test_an_unknown_encoder_is_one_line(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["extract"]["audio"]["encoder"] = "egemapz"
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    command = [sys.executable, "-m", "pipeline.cli", "extract", "--modality", "audio"]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "egemaps or logmel" in done.stderr
