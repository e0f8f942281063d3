"""The report of a whole study: variants and gradient conflict have sections of their own."""

import re

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
from pipeline import report
from pipeline.layout import Layout
from pipeline.page.conflict import common_epochs, mean_cosines, negative_share, read_conflict
from pipeline.page.wording import METHOD_EXPLAINED, METHODS, interval, number, signed

HEADER = "method,seed,fold,epoch,first,second,cosine\n"
VARIANTS = [name for name in STUDY if name.startswith(("without", "rank"))]


@pytest.fixture
def render(tmp_path, monkeypatch):
    """Run the stage on results and cosines; return the page on one line, without its style."""

    def run(evaluation, history=None, conflict=()):
        write_example(tmp_path, evaluation, history or example_history(), conflict)
        monkeypatch.chdir(tmp_path)
        report.run()
        page = (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")
        return " ".join(re.sub(r"<style>.*</style>", "", page, flags=re.S).split())

    return run


@pytest.fixture
def conflict_file(tmp_path):
    """conflict.csv with some lines."""

    def write(*lines):
        path = tmp_path / "conflict.csv"
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
        return path

    return write


def section(page, heading):
    return re.search(rf'<section aria-labelledby="{heading}-heading">(.*?)</section>', page)[1]


def cells(table):
    """The rows of a table's body: head and cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", re.search(r"<tbody>(.*?)</tbody>", table)[1])
    return [re.findall(r"<t[hd][^>]*>(?:<strong>)?(.*?)(?:</strong>)?</t[hd]>", r) for r in rows]


def test_every_method_has_a_name_and_what_it_is():
    named = [name for name in STUDY if not name.startswith("rank")]
    assert METHODS.keys() == METHOD_EXPLAINED.keys() == set(named)


def test_main_tables_and_figures_have_no_variants(render):
    page = render(example_evaluation(methods=STUDY), conflict=example_conflict())
    results = section(page, "combinations")
    assert [row[0] for row in cells(results)] == [
        *("MCULoRA", "Joint", "Dropout", "Specialists", "Majority class"),
    ]
    others = page.replace(section(page, "ablations"), "").split("params.yaml</summary>")[0]
    assert not any(METHODS.get(name, name) in others for name in VARIANTS)


def test_the_ablation_table_says_what_the_evaluation_says(render):
    evaluation = example_evaluation(methods=STUDY)
    metric = evaluation["primary"]
    main, *rows = cells(section(render(evaluation), "ablations"))
    assert main[0] == "MCULoRA"
    assert main[3:] == ["–", "–"]
    ablations = [name for name in STUDY if name.startswith("without")]
    assert [row[0] for row in rows] == [METHODS[name] for name in ablations]
    for name, row in zip(ablations, rows, strict=True):
        result = evaluation["methods"][name]
        validation = result["validation"]["mean_of_combinations"][metric]
        for summary, cell in (
            (validation, row[1]),
            (result["mean_of_combinations"][metric], row[2]),
        ):
            assert cell == f"{number(summary['mean'], metric)} ± {number(summary['sd'], metric)}"
        versus = result["against_mculora"]
        assert row[3] == signed(versus["difference"], metric)
        assert row[4] == f"{number(versus['low'], metric)} to {number(versus['high'], metric)}"


def test_ranks_are_drawn_in_order_with_the_main_one(render):
    rank = section(render(example_evaluation(methods=STUDY)), "rank")
    assert [row[0] for row in cells(rank)] == ["1", "2", "4", "8"]
    assert rank.count("<svg") == 1
    assert rank.count('class="marker"') == rank.count('class="whisker"') == 4


def test_sections_without_data_say_so(render):
    page = render(example_evaluation(methods=("mculora", "dropout")))
    assert "No ablation was trained" in section(page, "ablations")
    assert "Only one rank was trained" in section(page, "rank")
    assert "It was not measured" in section(page, "conflict")
    assert not any("<svg" in section(page, s) for s in ("ablations", "rank", "conflict"))


def test_only_ours_and_dropout_are_drawn_converging(render):
    history = example_history(methods=("mculora", "joint", "dropout", "specialists-atv", "rank_1"))
    training = section(render(example_evaluation(methods=STUDY), history), "training")
    assert set(re.findall(r'<g class="(s\d)"', training)) == {"s0", "s2"}
    assert training.count('<svg viewBox="0 0 240') == 8 + 3 + 7
    assert "Joint" not in training


def test_heat_maps_hold_the_cosines_twice_and_tell_them(render):
    page = render(example_evaluation(), conflict=example_conflict())
    maps = re.findall(r"<svg[^>]*gradients of two combinations.*?</svg>", section(page, "conflict"))
    assert len(maps) == 2
    for drawn in maps:
        assert drawn.count("<rect") == 49
        told = re.search(r'aria-label="(.*?)"', drawn)[1]
        pairs = re.findall(r"(\w+) and (\w+) (-?\d\.\d\d)", told)
        assert len(pairs) == 21
        shown = re.findall(r'class="value">(.*?)<', drawn)
        table = [shown[7 * row : 7 * row + 7] for row in range(7)]
        for first, second, cosine in pairs:
            row, column = WORDS.index(first), WORDS.index(second)
            assert table[row][column] == table[column][row] == cosine.replace("-", "−")
        assert all(table[place][place] == "–" for place in range(7))


def test_cosines_are_averaged_over_the_last_measured_epoch_of_each_run(conflict_file):
    path = conflict_file(
        "mculora,0,official,0,atv,at,0.9",
        "mculora,0,official,4,atv,at,0.2",
        "mculora,0,official,4,a,v,-0.5",
        "mculora,1,official,0,atv,at,0.4",
        "mculora,1,official,0,a,v,",
    )
    runs = read_conflict(path)
    assert [run.method for run in runs] == ["mculora", "mculora"]
    assert mean_cosines(runs) == {("atv", "at"): pytest.approx(0.3), ("a", "v"): -0.5}
    assert negative_share(runs[0].last) == 0.5
    assert common_epochs(runs) == [0]


def test_what_is_no_cosine_is_refused(conflict_file, tmp_path, render):
    for line, found in [
        ("mculora,0,official,0,at,atv,0.1", "the pair at, atv"),
        ("mculora,0,official,one,atv,at,0.1", "'one'"),
        ("mculora,0,official,1,atv,at,x", "'x'"),
    ]:
        with pytest.raises(InputError, match=f"{found}.*mculora train"):
            read_conflict(conflict_file(line))
    path = tmp_path / "empty.csv"
    path.write_text("method,seed\n")
    with pytest.raises(InputError, match="no column fold"):
        read_conflict(path)
    render(example_evaluation())
    Layout("sample").conflict.unlink()
    with pytest.raises(MissingInputError, match="mculora train"):
        report.run()


def test_differences_are_written_with_their_sign():
    assert [signed(v, "wa") for v in (0.012, -0.012, 0.0, None)] == ["+1.2", "−1.2", "0.0", "–"]
    assert number(-0.0001, "wa") == "0.0"
    from mculora.evaluation.comparison import compare

    assert interval(compare({0: [0.5]}, {0: [0.4]}), "wa") == "–"
