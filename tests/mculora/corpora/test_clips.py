"""A table and its media become a corpus: real small clips, and every way in which rows go wrong."""

import os
import shutil

import pytest
from clips import MOODS, SECONDS, write_head, write_own_clips
from hypothesis import given
from hypothesis import strategies as st

from mculora.corpora.clips.corpus import read_clips
from mculora.corpora.clips.labels import decide_labelling
from mculora.corpora.clips.paths import MEDIA_FOLDER, linked_name
from mculora.corpora.clips.table import list_clip_paths
from mculora.corpora.clips.windows import parse_seconds
from mculora.corpora.manifest import Corpus, Task, read_manifest, write_manifest
from mculora.corpora.utterance import Split
from mculora.errors import InputError, MediaError
from mculora.features.observation import Observation
from mculora.media.audio import read_audio
from mculora.media.container import media_duration
from mculora.modality import Modality


def put_in_place(table, raw):
    """Link a table's clips as the stage `download` does."""
    (raw / "table").mkdir(parents=True)
    shutil.copy(table, raw / "table")
    for path in list_clip_paths(table):
        link = raw / "table" / MEDIA_FOLDER / linked_name(path)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.join(table.parent, os.path.expanduser(path)))
    return raw


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Real clips, once for all tests that only look."""
    folder = tmp_path_factory.mktemp("own")
    return write_own_clips(folder / "mine", num_speakers=3)


@pytest.fixture
def read(tmp_path):
    """Read a table over files of given lengths in seconds; None is a file that cannot be read."""

    def read_rows(*rows, files=("a.mp4", "b.mp4", "c.wav"), task=None, **lengths):
        lengths = {name.replace("_", "."): seconds for name, seconds in lengths.items()}
        shutil.rmtree(tmp_path / "raw", ignore_errors=True)
        media = tmp_path / "raw" / "table" / MEDIA_FOLDER
        for name in files:
            (media / name).parent.mkdir(parents=True, exist_ok=True)
            (media / name).write_bytes(b"four")

        def seconds_of(path):
            seconds = lengths.get(path.name, 10.0)
            if seconds is None:
                raise MediaError(path, "cannot be decoded: no idea")
            return seconds

        (tmp_path / "raw" / "table" / "mine.csv").write_text("\n".join(rows))
        return read_clips(tmp_path / "raw", "clips", task=task, seconds_of=seconds_of)

    return read_rows


def by_id(corpus):
    return {utterance.id: utterance for utterance in corpus.utterances}


def reasons(corpus):
    return [(dropped.id, dropped.reason) for dropped in corpus.dropped]


# Real clips


def test_own_clips_become_a_corpus(own, tmp_path):
    corpus = read_clips(
        put_in_place(own, tmp_path / "raw"), "clips", task=None, seconds_of=media_duration
    )
    assert (corpus.task, corpus.class_names) == (Task.CLASSIFICATION, ("calm", "glad", "low"))
    assert corpus.dropped == ()
    assert len(corpus.utterances) == 8
    assert corpus.dialogues == tuple(
        f"media files/{name}"
        for name in ("person 0.mp4", "person 1.mp4", "person 2.mp4", "silent.mp4", "voice.wav")
    )
    second = by_id(corpus)["person 1_2"]
    assert (second.start_seconds, second.end_seconds, second.speaker) == (1.0, 2.0, "1")
    assert corpus.class_names[int(second.label)] == "low"
    assert second.split is None
    assert second.audio_path == second.video_path == "table/media/media files/person 1.mp4"
    assert corpus.media_bytes[second.audio_path] > 1000


def test_sound_or_picture_alone(own, tmp_path):
    raw = put_in_place(own, tmp_path / "raw")
    corpus = read_clips(raw, "clips", task=None, seconds_of=media_duration)
    voice, silent = by_id(corpus)["voice_1"], by_id(corpus)["silent_1"]
    assert (voice.video_path, voice.absent) == (None, {Modality.VISUAL: "a sound file: no picture"})
    assert voice.end_seconds == SECONDS
    assert silent.absent == {Modality.TEXT: "no transcript"}
    seen = Observation.of(silent, raw)
    with pytest.raises(MediaError, match="no audio track"):
        read_audio(seen.audio_path)


def test_corpus_survives_the_disk_and_the_move(own, tmp_path):
    raw = put_in_place(own, tmp_path / "raw")
    corpus = read_clips(raw, "clips", task=None, seconds_of=media_duration)
    write_manifest(tmp_path / "corpus", corpus)
    assert read_manifest(tmp_path / "corpus") == corpus
    moved = read_clips(raw.rename(tmp_path / "x"), "clips", task=None, seconds_of=media_duration)
    assert moved.fingerprint == corpus.fingerprint


def test_files_of_a_dialogue_play_one_after_another(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for number, label in enumerate(MOODS):
        write_head(mine / f"{number}.mp4", [label], seed=number)
    table = mine / "t.csv"
    table.write_text("path,dialogue,label\n2.mp4,d,x\n0.mp4,d,y\n1.mp4,d,x\n")
    raw = put_in_place(table, tmp_path / "raw")
    corpus = read_clips(raw, "clips", task=None, seconds_of=media_duration)
    assert [u.id for u in corpus.utterances] == ["2_1", "0_1", "1_1"]
    last = corpus.utterances[2]
    assert last.start_seconds == last.audio_begins_seconds == pytest.approx(2 * SECONDS, abs=0.2)
    window = Observation.of(last, raw).audio_window
    assert window.start_seconds == 0
    assert window.end_seconds == pytest.approx(SECONDS, abs=0.1)


# Rows that go wrong


def test_every_loss_is_listed(read):
    corpus = read(
        "path,start,end,label,split,id",
        "a.mp4,0,1,x,,",
        "a.mp4,1,2,y,,",
        "a.mp4,2,3,,,nolabel",
        "gone.mp4,,,x,,",
        "https://example.org/a.mp4,,,x,,url",
        "a.mp4,,,x,holdout,word",
        "a.mp4,soon,,x,,when",
        "a.mp4,3,2,x,,back",
        "a.mp4,12,13,x,,late",
        "b.mp4,,,x,,broken",
        "b.mp4,1,2,x,,kept",
        b_mp4=None,
    )
    assert [u.id for u in corpus.utterances] == ["a_1", "a_2", "kept"]
    assert reasons(corpus) == [
        ("back", "empty time window: 3 to 2 s"),
        ("broken", "unreadable media: cannot be decoded: no idea"),
        ("gone_1", "no such file: gone.mp4"),
        ("late", "start beyond the file's end: 12 of 10 s"),
        ("nolabel", "no label"),
        ("url", "unsupported: a URL as path, https://example.org/a.mp4"),
        ("when", "unreadable time: start 'soon'"),
        ("word", "unknown split: 'holdout'"),
    ]


def test_times_are_fitted_to_the_file(read):
    corpus = read(
        "path,start,end,label,id",
        "a.mp4,-0.5,3,x,early",
        "a.mp4,8,12.5,y,long",
        "a.mp4,9,10.05,y,rounded",
        "a.mp4,4,,y,open",
        "c.wav,,,y,whole",
        c_wav=3.25,
    )
    found = {u.id: (u.start_seconds, u.end_seconds) for u in corpus.utterances}
    assert found == {
        "early": (0, 3), "long": (8, 10), "rounded": (9, 10.05), "open": (4, 10), "whole": (0, 3.25)
    }  # fmt: skip
    assert reasons(corpus) == [
        ("early", "negative start read as 0: -0.5 s"),
        ("long", "end beyond the file's end, clipped: 12.5 of 10 s"),
    ]


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_durations_that_are_none(read, seconds):
    corpus = read("path,label", "a.mp4,x", "b.mp4,y", "c.wav,x", c_wav=seconds)
    assert reasons(corpus) == [("c_1", "unreadable media: no duration")]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("83.5", 83.5), ("83,5", 83.5), (".5", 0.5), ("1:23.5", 83.5), ("01:01:23.500", 3683.5),
        ("00:00:01,250", 1.25), ("75:00", 4500), ("-0.5", -0.5), ("-0:01", -1),
        ("", None), ("1:60", None), ("1:60:00", None), ("1:2:3:4", None), ("1e3", None),
        ("nan", None), ("٣", None), ("99999999", None), ("9" * 400, None), ("1:", None),
    ],
)  # fmt: skip
def test_times_in_every_spelling(text, seconds):
    assert parse_seconds(text) == seconds


def test_each_file_is_asked_once(tmp_path):
    media = tmp_path / MEDIA_FOLDER
    media.mkdir()
    (media / "a.mp4").write_bytes(b"x")
    (tmp_path / "t.csv").write_text("path,label\na.mp4,1.5\na.mp4,2.5\na.mp4,3.5\n")
    asked = []
    read_clips(tmp_path, "clips", task=None, seconds_of=lambda path: asked.append(path) or 1.0)
    assert asked == [media / "a.mp4"]


def test_unused_columns_are_told(read):
    corpus = read("path,label,mood,notes", "a.mp4,x,1,2", "b.mp4,y,3,4")
    assert corpus.notes[-1] == "Columns of the table that are not used: mood, notes."


def test_a_gender_stands_in_a_column_of_its_own(read):
    corpus = read("path,label,Gender", "a.mp4,x,female", "b.mp4,y,")
    assert [u.gender for u in corpus.utterances] == ["female", ""]
    assert not any("not used" in note for note in corpus.notes)


# Where the table is


def test_the_table_is_found_wherever_it_is(tmp_path, own):
    raw = put_in_place(own, tmp_path / "deep" / "raw")
    (raw / "table" / "._clips.csv").write_bytes(b"\0Mac")
    (raw / "__MACOSX").mkdir()
    (raw / "__MACOSX" / "clips.csv").write_bytes(b"\0")
    (raw / "table" / MEDIA_FOLDER / "notes.csv").write_text("path\n")
    assert read_clips(tmp_path, "clips", task=None, seconds_of=media_duration).utterances


@pytest.mark.parametrize(
    ("names", "found"),
    [([], "no table"), (["a.csv", "b.jsonl"], r"2 tables \(a.csv, b.jsonl\)"), (["a.xlsx"], "no")],
)
def test_one_table_is_needed(tmp_path, names, found):
    for name in names:
        (tmp_path / name).write_text("path\n")
    with pytest.raises(InputError, match=rf"found {found}.*mculora download"):
        read_clips(tmp_path, "clips", task=None, seconds_of=media_duration)


def test_nothing_remains(read):
    with pytest.raises(InputError, match=r"no usable row, 2 dropped .first: gone_1, no such file"):
        read("path,label", "gone.mp4,x", "gone.mp4,y")
    with pytest.raises(InputError, match=r"no usable row, 2 dropped .first: a_1, label that does"):
        read("path,label", "a.mp4,x", "b.mp4,y", task=Task.REGRESSION)


# Labels


@pytest.mark.parametrize(
    ("labels", "class_names"),
    [
        (("sad", "happy", "sad"), ("happy", "sad")),
        (("10", "9", "-1", "9.0", "09"), ("-1", "9", "10")),
        (("10", "b", "9", "a"), ("9", "10", "a", "b")),
        (("none", "nan", "x"), ("nan", "none", "x")),
        (tuple(map(str, range(10))), tuple(map(str, range(10)))),
    ],
)
def test_classes_are_inferred(read, labels, class_names):
    rows = (f"a.mp4,{n},{n + 1},{label}" for n, label in enumerate(labels))
    corpus = read("path,start,end,label", *rows)
    assert (corpus.task, corpus.class_names) == (Task.CLASSIFICATION, class_names)
    assert corpus.notes[0].startswith(f"Labels are {len(class_names)} classes (classification): ")
    assert len(corpus.utterances) == len(labels)
    for utterance, text in zip(corpus.utterances, labels, strict=True):
        assert corpus.class_names[int(utterance.label)] in (text, "9")


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (("1", "2", "2.5"), "every label is a number, and not every one is whole"),
        (("0,5", "1", "NaN"), "every label is a number, and not every one is whole"),
        (tuple(map(str, range(11))), "there are 11 different ones, more than 10"),
    ],
)
def test_scores_are_inferred(tmp_path, labels, reason):
    labelling = decide_labelling(tmp_path, labels, None)
    assert (labelling.task, labelling.class_names) == (Task.REGRESSION, ())
    assert reason in labelling.note
    assert [labelling.value(x) for x in ("0,5", "-1e1", "NaN", "x")] == [0.5, -10.0, None, None]


def test_the_task_can_be_set(read):
    rows = ("path,start,end,label", "a.mp4,0,1,1", "a.mp4,1,2,2", "a.mp4,2,3,2.5", "a.mp4,3,4,NA")
    scores = read(*rows, task=Task.REGRESSION)
    assert [u.label for u in scores.utterances] == [1.0, 2.0, 2.5]
    assert reasons(scores) == [("a_4", "label that does not fit: 'NA'")]
    classes = read(*rows, task=Task.CLASSIFICATION)
    assert classes.class_names == ("1", "2", "2.5")
    assert all("as the task is set" in corpus.notes[0] for corpus in (scores, classes))


def test_one_slip_does_not_turn_scores_into_classes(tmp_path):
    texts = [*(f"{n}.5" for n in range(20)), "o.5"]
    with pytest.raises(InputError, match=r"20 labels that are numbers and 1 that are not .*'o\.5'"):
        decide_labelling(tmp_path, texts, None)
    assert decide_labelling(tmp_path, texts, Task.REGRESSION).value("o.5") is None


@pytest.mark.parametrize("labels", [["x", "x"], ["1", "1.0", "nan"]])
def test_one_class_is_none(tmp_path, labels):
    with pytest.raises(InputError, match="at least two classes"):
        decide_labelling(tmp_path, labels, None)


def test_many_classes_are_not_all_named(tmp_path):
    note = decide_labelling(tmp_path, [f"w{n:02}" for n in range(99)], None).note
    assert note.startswith("Labels are 99 classes")
    assert note.endswith("w10, w11, ….")


@given(st.lists(st.text(min_size=1) | st.floats().map(str) | st.integers().map(str), min_size=1),
       st.sampled_from([None, *Task]))  # fmt: skip
def test_any_labels_are_decided_or_refused(tmp_path_factory, texts, task):
    try:
        labelling = decide_labelling(tmp_path_factory.getbasetemp(), texts, task)
    except InputError:
        return
    values = [value for text in texts if (value := labelling.value(text)) is not None]
    if labelling.task is Task.CLASSIFICATION:
        assert {labelling.class_names[int(value)] for value in values} == set(labelling.class_names)
    assert labelling.value("no such label, surely") is None


# Splits


def test_split_words(read):
    words = ["Train", "training", "VALID", "val", "dev", "validation", "test"]
    files = [f"{n}.mp4" for n in range(7)]
    rows = [f"{n}.mp4,{n % 2},{word}" for n, word in enumerate(words)]
    corpus = read("path,label,split", *rows, files=files)
    assert [u.split for u in corpus.utterances] == [
        *[Split.TRAIN] * 2, *[Split.VALIDATION] * 4, Split.TEST
    ]  # fmt: skip
    assert len(corpus.notes) == 1


def test_rows_without_a_split_beside_others(read):
    corpus = read(
        "path,start,end,label,split", "a.mp4,0,1,x,test", "a.mp4,1,2,y,", "b.mp4,,,x,", "c.wav,,,y,"
    )
    assert [u.split for u in corpus.utterances] == [
        Split.TEST, Split.TEST, Split.TRAIN, Split.TRAIN
    ]  # fmt: skip
    assert corpus.notes[1].startswith("3 of 4 utterances name no split")


def test_dialogue_in_two_splits(read):
    with pytest.raises(InputError, match=r"dialogue a\.mp4 in train and in test.*column dialogue"):
        read("path,start,end,label,split", "a.mp4,0,1,x,train", "a.mp4,1,2,y,test")
    read("path,start,end,label,split,dialogue", "a.mp4,0,1,x,train,i", "a.mp4,1,2,y,test,ii")


# One clock


def starts(corpus):
    return {u.id: (u.dialogue, u.start_seconds, u.audio_begins_seconds) for u in corpus.utterances}


def test_two_recordings_of_one_conversation_keep_their_times(read):
    corpus = read(
        "path,start,end,label,dialogue",
        "a.mp4,0,3,x,d",
        "b.mp4,3,7,y,d",
        "a.mp4,7,9,x,d",
        "c.wav,0,1,x,e",
    )
    assert starts(corpus) == {
        "a_1": ("d", 0, 0), "b_1": ("d", 3, 0), "a_2": ("d", 7, 0), "c_1": ("e", 0, 0)
    }  # fmt: skip


def test_recordings_that_all_begin_at_zero_follow_one_another(read):
    corpus = read(
        "path,start,end,label,dialogue",
        "b.mp4,0,3,x,d",
        "a.mp4,1,4,y,d",
        "a.mp4,5,6,y,d",
        "c.wav,0,2,x,d",
    )
    assert starts(corpus) == {
        "b_1": ("d", 0, 0), "a_1": ("d", 3, 2), "a_2": ("d", 7, 2), "c_1": ("d", 8, 8)
    }  # fmt: skip
    assert corpus.utterances[-1].video_begins_seconds == 0.0


times = st.floats(0, 20, allow_nan=False).map(lambda seconds: f"{seconds:.3f}")


@given(
    st.lists(
        st.tuples(st.sampled_from(["a.mp4", "b.mp4"]), times, times, st.sampled_from("de")),
        min_size=1,
        max_size=8,
    )
)
def test_any_windows_stay_in_their_files(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("windows")
    (folder / MEDIA_FOLDER).mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / MEDIA_FOLDER / name).write_bytes(b"x")
    lines = [",".join([*row, str(n + 0.5)]) for n, row in enumerate(rows)]
    (folder / "t.csv").write_text("\n".join(["path,start,end,dialogue,label", *lines]))
    try:
        corpus = read_clips(folder, "clips", task=None, seconds_of=lambda path: 15.0)
    except InputError:
        return
    assert isinstance(corpus, Corpus)
    for utterance in corpus.utterances:
        window = Observation.of(utterance, folder).audio_window
        assert window.start_seconds >= 0
        assert window.end_seconds <= 15.0 + 0.1 + 1e-9
