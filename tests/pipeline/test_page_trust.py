"""Calibration, groups and selection on the page say what evaluation.json holds."""

import json
from dataclasses import asdict

import pytest
from report_example import example_evaluation

from mculora.evaluation.calibrated import (
    CalibrationReport,
    ClassCalibration,
    IntervalCalibration,
)
from mculora.evaluation.calibration import ConfidenceBin
from mculora.evaluation.groups import GroupGap, Grouping, GroupScore
from mculora.evaluation.selection_gap import EpochChoice, selection_gap
from mculora.evaluation.statistics import summarise
from pipeline.page.calibration import FEWEST_DRAWN, calibration_section
from pipeline.page.evaluation import read_evaluation
from pipeline.page.groups import MOST_ROWS, NUM_EXTREMES, group_parts, untold
from pipeline.page.selection import selection_table


@pytest.fixture
def read(tmp_path):
    """Write invented results, with more in them, and read them as the page does."""

    def read_with(**more):
        path = tmp_path / "evaluation.json"
        path.write_text(json.dumps({**example_evaluation(), **more}))
        return read_evaluation(path)

    return read_with


def heads_and_texts(table):
    return {row.head: [cell.text for cell in row.cells] for row in table.rows}


def test_results_from_before_have_no_such_sections(read):
    evaluation = read()
    assert calibration_section(evaluation) is None
    assert selection_table(evaluation) is None
    assert group_parts(evaluation) == []
    assert "neither speaker nor gender nor session" in untold(evaluation.groups)


def test_intervals(read):
    told = IntervalCalibration(90, summarise([0.88, 0.92]), summarise([4.0, 4.2]))
    none = IntervalCalibration(9, summarise([None, None]), summarise([None, None]))
    report = CalibrationReport({}, {"atv": told, "v": none})
    section = calibration_section(read(calibration=asdict(report)))
    assert (section.is_score, section.nominal) == (True, "90 %")
    assert heads_and_texts(section.table) == {
        "atv": ["90", "90.0 ± 2.8", "4.10 ± 0.14"],
        "v": ["9", "–", "–"],
    }
    (panel,) = section.figure.panels.values()
    assert panel.count('class="marker"') == 1
    assert "90.0 % inside" in panel and 'class="floor"' in panel


def test_reliability(read):
    curve = (ConfidenceBin(FEWEST_DRAWN - 1, 0.3, 1.0), ConfidenceBin(40, 0.9, 0.5))
    told = ClassCalibration(
        num_utterances=25,
        temperature=summarise([2.0]),
        raw_error=summarise([0.4]),
        error=summarise([0.051]),
        raw_curve=curve,
        curve=curve,
    )
    section = calibration_section(read(calibration=asdict(CalibrationReport({"at": told}, {}))))
    assert not section.is_score
    assert heads_and_texts(section.table) == {"at": ["25", "2.00", "40.0", "5.1"]}
    assert list(section.figure.panels) == ["at"]
    assert section.figure.panels["at"].count("40 predictions: 90 % sure, 50 % right") == 2
    assert "9 predictions" not in section.figure.panels["at"]


def score(name, value, num=50):
    return GroupScore(name, num, summarise([value]), summarise([value - 0.1]))


def test_few_groups_stand_in_a_table_with_their_gap(read):
    gap = GroupGap("female", "male", difference=0.2, by_chance=0.05, p_value=0.001)
    scores = (score("female", 0.9), score("male", 0.7))
    grouping = Grouping(scores, num_small=1, num_untold=2, gap=gap)
    (part,) = group_parts(read(groups={"gender": asdict(grouping)}))
    assert part.figure is None
    assert heads_and_texts(part.table)["male"] == ["50", "70.0", "60.0"]
    said = " ".join(part.sentences)
    for words in ("gap under atv is 20.0", "between female and male", "below 5.0 in 95 %"):
        assert words in said
    for words in ("hardly chance alone", "1 gender with fewer", "2 utterances without", "small"):
        assert words in said


def test_many_groups_are_drawn_and_their_ends_listed(read):
    num = MOST_ROWS + 8
    scores = tuple(score(f"s{n:02d}", 0.5 + n / 100, num=200) for n in range(num))
    gap = GroupGap("s19", "s00", difference=0.19, by_chance=0.3, p_value=0.4)
    grouping = Grouping(scores, num_small=0, num_untold=0, gap=gap)
    (part,) = group_parts(read(groups={"speaker": asdict(grouping)}))
    heads = [row.head for row in part.table.rows]
    assert heads == [f"s{n:02d}" for n in (*range(5), *range(num - 5, num))]
    assert len(heads) == 2 * NUM_EXTREMES
    assert part.figure.panels["all"].count('class="marker"') == num
    assert part.sentences[0].endswith("is no more than chance makes (p = 0.400).")
    assert len(part.sentences) == 1


def test_groups_that_are_all_too_small_are_told(read):
    empty = Grouping((), num_small=4, num_untold=0, gap=None)
    evaluation = read(groups={"speaker": asdict(empty)})
    assert group_parts(evaluation) == []
    assert untold(evaluation.groups).startswith("No speaker has 20")


def test_both_gaps_are_told(read):
    choices = [
        EpochChoice(
            seed=seed,
            fold="official",
            network="",
            num_epochs=9,
            epoch=3,
            validation=0.9,
            test=0.8,
            test_epoch=5,
            test_selected=0.82 + 0.02 * seed,
            per_combination=0.85,
        )
        for seed in (0, 1)
    ]
    told = asdict(selection_gap(choices))
    table = selection_table(read(selection_gap={"mculora": told, "dropout": told}))
    assert table.header == ("Score", "MCULoRA", "Dropout")
    assert heads_and_texts(table) == {
        "The epoch that validation chose, on validation": ["90.0 ± 0.0"] * 2,
        "The same epoch on test": ["80.0 ± 0.0"] * 2,
        "The epoch that is best on test": ["83.0 ± 1.4"] * 2,
        "The best epoch on test for each combination": ["85.0 ± 0.0"] * 2,
        "Validation less test, same epoch": ["+10.0"] * 2,
        "Gained on test by choosing on test": ["+3.0"] * 2,
    }
