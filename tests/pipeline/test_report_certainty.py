"""How sure the results are and what is taken for what, as the report's tables and figures."""

import re

import pytest
from pydantic import TypeAdapter
from report_example import STUDY, WORDS, example_evaluation, resampled

from pipeline.page.certainty import (
    bootstrap_note,
    difference_table,
    interval_table,
    summary_table,
)
from pipeline.page.errors import confusion_figure, recall_table
from pipeline.page.evaluation import Evaluation
from pipeline.page.headline import headline
from pipeline.page.wording import number


def parsed(content):
    return TypeAdapter(Evaluation).validate_python(content)


@pytest.fixture
def content():
    return resampled(example_evaluation(methods=STUDY))


def test_every_mean_has_its_three_intervals(content):
    metric = content["primary"]
    table = summary_table(parsed(content))
    for row, result in zip(table.rows, content["methods"].values(), strict=False):
        summary = result["mean_of_combinations"][metric]
        ends = [summary[f"over_{what}"] for what in ("utterances", "seeds", "both")]
        shown = [f"{number(e['low'], metric)} to {number(e['high'], metric)}" for e in ends]
        assert [cell.text for cell in row.cells[1:4]] == shown
        assert row.cells[3].values == ends[2]
    assert "2,000 bootstrap resamples of 16 test dialogues" in bootstrap_note(parsed(content))


def test_every_combination_has_the_interval_to_quote(content):
    (ours, *_) = interval_table(parsed(content)).rows
    for word, cell in zip(WORDS, ours.cells, strict=False):
        under = content["methods"]["mculora"]["combinations"][word]["metrics"]
        assert cell.values == under[content["primary"]]["over_both"]


def test_ours_is_compared_with_every_baseline(content):
    table = difference_table(parsed(content))
    assert [row.head for row in table.rows] == ["to Joint", "to Dropout", "to Specialists"]
    versus = content["methods"]["mculora"]["against_dropout"]
    assert table.rows[1].cells[0].values == {"": versus["difference"]}
    assert table.rows[1].cells[-1].text == f"{versus['num_ahead']} of 3 seeds"


def test_the_headline_quotes_the_interval_over_both(content):
    versus = content["methods"]["mculora"]["against_dropout"]
    metric = content["primary"]
    for low, high, end in [(0.01, 0.05, ""), (-0.01, 0.05, ", no clear difference")]:
        versus["over_both"] = {"low": low, "high": high}
        ends = f"{number(low, metric)} to {number(high, metric)}"
        said = headline(parsed(content))
        assert f"dropout (95 % interval {ends} over test data and seeds){end};" in said


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_confusions_are_shares_of_what_is_true(task):
    content = resampled(example_evaluation(task=task))
    drawing = confusion_figure(parsed(content))
    assert list(drawing.panels) == WORDS
    for word, panel in drawing.panels.items():
        counts = content["methods"]["mculora"]["combinations"][word]["confusion"]
        shown = re.findall(r'class="value">(.*?)<', panel)
        assert shown == [f"{100 * n / sum(row):.0f}" for row in counts for n in row]
    recall = recall_table(parsed(content))
    assert len(recall.rows) == len(content["classes"])
    assert recall.header[2:] == tuple(WORDS)


def test_a_class_without_utterances_has_dashes():
    content = resampled(example_evaluation())
    content["methods"]["mculora"]["combinations"]["at"]["confusion"][1] = [0, 0, 0]
    panel = confusion_figure(parsed(content)).panels["at"]
    assert re.findall(r'class="value">(.*?)<', panel)[3:6] == ["–"] * 3


def test_what_was_not_counted_is_not_shown():
    evaluation = parsed(example_evaluation())
    assert summary_table(evaluation) is interval_table(evaluation) is None
    assert recall_table(evaluation) is confusion_figure(evaluation) is None
    assert bootstrap_note(evaluation) == ""
