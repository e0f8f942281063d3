"""The corpus that params.yaml names: the right reader, cut to its media, beside the known sizes."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from clips import write_voice
from gcnet import LABELS, write_gcnet
from iemocap import build_iemocap
from mosei import build_mosei
from mosi import build_mosi

from mculora.corpora.artefacts import published_artefacts, raw_artefacts
from mculora.corpora.manifest import Task
from mculora.corpora.mosei.corpus import read_mosei
from mculora.corpora.published.reading import read_published
from mculora.errors import InputError
from mculora.modality import Modality
from pipeline.corpora import read_corpus
from pipeline.params import parse_params

PROJECT = Path(__file__).parents[2]
REAL = ("mosei", "mosi", "iemocap4", "iemocap6")


def params_of(dataset, **values):
    content = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    return parse_params({**content, "dataset": dataset, **values})


def comparisons(corpus):
    return [note for note in corpus.notes if note.startswith("This corpus has ")]


@pytest.mark.parametrize("dataset", REAL)
def test_each_name_has_its_reader(tmp_path, dataset):
    """The media are of one byte: nothing can be told of them, and so nothing is cut."""
    if dataset in ("mosei", "mosi"):
        build = build_mosei if dataset == "mosei" else build_mosi
        built = build(tmp_path, labels="csv", media=False)
        expected, dropped, classes = built.kept.keys(), set(built.dropped), 0
    else:
        classes = int(dataset[-1])
        built = build_iemocap(tmp_path, dialogues_per_session=1, turns=8, media=False)
        expected, dropped = built.labels(classes).keys(), set(built.dropped(classes))
    corpus = read_corpus(params_of(dataset), tmp_path)
    assert corpus.name == dataset
    assert {u.id for u in corpus.utterances} == expected
    assert {(d.id, d.kind) for d in corpus.dropped} == dropped
    assert len(corpus.class_names) == classes
    (warning,) = comparisons(corpus)
    assert warning == corpus.notes[-1]
    assert f"has {len(expected)} utterances, the real {dataset} " in warning


def test_the_sample_is_read_as_mosei_and_compared_with_nothing(tmp_path):
    build_mosei(tmp_path, media=False)
    corpus = read_corpus(params_of("sample"), tmp_path)
    assert corpus == read_mosei(tmp_path, "sample")
    assert not comparisons(corpus)


def test_media_that_end_early_cut_the_corpus(tmp_path):
    """Of all the recordings one can be read, and is too short."""
    build_mosei(tmp_path, media=False)
    plain = read_mosei(tmp_path)
    short = min(plain.utterances, key=lambda u: (-u.start_seconds, u.id))
    write_voice(tmp_path / short.audio_path, "glad")
    before, after = read_mosei(tmp_path), read_corpus(params_of("mosei"), tmp_path)
    pairs = zip(before.utterances, after.utterances, strict=True)
    changed = [(old, new) for old, new in pairs if old != new]
    assert (short.id in {old.id for old, _ in changed}) and len(changed) < 4
    for old, new in changed:
        assert old.audio_path == short.audio_path
        assert new.absent.keys() - old.absent.keys() == {Modality.AUDIO} or new.end_seconds == 2.0
    assert after.fingerprint != before.fingerprint
    assert {d.kind for d in set(after.dropped) - set(before.dropped)} == {
        "reaches beyond its media"
    }


def test_the_task_of_clips_is_told_or_guessed(tmp_path):
    folder = tmp_path / "table/media"
    folder.mkdir(parents=True)
    for number in range(3):
        write_voice(folder / f"{number}.wav", "glad")
    table = tmp_path / "table/mine.csv"
    table.write_text("path,label\n0.wav,1\n1.wav,0\n2.wav,1\n", encoding="utf-8")
    tasks = {
        task: read_corpus(params_of("clips", clips={"task": task}), tmp_path).task
        for task in ("regression", "classification")
    }
    assert tasks == {task.value: task for task in Task}
    guessed = read_corpus(params_of("clips", clips={"task": "auto"}), tmp_path)
    assert guessed.utterances[0].end_seconds == 2.0
    assert not comparisons(guessed)


@pytest.mark.parametrize(
    ("dataset", "size"),
    list(zip(REAL, ["22,856 or 22,860", "2,199", "5,531", "7,433"], strict=True)),
)
def test_published_labels_instead_of_recordings(tmp_path, dataset, size):
    write_gcnet(tmp_path / "published", dataset, num_videos=12)
    corpus = read_corpus(params_of(dataset, features="published"), tmp_path)
    plain = read_published(tmp_path, dataset)
    assert corpus == replace(plain, notes=corpus.notes)
    assert corpus.notes[:-1] == plain.notes
    (warning,) = comparisons(corpus)
    assert warning == corpus.notes[-1]
    assert f", the real {dataset} {size} (" in warning


def test_published_labels_by_name(tmp_path):
    write_gcnet(tmp_path / "published", "iemocap4")
    (labels,) = tmp_path.rglob(LABELS["iemocap4"])
    labels.rename(labels.with_name("mine.pkl"))
    published = {"labels": "mine.pkl", "audio": "a", "text": "t", "visual": "v"}
    values = {"features": "published", "published": published}
    corpus = read_corpus(params_of("iemocap4", **values), tmp_path)
    assert "mine.pkl" in corpus.notes[0]
    with pytest.raises(InputError, match="published"):
        read_corpus(params_of("iemocap4", features="published"), tmp_path)


@pytest.mark.parametrize("dataset", [*REAL, "clips"])
def test_what_is_not_there_is_one_error(tmp_path, dataset):
    with pytest.raises(InputError):
        read_corpus(params_of(dataset), tmp_path / "nothing")
    if dataset != "clips":
        with pytest.raises(InputError):
            read_corpus(params_of(dataset, features="published"), tmp_path)


@pytest.mark.parametrize("dataset", ["sample", *REAL, "clips"])
def test_params_yaml_names_a_source_of_every_part(dataset):
    artefacts = {*raw_artefacts(dataset), *published_artefacts(dataset, ())}
    assert params_of(dataset).sources[dataset].keys() == {a.name for a in artefacts}
