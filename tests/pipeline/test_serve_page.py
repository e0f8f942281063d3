"""The page of `mculora serve` in a real browser, and what it promises without one."""

import base64
import hashlib
import re
import shutil
import threading

import pytest
from media_clips import Picture, Sound, write_media
from running_service import Oracle, serving
from untrained_bundles import untrained_bundle

from mculora.inference.predictor import Predictor
from pipeline.serving.limits import Limits
from pipeline.serving.model_facts import model_facts
from pipeline.serving.page import render_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
EMOTIONS = ("angry", "happy", "neutral", "sad")


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no browser here")
    playwright = pytest.importorskip("playwright.sync_api")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "talk <b>.webm"
    return write_media(path, Picture("libvpx"), Sound("libopus", 48_000), seconds=1.0)


@pytest.fixture
def visit(browser):
    """Open a service's page; whatever the browser complains of is an error at the end."""
    opened, complaints, asked_for = [], [], []

    def visit_here(service, width=1280, **context):
        page = browser.new_page(viewport={"width": width, "height": 900}, **context)
        opened.append(page)
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text))
        page.on("request", lambda asked: asked_for.append(asked.url))
        page.goto(f"http://127.0.0.1:{service.port}/")
        return page

    yield visit_here
    for page in opened:
        page.close()
    assert complaints == []
    assert all(url.startswith(("http://127.0.0.1:", "blob:", "data:")) for url in asked_for)


@pytest.fixture(scope="module")
def score(tmp_path_factory):
    with serving(Predictor(untrained_bundle()), tmp_path_factory.mktemp("score")) as running:
        yield running


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    predictor = Predictor(untrained_bundle(*EMOTIONS, corpus="iemocap4"))
    with serving(predictor, tmp_path_factory.mktemp("classes")) as running:
        yield running


DROP = """([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
  for (const kind of ["dragenter", "dragover", "drop"])
    document.getElementById("drop").dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
}"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_dropped_clip_is_predicted(score, visit, clip, width, scheme):
    page = visit(score, width, color_scheme=scheme)
    assert page.locator(".note", has_text="synthetic").is_visible()
    page.evaluate(DROP, [clip.name, base64.b64encode(clip.read_bytes()).decode()])
    assert page.locator("#chosen-name").inner_text().startswith("talk <b>.webm (")
    page.fill("#transcript", "well, that was lovely")
    page.click("#send")
    verdict = page.locator("#verdict")
    verdict.wait_for()
    assert re.fullmatch(r"(positive|neutral|negative), [+−]\d\.\d\d", verdict.inner_text())
    assert "nine times in ten" in page.locator("figcaption").inner_text()
    rows = page.locator("#modalities tr").all_inner_texts()
    assert [row.split("\t")[:2] for row in rows[:2]] == [["Audio", "yes"], ["Text", "yes"]]
    assert rows[2].startswith("Visual\tno: no face in")
    page.click("text=/^Where .* went$/")
    assert page.locator("#seconds dt", has_text="model").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_classes_are_bars_the_likeliest_first(classes, visit, clip):
    page = visit(classes, 390)
    page.set_input_files("#clip", clip)
    page.click("#send")
    page.locator("#verdict").wait_for()
    names = page.locator(".bars dt").all_inner_texts()
    shares = [int(text.split()[0]) for text in page.locator(".bars dd").all_inner_texts()]
    assert sorted(names) == sorted(EMOTIONS)
    assert shares == sorted(shares, reverse=True) and abs(sum(shares) - 100) <= 2
    assert page.locator("#verdict").inner_text() == names[0]
    bar = page.locator(".track").first.bounding_box()["width"]
    filled = page.locator(".track i").first.bounding_box()["width"]
    assert filled / bar == pytest.approx(shares[0] / 100, abs=0.01)
    assert page.locator("#modalities tr").all_inner_texts()[1] == "Text\tno: no transcript was sent"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_keyboard_is_enough(score, visit):
    page = visit(score)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "clip"
    page.keyboard.press("Tab")
    page.keyboard.type("i hate this")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#verdict").wait_for()
    assert page.evaluate("document.activeElement.id") == "verdict"  # what is read out next
    assert page.locator("#source").inner_text() == "“i hate this”"


def test_what_went_wrong_is_said_and_can_be_mended(score, visit, tmp_path):
    page = visit(score)
    problem = page.locator("#problem")
    page.click("#send")
    assert problem.inner_text() == "Choose a clip, type its words, or both."
    with (tmp_path / "large.mp4").open("wb") as file:
        file.truncate(60_000_000)
    page.set_input_files("#clip", tmp_path / "large.mp4")
    assert problem.inner_text() == "This file has 60.0 MB; at most 50.0 MB are taken."
    page.click("#remove")
    assert problem.is_hidden() and page.locator("#drop").is_visible()
    page.fill("#transcript", "only words")
    page.click("#send")
    page.locator("#verdict").wait_for()
    assert problem.is_hidden()


def test_a_refusal_is_shown_in_its_own_words(browser, score, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with browser.new_page() as page:  # its console names the status: no complaint of ours
        page.goto(f"http://127.0.0.1:{score.port}/")
        page.set_input_files("#clip", tmp_path / "a.mp4")
        page.click("#send")
        page.locator("#problem").wait_for()
        assert page.locator("#problem").inner_text().startswith("No prediction: clip: cannot be")
        assert page.locator("#send").is_enabled() and page.locator("#result").is_hidden()


def test_while_it_waits_it_says_so_and_sends_nothing_twice(browser, tmp_path):
    oracle = Oracle(untrained_bundle())
    oracle.gate.clear()
    with serving(oracle, tmp_path / "s") as service, browser.new_page() as page:
        page.goto(f"http://127.0.0.1:{service.port}/")
        page.fill("#transcript", "hello")
        page.click("#send")
        service.wait_until(lambda: service.desk.num_working == 1)
        assert page.locator("#state").inner_text() == "Looking and listening …"
        assert page.locator("#send").is_disabled()
        threading.Timer(0.1, oracle.gate.set).start()
        page.locator("#verdict").wait_for()
        assert len(oracle.seen) == 1


CONTRAST = """() => {
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const read = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = read(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest("svg, script"))
      continue;
    const [a, b] = [read(getComputedStyle(node).color), behind(node)].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push([walker.currentNode.data, ratio]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_and_every_field_has_a_name(score, visit, clip, scheme):
    page = visit(score, color_scheme=scheme)
    page.set_input_files("#clip", clip)
    page.fill("#transcript", "well")
    page.click("#send")
    page.locator("#verdict").wait_for()
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate(CONTRAST) == []
    assert page.get_by_role("textbox", name="Transcript").count() == 1
    assert page.get_by_role("button", name="Predict").count() == 1
    page.click("#remove")
    assert page.get_by_role("button", name=re.compile("^Clip Choose a file")).count() == 1


def test_the_page_holds_its_own_style_and_script_and_nothing_else():
    facts = model_facts(untrained_bundle(corpus="<script>alert(1)</script>"))
    page = render_page(facts, Limits())
    assert "<script>alert(1)" not in page.html
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:)""", page.html)
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.html, flags=re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in page.policy
    assert "default-src 'none'" in page.policy and "unsafe" not in page.policy
