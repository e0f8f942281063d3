"""The whole road: every command in turn, the same bytes again, and no way from test to training."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
import torch

from mculora.modality import ModalityCombination
from mculora.model.checkpoint import load_checkpoint
from pipeline import seed_run
from pipeline.inputs import read_inputs
from pipeline.layout import Layout
from pipeline.params import read_params
from pipeline.seed_run import SeedJob, train_seed

pytestmark = pytest.mark.slow


def test_each_stage_says_what_it_read_wrote_and_took(finished_road):
    for line, shown in finished_road.shown.items():
        name = line.replace("--modality ", "")
        first, *_, last = shown.splitlines()
        assert first.startswith(f"{name}: reads ")
        assert last.startswith(f"{name}: wrote ")
        assert last.endswith(" s)")


def test_results_cover_every_combination_and_rate(finished_road):
    results = finished_road.folder / "results"
    metrics = json.loads((results / "metrics.json").read_text())
    assert metrics
    with open(results / "by_combination.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    words = {c.word for c in ModalityCombination}
    assert words <= {row["combination"] for row in rows}
    with open(results / "by_missing_rate.csv", newline="") as file:
        assert [float(row["missing_rate"]) for row in csv.DictReader(file)] == [0.0, 0.5]


def test_report_is_one_page_that_opens_offline(finished_road):
    page = (finished_road.folder / "reports" / "report.html").read_text(encoding="utf-8")
    assert "weighted F1" in page
    for outside in ('src="http', "src='http", "@import", 'rel="stylesheet"', "<script src"):
        assert outside not in page


def test_same_seed_same_bytes(road, run):
    before = road.files()
    shutil.rmtree("models")
    shutil.rmtree("results")
    assert run("train").code == 0
    assert run("evaluate").code == 0
    after = road.files()
    assert {path: content == before[path] for path, content in after.items()} == dict.fromkeys(
        before, True
    )


def test_other_seed_other_network(road):
    networks = [
        load_checkpoint(path).network.state_dict()
        for path in sorted((road.folder / "models/sample/mculora").glob("*"))
    ]
    assert len(networks) == 2
    assert not torch.equal(networks[0]["fusion.weight"], networks[1]["fusion.weight"])


def poison_test_split(inputs):
    """Spoil every test utterance: its label is far off, and so are its features."""
    tested = {d for fold in inputs.folds for d in fold.test}
    rows = tuple(
        replace(u, label=-u.label + 100.0) if u.dialogue in tested else u
        for u in inputs.corpus.utterances
    )
    corpus = replace(inputs.corpus, utterances=rows)
    # The fingerprint stands in the checkpoint; only what training makes of the data may count.
    object.__setattr__(corpus, "fingerprint", inputs.corpus.fingerprint)
    spoiled = {u.id for u in rows if u.dialogue in tested}
    stores = []
    for store in inputs.stores:
        vectors = store.vectors.clone()
        vectors[[i in spoiled for i in store.ids]] = 1e6
        stores.append(replace(store, vectors=vectors))
    return replace(inputs, corpus=corpus, stores=tuple(stores))


def train_first_seed(path):
    """Train seed 0 in this process; the bytes of its networks and what it tells."""
    result = train_seed(SeedJob(read_params(), fold=0, seed=0, device="cpu"))
    return {p: p.read_bytes() for p in sorted(path.rglob("seed-0-*"))}, result


def test_nothing_of_the_test_split_reaches_training(road, monkeypatch):
    models = Layout("sample").models
    shutil.rmtree(models)
    clean, told = train_first_seed(models)
    assert len(clean) == 2
    shutil.rmtree(models)
    monkeypatch.setattr(
        seed_run, "read_inputs", lambda layout: poison_test_split(read_inputs(layout))
    )
    poisoned, told_again = train_first_seed(models)
    assert poisoned == clean
    assert told_again == told


def test_the_guard_above_can_fail(road, monkeypatch):
    """The same poison in the validation split does change the choice."""

    def poison_validation(layout):
        inputs = read_inputs(layout)
        (fold,) = inputs.folds
        swapped = replace(fold, validation=fold.test, test=fold.validation)
        poisoned = poison_test_split(replace(inputs, folds=(swapped,)))
        return replace(poisoned, folds=(fold,))

    models = Layout("sample").models
    shutil.rmtree(models)
    clean, _ = train_first_seed(models)
    shutil.rmtree(models)
    monkeypatch.setattr(seed_run, "read_inputs", poison_validation)
    assert train_first_seed(models)[0] != clean


def test_training_asks_for_no_test_dialogue(road, monkeypatch):
    inputs = read_inputs(Layout("sample"))
    tested = {d for fold in inputs.folds for d in fold.test}
    asked = []
    original = type(inputs).table

    def table(self, dialogues):
        asked.extend(dialogues)
        return original(self, dialogues)

    monkeypatch.setattr(type(inputs), "table", table)
    train_seed(SeedJob(read_params(), fold=0, seed=0, device="cpu"))
    assert asked and not tested & set(asked)


def test_the_rank_is_none_of_the_baseline(road):
    path = Layout("sample").checkpoint("dropout", 0, "official")
    before = load_checkpoint(path).network.state_dict()
    road.change(rank=3)
    train_seed(SeedJob(read_params(), fold=0, seed=0, device="cpu"))
    after = load_checkpoint(path).network.state_dict()
    assert all(torch.equal(tensor, before[key]) for key, tensor in after.items())
