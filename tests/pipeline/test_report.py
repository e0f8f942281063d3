import copy
import math
import re
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_example import (
    STUDY,
    WORDS,
    example_conflict,
    example_evaluation,
    example_history,
    write_example,
)

from mculora.errors import InputError, MissingInputError
from mculora.evaluation.comparison import compare
from pipeline import report
from pipeline.page.chart import Axis, Chart, nice_axis
from pipeline.page.published import PUBLISHED
from pipeline.page.wording import number

VOID = {"meta", "br", "hr", "img", "link", "input", "path", "line", "circle", "rect"}


class Page(HTMLParser):
    """The page as a test sees it: every tag with its attributes, and the cells of every table."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.tables, self.open = [], {}, []
        self.words = ""
        self.feed(text)
        assert self.open == [], "every element is closed"

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "caption":
            self.caption = ""

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag
        if tag == "table":
            self.tables[self.caption] = self.rows

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data
        if "caption" in self.open:
            self.caption += data


@pytest.fixture
def render(tmp_path, monkeypatch):
    """Run the stage on results, a history and gradients' cosines; return the page."""

    def run(evaluation, history=None, conflict=None, name="project"):
        root = tmp_path / name
        root.mkdir()
        history = history or example_history(methods=list(evaluation["methods"])[:2])
        conflict = example_conflict() if conflict is None else conflict
        write_example(root, evaluation, history, conflict)
        monkeypatch.chdir(root)
        report.run()
        return (root / "reports" / "report.html").read_text(encoding="utf-8")

    return run


def test_the_page_is_whole_and_loads_nothing(render):
    text = render(example_evaluation())
    page = Page(text)
    assert not re.search(r"(?:https?:)?//\w|url\(|@import|javascript:", text)
    names = {tag for tag, _ in page.tags}
    assert not names & {"link", "img", "iframe", "object", "base", "form"}
    assert not any("src" in attributes for _, attributes in page.tags)
    assert all(attributes.get("href", "#").startswith("#") for _, attributes in page.tags)
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)


def test_the_same_input_gives_the_same_bytes(render):
    assert render(example_evaluation(), name="one") == render(example_evaluation(), name="two")


def test_figures_and_tables_speak_to_everyone(render):
    page = Page(render(example_evaluation()))
    figures = [a for tag, a in page.tags if tag == "svg" and a.get("aria-hidden") != "true"]
    assert len(figures) == 2 + 2 + 2 + 8 + 3 + 7 + 3
    assert all(a["role"] == "img" and a["aria-label"] for a in figures)
    assert all(a["scope"] in ("row", "col") for tag, a in page.tags if tag == "th")
    assert len({a["aria-label"] for a in figures}) == len(figures)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert all(a["aria-labelledby"] in ids for _, a in page.tags if "aria-labelledby" in a)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_every_number_of_the_tables_is_that_of_the_evaluation(render, task):
    evaluation = example_evaluation(task=task)
    tables = list(Page(render(evaluation)).tables.values())
    over_combinations = [rows for rows in tables if rows[0] == ["Method", *WORDS, "mean"]]
    metrics = list(evaluation["majority"])
    assert len(over_combinations) == len(metrics)
    for metric, rows in zip(metrics, over_combinations, strict=True):
        for result, row in zip(evaluation["methods"].values(), rows[1:], strict=False):
            summaries = [result["combinations"][word]["metrics"][metric] for word in WORDS]
            summaries.append(result["mean_of_combinations"][metric])
            assert row[1:] == [_shown(summary, metric) for summary in summaries]
    rates = next(rows for rows in tables if rows[0][0] == "Nominal rate")
    for row, (rate, tested) in zip(
        rates[1:], evaluation["methods"]["mculora"]["missing_rates"].items(), strict=True
    ):
        assert row[:3] == [rate, f"{tested['realised']:.3f}", "90"]
        assert row[3] == _shown(tested["metrics"][evaluation["primary"]], evaluation["primary"])


def test_the_headline_tells_a_defeat_as_plainly_as_a_win(render):
    evaluation = example_evaluation()
    ours, theirs = (evaluation["methods"][m]["mean_of_combinations"] for m in evaluation["methods"])
    primary = evaluation["primary"]
    theirs[primary] = {"mean": 0.75, "sd": 0.01, "values": [0.74, 0.75, 0.76]}
    for values, expected in [
        ([0.70, 0.71, 0.72], "4.0 points below dropout (95 % interval −4.0 to −4.0 over 3 seeds)."),
        ([0.84, 0.86, 0.86], "10.3 points above dropout (95 % interval 8.9 to 11.8 over 3 seeds)."),
        ([0.73, 0.77, 0.78], "(95 % interval −3.3 to 5.3 over 3 seeds), no clear difference."),
        ([0.20, 0.21, 0.22], "20.0 points below the majority class"),
    ]:
        ours[primary] = {"mean": sum(values) / 3, "sd": 0.01, "values": values}
        found = compare(
            *(_by_seed(summary["values"]) for summary in (ours[primary], theirs[primary]))
        )
        evaluation["methods"]["mculora"]["against_dropout"] = found.as_json()
        assert expected in _headline(render(copy.deepcopy(evaluation), name=str(values[0])))


def test_the_headline_names_every_baseline(render):
    headline = _headline(render(example_evaluation(methods=STUDY)))
    for name in ("the joint network", "dropout", "the specialists"):
        assert re.search(rf"points (above|below) {name} \(95 % interval", headline)
    assert "Without" not in headline


def test_one_seed_decides_nothing(render):
    evaluation = example_evaluation(num_seeds=1)
    text = _one_line(render(evaluation, example_history(num_seeds=1)))
    assert "one seed: no spread is known, so this decides nothing" in text
    assert "±" not in Page(text).words


def test_one_method_stands_alone(render):
    page = Page(render(example_evaluation(methods=("mculora",))))
    assert "Dropout" not in page.words
    assert "MCULoRA" in page.words


def test_undefined_values_are_shown_as_such(render):
    evaluation = example_evaluation()
    nothing = {"mean": None, "sd": None, "values": [None, math.nan, None]}
    ours = evaluation["methods"]["mculora"]
    for tested in [*ours["combinations"].values(), *ours["missing_rates"].values()]:
        tested["metrics"] = dict.fromkeys(tested["metrics"], nothing)
    ours["mean_of_combinations"] = dict.fromkeys(ours["mean_of_combinations"], nothing)
    evaluation["majority"] = dict.fromkeys(evaluation["majority"], math.nan)
    history = example_history()
    for row in history[::2]:
        row["validation_atv"] = ""
        row["separability_v"] = "nan"
    text = render(evaluation, history)
    assert "nan" not in re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.S).lower()
    assert "None" not in Page(text).words
    assert "MCULoRA has no defined weighted F1 (negative / positive)" in _one_line(text)


def test_hostile_text_is_only_text(render):
    evil = "<script>alert(1)</script>"
    evaluation = example_evaluation(methods=("mculora", evil))
    evaluation["corpus"]["name"] = evil
    evaluation["corpus"]["dropped"][evil] = 7
    evaluation["features"]["audio"]["encoder"] = f'"><{evil}'
    evaluation["versions"][evil] = "</style>"
    evaluation["params"] = {evil: "</pre>"}
    evaluation["folds"] = ["&<b>"]
    page = Page(render(evaluation))
    assert [tag for tag, _ in page.tags].count("script") == 1, "our own"
    assert evil in page.words


def test_the_contents_name_every_section(render):
    text = render(example_evaluation())
    anchors = re.findall(r'<li><a href="#([\w-]+)">', text)
    assert anchors == re.findall(r'<h2 id="([\w-]+)"', text)
    assert len(anchors) > 6


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_published_figures_stand_beside_ours_and_say_how_they_were_selected(dataset):
    from pipeline.page.evaluation import Evaluation
    from pipeline.page.published import published_tables

    task = "classification" if dataset == "iemocap4" else "regression"
    evaluation = _parsed(Evaluation, example_evaluation(dataset=dataset, task=task))
    table = published_tables(evaluation)[0]
    published, ours = table.rows[0], table.rows[-1]
    selected_on, *in_our_order = [cell.text for cell in published.cells]
    assert selected_on == "test"
    assert ours.cells[0].text == "validation"
    values = PUBLISHED[dataset].methods["MCULoRA"].values
    assert in_our_order == [f"{values[i]:.2f}" for i in (6, 3, 4, 5, 0, 1, 2, 7)]


def test_every_published_row_says_why_it_is_not_like_ours():
    from pipeline.page.evaluation import Evaluation
    from pipeline.page.published import ENCODERS, published_tables

    content = example_evaluation(dataset="mosei", methods=STUDY)
    behind = published_tables(_parsed(Evaluation, content))[1]
    reasons = {row.head: row.cells[-1].text for row in behind.rows}
    assert reasons["MCULoRA, published"] == "selected on test; one seed; other features"
    assert reasons["MoMKE, published"].endswith("networks: seven, one each")
    assert reasons["MCULoRA, here"] == "–"
    for modality, encoder in ENCODERS.items():
        content["features"][modality]["encoder"] = encoder
    behind = published_tables(_parsed(Evaluation, content))[1]
    assert behind.rows[0].cells[-1].text == "selected on test; one seed"


def test_published_figures_stand_beside_ours_under_both_selections():
    from mculora.evaluation.selection_gap import EpochChoice, selection_gap
    from pipeline.page.evaluation import Evaluation
    from pipeline.page.published import published_tables

    content = example_evaluation(dataset="mosei")
    choice = EpochChoice(0, "official", "", 9, 3, 0.78, 0.75, 5, 0.777, 0.79)
    content["selection_gap"] = {"mculora": asdict(selection_gap([choice]))}
    *_, last = published_tables(_parsed(Evaluation, content))[0].rows
    assert last.head == "MCULoRA, here, for comparison only"
    assert [cell.text for cell in last.cells] == ["test", *["–"] * 7, "77.7"]
    content["selection"] = "test"
    rows = published_tables(_parsed(Evaluation, content))[0].rows
    assert [row.cells[0].text for row in rows] == ["test"] * len(rows)


def test_published_figures_only_where_there_are_any(render):
    assert "published-heading" not in render(example_evaluation())
    assert "Published, selected on test" in render(
        example_evaluation(dataset="mosei"), name="mosei"
    )


def test_the_kept_epoch_is_the_last_best_one(tmp_path):
    from pipeline.page.history import read_history

    path = tmp_path / "history.csv"
    path.write_text(
        "method,seed,fold,epoch,is_selected,validation_mean\n"
        "mculora,0,official,0,1,0.5\nmculora,0,official,1,1,0.6\nmculora,0,official,2,0,0.55\n"
        "mculora,1,official,0,0,\n"
    )
    first, second = read_history(path)
    assert first.selected == 1
    assert second.selected is None
    assert second.columns["validation_mean"] == (None,)


def test_missing_and_broken_inputs_name_the_remedy(tmp_path, monkeypatch, render):
    render(example_evaluation())
    results, history = report.Layout("sample").evaluation, report.Layout("sample").history
    kept = results.read_text()
    results.write_text("{")
    with pytest.raises(InputError, match="mculora evaluate"):
        report.run()
    results.write_text(kept.replace('"seeds"', '"sedes"'))
    with pytest.raises(InputError, match=r"evaluation\.json: key seeds"):
        report.run()
    results.write_text(kept.replace('"dataset": "sample"', '"dataset": "mosei"', 1))
    with pytest.raises(InputError, match="results of mosei, expected results of sample"):
        report.run()
    results.write_text(kept.replace('"group": "main", ', ""))
    with pytest.raises(InputError, match=r"evaluation\.json: key methods\.mculora\.group"):
        report.run()
    results.write_text(kept.replace('"group": "main", ', '"group": "baseline", '))
    with pytest.raises(InputError, match="no main method"):
        report.run()
    results.write_text(kept)
    history.write_text("epoch\n1\n")
    with pytest.raises(InputError, match="no column method"):
        report.run()
    history.unlink()
    with pytest.raises(MissingInputError, match="mculora train"):
        report.run()
    results.unlink()
    with pytest.raises(MissingInputError, match="mculora evaluate"):
        report.run()


@pytest.mark.parametrize(
    "values", [[], [0.0], [41.0, 85.2], [0.5, 0.5], [-0.0003, 0.0002], [99.9, 100.0], [1e-9]]
)
def test_an_axis_has_round_ticks_around_its_values(values):
    axis = nice_axis(values, "")
    assert all(axis.low - 1e-9 <= value <= axis.high + 1e-9 for value in values)
    assert 2 <= len(axis.ticks) <= 8
    assert axis.low < axis.high
    assert len({tick.label for tick in axis.ticks}) == len(axis.ticks)


def test_long_tick_labels_have_room():
    short, long = ([0.1, 0.5], [0.5001, 0.5004])
    charts = [Chart("", Axis("", 0, 1, ()), nice_axis(v, ""), ()) for v in (short, long)]
    assert [max(len(t.label) for t in chart.y.ticks) for chart in charts] == [3, 6]
    for chart in charts:
        assert chart.across(0) >= 6 + 9 * max(len(tick.label) for tick in chart.y.ticks)
        assert chart.across(1) == chart.width - 14


def test_colours_have_contrast_in_light_dark_and_print():
    templates = Path(report.__file__).parent / "page" / "templates"
    light = dict(re.findall(r"--(\w+): (#\w+)", (templates / "figure.css").read_text()))
    pairs = re.findall(
        r"--(\w+): light-dark\((#\w+), (#\w+)\)", (templates / "page.css").read_text()
    )
    assert {name: on_light for name, on_light, _ in pairs} == light
    palettes = [light, {name: on_dark for name, _, on_dark in pairs}]
    for colours in palettes:
        for ground in ("paper", "tint"):
            assert _contrast(colours["ink"], colours[ground]) >= 7
            assert _contrast(colours["soft"], colours[ground]) >= 4.5
        for drawn in ("s0", "s1", "s2", "s3", "floor", "clash"):
            assert _contrast(colours[drawn], colours["paper"]) >= 4.5


def _contrast(one, other):
    """WCAG 2 contrast ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _shown(summary, metric):
    return f"{number(summary['mean'], metric)} ± {number(summary['sd'], metric)}"


def _by_seed(values):
    return {seed: [value] for seed, value in enumerate(values)}


def _headline(page):
    return re.search(r'class="headline">(.*?)</p>', _one_line(page))[1]


def _one_line(text):
    return " ".join(text.split())


def _parsed(kind, content):
    from pydantic import TypeAdapter

    return TypeAdapter(kind).validate_python(content)
