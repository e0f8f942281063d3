"""Extraction once more: killed, edited, doubled; what is true stays, and nothing else."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from mculora.corpora.manifest import Corpus, Task, read_manifest, write_manifest
from mculora.corpora.utterance import Utterance
from mculora.features import extraction
from mculora.features.outcome import OUT_OF_MEMORY, Absence
from mculora.features.store.reader import read_store
from pipeline import extract
from pipeline.extraction.engines import Computing

PROJECT = Path(__file__).parents[2]
FILES, PER_FILE = 6, 50
STORE = Path("data/features/sample/audio")
CORPUS = Path("data/corpus/sample")


def write_sound(number, seed=0):
    sound = 0.1 * np.random.default_rng([seed, number]).standard_normal(16_000 * (PER_FILE + 1))
    soundfile.write(Path(f"data/raw/sample/{number}.wav"), sound, 16_000)


def change_params(**audio):
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params["extract"]["audio"] |= {"encoder": "logmel", **audio}
    Path("params.yaml").write_text(yaml.safe_dump(params))


def change_corpus(change):
    corpus = read_manifest(CORPUS)
    changed = replace(corpus, utterances=tuple(map(change, corpus.utterances)))
    write_manifest(CORPUS, changed)


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A project of 300 utterances in six files."""
    monkeypatch.chdir(tmp_path)
    Path("data/raw/sample").mkdir(parents=True)
    change_params()
    rows = []
    for number in range(FILES):
        write_sound(number)
        rows += [
            Utterance(
                f"{number}_{i}", str(number), "", None, "", float(i), i + 1.5, "yes", 0.0,
                audio_path=f"{number}.wav",
            )
            for i in range(PER_FILE)
        ]  # fmt: skip
    write_manifest(
        CORPUS,
        Corpus(name="sample", task=Task.REGRESSION, class_names=(), utterances=tuple(rows)),
    )
    return tmp_path


@pytest.fixture
def recomputed(capsys):
    """Extract once more and tell how many utterances that took."""

    def run(computing=None):
        extract.run("audio", computing)
        closing = capsys.readouterr().out.splitlines()[-1]
        if "all of them stored before" in closing:
            return 0
        kept = re.search(r"(\d+) utterances stored before", closing)
        return FILES * PER_FILE - (int(kept[1]) if kept else 0)

    return run


def content():
    return {path.name: path.read_bytes() for path in STORE.iterdir()}


def vectors():
    stored = read_store(STORE)
    return dict(zip(stored.ids, stored.vectors.numpy(), strict=True))


def test_only_what_an_edit_concerns(recomputed):
    assert recomputed() == FILES * PER_FILE
    before = vectors()
    assert recomputed() == 0
    write_sound(2, seed=1)
    assert recomputed() == PER_FILE
    after = vectors()
    changed = {i for i in before if not np.array_equal(before[i], after[i])}
    assert changed == {f"2_{i}" for i in range(PER_FILE)}


def test_only_what_a_row_concerns(recomputed):
    recomputed()
    change_corpus(lambda u: replace(u, label=1.0, transcript="no", speaker="ann"))
    assert recomputed() == 0
    change_corpus(lambda u: replace(u, end_seconds=u.end_seconds - 0.2) if u.id == "3_7" else u)
    assert recomputed() == 1
    os.utime("data/raw/sample/1.wav")
    assert recomputed() == 0


def test_another_encoder_concerns_all(recomputed):
    recomputed()
    change_params(encoder="egemaps")
    assert recomputed() == FILES * PER_FILE


def start():
    command = [sys.executable, "-m", "pipeline.cli", "extract", "--modality", "audio"]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process):
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


@pytest.mark.slow
def test_twenty_kills_change_no_byte():
    began = time.perf_counter()
    finish(start())
    seconds = time.perf_counter() - began
    undisturbed, chance = content(), random.Random(0)
    for path in STORE.iterdir():
        path.unlink()
    num_killed = 0
    while num_killed < 20:
        process = start()
        try:
            process.wait(chance.uniform(0.3, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            num_killed += 1
        process.communicate()
        if (STORE / "index.json").exists():  # begin anew: a finished store has nothing to kill
            assert content() == undisturbed
            for path in STORE.iterdir():
                path.unlink()
    finish(start())
    assert content() == undisturbed


@pytest.mark.slow
def test_two_at_once_make_one_store():
    finish(start())
    alone = content()
    for path in STORE.iterdir():
        path.unlink()
    pair = [start(), start()]
    outputs = [finish(process) for process in pair]
    assert content() == alone
    assert sum("waits for another process" in output for output in outputs) <= 1
    assert sum("all of them stored before" in output for output in outputs) <= 1


def fail_with(reason, monkeypatch):
    """Let every tenth utterance fail for a reason, as long as the patch holds."""
    real = extraction._join

    def join(pieces, *rest, **more):
        outcome = real(pieces, *rest, **more)
        return Absence(reason) if int(outcome.sum() * 1000) % 10 == 0 else outcome

    monkeypatch.setattr(extraction, "_join", join)


def test_what_memory_failed_on_is_tried_again(recomputed, monkeypatch):
    with monkeypatch.context() as patch:
        fail_with(f"{OUT_OF_MEMORY}: a piece of length 9 alone is too large", patch)
        recomputed()
    num_failed = len(read_store(STORE).absent)
    assert num_failed > 5
    assert recomputed() == num_failed
    assert recomputed() == 0
    assert not read_store(STORE).absent


def test_other_failures_are_tried_again_when_asked(recomputed, monkeypatch):
    with monkeypatch.context() as patch:
        fail_with("cannot be decoded: no such codec", patch)
        recomputed()
    num_failed = len(read_store(STORE).absent)
    assert num_failed > 5
    assert recomputed() == 0
    assert recomputed(Computing(is_retrying=True)) == num_failed
    assert recomputed() == 0
    assert not read_store(STORE).absent
