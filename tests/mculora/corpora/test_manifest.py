"""The manifest keeps every row exactly and notices any change."""

import csv
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mculora.corpora.manifest import (
    Corpus,
    Dropped,
    Task,
    from_line,
    read_manifest,
    to_line,
    write_manifest,
)
from mculora.corpora.utterance import FrameRegion, Split, Utterance
from mculora.errors import InputError
from mculora.modality import Modality

UTTERANCE = Utterance(
    id="900123_3",
    dialogue="900123",
    speaker="",
    split=Split.TRAIN,
    session="",
    start_seconds=0.5,
    end_seconds=2.0,
    transcript="so today",
    label=1 / 3,
    emotions={"fear": 0.0},
    audio_path="Raw/900123.wav",
    video_path="Raw/900123.mp4",
)
CORPUS = Corpus(
    "sample",
    Task.REGRESSION,
    class_names=(),
    utterances=(UTTERANCE, replace(UTTERANCE, id="900123_12", start_seconds=1.0)),
    dropped=(Dropped("900123_4", "no label"),),
    media_bytes={"Raw/900123.wav": 100, "Raw/900123.mp4": 2000},
)

names = st.text(min_size=1)
scores = st.floats(-3, 3)


@st.composite
def utterances(draw):
    start = draw(st.floats(0, 1e4))
    return Utterance(
        id=draw(names),
        dialogue=draw(names),
        speaker=draw(st.text()),
        split=draw(st.none() | st.sampled_from(Split)),
        session=draw(st.text()),
        start_seconds=start,
        end_seconds=start + draw(st.floats(1e-3, 300)),
        transcript=draw(st.text()),
        label=draw(scores),
        emotions=draw(st.dictionaries(names, scores)),
        audio_path=draw(st.none() | names),
        video_path=draw(st.none() | names),
        region=draw(st.sampled_from(FrameRegion)),
        absent=draw(st.dictionaries(st.sampled_from(Modality), st.text())),
    )


corpora = st.builds(
    Corpus,
    name=names,
    task=st.just(Task.REGRESSION),
    class_names=st.just(()),
    utterances=st.lists(utterances(), unique_by=lambda u: u.id, max_size=4).map(tuple),
    dropped=st.lists(st.builds(Dropped, names, st.text()), max_size=3).map(tuple),
    media_bytes=st.dictionaries(names, st.integers(0, 2**40), max_size=3),
)


@settings(max_examples=100, deadline=None)
@given(corpora)
def test_reading_gives_back_what_was_written(corpus):
    with tempfile.TemporaryDirectory() as folder:
        write_manifest(Path(folder), corpus)
        again = read_manifest(Path(folder))
    assert again == corpus
    assert again.fingerprint == corpus.fingerprint


def test_same_corpus_same_bytes(tmp_path):
    mirrored = replace(CORPUS, utterances=CORPUS.utterances[::-1])
    for name, corpus in (("a", CORPUS), ("b", mirrored)):
        write_manifest(tmp_path / name, corpus)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_utterances_stand_by_dialogue_and_time():
    other = replace(UTTERANCE, id="1_0", dialogue="1", start_seconds=0.0)
    corpus = replace(CORPUS, utterances=(*reversed(CORPUS.utterances), other))
    assert [u.id for u in corpus.utterances] == ["1_0", "900123_3", "900123_12"]
    assert corpus.dialogues == ("1", "900123")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "900123_5"},
        {"start_seconds": 0.25},
        {"end_seconds": 2.5},
        {"transcript": "so, today"},
        {"label": 0.0},
        {"split": Split.TEST},
        {"audio_path": None},
        {"speaker": "F"},
        {"absent": {Modality.TEXT: "no words"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_change_of_a_row_changes_the_fingerprint(change):
    changed = replace(CORPUS, utterances=(replace(UTTERANCE, **change), CORPUS.utterances[1]))
    assert changed.fingerprint != CORPUS.fingerprint


def test_remade_media_change_the_fingerprint():
    remade = replace(CORPUS, media_bytes={**CORPUS.media_bytes, "Raw/900123.wav": 101})
    assert remade.fingerprint != CORPUS.fingerprint


def test_dropped_rows_do_not_change_the_fingerprint():
    assert replace(CORPUS, dropped=()).fingerprint == CORPUS.fingerprint


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("utterances.jsonl", "so today", "so tonight"),
        ("utterances.jsonl", '"label":0.33', '"label":0.34'),
        ("utterances.jsonl", '{"id"', '{"id'),
        ("utterances.jsonl", '"split":"train"', '"split":"training"'),
        ("utterances.jsonl", '"start_seconds":0.5', '"start_seconds":5.5'),
        ("media.csv", '"100"', '"101"'),
        ("media.csv", '"100"', '"many"'),
        ("corpus.json", "regression", "guessing"),
        ("corpus.json", '"fingerprint": "', '"fingerprint": "0'),
    ],
)
def test_a_changed_file_is_refused(tmp_path, file, old, new):
    write_manifest(tmp_path, CORPUS)
    path = tmp_path / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match="run `mculora prepare` again") as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("file", ["corpus.json", "utterances.jsonl", "dropped.csv", "media.csv"])
def test_a_missing_or_emptied_file_is_refused(tmp_path, file):
    write_manifest(tmp_path, CORPUS)
    (tmp_path / file).unlink()
    with pytest.raises(InputError, match=file):
        read_manifest(tmp_path)
    (tmp_path / file).write_bytes(b"")
    if file == "dropped.csv":  # what was left out is for readers; nothing depends on it
        assert read_manifest(tmp_path).dropped == ()
    else:
        with pytest.raises(InputError, match="mculora prepare"):
            read_manifest(tmp_path)


def test_files_are_readable_by_others(tmp_path):
    write_manifest(tmp_path, CORPUS)
    header = json.loads((tmp_path / "corpus.json").read_text(encoding="utf-8"))
    assert header["counts"] == {"utterances": 2, "dialogues": 1, "dropped": 1}
    with (tmp_path / "dropped.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["id", "reason"], ["900123_4", "no label"]]
    rows = (tmp_path / "utterances.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(rows[0])["dialogue"] == "900123"


def test_an_id_must_be_unique():
    with pytest.raises(InputError, match="900123_3 2 times"):
        replace(CORPUS, utterances=(UTTERANCE, UTTERANCE))


@pytest.mark.parametrize("label", [float("nan"), float("inf")])
def test_a_score_must_be_finite(label):
    with pytest.raises(InputError, match="finite"):
        replace(CORPUS, utterances=(replace(UTTERANCE, label=label),))


@pytest.mark.parametrize("label", [-1.0, 0.5, 2.0])
def test_a_class_index_must_be_one(label):
    with pytest.raises(InputError, match="2 class indices"):
        Corpus(
            "toy",
            Task.CLASSIFICATION,
            class_names=("sad", "happy"),
            utterances=(replace(UTTERANCE, label=label),),
        )


def test_classes_belong_to_classification():
    with pytest.raises(InputError, match="class names"):
        replace(CORPUS, class_names=("sad",))
    with pytest.raises(InputError, match="class names"):
        replace(CORPUS, task=Task.CLASSIFICATION)


def test_kind_is_the_reason_without_details():
    assert Dropped("a", "empty time window: 3 to 3 s").kind == "empty time window"
    assert Dropped("a", "no label").kind == "no label"


def test_a_gender_is_written_where_it_is_told_and_nowhere_else():
    """A corpus that tells none keeps the fingerprint of before there was a place for it."""
    assert "gender" not in to_line(UTTERANCE)
    told = replace(UTTERANCE, gender="female")
    assert from_line(to_line(told)) == told
    assert from_line(to_line(UTTERANCE)).gender == ""
