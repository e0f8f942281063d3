"""The result files: what they average, compare and leave out."""

import csv
import io
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from two_classes import all_offered, alternating, two_class_record

from mculora.evaluation.sweep import ConditionScore
from mculora.files import write_text
from mculora.modality import ModalityCombination
from pipeline.evaluating.method_runs import MethodRuns
from pipeline.evaluating.result_tables import training_curves
from pipeline.evaluating.results import write_results
from pipeline.layout import Layout

COLUMNS = ["method", "seed", "epoch", "train_loss", "validation_mean"]
COLUMNS += [
    f"{what}_{c.word}" for what in ("validation", "separability") for c in ModalityCombination
]
COLUMNS += ["probability_audio", "probability_text", "probability_visual"]
RATES = (0.0, 0.5)
FACTS = {
    "dataset": "sample",
    "primary": "wa",
    "selection": "validation",
    "nominal_rates": {"atv": 0.0, "rate-0.5": 0.5},
}


def write_history(layout, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    write_text(layout.history, text.getvalue())


def history_row(method, seed, epoch, score):
    return {"method": method, "seed": seed, "epoch": epoch, "validation_mean": score}


def scores(value):
    """Every condition scores the same but `v`, which has no value."""
    found = {c.word: ConditionScore(9, 0.0, {"wa": value, "ua": 0.5}) for c in ModalityCombination}
    found["v"] = ConditionScore(0, None, {"wa": None, "ua": None})
    return {**found, "rate-0.5": ConditionScore(9, 0.5, {"wa": value / 2, "ua": 0.5})}


def method_runs(method, group, values, *, rank=None, folds=1):
    """Runs of one method: `values` by seed, each a little better on every further fold."""
    runs = MethodRuns(method, group, rank=rank)
    for seed, value in enumerate(values):
        for fold in range(folds):
            better = value + 0.01 * fold
            runs.add(seed, num_parameters=70, validation_mean=better, scores=scores(better))
    return runs


def record_of(runs, *, num=8):
    """Predictions of the methods; of the first one always right, of the others less and less."""
    seeds = tuple(next(iter(runs)).means("wa"))
    labels = alternating(num)
    spread = (7 * torch.arange(3 * num) % (3 * num)).view(num, 3) / (3 * num)
    left = all_offered(num) | {f"rate-{rate}": spread >= rate for rate in RATES}
    predictions = {}
    for place, run in enumerate(runs):
        said = torch.nn.functional.one_hot(labels, 2).float().repeat(len(seeds), len(left), 1, 1)
        said[:, :, :place] = said[:, :, :place].flip(3)
        predictions[run.method] = said
    return replace(two_class_record(predictions, left=left), seeds=seeds)


@pytest.fixture
def results(tmp_path):
    """The result files of methods of every group, by name."""

    def write(*runs):
        layout = Layout("sample", tmp_path)
        write_history(layout, [history_row(runs[0].method, 0, 0, 0.5)])
        dialogues = {f"u{n}": f"d{n // 2}" for n in range(8)}
        write_results(layout, FACTS, runs, record=record_of(runs), dialogues=dialogues)
        files = {path.name: path.read_text() for path in layout.results.iterdir()}
        tables = {n: list(csv.DictReader(io.StringIO(t))) for n, t in files.items() if ".csv" in n}
        parsed = {n: json.loads(t) for n, t in files.items() if ".json" in n}
        return SimpleNamespace(**{n.partition(".")[0]: c for n, c in (tables | parsed).items()})

    return write


@pytest.fixture
def study(results):
    return results(
        method_runs("mculora", "main", [0.6, 0.7, 0.8], rank=8),
        method_runs("joint", "baseline", [0.5, 0.5, 0.5]),
        method_runs("dropout", "baseline", [0.6, 0.7, 0.8]),
        method_runs("without_dpft", "ablation", [0.5, 0.7, 0.9]),
        method_runs("rank_2", "rank", [0.4, 0.5, 0.6], rank=2),
        method_runs("rank_16", "rank", [0.5, 0.5, 0.5], rank=16),
    )


def test_every_method_says_what_it_is(study):
    methods = study.evaluation["methods"]
    assert {name: m["group"] for name, m in methods.items()} == {
        **{"mculora": "main", "joint": "baseline", "dropout": "baseline"},
        **{"without_dpft": "ablation", "rank_2": "rank", "rank_16": "rank"},
    }
    assert {n: m["rank"] for n, m in methods.items() if "rank" in m} == {
        **{"mculora": 8, "rank_2": 2, "rank_16": 16},
    }
    assert methods["joint"]["num_parameters"] == 70
    assert methods["mculora"]["validation"]["mean_of_combinations"]["wa"]["values"] == [
        *(0.6, 0.7, 0.8),
    ]


def test_methods_are_compared_with_the_main_one_and_the_baselines(study):
    ours = study.evaluation["methods"]["mculora"]
    assert "against_mculora" not in ours
    assert ours["against_joint"]["difference"] == pytest.approx(0.2)
    assert ours["against_joint"]["low"] == pytest.approx(-0.048414, abs=1e-6)
    assert (ours["against_joint"]["pairs"], ours["against_joint"]["num_pairs"]) == ("seeds", 3)
    told = {"difference": 0, "sd": 0, "low": 0, "high": 0, "p_value": 1}
    told |= {"num_ahead": 0, "num_pairs": 3, "pairs": "seeds"}
    assert told.items() <= ours["against_dropout"].items()
    variant = study.evaluation["methods"]["rank_2"]
    assert {key for key in variant if key.startswith("against")} == {
        *("against_mculora", "against_joint", "against_dropout"),
    }


def test_intervals_are_of_the_main_tables(study):
    methods = study.evaluation["methods"]
    assert study.evaluation["bootstrap"] == {
        **{"num_resamples": 2000, "seed": 0, "resampled": "dialogues", "num_units": 4},
    }
    for part in ("mean_of_combinations", "pooled", "relative_robustness"):
        for interval in ("over_utterances", "over_seeds", "over_both"):
            certain = methods["mculora"][part]["wa"][interval]
            assert certain == pytest.approx({"low": 1.0, "high": 1.0})
    at = methods["joint"]["combinations"]["at"]["metrics"]["wa"]  # errs in the first dialogue
    assert at["over_utterances"]["low"] < 0.75 < at["over_utterances"]["high"] == 1
    assert "over_both" not in methods["rank_2"]["mean_of_combinations"]["wa"]
    assert "pooled" not in methods["rank_2"]
    ahead = methods["mculora"]["against_joint"]["over_both"]
    assert 0 <= ahead["low"] < ahead["high"]
    behind = methods["rank_2"]["against_mculora"]["over_utterances"]
    assert behind["low"] < behind["high"] <= 0


def test_confusions_and_recall_stand_beside_the_metrics(study):
    assert study.evaluation["classes"] == ["sad", "glad"]
    under = study.evaluation["methods"]["dropout"]["combinations"]["v"]
    assert under["confusion"] == [[9, 3], [3, 9]]  # one of four wrong, with three seeds
    assert under["recall"]["sad"]["values"] == [0.75] * 3
    assert "confusion" not in study.evaluation["methods"]["rank_2"]["combinations"]["v"]


def test_every_number_is_a_line(study):
    lines = {(*tuple(line.values())[:3], line["metric"]): line for line in study.scores}
    pooled = lines["dropout", "pooled", "all", "wa"]
    assert (pooled["mean"], pooled["num_utterances"]) == ("0.750000", "")
    assert float(pooled["over_both_low"]) < 0.75 < float(pooled["over_both_high"])
    assert lines["dropout", "combinations", "at", "recall_glad"]["mean"] == "0.750000"
    assert ("mculora", "relative_robustness", "all", "ua") in lines
    assert lines["rank_2", "mean_of_combinations", "all", "wa"]["over_seeds_low"] == ""


def test_several_folds_are_what_is_compared(results):
    found = results(
        method_runs("mculora", "main", [0.6, 0.8], rank=8, folds=3),
        method_runs("dropout", "baseline", [0.5, 0.5], folds=3),
    ).evaluation["methods"]["mculora"]["against_dropout"]
    assert (found["pairs"], found["num_pairs"]) == ("folds", 3)
    assert found["difference"] == pytest.approx(0.2)
    assert found["sd"] == pytest.approx(0)


def test_the_tables_over_conditions_have_no_variants(study):
    for table in (study.by_combination, study.by_missing_rate):
        columns = {"mculora", "mculora_sd", "joint", "joint_sd", "dropout", "dropout_sd"}
        assert set(list(table[0])[1:]) == columns
    assert {line["method"] for line in study.scores} > {"without_dpft", "rank_2"}


def test_ranks_are_sorted_and_have_the_main_one_among_them(study, results):
    assert study.by_rank == [
        {"rank": "2", "mean": "0.500000", "sd": "0.100000"},
        {"rank": "8", "mean": "0.700000", "sd": "0.100000"},
        {"rank": "16", "mean": "0.500000", "sd": "0.000000"},
    ]
    alone = results(method_runs("mculora", "main", [0.6], rank=8))
    assert alone.by_rank == [{"rank": "8", "mean": "0.600000", "sd": ""}]


def test_ablations_stand_below_the_main_method(study):
    main, without = study.ablations
    assert main == {
        **{"method": "mculora", "validation": "0.700000", "mean": "0.700000", "sd": "0.100000"},
        **{"difference": "", "low": "", "high": ""},
    }
    assert without["method"] == "without_dpft"
    assert float(without["difference"]) == pytest.approx(0)
    assert -float(without["low"]) == float(without["high"]) == pytest.approx(0.248414)


def test_the_headline_numbers_of_variants_are_few(study):
    assert study.metrics["without_dpft"] == {
        "mean_of_combinations": {"wa": pytest.approx(0.7)},
        "validation": pytest.approx(0.7),
    }
    assert study.metrics["dropout"]["wa"]["v"] is None
    assert study.metrics["dropout"]["mean_of_combinations"].keys() == {"wa", "ua"}


def test_curves_average_the_runs_until_the_first_one_stops(tmp_path):
    rows = [history_row("mculora", 0, epoch, 0.5) for epoch in range(2)]
    rows += [history_row("mculora", 1, epoch, 0.7) for epoch in range(4)]
    rows += [history_row("dropout", 0, epoch, 9.9) for epoch in range(9)]
    layout = Layout("sample", tmp_path)
    write_history(layout, rows)
    curves = list(csv.DictReader(io.StringIO(training_curves(layout.history, "mculora"))))
    assert [(row["epoch"], float(row["validation_mean"])) for row in curves] == [
        ("0", 0.6),
        ("1", 0.6),
    ]
