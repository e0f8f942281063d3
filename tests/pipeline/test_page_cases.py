"""The cases and the representations as sections of the page."""

import re
from dataclasses import replace

import pytest
from clips import write_head, write_voice
from report_example import example_conflict, example_evaluation, example_history, write_example
from tested_example import CLASSES, NUM, example_corpus, example_projected, example_record

from mculora.corpora.manifest import Task
from mculora.errors import InputError, MissingInputError
from mculora.modality import Modality
from pipeline import report
from pipeline.evaluating.representation_tables import (
    read_points,
    read_separations,
    write_representations,
)
from pipeline.layout import Layout
from pipeline.page.case_media import NUM_FRAMES, CaseMedia, read_case_media
from pipeline.page.cases import case_section
from pipeline.page.representations import representation_section


def section(task=Task.REGRESSION, *, num_cases=2, look=lambda _: CaseMedia(), **corpus_facts):
    corpus = example_corpus(task, **corpus_facts)
    return case_section(example_record(corpus), corpus, look, num_cases=num_cases)


@pytest.fixture
def render(tmp_path, monkeypatch):
    """Run the stage on an example; return the page."""

    def run(**facts):
        write_example(tmp_path, example_evaluation(**facts), example_history(), example_conflict())
        monkeypatch.chdir(tmp_path)
        report.run()
        return (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")

    return run


def test_scores_are_told_with_their_sign_and_a_mark():
    told = section()
    first = told.corrected[0]
    assert (first.label, first.combination, first.seconds) == ("+1.50", "at", "2.5 s")
    assert [row.combination for row in first.rows] == ["at", "a", "t"]
    assert [row.is_picked for row in first.rows] == [True, False, False]
    assert (first.rows[0].common, first.rows[0].whole) == ("−0.30\u00a0✗", "+0.50\u00a0✓")
    assert first.change == f"{1.0**2 - 1.8**2:+.2f}".replace("-", "−")
    assert told.hurt[0].rows[0].whole == "−0.50\u00a0✗"


def test_classes_are_told_by_name_and_probability():
    first = section(Task.CLASSIFICATION).corrected[0]
    assert first.label in CLASSES
    assert re.fullmatch(r"(angry|sad|neutral|happy/excited) 0\.\d\d\u00a0✗", first.rows[0].common)
    assert re.fullmatch(rf"{first.label} 0\.\d\d\u00a0✓", first.rows[0].whole)


def test_media_are_read_of_the_picked_ones_only():
    asked = []
    told = section(num_cases=1, look=lambda u: asked.append(u.id) or CaseMedia())
    assert asked == [told.corrected[0].id, told.hurt[0].id]
    assert section(num_cases=0).corrected == ()


def test_counts_are_those_of_all_utterances():
    counts = {
        row.head: [cell.text for cell in row.cells] for row in section(num_cases=1).counts.rows
    }
    half = str(NUM // 2)
    assert counts["at"] == [str(NUM), half, half, f"{half}.0", f"{half}.0", "0.50"]
    assert counts["v"] == ["0", "0", "0", "0.0", "0.0", "–"]


def test_an_unknown_utterance_is_one_line():
    corpus = example_corpus()
    other = replace(corpus, utterances=corpus.utterances[1:])
    with pytest.raises(InputError, match=r"d0_0.*mculora evaluate"):
        case_section(example_record(corpus), other, lambda _: CaseMedia(), num_cases=1)


def test_licensed_corpora_are_named_and_what_of_them_is_shown():
    assert section().licensed == ""
    assert section(dataset="mosei").licensed == "words of mosei"
    heard = CaseMedia(waveform="<svg/>")
    shown = section(dataset="iemocap4", look=lambda _: heard).licensed
    assert shown == "faces, voices and words of iemocap4"
    assert section(dataset="mosei", num_cases=0).licensed == ""


def test_media_are_small_pictures_and_one_shape(tmp_path):
    write_head(tmp_path / "head.mp4", ["glad", "low"], seed=1)
    plain = replace(example_corpus().utterances[0], absent={}, end_seconds=1.5)
    seen = replace(plain, audio_path="head.mp4", video_path="head.mp4")
    one, two = (read_case_media(seen, tmp_path) for _ in range(2))
    assert one == two
    assert len(one.frames) == NUM_FRAMES
    assert len({frame.alt for frame in one.frames}) == NUM_FRAMES
    for frame in one.frames:
        assert frame.uri.startswith("data:image/jpeg;base64,")
        assert len(frame.uri) < 12_000
    assert "1.5 seconds" in one.waveform
    assert (one.why_unseen, one.why_unheard) == ("", "")


def test_missing_media_are_reasons(tmp_path):
    write_voice(tmp_path / "voice.wav", "glad")
    (tmp_path / "broken.mp4").write_bytes(b"\0" * 100)
    plain = example_corpus().utterances[0]
    published = read_case_media(plain, tmp_path)
    assert (published.why_unseen, published.why_unheard) == (
        "published without videos",
        "no sound file",
    )
    voice = read_case_media(replace(plain, audio_path="voice.wav"), tmp_path)
    assert voice.waveform
    broken = replace(plain, absent={}, audio_path="gone.wav", video_path="broken.mp4")
    told = read_case_media(broken, tmp_path)
    assert told.frames == ()
    assert told.waveform is None
    assert told.why_unseen
    assert "no such file" in told.why_unheard
    silent = replace(plain, absent={Modality.AUDIO: "silence"}, audio_path="voice.wav")
    assert read_case_media(silent, tmp_path).why_unheard == "silence"


def test_the_page_escapes_what_was_said_and_says_what_is_missing(render):
    page = render()
    cases = page[page.index('<section aria-labelledby="cases') :].partition("</section>")[0]
    assert "well &amp; &lt;b&gt;truly" in cases
    assert cases.count("<article") == 6
    assert cases.count("No picture: published without videos") == 6
    assert "<img" not in cases


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_project_without_media_reports(render, task):
    page = render(task=task, dataset="iemocap4" if task == "classification" else "mosi")
    assert "This page shows words of" in page


def test_nothing_to_pick_and_nothing_to_project_is_said(render):
    render()
    layout = Layout("sample")
    write_representations(layout.representations, layout.separation, [])
    params = report.read_params.__globals__["PARAMS"]
    params.write_text(params.read_text().replace("num_cases: 4", "num_cases: 0"))
    report.run()
    page = layout.report.read_text(encoding="utf-8")
    assert "There is nothing to compare" in page
    assert "<article" not in page
    layout.predictions.unlink()
    with pytest.raises(MissingInputError, match="mculora evaluate"):
        report.run()


def test_points_and_numbers_come_back_and_are_drawn(tmp_path):
    points, numbers = tmp_path / "points.csv", tmp_path / "numbers.csv"
    write_representations(points, numbers, list(example_projected(example_corpus())))
    placed = read_points(points)
    assert len(placed) == 3 * 2 * NUM
    assert [one.utterances for one in read_separations(numbers)] == [0, NUM, 0, 0, NUM, NUM, 0]
    shown = representation_section(placed, read_separations(numbers))
    assert list(shown.figure.panels) == ["at", "a", "t"]
    assert shown.figure.panels["at"].count("M") == 2 * NUM
    assert [cell.text for cell in shown.table.rows[1].cells] == ["12", "0.25", "87.5", "–"]


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "combination,kind,label,x,y,id\natv,common,x,1,2,u\n"]
)
def test_something_else_is_no_table_of_points(tmp_path, text):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(InputError, match="mculora evaluate"):
        read_points(tmp_path / "points.csv")
    with pytest.raises(InputError, match="mculora evaluate"):
        read_points(tmp_path / "gone.csv")
