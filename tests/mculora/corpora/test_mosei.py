"""Every trap of MOSEI's raw files, on exact look-alikes of them."""

from pathlib import Path

import pytest

from mculora.corpora.mosei.corpus import read_mosei
from mculora.corpora.mosei.labels import read_labels
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
