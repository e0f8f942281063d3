"""Stage `split`: the same folds and masks for the same params, and a line that says which."""

import shutil
from pathlib import Path

import pytest
import yaml

from mculora.corpora.manifest import Corpus, Task, write_manifest
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError
from mculora.protocol.folds import read_folds
from mculora.protocol.masks import read_masks
from pipeline import split

PROJECT = Path(__file__).parents[2]
FOLDER = Path("data/split/sample")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    utterances = (
        Utterance(
            id=f"{dialogue}_{number}",
            dialogue=dialogue,
            speaker="",
            split=part,
            session="",
            start_seconds=float(number),
            end_seconds=number + 1.0,
            transcript="words",
            label=0.0,
        )
        for dialogue, part in zip("abc", Split, strict=True)
        for number in range(40)
    )
    corpus = Corpus("sample", Task.REGRESSION, class_names=(), utterances=tuple(utterances))
    write_manifest(Path("data/corpus/sample"), corpus)
    return tmp_path


def test_folds_masks_and_closing_line(folder, capsys):
    split.run()
    (fold,) = read_folds(FOLDER / "folds.json")
    (masks,) = read_masks(FOLDER)
    assert (fold.train, fold.validation, fold.test) == (("a",), ("b",), ("c",))
    assert masks.ids == tuple(f"c_{number}" for number in range(40))
    assert len(masks.present) == 7 + 8
    out = capsys.readouterr().out
    assert "1 to train, 1 to validate, 1 to test" in out
    assert masks.digest[:12] in out


def test_same_params_same_bytes(folder):
    split.run()
    before = {path: path.read_bytes() for path in FOLDER.iterdir()}
    split.run()
    assert before == {path: path.read_bytes() for path in FOLDER.iterdir()}


def test_params_reach_the_masks(folder):
    split.run()
    (before,) = read_masks(FOLDER)
    params = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    params["missing_rates"], params["split"]["seed"] = [0.5], 1
    Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    split.run()
    (after,) = read_masks(FOLDER)
    assert list(after.present)[7:] == ["rate-0.5"]
    assert not before.present["rate-0.5"].equal(after.present["rate-0.5"])


def test_damaged_manifest_writes_nothing(folder):
    path = Path("data/corpus/sample/utterances.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace('"c_1"', '"c_99"'), encoding="utf-8")
    with pytest.raises(InputError, match="run `mculora prepare` again"):
        split.run()
    assert not Path("data/split").exists()
