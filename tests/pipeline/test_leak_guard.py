"""No command may open the test split before training is over: `mculora train` as a user runs it.

In every process of the command, the workers too, each test utterance has NaN for its label and its
features, and the test masks are gone. What is touched by a NaN is NaN, so every byte tells.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[2]
POISON = """
import os
from dataclasses import replace
from pathlib import Path

from pipeline import inputs

read_clean = inputs.read_inputs


def read_poisoned(layout):
    clean = read_clean(layout)
    part = os.environ["POISONED"]
    spoiled = {d for fold in clean.folds for d in getattr(fold, part)}
    stores = []
    for store in clean.stores:
        vectors = store.vectors.clone()
        of_part = [u.id for u in clean.corpus.utterances if u.dialogue in spoiled]
        vectors[[store.rows[i] for i in of_part if i in store.rows]] = float("nan")
        stores.append(replace(store, vectors=vectors))
    for utterance in clean.corpus.utterances:  # in place: a corpus refuses such labels
        if utterance.dialogue in spoiled:
            object.__setattr__(utterance, "label", float("nan"))
    Path("poisoned", str(os.getpid())).touch()
    return replace(clean, stores=tuple(stores))


inputs.read_inputs = read_poisoned
"""
"""Python runs it at the start of every process, before anybody imports what it replaces."""


def train(folder, part):
    """Train anew with a part of the corpus spoiled; the processes that met the poison."""
    shutil.rmtree(folder / "models")
    (folder / "poisoned").mkdir()
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(POISON)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "train", "--workers", "2"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{PROJECT}", "POISONED": part},
        capture_output=True,
        text=True,
    )
    assert len(list((folder / "poisoned").iterdir())) > 1, done.stderr
    return done


def models(folder):
    """Every file below models/ with its bytes."""
    return {p: p.read_bytes() for p in (folder / "models").rglob("*") if p.is_file()}


def test_training_is_the_same_to_the_byte_without_any_test_split(road):
    before = models(road.folder)
    assert before
    (road.folder / "data/split/sample/masks.safetensors").unlink()
    done = train(road.folder, "test")
    assert (done.returncode, done.stderr) == (0, "")
    after = models(road.folder)
    assert {path: content == before.get(path) for path, content in after.items()} == dict.fromkeys(
        before, True
    )


def test_the_guard_can_fail(road):
    """The same poison in the validation split, which training does open, does not go unnoticed."""
    before = models(road.folder)
    done = train(road.folder, "validation")
    assert done.returncode != 0 or models(road.folder) != before
