"""Every trap of MOSEI's raw files, on exact look-alikes of them."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from csd import write_csd
from encodable import assert_encodable
from hypothesis import given
from hypothesis import strategies as st
from mangling import mangled
from mosei import CSD_COLUMNS, build_mosei

from mculora.corpora.manifest import Dropped, read_manifest, write_manifest
from mculora.corpora.mosei.corpus import read_mosei
from mculora.corpora.mosei.labels import RANGES, read_labels
from mculora.corpora.mosei.official_labels import read_official_labels
from mculora.corpora.mosei.transcripts import read_transcript
from mculora.corpora.standard_folds import read_standard_folds
from mculora.corpora.utterance import Split
from mculora.errors import InputError
from mculora.modality import Modality

DASH, NUMBER, LOW, DOUBLE, OUTSIDE = (
    "-QwErTy12_3",
    "900123",
    "_aB-dEfGh9k",
    "ab__cdEfGh1",
    "outside0001",
)
COLUMNS = [
    "HITId", "WorkerId", "Input.VIDEO_ID", "Input.CLIP", "Answer.anger", "Answer.disgust",
    "Answer.fear", "Answer.other", "Answer.happiness", "Answer.sadness", "Answer.sentiment",
    "Answer.surprise",
]  # fmt: skip


def rating(video, clip, sentiment, happiness=0, *, sadness=0):
    return f"3AAA,A1XX,{video},{clip},0,0,0,x,{happiness},{sadness},{sentiment},0"


@pytest.fixture
def raw(tmp_path):
    """A corpus with the traps, its media being one byte each: the reader looks at sizes only."""
    root = tmp_path / "Raw"
    write(
        root / f"Transcript/Segmented/Combined/{DASH}.txt",
        f"{DASH}___0___0.0___6.83___so today I wanted\r\n\r\n"
        f"{DASH}___2___6.4___11.4217687075___(umm) it is  kind of heavy \n"
        f"{DASH}___3___11.0___12.0___nobody rated me\n",
    )
    write(
        root / f"Transcript/Segmented/Combined/{NUMBER}.txt",
        f"{NUMBER}___3____0.48___4.05___a malformed start\n"
        f"{NUMBER}___4___-0.48___4.05___Welcome back\n"
        f"{NUMBER}___5___4.05___4.05___nothing\n",
    )
    write(
        root / f"Transcript/Segmented/Combined/{LOW}.txt",
        f"{LOW}___12___61.289999999___75.5___ ______ and that ___ really\n",
    )
    write(root / f"Transcript/Segmented/Combined/{DOUBLE}.txt", f"{DOUBLE}___0___0___1e1____x\n")
    write(root / f"Transcript/Segmented/Combined/{OUTSIDE}.txt", f"{OUTSIDE}___0___0___1___x\n")
    write(root / f"Transcript/Segmented/Combined/._{LOW}.txt", "\0\0Mac OS X")
    write(root / f"Transcript/Full/Combined/{LOW}.plaintext", "And that, really.")
    write(
        root / "Labels/5000_batch_raw.csv",
        "\n".join(
            [
                ",".join(COLUMNS),
                rating(LOW, 12, -3),
                rating(DASH, 2, -1),
                rating(DASH, 0, 1, happiness=2),
                rating(DASH, 0, 2, happiness=1),
                rating(f"batch7/{NUMBER}", 4, 1),
                rating(f"batch7/{NUMBER}", 5, 1),
                rating(DOUBLE, 0, 0),
                rating(OUTSIDE, 0, 0),
                rating("unknown0001", 7, 1),
            ]
        ),
    )
    write(
        root / "Labels/mturk_extra_v2.csv",
        "Answer.sentiment,Input.CLIP,Input.VIDEO_ID,Answer.happiness\n"
        f"2,0,{DASH},0\n1,0,{DASH},0\nvery,0,{DASH},0\n",
    )
    write(
        tmp_path / "sdk/cmu_mosei_std_folds.py",
        f"# comment\nimport os\nstandard_test_fold=['{NUMBER}','{DOUBLE}']\n"
        f"standard_train_fold=['{DASH}', 'silent00001']\nstandard_valid_fold = ['{LOW}']\n",
    )
    for video in (DASH, NUMBER):
        write(root / f"Videos/Full/Combined/{video}.mp4", "v")
    for video in (DASH, LOW):
        write(root / f"Audio/Full/WAV_16000/{video}.wav", "aa")
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def by_id(corpus):
    return {utterance.id: utterance for utterance in corpus.utterances}


def test_whole_corpus(raw):
    corpus = read_mosei(raw)
    assert [u.id for u in corpus.utterances] == [
        f"{DASH}_0",
        f"{DASH}_2",
        f"{NUMBER}_4",
        f"{LOW}_12",
        f"{DOUBLE}_0",
    ]
    assert {u.split for u in corpus.utterances} == set(Split)
    assert corpus.name == "mosei"
    assert all(type(u.dialogue) is str for u in corpus.utterances)


def test_every_loss_is_listed(raw):
    assert {(d.id, d.kind) for d in read_mosei(raw).dropped} == {
        (f"{DASH}_3", "no label"),
        (f"{NUMBER}.txt:1", "unreadable transcript line"),
        (f"{NUMBER}_5", "empty time window"),
        (f"{NUMBER}_4", "negative start, taken as 0"),
        (f"{OUTSIDE}_0", "video in no standard fold"),
        ("unknown0001_7", "label of an unknown utterance"),
        ("silent00001", "video of a standard fold without transcript"),
        (f"mturk_extra_v2.csv:4 ({DASH}_0)", "malformed rating"),
    }


def test_ratings_are_averaged_over_all_raters_and_files(raw):
    utterances = by_id(read_mosei(raw))
    assert utterances[f"{DASH}_0"].label == (1 + 2 + 2 + 1) / 4
    assert utterances[f"{DASH}_0"].emotions["happiness"] == 3 / 5
    assert utterances[f"{LOW}_12"].label == -3
    assert set(utterances[f"{LOW}_12"].emotions) == {
        "happiness", "sadness", "anger", "surprise", "disgust", "fear",
    }  # fmt: skip


def test_texts_keep_their_underscores(raw):
    utterances = by_id(read_mosei(raw))
    assert utterances[f"{LOW}_12"].transcript == "______ and that ___ really"
    assert utterances[f"{DOUBLE}_0"].transcript == "_x"
    assert utterances[f"{DASH}_2"].transcript == "(umm) it is  kind of heavy"


def test_negative_start_is_the_beginning(raw):
    utterance = by_id(read_mosei(raw))[f"{NUMBER}_4"]
    assert (utterance.start_seconds, utterance.end_seconds) == (0.0, 4.05)


def test_media_and_what_is_absent(raw):
    corpus = read_mosei(raw)
    both, mp4_only, wav_only, nothing = (
        by_id(corpus)[id_] for id_ in (f"{DASH}_0", f"{NUMBER}_4", f"{LOW}_12", f"{DOUBLE}_0")
    )
    assert both.audio_path == f"Raw/Audio/Full/WAV_16000/{DASH}.wav"
    assert both.video_path == f"Raw/Videos/Full/Combined/{DASH}.mp4"
    assert mp4_only.audio_path == mp4_only.video_path == f"Raw/Videos/Full/Combined/{NUMBER}.mp4"
    assert not both.absent
    assert not mp4_only.absent
    assert wav_only.absent == {Modality.VISUAL: f"no video file {LOW}.mp4"}
    assert set(nothing.absent) == {Modality.AUDIO, Modality.VISUAL}
    assert corpus.media_bytes[both.audio_path] == 2
    assert set(corpus.media_bytes) == {
        path for u in corpus.utterances for path in (u.audio_path, u.video_path) if path
    }


def test_rearranged_copies_are_found(raw):
    expected = read_mosei(raw)
    (raw / "Raw").rename(raw / "CMU_MOSEI")
    root = raw / "CMU_MOSEI"
    (root / "Transcript/Segmented/Combined").rename(root / "Transcript/Combined")
    (root / "Audio/Full/WAV_16000").rename(root / "Audio/WAV_16000")
    corpus = read_mosei(raw)
    assert [u.id for u in corpus.utterances] == [u.id for u in expected.utterances]
    assert corpus.utterances[0].audio_path == f"CMU_MOSEI/Audio/WAV_16000/{DASH}.wav"
    assert read_mosei(root.parent.rename(raw.with_name("moved"))).fingerprint == corpus.fingerprint


def test_raw_folder_may_be_the_root_itself(raw):
    (raw / "sdk/cmu_mosei_std_folds.py").rename(raw / "Raw/cmu_mosei_std_folds.py")
    assert read_mosei(raw / "Raw").utterances[0].video_path.startswith("Videos/")


def test_missing_folder():
    with pytest.raises(InputError, match="mculora download"):
        read_mosei(Path("nowhere"))


def test_empty_folder(tmp_path):
    with pytest.raises(InputError, match="Transcript/Segmented/Combined"):
        read_mosei(tmp_path)


def test_missing_folds(raw):
    (raw / "sdk/cmu_mosei_std_folds.py").unlink()
    with pytest.raises(InputError, match=r"cmu_mosei_std_folds\.py"):
        read_mosei(raw)


def test_missing_labels(raw):
    for path in (raw / "Raw/Labels").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="Labels: found no ratings"):
        read_mosei(raw)


def test_nothing_remains(raw):
    write(
        raw / "sdk/cmu_mosei_std_folds.py",
        "standard_test_fold=['a']\nstandard_train_fold=['b']\nstandard_valid_fold=['c']\n",
    )
    with pytest.raises(InputError, match="no usable utterance"):
        read_mosei(raw)


# The look-alike with every trap


@pytest.mark.parametrize("labels", ["csv", "csd", "both"])
def test_look_alike(tmp_path, labels):
    built = build_mosei(tmp_path, labels=labels, media=False)
    corpus = read_mosei(built.folder)
    found = by_id(corpus)
    assert found.keys() == built.kept.keys()
    for id_, kept in built.kept.items():
        assert found[id_].split is kept.split
        assert found[id_].label == kept.label
        assert {modality.word for modality in found[id_].absent} == kept.absent
    assert {(d.id, d.kind) for d in corpus.dropped} == built.dropped
    assert bool(corpus.notes) == built.is_labelled_by_csd
    write_manifest(tmp_path / "manifest", corpus)
    assert read_manifest(tmp_path / "manifest") == corpus


def test_emotions_of_both_sources_have_one_name(tmp_path):
    by_labels = [
        by_id(read_mosei(build_mosei(tmp_path / labels, labels=labels, media=False).folder))
        for labels in ("csv", "csd")
    ]
    tables, official = (utterances[f"{DASH}_0"].emotions for utterances in by_labels)
    assert official == pytest.approx(tables)
    assert tables["happiness"] > 0


def test_note_names_labels_that_were_not_used(tmp_path):
    corpus = read_mosei(build_mosei(tmp_path, labels="both", media=False).folder)
    assert corpus.notes == (
        "Labels are the official ones of CMU_MOSEI_Labels.csd; "
        "not used: 5000_batch_raw.csv, mturk_extra_v2.csv.",
    )


@pytest.mark.parametrize("root", ["raw/CMU_MOSEI/deeper/Raw", "MOSEI_Raw"])
def test_nested_and_renamed_roots(tmp_path, root):
    built = build_mosei(tmp_path, media=False, root=root)
    corpus = read_mosei(tmp_path)
    assert by_id(corpus).keys() == built.kept.keys()
    video = by_id(corpus)[f"{DASH}_0"].video_path
    assert video == f"{root}/Videos/Full/Combined/{DASH}.mp4"


def test_transcripts_one_deeper_and_media_elsewhere(tmp_path):
    built = build_mosei(tmp_path, media=False)
    root = tmp_path / "raw/Raw"
    texts = root / "Transcript/Segmented"
    (texts / "again").mkdir()
    (texts / "Combined").rename(texts / "again/Combined")
    (tmp_path / "media/Videos").mkdir(parents=True)
    (root / "Videos/Full/Combined").rename(tmp_path / "media/Videos/Combined")
    corpus = read_mosei(tmp_path)
    assert by_id(corpus).keys() == built.kept.keys()
    assert by_id(corpus)[f"{DASH}_0"].video_path == f"media/Videos/Combined/{DASH}.mp4"


def test_link_tree(tmp_path):
    built = build_mosei(tmp_path / "source", media=False, labels="both")
    links = tmp_path / "links"
    for path in (tmp_path / "source").rglob("*"):
        if path.is_file():
            link = links / path.relative_to(tmp_path / "source")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    (links / "raw/loop").symlink_to(links)
    corpus, expected = read_mosei(links), read_mosei(built.folder)
    assert corpus == expected


def test_linked_folders_are_entered(tmp_path):
    built = build_mosei(tmp_path / "source", media=False)
    (tmp_path / "links").mkdir()
    (tmp_path / "links/raw").symlink_to(built.folder / "raw")
    (tmp_path / "links/sdk").symlink_to(built.folder / "folds")
    assert read_mosei(tmp_path / "links") == read_mosei(built.folder)


def test_links_to_nothing(raw):
    root = raw / "Raw"
    for path in (
        root / f"Videos/Full/Combined/{DASH}.mp4",
        root / f"Audio/Full/WAV_16000/{LOW}.wav",
    ):
        path.unlink()
        path.symlink_to("/nowhere")
    (root / "Transcript/Segmented/Combined/gone.txt").symlink_to("/nowhere")
    corpus = read_mosei(raw)
    assert by_id(corpus)[f"{DASH}_0"].absent == {Modality.VISUAL: f"no video file {DASH}.mp4"}
    assert set(by_id(corpus)[f"{LOW}_12"].absent) == {Modality.AUDIO, Modality.VISUAL}
    assert ("gone.txt", "unreadable transcript file") in {(d.id, d.kind) for d in corpus.dropped}


def test_another_copy_is_listed(tmp_path):
    built = build_mosei(tmp_path, media=False)
    shutil.copytree(tmp_path / "raw/Raw", tmp_path / "raw/old/Raw")
    corpus = read_mosei(tmp_path)
    assert by_id(corpus).keys() == built.kept.keys()
    (listed,) = (d for d in corpus.dropped if d.kind == "another folder of transcripts")
    assert listed.id == "raw/old/Raw/Transcript/Segmented/Combined"


def test_tables_brought_on_their_own_come_first(raw):
    content = f"Input.VIDEO_ID,Input.CLIP,Answer.sentiment\n{DASH},0,-2\n"
    write(raw / "labels/CMU/Labels/new.csv", content)
    assert [(u.id, u.label) for u in read_mosei(raw).utterances] == [(f"{DASH}_0", -2)]


def test_file_names_that_are_no_text_are_listed(raw):
    folder = raw / "Raw/Transcript/Segmented/Combined"
    (folder / "caf\udce9.txt").write_bytes(b"x")
    corpus = read_mosei(raw)
    (listed,) = (d for d in corpus.dropped if d.kind == "file name that is not UTF-8")
    assert listed.id.endswith("Combined/caf\ufffd.txt")


def test_damaged_official_labels_are_not_replaced_in_silence(tmp_path):
    built = build_mosei(tmp_path, media=False, labels="both")
    (built.folder / "labels/CMU_MOSEI_Labels.csd").write_text("<html>404</html>")
    with pytest.raises(InputError, match=r"CMU_MOSEI_Labels\.csd: found"):
        read_mosei(tmp_path)


def test_older_files_of_sentiment_and_emotions(tmp_path):
    built = build_mosei(tmp_path, media=False, labels="csd")
    new = tmp_path / "labels/CMU_MOSEI_Labels.csd"
    shutil.copy(new, tmp_path / "labels/CMU_MOSEI_LabelsEmotions.csd")
    new.rename(tmp_path / "labels/CMU_MOSEI_LabelsSentiment.csd")
    corpus = read_mosei(tmp_path)
    assert by_id(corpus).keys() == built.kept.keys()
    assert corpus.notes == (
        "Labels are the official ones of CMU_MOSEI_LabelsSentiment.csd; "
        "not used: CMU_MOSEI_LabelsEmotions.csd.",
    )


def test_media_can_be_heard_and_seen(tmp_path):
    built = build_mosei(tmp_path)
    assert_encodable(read_mosei(tmp_path), built)


# Transcripts


def test_bad_byte_costs_a_character_not_the_line(tmp_path):
    path = write(tmp_path / "v.txt", b"v___0___0___1___caf\xe9 time\nv___1___1___2___fine\n")
    first, note, second = read_transcript(path)
    assert first.text == "caf\ufffd time"
    assert (note.id, note.kind) == ("v_0", "bytes that are not UTF-8 text")
    assert "v.txt line 1" in note.reason
    assert second.text == "fine"


@pytest.mark.parametrize("content", [bytes(range(256)), "v___0___0___1___x".encode("utf-16")])
def test_file_of_garbage_is_an_error(tmp_path, content):
    with pytest.raises(InputError, match=r"v\.txt: found bytes that are not text"):
        read_transcript(write(tmp_path / "v.txt", content))


def test_file_of_numbers_is_dropped_line_by_line(tmp_path):
    items = read_transcript(write(tmp_path / "v.txt", "12\n13\n"))
    assert [item.id for item in items] == ["v.txt:1", "v.txt:2"]


def test_empty_file_and_empty_text(tmp_path):
    assert read_transcript(write(tmp_path / "a.txt", "\n \n")) == []
    (segment,) = read_transcript(write(tmp_path / "v.txt", "v___0___0___1___"))
    assert segment.text == ""


def test_byte_order_mark_and_odd_separators(tmp_path):
    text = "\ufeffv___0___0___1___one\u2028two\x0bthree\rv___1___.5___2.___four"
    first, second = read_transcript(write(tmp_path / "v.txt", text))
    assert first.text == "one\u2028two\x0bthree"
    assert (second.start_seconds, second.end_seconds) == (0.5, 2.0)


@pytest.mark.parametrize(
    "line",
    [
        "w___0___0___1___another video's line",
        "v__0___0___1___two underscores",
        "v___zero___0___1___x",
        "v___-1___0___1___x",
        "v___0___0___nan___x",
        "v___0___0___1",
        "v___٣___0___1___x",
    ],
)
def test_lines_that_do_not_follow_the_grammar(tmp_path, line):
    (item,) = read_transcript(write(tmp_path / "v.txt", line))
    assert item.kind == "unreadable transcript line"


@pytest.mark.parametrize("times", ["3.5___3.5", "4___3", "-2___-1", "0___1e999"])
def test_empty_windows(tmp_path, times):
    (item,) = read_transcript(write(tmp_path / "v.txt", f"v___7___{times}___x"))
    assert (item.id, item.kind) == ("v_7", "empty time window")


@given(mangled(b"v___", b"v___0___0.5___2___so\n", b"v___12___-0.48___1e1___ ___ x", b"\n", b"\0"))
def test_transcripts_never_raise(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp() / "v.txt", content)
    try:
        items = read_transcript(path)
    except InputError:
        return
    for item in items:
        assert item.id.encode()
        if not isinstance(item, Dropped):
            assert 0 <= item.start_seconds < item.end_seconds < math.inf


def test_number_of_absurd_length_is_no_clip(tmp_path):
    (item,) = read_transcript(write(tmp_path / "v.txt", f"v___{'9' * 5000}___0___1___x"))
    assert item.kind == "unreadable transcript line"


def test_repeated_clip_number(tmp_path):
    first, second = read_transcript(
        write(tmp_path / "v.txt", "v___0___0___1___x\nv___0___1___2___y")
    )
    assert first.text == "x"
    assert second.kind == "clip number occurs again"


# Labels

HEADER = "Input.VIDEO_ID,Input.CLIP,Answer.sentiment,Answer.fear\n"


def test_thirds_do_not_depend_on_the_order_of_rows(tmp_path):
    rows = ["v,0,1,0", "v,0,2,0", "v,0,-3,0", "v,0,3,0", "v,0,0,0", "v,0,1,1"]
    forward = read_labels(write(tmp_path / "f/a.csv", HEADER + "\n".join(rows)).parent)
    backward = read_labels(write(tmp_path / "b/a.csv", HEADER + "\n".join(rows[::-1])).parent)
    assert forward == backward
    assert forward.means == {"v_0": {"sentiment": 4 / 6, "fear": 1 / 6}}


@pytest.mark.parametrize("answer", ["", "4", "-3.5", "nan", "inf", "positive"])
def test_malformed_ratings_are_reported(tmp_path, answer):
    labels = read_labels(
        write(tmp_path / "a.csv", f"{HEADER}v,0,{answer},0\nv,0,2,0\nw,0,1,0").parent
    )
    assert labels.means["v_0"]["sentiment"] == 2
    (dropped,) = labels.dropped
    assert dropped.id == "a.csv:2 (v_0)"


def test_clip_that_only_has_malformed_sentiment_has_no_label(tmp_path):
    labels = read_labels(write(tmp_path / "a.csv", f"{HEADER}v,0,?,1\nw,0,1,0").parent)
    assert set(labels.means) == {"w_0"}


@pytest.mark.parametrize("place", ["v,x", "v,-1", "v,0.5", ",0", "v,"])
def test_ratings_without_a_clip(tmp_path, place):
    labels = read_labels(write(tmp_path / "a.csv", f"{HEADER}{place},1,0\nw,0,1,0").parent)
    assert [d.kind for d in labels.dropped] == ["rating without a clip"]


def test_quotes_marks_short_rows_and_foreign_files(tmp_path):
    content = '\ufeffTitle,Input.VIDEO_ID,Input.CLIP,Answer.sentiment\n"a, ""b""\nc",v,3.0,2\nx\n'
    write(tmp_path / "a.csv", content)
    write(tmp_path / "notes.csv", "who,what\n")
    write(tmp_path / "._a.csv", b"\0\0")
    labels = read_labels(tmp_path)
    assert labels.means == {"v_3": {"sentiment": 2.0}}
    assert [d.id for d in labels.dropped] == ["a.csv:4", "notes.csv"]


@given(mangled(HEADER.encode(), b"v,0,1,0\n", b"x/w,2,-3,3\n", b'"', b",", b"\xff", b"1e999"))
def test_tables_never_raise(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp() / "tables"
    try:
        labels = read_labels(write(folder / "a.csv", content).parent)
    except InputError:
        return
    for means in labels.means.values():
        assert all(RANGES[name][0] <= mean <= RANGES[name][1] for name, mean in means.items())


# Official labels


def lines(tmp_path, *windows, video="v"):
    text = "".join(f"{video}___{i}___{w}___w\n" for i, w in enumerate(windows))
    return read_transcript(write(tmp_path / f"{video}.txt", text))


def official(tmp_path, rows, segments, *, columns=CSD_COLUMNS, width=7):
    """Read rows (start, end, sentiment) of video v."""
    table = np.array(rows, float).reshape(-1, 3)
    values = np.zeros((len(table), width))
    values[:, columns.index("sentiment") if width > 1 else 0] = table[:, 2]
    names = {"dimension names": columns}
    path = write_csd(tmp_path / "l.csd", "r", {"v": (values, table[:, :2])}, metadata=names)
    return read_official_labels(path, segments)


def test_rows_are_matched_by_the_times_as_they_stand(tmp_path):
    segments = lines(tmp_path, "-0.48___2", "-0.4___2", "2___3.0000000001")
    labels = official(tmp_path, [(2.0004, 3, 3), (-0.4, 2, 2), (-0.48, 2, 1)], segments)
    assert {id_: means["sentiment"] for id_, means in labels.means.items()} == {
        "v_0": 1, "v_1": 2, "v_2": 3,
    }  # fmt: skip
    assert not labels.dropped


def test_times_that_differ_do_not_match(tmp_path):
    segments = lines(tmp_path, "0___2", "5___6")
    labels = official(tmp_path, [(0.002, 2, 1), (0, 2.002, 1), (np.nan, 2, 1), (5, 6, 0)], segments)
    assert set(labels.means) == {"v_1"}
    assert [d.id for d in labels.dropped] == ["l.csd:v[0]", "l.csd:v[1]", "l.csd:v[2]"]
    assert {d.kind for d in labels.dropped} == {"label without transcript line"}


def test_first_row_of_an_interval_counts(tmp_path):
    labels = official(tmp_path, [(0, 2, 1), (0, 2, 3)], lines(tmp_path, "0___2", "0___2"))
    assert [means["sentiment"] for means in labels.means.values()] == [1, 1]
    assert [d.id for d in labels.dropped] == ["l.csd:v[1]"]


def test_sums_over_more_raters_are_trimmed(tmp_path):
    rows = [(0, 1, 10 / 3), (1, 2, -15 / 3), (2, 3, np.float32(3.0000002)), (3, 4, np.inf)]
    labels = official(tmp_path, rows, lines(tmp_path, "0___1", "1___2", "2___3", "3___4"))
    assert [means["sentiment"] for means in labels.means.values()] == [3, -3, 3]
    assert [(d.id, d.kind) for d in labels.dropped] == [
        ("v_0", "label trimmed to its range"),
        ("v_1", "label trimmed to its range"),
        ("l.csd:v[3]", "label that is no number"),
    ]


def test_columns_are_found_by_their_names(tmp_path):
    segments = lines(tmp_path, "0___1")
    for columns in (CSD_COLUMNS[::-1], ["confidence", " Sentiment", "happy"]):
        named = [name.strip().lower() for name in columns]
        labels = official(tmp_path, [(0, 1, 2)], segments, columns=named, width=len(columns))
        assert labels.means["v_0"]["sentiment"] == 2


def test_sentiment_alone(tmp_path):
    labels = official(tmp_path, [(0, 1, 2)], lines(tmp_path, "0___1"), width=1)
    assert labels.means == {"v_0": {"sentiment": 2}}


def test_nothing_matches(tmp_path):
    with pytest.raises(InputError, match=r"l\.csd: found label without transcript line"):
        official(tmp_path, [(7, 8, 1)], lines(tmp_path, "0___1"))


def test_columns_nobody_knows(tmp_path):
    with pytest.raises(InputError, match="unreadable labels: 3 columns of float64"):
        official(tmp_path, [(0, 1, 2)], lines(tmp_path, "0___1"), width=3)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
FLOATS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1.0, -0.48, 2.0])


@given(
    st.lists(st.tuples(FLOATS, FLOATS, FLOATS), max_size=6),
    st.recursive(st.none() | NAMES | st.sampled_from(CSD_COLUMNS), st.lists),
    st.sampled_from([1, 2, 7]),
)
def test_official_rows_never_raise(tmp_path_factory, rows, names, width):
    folder = tmp_path_factory.getbasetemp()
    table = np.array(rows).reshape(-1, 3)
    entries = {"v": (table[:, [2] * width], table[:, :2]), "w": (table[:, :2], table)}
    path = write_csd(folder / "o.csd", "r", entries, metadata={"dimension names": names})
    try:
        labels = read_official_labels(path, lines(folder, "0___1", "-0.48___2", "1___2"))
    except InputError:
        return
    for means in labels.means.values():
        assert "sentiment" in means
        assert all(RANGES[name][0] <= value <= RANGES[name][1] for name, value in means.items())


# Folds


def test_folds_are_read_not_run(tmp_path):
    path = write(
        tmp_path / "folds.py",
        "raise SystemExit('run')\n"
        "standard_train_fold=['a', '900123']\nstandard_valid_fold=['b']\nstandard_test_fold=[]\n",
    )
    assert read_standard_folds(path) == {
        "a": Split.TRAIN,
        "900123": Split.TRAIN,
        "b": Split.VALIDATION,
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("standard_train_fold=[", "no Python source"),
        ("<html>404</html>", "no Python source"),
        (b"\0", "no Python source"),
        ("standard_train_fold=['a']\nstandard_valid_fold=['b']", "no list standard_test_fold"),
        ("standard_train_fold=open('x').read()", "no plain list of strings"),
        ("standard_train_fold=[900123]", "no plain list of strings"),
        ("standard_train_fold=['a']\nstandard_valid_fold=['a']", "video a in two folds"),
    ],
)
def test_unusable_folds(tmp_path, source, message):
    with pytest.raises(InputError, match=message):
        read_standard_folds(write(tmp_path / "folds.py", source))


@given(
    mangled(
        b"standard_train_fold=['a','b']\n", b"standard_valid_fold=['c']\n", b"\\ud800", b"[" * 99,
        b"standard_test_fold=[]\n", b"standard_test_fold=['\\ud800']\n", b"{[]}", b"# coding: x\n",
    )
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_folds_never_raise(tmp_path_factory, content):
    try:
        splits = read_standard_folds(write(tmp_path_factory.getbasetemp() / "f.py", content))
    except InputError:
        return
    assert all(video.encode() is not None for video in splits)


@pytest.mark.parametrize(
    "value",
    ["[" * 300 + "]" * 300, "-" * 5000 + "1", "{[]: 1}", "['\\ud800']", "(" * 100_000],
    ids=["deep", "long", "unhashable", "surrogate", "deeper"],
)
def test_folds_that_would_break_a_reader(tmp_path, value):
    rest = "\nstandard_valid_fold=['b']\nstandard_test_fold=['c']\n"
    with pytest.raises(InputError, match=r"f\.py: found (no Python source|standard_train_fold)"):
        read_standard_folds(write(tmp_path / "f.py", f"standard_train_fold={value}{rest}"))
