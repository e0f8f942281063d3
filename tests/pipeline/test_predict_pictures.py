"""What is written of predictions: pictures, subtitles, tables and a painted video."""

import csv
import io
import json
from xml.etree import ElementTree

import numpy as np
import pysubs2
import pytest
from predicted import CLASSES, bundle_of, classes, score, timeline_of

from mculora.modality import Modality
from pipeline.predicting.annotated import band_painter
from pipeline.predicting.screen import show
from pipeline.predicting.sources import Skipped
from pipeline.predicting.subtitles import to_subtitles
from pipeline.predicting.tables import to_csv, to_json
from pipeline.predicting.timeline_figure import to_pdf, to_svg
from pipeline.predicting.wording import clock

A, T, V = Modality
SVG = "{http://www.w3.org/2000/svg}"
SCORES = timeline_of(
    score(1.25, half=0.5, without={A: 1.0, T: -0.5, V: 1.5}),
    score(-2.0, used=(A,)),
    score(0.0, used=()),
    transcripts=("well, [red]that[/red] was lovely", "schön\x1b[31m"),
)
SHARES = timeline_of(classes(0.7, 0.2, 0.1, without={A: (0.1, 0.8, 0.1)}), classes(0.2, 0.5, 0.3))


def test_a_score_stands_at_its_height_and_a_band_around_it():
    svg = ElementTree.fromstring(to_svg(SCORES, is_sentiment=True))
    lines = [e for e in svg.iter(f"{SVG}line") if e.get("stroke-width") == "4"]
    tops = [float(e.get("y1")) for e in lines]
    zero = next(float(e.get("y")) for e in svg.iter(f"{SVG}text") if e.text == "0") - 4
    one = next(float(e.get("y")) for e in svg.iter(f"{SVG}text") if e.text == "+1") - 4
    unit = zero - one
    assert tops == pytest.approx([zero - 1.25 * unit, zero + 2.0 * unit], abs=0.2)
    (band,) = [e for e in svg.iter(f"{SVG}rect") if e.get("fill-opacity") == "0.15"]
    assert float(band.get("height")) == pytest.approx(unit, abs=0.2)
    assert len(list(svg.iter(f"{SVG}circle"))) == 1


def test_strips_say_what_is_used_and_why_not():
    svg = to_svg(SCORES, is_sentiment=True)
    titles = [e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert titles.count("audio: used") == 2 and titles.count("text: used") == 1
    assert titles.count("visual: no visual here") == 2


def test_class_names_are_text_not_markup():
    svg = ElementTree.fromstring(to_svg(SHARES, is_sentiment=False))
    texts = [e.text for e in svg.iter(f"{SVG}text")]
    assert {"anger", "happiness"} <= set(texts)
    assert len([e for e in svg.iter(f"{SVG}rect") if e.get("stroke-width") == "1.5"]) == 2


@pytest.mark.parametrize("timeline", [SCORES, SHARES, timeline_of(score(0.0, used=()))])
def test_every_timeline_is_a_pdf_too(timeline):
    assert to_pdf(to_svg(timeline, is_sentiment=False)).startswith(b"%PDF")


@pytest.mark.parametrize("suffix", [".srt", ".vtt", ".ass"])
def test_subtitles_can_be_read_again(suffix):
    text = to_subtitles(SCORES, suffix, with_label=True)
    events = pysubs2.SSAFile.from_string(text).events
    assert [(e.start, e.end) for e in events] == [(0, 4000), (5000, 9000)]
    assert events[0].plaintext.startswith("positive +1.25 ±0.50 (a t v)\nwell, ")
    assert "negative -2.00 (a · ·)" in events[1].plaintext


def test_csv_has_a_cell_for_everything():
    rows = list(csv.DictReader(io.StringIO(to_csv([SCORES], bundle_of()))))
    first, second, third = rows
    assert (first["score"], first["low"], first["high"]) == ("1.25", "0.75", "1.75")
    assert first["without_text_score"] == "-0.5" and first["mattered_most"] == "text"
    assert second["used"] == "audio" and second["not_used_text"] == "no text here"
    assert third["score"] == third["label"] == third["used"] == ""
    assert first["transcript"] == "well, [red]that[/red] was lovely"


def test_csv_of_classes():
    rows = list(csv.DictReader(io.StringIO(to_csv([SHARES], bundle_of("clips", CLASSES)))))
    assert [float(rows[0][name]) for name in CLASSES] == [0.7, 0.2, 0.1]
    assert rows[0]["without_audio_happiness"] == "0.8"


def test_json_is_strict_and_whole():
    skipped = [Skipped("b.mp4", ValueError("b.mp4: broken"))]
    text = to_json([SCORES], skipped, bundle_of(), speech_recognition=None)
    content = json.loads(text, parse_constant=pytest.fail)
    assert content["skipped"] == [{"file": "b.mp4", "reason": "broken"}]
    assert len(content["recordings"][0]["utterances"]) == 3


@pytest.mark.parametrize("corpus", ["sample", "clips"])
def test_the_table_fits_80_columns_without_colour(capsys, corpus):
    long = timeline_of(score(0.5), transcripts=["word " * 60], file="a/b" + "x" * 90 + ".mp4")
    show([SCORES, SHARES, long], bundle_of(corpus))
    shown = capsys.readouterr().out
    table = [line for line in shown.splitlines() if not line.startswith("  ")]
    assert all(len(line) <= 80 for line in table)
    assert "\x1b" not in shown and "[red]that[/red]" in shown and "sch" in shown
    assert ("positive +1.25 ±0.50" in shown) is (corpus == "sample")
    assert "nothing usable" in shown


def test_the_card_of_one_utterance(capsys):
    show([timeline_of(classes(0.7, 0.2, 0.1, without={A: (0.1, 0.8, 0.1)}))], bundle_of("clips"))
    shown = capsys.readouterr().out
    assert "talk.mp4: anger 0.70, happiness 0.20" in shown
    assert "without audio   happiness 0.80" in shown and "<- mattered most" in shown


def test_the_band_is_below_and_changes_with_the_moment():
    paint = band_painter(SCORES, with_label=True)
    frame = np.full((120, 200, 3), 77, np.uint8)
    shown = {seconds: paint(frame, seconds) for seconds in (0.0, 3.9, 4.5, 5.0, 30.0)}
    assert {image.shape for image in shown.values()} == {(160, 200, 3)}
    assert all((image[:120] == 77).all() for image in shown.values())
    assert (shown[0.0] == shown[3.9]).all() and (shown[4.5] == shown[30.0]).all()
    assert not (shown[0.0] == shown[5.0]).all() and not (shown[0.0] == shown[4.5]).all()
    assert shown[4.5][120:].std() == 0


@pytest.mark.parametrize("size", [(16, 16), (48, 2000), (1280, 720), (2, 2)])
def test_a_band_fits_any_picture(size):
    image = band_painter(SHARES, with_label=False)(np.zeros((*size, 3), np.uint8), 1.0)
    assert image.shape[1] == size[1] and image.shape[0] % 2 == 0


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00.0"), (59.96, "1:00.0"), (3725.5, "1:02:05.5"), (None, "end")]
)
def test_moments_are_told_as_on_a_clock(seconds, told):
    assert clock(seconds) == told
