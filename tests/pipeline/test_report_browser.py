"""The report in a real browser: drawn, quiet, offline, readable on a phone, right, and reachable.

`MCULORA_REPORT=reports/report.html pytest tests/pipeline/test_report_browser.py` looks at that page
beside the metrics.json of its project; without the variable a page is made of invented results.
"""

import json
import os
import shutil
from pathlib import Path

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

from pipeline import report
from pipeline.evaluating.result_tables import headline
from pipeline.page.wording import number

pytestmark = pytest.mark.slow
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {"phone": 390, "laptop": 1280}


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=path, args=quiet)
        yield running
        running.close()


@pytest.fixture(scope="module")
def report_file(tmp_path_factory):
    """The page to look at: a real one where the environment names it."""
    if named := os.environ.get("MCULORA_REPORT"):
        return Path(named).absolute()
    root = tmp_path_factory.mktemp("project")
    evaluation = resampled(example_evaluation(methods=STUDY))
    write_example(root, evaluation, example_history(), example_conflict())
    metrics = headline(evaluation["methods"], evaluation["primary"])
    (root / "results" / "metrics.json").write_text(json.dumps(metrics))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        report.run()
    return root / "reports" / "report.html"


@pytest.fixture(params=SIZES)
def opened(request, browser, report_file):
    """The page at one width, with what it asked for and what it complained about."""
    context = browser.new_context(viewport={"width": SIZES[request.param], "height": 900})
    page = context.new_page()
    page.requests, page.complaints = [], []
    page.on("request", lambda sent: page.requests.append(sent.url))
    page.on("console", lambda said: page.complaints.append(said.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(report_file.as_uri())
    yield page
    context.close()


def test_every_figure_is_drawn(opened):
    figures = opened.evaluate(
        """() => [...document.querySelectorAll('figure svg')].map(svg => {
          const box = svg.getBoundingClientRect();
          const marks = [...svg.querySelectorAll('path, line, circle, rect')];
          const inside = marks.filter(mark => {
            const at = mark.getBoundingClientRect();
            return at.left >= box.left - 2 && at.right <= box.right + 2
              && at.top >= box.top - 2 && at.bottom <= box.bottom + 2;
          });
          const texts = [...svg.querySelectorAll('text')].map(text => {
            const at = text.getBoundingClientRect();
            return at.left >= box.left - 2 && at.right <= box.right + 2;
          });
          return {name: svg.getAttribute('aria-label') || 'waveform', width: box.width,
                  height: box.height, marks: marks.length, inside: inside.length,
                  texts: texts.every(Boolean)};
        })"""
    )
    assert len(figures) > 15
    for drawn in figures:
        assert min(drawn["width"], drawn["height"]) > 15, drawn
        assert drawn["marks"] == drawn["inside"] > 0, drawn
        assert drawn["texts"], drawn


def test_nothing_is_asked_for_and_nothing_complains(opened, report_file):
    opened.wait_for_load_state("networkidle")
    assert [url for url in opened.requests if not url.startswith("data:")] == [report_file.as_uri()]
    assert opened.complaints == []


def test_nothing_hangs_over_the_edge(opened):
    opened.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    width = opened.viewport_size["width"]
    assert opened.evaluate("document.documentElement.scrollWidth") == width
    wide = opened.evaluate(
        """width => [...document.querySelectorAll('body *')].filter(one => {
          const box = one.getBoundingClientRect();
          return box.right > width + 1 && !one.closest('.scroll, pre, .skip');
        }).map(one => one.tagName + ' ' + one.className)""",
        width,
    )
    assert wide == []


def test_the_tables_hold_the_numbers_of_metrics_json(opened, report_file):
    metrics = json.loads((report_file.parents[1] / "results" / "metrics.json").read_text())
    evaluation = json.loads((report_file.parents[1] / "results" / "evaluation.json").read_text())
    primary = evaluation["primary"]
    shown = [n for n, m in evaluation["methods"].items() if m["group"] in ("main", "baseline")]
    rows = _cells(opened, "combinations")
    assert rows[0][1:] == [*WORDS, "mean"]
    for name, row in zip(shown, rows[1:], strict=False):
        expected = [metrics[name][primary][word] for word in WORDS]
        expected.append(metrics[name]["mean_of_combinations"][primary])
        means = [cell.split(" ± ")[0] for cell in row[1:]]
        assert means == [number(value, primary) for value in expected], name
    for metric in metrics[shown[0]]["mean_of_combinations"]:
        if metric != primary:
            for name, row in zip(shown, _cells(opened, f"combinations-{metric}")[1:], strict=False):
                mean = metrics[name]["mean_of_combinations"][metric]
                assert row[-1].split(" ± ")[0] == number(mean, metric), (name, metric)


def test_the_keyboard_chooses_a_combination(opened):
    opened.locator("#show-all").focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowRight")
    assert opened.locator("#show-at").is_checked()
    seen = opened.evaluate(
        """() => [...document.querySelectorAll('.by-combination [data-combination]')]
          .filter(one => one.checkVisibility()).map(one => one.dataset.combination)"""
    )
    assert seen
    assert set(seen) == {"at"}


def test_the_tab_key_reaches_every_choice_and_figure(opened):
    reached = set()
    for _ in range(200):
        opened.keyboard.press("Tab")
        reached.add(
            opened.evaluate(
                """() => { const at = document.activeElement;
                return at.id || at.closest('[data-figure]')?.dataset.figure || at.tagName; }"""
            )
        )
        if "convergence" in reached:
            break
    assert {"auto", "show-all", "combinations", "convergence", "A"} <= reached


def test_arrow_keys_read_out_a_curve(opened):
    opened.locator("[data-figure=combinations] svg").focus()
    opened.keyboard.press("ArrowRight")
    tip = opened.get_by_role("status")
    assert tip.is_visible()
    first = tip.inner_text()
    opened.keyboard.press("ArrowRight")
    assert tip.inner_text() != first
    opened.keyboard.press("Escape")
    assert not tip.is_visible()


def test_colours_follow_the_choice(opened):
    def paper():
        return opened.evaluate("getComputedStyle(document.body).backgroundColor")

    opened.emulate_media(color_scheme="light")
    light = paper()
    opened.locator("#dark").check()
    dark = paper()
    opened.locator("#light").check()
    assert paper() == light != dark
    opened.locator("#auto").check()
    opened.emulate_media(color_scheme="dark")
    assert paper() == dark


def test_without_scripts_everything_is_there(browser, report_file):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report_file.as_uri())
    assert page.locator("figure svg").first.is_visible()
    assert page.locator("figure svg .marker > title").count() > 10
    context.close()


def _cells(page, name):
    """A table's cells, row by row, header first and foot last."""
    return page.locator(f"[data-table={name}]").evaluate(
        "table => [...table.rows].map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )
