"""Every trap of MOSI's raw files, on exact look-alikes of them."""

import math
import shutil

import numpy as np
import pytest
from csd import write_csd
from encodable import assert_encodable
from hypothesis import given
from hypothesis import strategies as st
from mangling import mangled
from mosi import DASH, LOW, NO_MEDIA, NO_TEXT, SEGMENTED, TWICE, build_mosi

from mculora.corpora.manifest import Dropped, read_manifest, write_manifest
from mculora.corpora.mosi.corpus import read_mosi
from mculora.corpora.mosi.opinions import Opinion, read_official_opinions, read_opinion_table
from mculora.corpora.mosi.transcripts import Sentence, read_transcript
from mculora.errors import InputError
from mculora.modality import Modality


@pytest.fixture
def built(tmp_path):
    return build_mosi(tmp_path / "mosi", media=False)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def by_id(corpus):
    return {utterance.id: utterance for utterance in corpus.utterances}


@pytest.mark.parametrize("labels", ["csv", "csd", "both"])
def test_whole_corpus(tmp_path, labels):
    built = build_mosi(tmp_path, labels=labels, media=False)
    corpus = read_mosi(built.folder)
    found = by_id(corpus)
    assert found.keys() == built.kept.keys()
    for id_, kept in built.kept.items():
        assert found[id_].split is kept.split
        assert found[id_].label == pytest.approx(kept.label)
        assert {modality.word for modality in found[id_].absent} == kept.absent
    assert {(d.id, d.kind) for d in corpus.dropped} == built.dropped
    assert bool(corpus.notes) == built.is_labelled_by_csd
    write_manifest(tmp_path / "manifest", corpus)
    assert read_manifest(tmp_path / "manifest") == corpus


def test_note_names_labels_that_were_not_used(tmp_path):
    corpus = read_mosi(build_mosi(tmp_path, labels="both", media=False).folder)
    assert corpus.notes == (
        "Labels are the official ones of CMU_MOSI_Opinion_Labels.csd; "
        "not used: OpinionLevelSentiment.csv.",
    )


def test_text_stays_as_it_is(built):
    assert by_id(read_mosi(built.folder))[f"{LOW}_1"].transcript == "I'D STILL GIVE IT 7 OUT OF 10"


def test_label_without_transcript_is_kept(built):
    utterance = by_id(read_mosi(built.folder))[f"{NO_TEXT}_2"]
    assert utterance.absent == {Modality.TEXT: f"no line 2 in {NO_TEXT}.annotprocessed"}


def test_windows_of_whole_and_of_segmented_media(built):
    utterances = by_id(read_mosi(built.folder))
    whole, own = utterances[f"{LOW}_2"], utterances[f"{SEGMENTED}_2"]
    assert whole.audio_path == f"raw/Raw/Audio/WAV_16000/Full/{LOW}.wav"
    assert whole.video_path == f"raw/Raw/Video/Full/{LOW}.mp4"
    assert whole.audio_begins_seconds == whole.video_begins_seconds == 0
    assert own.audio_path == f"raw/Raw/Audio/WAV_16000/Segmented/{SEGMENTED}_2.wav"
    assert own.video_path == f"raw/Raw/Video/Segmented/{SEGMENTED}_2.mp4"
    assert own.audio_begins_seconds == own.video_begins_seconds == own.start_seconds > 0


def test_media_that_are_nowhere(built):
    utterance = by_id(read_mosi(built.folder))[f"{NO_MEDIA}_1"]
    names = f"{NO_MEDIA}.mp4 or {NO_MEDIA}_1.mp4"
    assert utterance.absent[Modality.VISUAL] == f"no video file {names}"
    assert f"{NO_MEDIA}_1.wav and no video file {names}" in utterance.absent[Modality.AUDIO]


def test_sound_comes_from_the_video_where_there_is_no_wav(built):
    shutil.rmtree(built.folder / "raw/Raw/Audio")
    utterances = by_id(read_mosi(built.folder))
    assert utterances[f"{LOW}_1"].audio_path == utterances[f"{LOW}_1"].video_path
    own = utterances[f"{SEGMENTED}_3"]
    assert (own.audio_path, own.audio_begins_seconds) == (own.video_path, own.start_seconds)


def test_segments_with_the_same_times_are_both_kept(built):
    utterances = by_id(read_mosi(built.folder))
    second, third = utterances[f"{TWICE}_2"], utterances[f"{TWICE}_3"]
    assert second.start_seconds == third.start_seconds
    assert second.transcript != third.transcript


@pytest.mark.parametrize("root", ["raw/CMU_MOSI/deeper/Raw", "MOSI"])
def test_nested_and_renamed_roots(tmp_path, root):
    built = build_mosi(tmp_path, media=False, root=root)
    corpus = read_mosi(tmp_path)
    assert by_id(corpus).keys() == built.kept.keys()
    assert by_id(corpus)[f"{LOW}_1"].video_path == f"{root}/Video/Full/{LOW}.mp4"


def test_another_copy_is_listed(built):
    raw = built.folder / "raw"
    shutil.copytree(raw / "Raw", raw / "deeper/Raw")
    extra = [
        d for d in read_mosi(built.folder).dropped if "another" in d.kind and "folder" in d.kind
    ]
    assert [d.id for d in extra] == ["raw/deeper/Raw/Transcript/Segmented"]


def test_table_brought_on_its_own_comes_first(built):
    table = built.folder / "labels/OpinionLevelSentiment.csv"
    write(table, f"0,1,{LOW},1,2.5\n")
    assert [u.id for u in read_mosi(built.folder).utterances] == [f"{LOW}_1"]


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("Raw/Labels/OpinionLevelSentiment.csv", "neither CMU_MOSI_Opinion_Labels.csd nor"),
        ("Raw/Transcript", r"no \*\.annotprocessed below it"),
        ("../folds", r"no cmu_mosi_std_folds\.py below it"),
    ],
)
def test_missing_parts(built, damage, found):
    path = built.folder / "raw" / damage
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match=found):
        read_mosi(built.folder)


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match="mculora download"):
        read_mosi(tmp_path / "nowhere")


def test_nothing_remains(built):
    folds = "standard_train_fold=['a']\nstandard_valid_fold=['b']\nstandard_test_fold=['c']\n"
    write(built.folder / "folds/cmu_mosi_std_folds.py", folds)
    with pytest.raises(InputError, match="no usable utterance"):
        read_mosi(built.folder)


def test_media_can_be_heard_and_seen(tmp_path):
    built = build_mosi(tmp_path)
    assert_encodable(read_mosi(tmp_path), built)


# Transcripts


def test_sentences_and_what_is_none(tmp_path):
    text = "\ufeff1_DELIM_ONE\r\n\r\n2_DELIM_\n2_DELIM_AGAIN\nTHREE\n4_DELIM_CAF\n"
    path = write(tmp_path / "v.annotprocessed", text.encode().replace(b"CAF", b"CAF\xc9\0"))
    one, two, again, three, four, damaged = read_transcript(path)
    assert one == Sentence("v", 1, "ONE")
    assert two.text == ""
    assert (again.id, again.kind) == ("v_2", "segment number occurs again")
    assert (three.id, three.kind) == ("v.annotprocessed:5", "unreadable transcript line")
    assert four.text == "CAF\ufffd"
    assert (damaged.id, damaged.kind) == ("v_4", "bytes that are not UTF-8 text")


@given(mangled(b"1_DELIM_", b"22_DELIM_SO IT GOES", b"\n", b"_DELIM_", b"\xef\xbb\xbf", b"\0"))
def test_transcripts_never_raise(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp() / "v.annotprocessed", content)
    for item in read_transcript(path):
        assert item.id.encode()
        assert isinstance(item, Dropped) or item.segment >= 0


# Labels


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("0,1,v,2", "unreadable label row"),
        ("0,1,v,2,0,0", "unreadable label row"),
        ("0,1,,2,0", "unreadable label row"),
        ("0,1,v,-2,0", "unreadable label row"),
        ("0,1,v,0,0", "segment number below 1"),
        ("1,1,v,2,0", "empty time window of a label"),
        ("-2,-1,v,2,0", "empty time window of a label"),
        ("nan,1,v,2,0", "empty time window of a label"),
        ("0,inf,v,2,0", "empty time window of a label"),
        ("zero,1,v,2,0", "empty time window of a label"),
        ("0,1,v,2,3.1", "label that is no number from -3 to 3"),
        ("0,1,v,2,nan", "label that is no number from -3 to 3"),
        ("0,1,v,2,", "label that is no number from -3 to 3"),
        ("1,2,v,1,-1", "segment with a label already, the first row counts"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path, row, kind):
    opinions = read_opinion_table(write(tmp_path / "t.csv", f"0,1,v,1,0.2\n{row}\n"))
    assert {id_: o.label for id_, o in opinions.by_id.items()} == {"v_1": 0.2}
    assert [(d.id.partition(" ")[0], d.kind) for d in opinions.dropped] == [("t.csv:2", kind)]


def test_rows_in_odd_dress(tmp_path):
    text = '\ufeff -0.5 , "1.5","v",01,-3\r\n'
    opinions = read_opinion_table(write(tmp_path / "t.csv", text))
    assert opinions.by_id["v_1"] == Opinion("t.csv:1", "v", 1, 0.0, 1.5, -3.0)


@pytest.mark.parametrize("content", ["", "a,b\n", bytes(range(256))])
def test_useless_table(tmp_path, content):
    with pytest.raises(InputError, match=r"t\.csv: found no (usable label|labels)"):
        read_opinion_table(write(tmp_path / "t.csv", content))


@given(mangled(b"0.5,2,v,1,-1.8\n", b"2,3,_x-Y,12,0\n", b",", b"nan", b"1e999", b'"', b"\xff"))
def test_tables_never_raise(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp() / "t.csv", content)
    try:
        opinions = read_opinion_table(path)
    except InputError:
        return
    for opinion in opinions.by_id.values():
        assert 0 <= opinion.start_seconds < opinion.end_seconds < math.inf
        assert -3 <= opinion.label <= 3


FLOATS = st.floats(allow_nan=True, allow_infinity=True)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)


@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS), max_size=5), NAMES)
def test_official_rows_never_raise(tmp_path_factory, rows, name):
    path = tmp_path_factory.getbasetemp() / "mosi.csd"
    table = np.array(rows).reshape(-1, 3)
    names = [name] if len(rows) % 2 else name
    entries = {DASH: (table[:, 2:], table[:, :2]), "w": (table, table[:, :2])}
    write_csd(path, "r", entries, metadata={"dimension names": names})
    try:
        opinions = read_official_opinions(path)
    except InputError:
        return
    for opinion in opinions.by_id.values():
        assert 0 <= opinion.start_seconds < opinion.end_seconds < math.inf
        assert rows[opinion.segment - 1][2] == opinion.label
