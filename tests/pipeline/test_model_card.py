"""The model card says what the run says, and nothing else."""

import re

import pytest
from pydantic import TypeAdapter
from report_example import STUDY, WORDS, example_evaluation, resampled

from pipeline.exporting.terms import TERMS
from pipeline.model_card import VOICES, markdown_table, model_card, plain
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import Cell, Row, Table
from pipeline.page.wording import number


def card(content):
    return model_card(TypeAdapter(Evaluation).validate_python(content))


def test_it_has_the_runs_facts():
    content = resampled(example_evaluation(methods=STUDY, dataset="mosei"))
    text = card(content)
    for fact in (
        *(
            "331 utterances in 58 dialogues; 191 train, 50 validation, 90 test",
            "5a" * 32,
            "c3" * 32,
        ),
        *(
            "3 seeds (0, 1, 2)",
            "selected on the validation split",
            "| audio | egemaps | 1.0.0 | 88 |",
        ),
        *("1,234,567 parameters", "torch 2.13.0", TERMS["mosei"], VOICES["mosei"]),
        *("openSMILE is free for research", "90 test utterances: few", "Not for decisions"),
    ):
        assert fact in text
    assert "synthetic corpus" not in text


def test_it_has_the_results_with_their_intervals():
    content = resampled(example_evaluation(methods=STUDY))
    text, metric = card(content), content["primary"]
    for word in WORDS:
        summary = content["methods"]["mculora"]["combinations"][word]["metrics"][metric]
        assert f"{number(summary['mean'], metric)} ± {number(summary['sd'], metric)}" in text
        ends = summary["over_both"]
        assert f"{number(ends['low'], metric)} to {number(ends['high'], metric)}" in text


def test_every_table_is_whole():
    text = card(resampled(example_evaluation(methods=STUDY)))
    tables = re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M)
    assert len(tables) > 6
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_it_says_what_flatters_or_is_not_known():
    content = example_evaluation(num_seeds=1)
    text = card(content)
    for said in (
        "synthetic corpus",
        "One seed",
        "Not looked at in this run",
        "neither speaker nor",
    ):
        assert said in text
    content["selection"] = "test"
    text = card(content)
    assert "**Selected on the test split.**" in text
    assert "read once, after training" not in text


def test_no_path_of_a_machine_is_in_it():
    content = example_evaluation()
    content["params"]["sources"] = {"mosei": {"raw": {"at": "/disk/of/ann/mosei.zip"}}}
    assert "/disk/of/ann" not in card(content)
    assert "dpft: one_sided" in card(content)


def test_the_same_run_gives_the_same_card():
    assert card(example_evaluation()) == card(example_evaluation())


@pytest.mark.parametrize("dataset", TERMS)
def test_every_dataset_says_whose_voice_it_is(dataset):
    assert dataset in VOICES


def test_hostile_text_is_only_text():
    evil = "<script>|\n# *b* [x](y) `c`"
    content = example_evaluation()
    content["corpus"]["name"] = content["features"]["audio"]["encoder"] = evil
    text = card(content)
    assert "<script>" not in text.replace("    ", "")
    assert plain(evil) in text
    assert "\n" not in plain(evil)
    table = Table("t", ("a", "b", "c"), (Row("x", (Cell("y|z", strong=True, span=2),)),))
    assert markdown_table(table).splitlines()[-1] == "| x | **y\\|z** |  |"
