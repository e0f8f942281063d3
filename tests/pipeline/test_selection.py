"""Who selects the epoch: validation; the test split only where asked for, and then all say so."""

import csv
import json

import pytest

from mculora.model.checkpoint import load_checkpoint
from mculora.training.epoch_weights import num_epochs_of, read_epochs
from pipeline.evaluating.result_tables import marked_headline, marked_table
from pipeline.layout import Layout

MARKED = ("scores", "by_combination", "by_missing_rate", "by_rank", "ablations")
"""The tables of test scores."""


def test_the_mark_is_a_key_and_a_column():
    assert marked_table("a,b\n1,2\n", "validation") == "a,b\n1,2\n"
    assert marked_table("a,b\n1,2\n", "test") == "a,b,selection\n1,2,test\n"
    assert marked_headline({"mculora": 1}, "test") == {"selected_on_test": {"mculora": 1}}
    assert marked_headline({"mculora": 1}, "validation") == {"mculora": 1}


def results(folder):
    return json.loads((folder / "results" / "evaluation.json").read_text(encoding="utf-8"))


def mean_on_test(evaluation, method="mculora"):
    return evaluation["methods"][method]["mean_of_combinations"][evaluation["primary"]]["values"]


@pytest.mark.slow
def test_validation_selects_and_the_gap_to_test_is_told(finished_road):
    evaluation, layout = results(finished_road.folder), Layout("sample", finished_road.folder)
    assert evaluation["selection"] == "validation"
    assert list(evaluation["selection_gap"]) == ["mculora"]
    gap = evaluation["selection_gap"]["mculora"]
    for seed, choice in enumerate(gap["choices"]):
        epochs = read_epochs(layout.epochs("mculora", seed, "official"))
        checkpoint = load_checkpoint(layout.checkpoint("mculora", seed, "official"))
        assert choice["num_epochs"] == num_epochs_of(epochs) == 3
        assert choice["epoch"] == checkpoint.provenance["epoch"]
        assert choice["per_combination"] >= choice["test_selected"] >= choice["test"]
    assert gap["test"]["values"] == pytest.approx(mean_on_test(evaluation))
    assert not layout.epochs("joint", 0, "official").exists()
    assert "selected_on_test" not in (finished_road.folder / "results/metrics.json").read_text()


@pytest.mark.slow
def test_the_test_split_selects_where_asked_for_and_everything_says_so(road, run):
    before = results(road.folder)
    road.change(
        selection="test", train={"baselines": ["specialists"], "ablations": [], "ranks": []}
    )
    for line in ("train", "evaluate", "report"):
        done = run(line)
        assert done.code == 0, done
        if line == "evaluate":
            assert "selected on test" in done.out
    evaluation = results(road.folder)
    assert evaluation["selection"] == "test"
    assert list(evaluation["selection_gap"]) == ["mculora", "specialists"]
    told = evaluation["selection_gap"]["mculora"]
    assert mean_on_test(evaluation) == pytest.approx(told["test_selected"]["values"])
    assert told["test"]["values"] == pytest.approx(mean_on_test(before))
    assert all(c["network"] for c in evaluation["selection_gap"]["specialists"]["choices"])
    metrics = json.loads((road.folder / "results" / "metrics.json").read_text(encoding="utf-8"))
    assert list(metrics) == ["selected_on_test"]
    for path in (road.folder / "results").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            is_marked = {row.get("selection") for row in csv.DictReader(file)} == {"test"}
        assert is_marked == (
            path.stem in ("scores", "by_combination", "by_missing_rate", "by_rank", "ablations")
        )
    page = (road.folder / "reports" / "report.html").read_text(encoding="utf-8")
    assert "Selected on the test split" in page
    assert "All results on this page are selected on the test split" in page


@pytest.mark.slow
def test_without_kept_epochs_the_gap_is_not_known(road, run):
    road.change(
        num_seeds=1,
        train={"keep_epochs": False, "baselines": [], "ablations": [], "ranks": []},
    )
    for line in ("train", "evaluate", "report"):
        assert run(line).code == 0
    assert results(road.folder)["selection_gap"] == {}
    assert not Layout("sample").epochs("mculora", 0, "official").exists()
    assert "not kept" in (road.folder / "reports" / "report.html").read_text(encoding="utf-8")
