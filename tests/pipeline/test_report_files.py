"""Figures and tables of the report as files: the page's own, and nothing else."""

import csv
import io
import re
from xml.etree import ElementTree

import pytest
from report_example import (
    STUDY,
    WORDS,
    example_conflict,
    example_evaluation,
    example_history,
    resampled,
    write_example,
)

from mculora.evaluation.statistics import Summary
from pipeline import report
from pipeline.page.chart import Axis, Chart, Point, Series, draw
from pipeline.page.drawing import Drawing, Legend
from pipeline.page.figure_files import pdf_file, svg_file
from pipeline.page.stylesheet import Stylesheet
from pipeline.page.table import Cell, Row, Table, summary_cell
from pipeline.page.table_files import csv_file, escape, latex_file
from pipeline.page.wording import number

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def reports(tmp_path, monkeypatch):
    """Run the stage on results; return the folder that it writes."""

    def run(evaluation, name="project"):
        root = tmp_path / name
        root.mkdir()
        write_example(root, evaluation, example_history(), example_conflict())
        monkeypatch.chdir(root)
        report.run()
        return root / "reports"

    return run


def chart_drawing(style="s1", *, columns=4, panels=1):
    series = Series(style, (Point(0, 1.0, sd=0.5, values=(0.5,)), Point(1, 2.0)))
    axis = Axis("", 0, 3, ())
    shown = {str(place): draw(Chart(f"{place}", axis, axis, (series,))) for place in range(panels)}
    return Drawing("drawn", shown, "What & why.", legend=(Legend("Ours", style),), columns=columns)


def test_every_figure_and_table_of_the_page_is_a_file_and_back(reports):
    folder = reports(resampled(example_evaluation(methods=STUDY)))
    page = (folder / "report.html").read_text()
    for kind, suffixes in {"figure": {".svg", ".pdf"}, "table": {".tex", ".csv"}}.items():
        files = list((folder / f"{kind}s").iterdir())
        named = re.findall(rf'data-{kind}="([\w-]+)"', page)
        assert len(named) == len(set(named)) > 7
        assert {f.name for f in files} == {f"{n}{suffix}" for n in named for suffix in suffixes}


def test_the_same_results_give_the_same_files(reports):
    one, two = (reports(example_evaluation(), name=name) for name in ("one", "two"))
    for path in (*one.glob("figures/*"), *one.glob("tables/*")):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes(), path.name


def test_what_an_earlier_report_had_goes(reports):
    folder = reports(example_evaluation(), name="one")
    (folder / "figures" / "old.svg").write_text("")
    (folder / "tables" / "mine.txt").write_text("")
    report.run()
    assert not (folder / "figures" / "old.svg").exists()
    assert (folder / "tables" / "mine.txt").exists()


def test_a_figure_stands_alone():
    svg = svg_file(chart_drawing())
    assert not re.search(r"var\(|class=|style=|data-|href|currentColor", svg)
    root = ElementTree.fromstring(svg)
    assert root.find(f"{SVG}title").text == "What & why."
    for element in root.iter():
        if element.tag.removeprefix(SVG) in ("path", "line", "circle", "rect"):
            assert {"fill", "stroke"} & element.attrib.keys(), element.attrib
        if element.tag == f"{SVG}text":
            assert element.attrib["font-family"].startswith("Bitstream Vera Sans")
            assert float(element.attrib["font-size"]) > 10


def test_a_figure_has_its_panels_in_rows_below_its_legend():
    root = ElementTree.fromstring(svg_file(chart_drawing(panels=3, columns=2)))
    legend, *panels = root.findall(f"{SVG}g")
    assert "".join(legend.itertext()).strip() == "Ours"
    places = [re.findall(r"[\d.]+", panel.attrib["transform"]) for panel in panels]
    assert places == [["0", "22"], ["496", "22"], ["0", "338"]]
    assert root.attrib["viewBox"] == "0 0 976 638"


def test_a_pdf_has_the_figures_size_and_carries_its_fonts():
    drawing = chart_drawing()
    pdf = pdf_file(svg_file(drawing), drawing.caption)
    assert pdf.startswith(b"%PDF-")
    fonts = set(re.findall(rb"/BaseFont /([\w+-]+)", pdf))
    assert fonts
    assert all(b"BitstreamVeraSans" in font for font in fonts)
    width, height = map(float, re.search(rb"/MediaBox \[ 0 0 (\S+) (\S+) \]", pdf).groups())
    assert width / height == pytest.approx(480 / 322, rel=1e-3)


def test_a_style_sheet_says_what_an_element_looks_like():
    sheet = Stylesheet(
        ":root { --a: #111; --b: var(--a); } .c { --a: #222; fill: var(--a); }"
        "g .c { stroke: var(--b); font-size: 13px; font-weight: 600; display: none; }"
        "@media print { .c { fill: red; } }"
    )
    root = ElementTree.fromstring(
        "<svg><g><path class='c'/><path class='c' fill='#333'/></g></svg>"
    )
    sheet.apply(root)
    first, second = root[0]
    assert first.attrib == {
        **{"class": "c", "fill": "#222", "stroke": "#111"},
        **{"font-size": "13", "font-weight": "bold"},
    }
    assert second.attrib["fill"] == "#333"


def test_the_files_of_a_table_have_its_numbers(reports):
    evaluation = example_evaluation()
    folder = reports(evaluation) / "tables"
    metric = evaluation["primary"]
    rows = list(csv.DictReader((folder / "combinations.csv").open()))
    latex = (folder / "combinations.tex").read_text()
    for row, result in zip(rows, evaluation["methods"].values(), strict=False):
        for word in WORDS:
            summary = result["combinations"][word]["metrics"][metric]
            assert float(row[word]) == summary["mean"]
            assert float(row[f"{word} sd"]) == summary["sd"]
            assert (
                f"{number(summary['mean'], metric)} $\\pm$ {number(summary['sd'], metric)}" in latex
            )
    assert rows[-1]["Method"] == "Test utterances"
    assert rows[-1]["atv"] == "90"
    assert [rows[-2][word] for word in WORDS] == ["0.41"] * 7
    for said in ("negative / positive (\\%)", "selected on the validation split", "seeds 0, 1, 2"):
        assert said in latex


def test_every_latex_table_is_sound(reports):
    files = list((reports(resampled(example_evaluation(methods=STUDY))) / "tables").glob("*.tex"))
    assert len(files) > 10
    for path in files:
        text = path.read_text()
        assert text.isascii(), path.name
        assert _depth(text) == 0
        columns = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", text)[1])
        body = text[text.index("\\toprule") : text.index("\\bottomrule")]
        for line in (line for line in body.splitlines() if line.endswith("\\\\")):
            spans = sum(int(span) - 1 for span in re.findall(r"\\multicolumn\{(\d+)\}", line))
            assert len(re.findall(r"(?<!\\)&", line)) + 1 + spans == columns, line
        for rule in ("\\toprule", "\\midrule", "\\bottomrule", "\\caption", "\\label"):
            assert rule in text


def test_hostile_text_is_only_text_in_latex():
    evil = "\\input{/etc/passwd} 100% & $x_1$ #~^<|>"
    table = Table(evil, (evil, "b"), (Row(evil, (Cell(evil, strong=True),)),), name="evil")
    text = latex_file(table, evil)
    assert "\\input" not in text
    assert _depth(text) == 0
    assert escape("a_b") == "a\\_b"
    assert escape("\\") == "\\textbackslash{}"


def test_a_csv_has_a_column_for_each_value():
    summary = Summary(0.5, None, (0.5,))
    rows = (
        Row("one", (summary_cell(summary, "wa"), Cell("yes"))),
        Row("two", (Cell("none", span=2, values={"": None}),)),
    )
    table = Table("", ("who", "value", "said"), rows)
    read = list(csv.reader(io.StringIO(csv_file(table))))
    assert read == [
        ["who", "value", "value sd", "said"],
        ["one", "0.5", "", "yes"],
        ["two", "", "", ""],
    ]


def _depth(text):
    """How many braces are left open; below zero nowhere."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    return depth
