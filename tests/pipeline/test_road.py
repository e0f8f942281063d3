"""The whole road: every command in turn, the same bytes again, and no way from test to training."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
import torch

from mculora.modality import ModalityCombination
from mculora.model.checkpoint import load_checkpoint, read_provenance
from pipeline.inputs import read_inputs
from pipeline.layout import Layout
from pipeline.params import read_params
from pipeline.recipe import comparison
from pipeline.training import worker
from pipeline.training.jobs import plan_jobs

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


def test_same_seed_same_bytes_in_any_number_of_processes(road, run):
    before = road.files()
    shutil.rmtree("models")
    shutil.rmtree("results")
    assert run("train --workers 3").code == 0
    assert run("evaluate").code == 0
    after = road.files()
    assert {path: content == before[path] for path, content in after.items()} == dict.fromkeys(
        before, True
    )


def test_other_seed_other_network(road):
    networks = [
        load_checkpoint(path).network.state_dict()
        for path in sorted((road.folder / "models/sample/mculora").glob("*.safetensors"))
    ]
    assert len(networks) == 2
    drawn = [name for name in networks[0] if name.endswith((".down", ".up", "project.weight"))]
    assert drawn
    assert not any(torch.equal(networks[0][name], networks[1][name]) for name in drawn)


def test_every_method_stands_in_the_results(finished_road):
    evaluation = json.loads((finished_road.folder / "results/evaluation.json").read_text())
    groups = {name: method["group"] for name, method in evaluation["methods"].items()}
    assert list(groups) == [
        *("mculora", "joint", "dropout", "specialists"),
        *("without_specific", "without_orthogonality", "without_dpft", "without_weight_mlp"),
        *("without_stage_one", "rank_1", "rank_2", "rank_4"),
    ]
    assert set(groups.values()) == {"main", "baseline", "ablation", "rank"}
    sizes = {name: method["num_parameters"] for name, method in evaluation["methods"].items()}
    assert sizes["specialists"] == 7 * sizes["dropout"] == 7 * sizes["joint"]
    assert sizes["dropout"] < sizes["rank_1"] < sizes["without_specific"] < sizes["mculora"]


def test_tables_of_the_training_stand_in_a_fixed_order(finished_road):
    models = finished_road.folder / "models/sample"
    with open(models / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    assert methods[:4] == ["mculora", "joint", "dropout", "specialists-atv"]
    assert len(methods) == 3 + 7 + 5 + 3
    places = [(r["seed"], methods.index(r["method"]), int(r["epoch"])) for r in rows]
    assert places == sorted(places)
    with open(models / "conflict.csv", newline="") as file:
        conflict = list(csv.DictReader(file))
    assert list(conflict[0]) == ["method", "seed", "fold", "epoch", "first", "second", "cosine"]
    assert {row["method"] for row in conflict} == {"mculora", "dropout"}
    assert {row["epoch"] for row in conflict} == {"0", "1", "2"}
    words = [c.word for c in ModalityCombination]
    assert all(words.index(row["first"]) < words.index(row["second"]) for row in conflict)
    assert all(-1.000001 <= float(row["cosine"]) <= 1.000001 for row in conflict)


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


def plan_of(inputs, seeds=(0,)):
    """What params.yaml asks for, of some seeds; without the variants of the method."""
    params = read_params()
    compared = comparison(params, widths=inputs.widths, outputs=inputs.outputs)
    groups = ("main", "baseline")
    methods = [method for method in compared.methods if method.group in groups]
    return plan_jobs(methods, folds=[fold.name for fold in inputs.folds], seeds=seeds)


def test_nothing_of_the_test_split_reaches_training(road, monkeypatch, train_here, tmp_path):
    plan = plan_of(read_inputs(Layout("sample")))
    clean = train_here(plan, tmp_path / "clean")
    assert len(clean) == 3 + 1 + 2 + 7
    monkeypatch.setattr(
        worker, "read_inputs", lambda layout: poison_test_split(read_inputs(layout))
    )
    assert train_here(plan, tmp_path / "poisoned") == clean


def test_the_guard_above_can_fail(road, monkeypatch, train_here, tmp_path):
    """The same poison in the validation split does change the choice."""

    def poison_validation(layout):
        inputs = read_inputs(layout)
        (fold,) = inputs.folds
        swapped = replace(fold, validation=fold.test, test=fold.validation)
        poisoned = poison_test_split(replace(inputs, folds=(swapped,)))
        return replace(poisoned, folds=(fold,))

    plan = plan_of(read_inputs(Layout("sample")))
    clean = train_here(plan, tmp_path / "clean")
    monkeypatch.setattr(worker, "read_inputs", poison_validation)
    assert train_here(plan, tmp_path / "poisoned") != clean


def test_training_asks_for_no_test_dialogue(road, monkeypatch, train_here, tmp_path):
    inputs = read_inputs(Layout("sample"))
    tested = {d for fold in inputs.folds for d in fold.test}
    asked = []
    original = type(inputs).table

    def table(self, dialogues):
        asked.extend(dialogues)
        return original(self, dialogues)

    monkeypatch.setattr(type(inputs), "table", table)
    train_here(plan_of(inputs), tmp_path / "kept")
    assert asked and not tested & set(asked)


def test_inputs_are_read_once_and_tables_made_once_per_fold(
    road, monkeypatch, train_here, tmp_path
):
    inputs = read_inputs(Layout("sample"))
    read = []
    monkeypatch.setattr(worker, "read_inputs", lambda layout: read.append(1) or inputs)
    made = []
    original = type(inputs).table
    monkeypatch.setattr(
        type(inputs), "table", lambda self, part: made.append(1) or original(self, part)
    )
    train_here(plan_of(inputs, seeds=(0, 1)), tmp_path / "kept")
    assert (len(read), len(made)) == (1, 2)


def test_what_a_job_draws_depends_on_its_own_seed_alone(road, train_here, tmp_path):
    """In another order, and after other jobs, each gives the same bytes."""
    plan = plan_of(read_inputs(Layout("sample")), seeds=(0, 1))
    forward = train_here(plan, tmp_path / "forward")
    turned = replace(plan, encoders=plan.encoders[::-1], networks=plan.networks[::-1])
    assert train_here(turned, tmp_path / "turned") == forward


def test_a_specialist_of_what_nobody_offers_stays_untrained(
    road, monkeypatch, train_here, tmp_path
):
    """It is there all the same, for a test that offers what training did not."""
    inputs = read_inputs(Layout("sample"))
    *others, visual = inputs.stores
    blind = replace(visual, ids=(), vectors=visual.vectors[:0])
    monkeypatch.setattr(
        worker, "read_inputs", lambda layout: replace(inputs, stores=(*others, blind))
    )
    plan = plan_of(inputs)
    train_here(plan, tmp_path / "kept")
    epochs = {}
    for job in plan.networks:
        provenance = read_provenance(tmp_path / "kept" / f"{job.name}.safetensors")
        epochs[job.trained.name] = provenance["epoch"]
    assert [name for name, epoch in epochs.items() if epoch is None] == ["specialists-v"]


def test_the_rank_is_none_of_the_baselines(road, train_here, tmp_path):
    inputs = read_inputs(Layout("sample"))
    before = train_here(plan_of(inputs), tmp_path / "before")
    road.change(rank=3)
    after = train_here(plan_of(inputs), tmp_path / "after")
    same = {name for name in before if weights(before[name]) == weights(after[name])}
    assert before.keys() - same == {"mculora/seed-0-official"}


def weights(content):
    """The bytes of all tensors of a safetensors file; its header names the rank, too."""
    length = int.from_bytes(content[:8], "little")
    return content[8 + length :]
