"""Every trap of IEMOCAP's release, on exact look-alikes of it."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iemocap import build_iemocap
from iemocap_decoys import write_file
from iemocap_media import actor
from iemocap_plan import dialogue_name

from mculora.corpora.iemocap.corpus import CLASS_NAMES, read_iemocap
from mculora.corpora.iemocap.evaluations import read_evaluations
from mculora.corpora.manifest import read_manifest, write_manifest
from mculora.corpora.utterance import FrameRegion
from mculora.errors import InputError
from mculora.features.extraction import encode_one
from mculora.features.face_settings import FaceSettings
from mculora.features.faces import see_faces
from mculora.features.observation import Observation
from mculora.features.visual import Hog
from mculora.media.audio import read_audio
from mculora.media.faces.haar import HaarDetector
from mculora.modality import Modality
from mculora.protocol.folds import session_folds

NAME = "Ses01F_impro09"
SMALL = {"num_sessions": 2, "dialogues_per_session": 2, "turns": 8, "media": False}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """All five sessions; the media are one byte each: the reader looks at sizes only."""
    return build_iemocap(tmp_path_factory.mktemp("whole"), media=False)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    """A small release with real media."""
    return build_iemocap(tmp_path_factory.mktemp("filmed"), **SMALL | {"media": True})


@pytest.fixture
def small(tmp_path):
    """A small release to spoil."""
    return build_iemocap(tmp_path / "raw", **SMALL)


def read(built, classes=4):
    return read_iemocap(built.root.parent, "iemocap4", classes=classes)


def by_id(corpus):
    return {utterance.id: utterance for utterance in corpus.utterances}


def listed(corpus):
    return sorted((dropped.id, dropped.kind) for dropped in corpus.dropped)


def evaluations_of(built, name=NAME):
    return built.root / f"Session1/dialog/EmoEvaluation/{name}.txt"


def transcript_of(built, name=NAME):
    return built.root / f"Session1/dialog/transcriptions/{name}.txt"


# The whole corpus


@pytest.mark.parametrize("classes", [4, 6])
def test_every_turn_is_kept_or_listed(whole, classes):
    corpus = read(whole, classes)
    labels = {u.id: corpus.class_names[u.label] for u in corpus.utterances}
    assert labels == whole.labels(classes)
    assert listed(corpus) == whole.dropped(classes)
    assert corpus.class_names == CLASS_NAMES[:classes]
    assert f"{classes}-way" in corpus.notes[0]


def test_kinds_stay_few_and_say_the_code(whole):
    corpus = read(whole)
    kinds = Counter(dropped.kind for dropped in corpus.dropped)
    assert set(kinds) == {
        *("emotion not in the 4-way set", "no majority of the raters", "words outside the turns"),
        *("transcript without evaluation", "turn transcribed again"),
    }
    codes = {d.reason.partition(": ")[2] for d in corpus.dropped if d.kind.startswith("emotion")}
    assert codes == {"fru", "oth", "dis", "fea", "sur"}


def test_rows_say_what_the_files_say(whole):
    utterances = by_id(read(whole, 6))
    for turn in whole.turns:
        if turn.id not in utterances:
            continue
        utterance = utterances[turn.id]
        assert (utterance.start_seconds, utterance.end_seconds) == (turn.start, turn.end)
        assert tuple(utterance.emotions.values()) == turn.means
        assert tuple(utterance.emotions) == ("valence", "activation", "dominance")
        assert utterance.transcript == ("" if turn.id == whole.wordless else turn.text)
        assert (utterance.dialogue, utterance.session) == (turn.dialogue, turn.session)
        assert (utterance.speaker, utterance.split) == (turn.speaker, None)
        assert utterance.gender == ("female" if turn.speaker.endswith("F") else "male")
        assert utterance.region is (FrameRegion.LEFT if turn.is_left else FrameRegion.RIGHT)


def test_the_traps_are_there(whole):
    """What the tests above rely on."""
    texts = {u.transcript for u in read(whole, 6).utterances}
    assert any("]:" in text for text in texts)
    assert {bool(turn.is_left) for turn in whole.turns} == {True, False}
    names = {turn.dialogue for turn in whole.turns}
    assert any(name.endswith("impro09a") for name in names)
    assert any(name.endswith("script03_3b") for name in names)
    assert len({turn.speaker for turn in whole.turns}) == 10
    folders = [Path(place) for place, _, files in os.walk(whole.root) if files]
    assert len(folders) > 100
    assert all(any(name.startswith("._") for name in os.listdir(f)) for f in folders)
    alignments = {path.name for path in whole.root.rglob("*.wdseg")}
    missing = [turn.id for turn in whole.turns if f"{turn.id}.wdseg" not in alignments]
    assert missing
    assert {turn[:5] for turn in missing} <= {"Ses03"}


def test_utterances_come_in_time_order(whole):
    order = [item.id for item in read_evaluations(evaluations_of(whole))]
    assert order == sorted(order)  # all of F, then all of M
    corpus = read(whole, 6)
    for before, after in zip(corpus.utterances, corpus.utterances[1:], strict=False):
        if before.dialogue == after.dialogue:
            assert before.start_seconds <= after.start_seconds
    assert [u.id for u in corpus.utterances if u.dialogue == NAME] != sorted(
        u.id for u in corpus.utterances if u.dialogue == NAME
    )


def test_empty_words_are_absent(whole):
    utterance = by_id(read(whole))[whole.wordless]
    assert utterance.absent == {Modality.TEXT: "empty transcript"}


def test_media(whole):
    corpus = read(whole)
    turn = corpus.utterances[0]
    assert turn.audio_path == (
        f"IEMOCAP_full_release/Session1/sentences/wav/{turn.dialogue}/{turn.id}.wav"
    )
    assert turn.audio_begins_seconds == turn.start_seconds > 0
    assert turn.video_path == f"IEMOCAP_full_release/Session1/dialog/avi/DivX/{turn.dialogue}.avi"
    assert turn.video_begins_seconds == 0
    assert set(corpus.media_bytes.values()) == {1}
    assert set(corpus.media_bytes) == {
        path for u in corpus.utterances for path in (u.audio_path, u.video_path)
    }


@pytest.mark.parametrize("classes", [4, 6])
def test_sessions_become_folds_with_every_class(whole, classes):
    corpus = read(whole, classes)
    labels = {dialogue: set() for dialogue in corpus.dialogues}
    for utterance in corpus.utterances:
        labels[utterance.dialogue].add(utterance.label)
    folds = session_folds(corpus, validation_share=0.1, seed=0)
    assert [fold.name for fold in folds] == [f"Session{n}" for n in range(1, 6)]
    for fold in folds:
        for part in (fold.train, fold.validation, fold.test):
            assert set().union(*(labels[dialogue] for dialogue in part)) == set(range(classes))


def test_same_seed_same_release(small, tmp_path):
    again = build_iemocap(tmp_path / "again", **SMALL)
    assert read(again).fingerprint == read(small).fingerprint
    other = build_iemocap(tmp_path / "other", **SMALL, seed=1)
    assert read(other).fingerprint != read(small).fingerprint


def test_round_trip(whole, tmp_path):
    corpus = read(whole)
    write_manifest(tmp_path, corpus)
    assert read_manifest(tmp_path) == corpus


WATCHED = """
import sys
from pathlib import Path
from mculora.corpora.iemocap.corpus import read_iemocap
touched = []
sys.addaudithook(
    lambda event, args: event in ("open", "os.listdir", "os.scandir") and touched.append(args[0])
)
read_iemocap(Path("raw"), "iemocap4", classes=4)
print(*touched, sep="\\n")
"""


def test_huge_folders_are_not_even_listed(small):
    """Motion capture and alignments are hundreds of thousands of files; raters' are not ours."""
    folder = small.root.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", WATCHED], cwd=folder, capture_output=True, text=True, check=True
    )
    touched = [line for line in done.stdout.splitlines() if line.startswith("raw/")]
    assert any("EmoEvaluation" in path for path in touched)
    for decoy in ("/MOCAP", "Forced", "Attribute", "Categorical", "Self-", "/lab", "._", "anvil"):
        assert not any(decoy in path for path in touched), decoy


# Parts that are missing


def test_release_without_videos(tmp_path):
    built = build_iemocap(tmp_path, **SMALL, with_videos=False)
    corpus = read(built)
    assert {u.absent[Modality.VISUAL] for u in corpus.utterances} == {"release without videos"}
    assert any("without videos" in note for note in corpus.notes)
    assert {u.video_path for u in corpus.utterances} == {None}
    assert listed(corpus) == built.dropped(4)


def test_one_missing_avi(small):
    (small.root / f"Session1/dialog/avi/DivX/{NAME}.avi").unlink()
    reasons = {u.dialogue: u.absent.get(Modality.VISUAL) for u in read(small).utterances}
    assert reasons.pop(NAME) == f"no video file {NAME}.avi"
    assert set(reasons.values()) == {None}


def test_missing_sentence_wav(small):
    turn = f"{NAME}_M001"
    (small.root / f"Session1/sentences/wav/{NAME}/{turn}.wav").unlink()
    corpus = read(small)
    utterance = by_id(corpus)[turn]
    assert utterance.audio_path == f"IEMOCAP_full_release/Session1/dialog/wav/{NAME}.wav"
    assert utterance.audio_begins_seconds == 0
    assert listed(corpus) == sorted([*small.dropped(4), (turn, "no sentence wav")])


def test_no_wav_at_all(small):
    shutil.rmtree(small.root / f"Session1/sentences/wav/{NAME}")
    (small.root / f"Session1/dialog/wav/{NAME}.wav").unlink()
    corpus = read(small)
    silent = [u for u in corpus.utterances if u.dialogue == NAME]
    assert {u.audio_path for u in silent} == {None}
    assert {u.absent[Modality.AUDIO] for u in silent} == {
        "no wav of the turn and none of the dialogue"
    }
    assert listed(corpus) == small.dropped(4)


def test_missing_transcripts(small):
    turn = f"{NAME}_M001"
    lines = transcript_of(small).read_bytes().split(b"\n")
    write_file(transcript_of(small), b"\n".join(ln for ln in lines if turn.encode() not in ln))
    corpus = read(small)
    assert by_id(corpus)[turn].absent == {Modality.TEXT: "no transcript"}
    assert listed(corpus) == small.dropped(4)
    transcript_of(small).unlink()
    silent = [u for u in read(small).utterances if u.dialogue == NAME]
    assert {u.absent[Modality.TEXT] for u in silent} == {"no transcript"}
    assert len(silent) == sum(u.dialogue == NAME for u in corpus.utterances)


def test_missing_evaluations(small):
    evaluations_of(small).unlink()
    corpus = read(small)
    assert (NAME, "dialogue without evaluations") in listed(corpus)
    assert NAME not in corpus.dialogues
    turns = {turn.id for turn in small.turns if turn.dialogue == NAME}
    unheard = {id_ for id_, kind in listed(corpus) if kind == "transcript without evaluation"}
    assert turns < unheard


def test_wav_that_nobody_knows(small):
    write_file(small.root / f"Session1/sentences/wav/{NAME}/{NAME}_F099.wav", "s")
    assert (f"{NAME}_F099", "sentence wav without evaluation") in listed(read(small))


def test_file_name_that_is_no_text(small):
    folder = os.fsencode(small.root / f"Session1/sentences/wav/{NAME}")
    with open(folder + b"/caf\xe9.wav", "wb"):
        corpus = read(small)
    assert ("caf\ufffd", "sentence wav without evaluation") in listed(corpus)
    write_manifest(small.root.parent / "manifest", corpus)


@pytest.mark.parametrize("name", ["notes.txt", "Ses02F_impro09.txt", "Ses01F_impro9.txt"])
def test_file_that_is_no_dialogue_of_its_session(small, name):
    write_file(small.root / f"Session1/dialog/EmoEvaluation/{name}", "x")
    others = [(f"Session1/{name[:-4]}", "file not named as a dialogue of its session")]
    assert listed(read(small)) == sorted(small.dropped(4) + others)


def test_unreadable_files_are_listed(small):
    for path in (evaluations_of(small), transcript_of(small, dialogue_name(1, 1))):
        path.unlink()
        path.mkdir()
    corpus = read(small)
    unreadable = [d for d in corpus.dropped if d.kind == "unreadable file"]
    assert [d.id for d in unreadable] == [
        f"EmoEvaluation/{NAME}.txt",
        f"transcriptions/{dialogue_name(1, 1)}.txt",
    ]
    assert corpus.dialogues == tuple(
        sorted({turn.dialogue for turn in small.turns if turn.dialogue != NAME})
    )


@pytest.mark.parametrize("content", ["", "\n\r\n", "% only a header\n"])
def test_files_without_a_turn_are_listed(small, content):
    write_file(evaluations_of(small), content)
    assert (f"EmoEvaluation/{NAME}.txt", "file without a turn") in listed(read(small))


# Where the release lies


def test_linked_files(small, tmp_path):
    """The raw folder holds real folders and a link per file; some links lead nowhere."""
    expected, linked = read(small), tmp_path / "linked"
    for path in small.root.rglob("*"):
        if path.is_file():
            link = linked / path.relative_to(small.root.parent)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    assert read_iemocap(linked, "iemocap4", classes=4).fingerprint == expected.fingerprint
    (small.root / f"Session1/dialog/avi/DivX/{NAME}.avi").unlink()
    evaluations_of(small, dialogue_name(1, 1)).unlink()
    corpus = read_iemocap(linked, "iemocap4", classes=4)
    assert corpus.utterances[0].absent[Modality.VISUAL] == f"no video file {NAME}.avi"
    assert (f"EmoEvaluation/{dialogue_name(1, 1)}.txt", "unreadable file") in listed(corpus)


def test_nested_and_renamed_roots(small, tmp_path):
    expected = read(small)
    deep = tmp_path / "deep/raw/my copy"
    deep.mkdir(parents=True)
    write_file(tmp_path / "deep/__MACOSX/Session1/dialog/x", "")
    write_file(tmp_path / "deep/.hidden/Session1/dialog/x", "")
    small.root.rename(deep / "IEMOCAP_full_release")
    corpus = read_iemocap(tmp_path / "deep", "iemocap4", classes=4)
    assert [u.id for u in corpus.utterances] == [u.id for u in expected.utterances]
    assert corpus.utterances[0].video_path.startswith("raw/my copy/IEMOCAP_full_release/Session1/")
    assert not (deep / "Session1").exists()
    root = (deep / "IEMOCAP_full_release").rename(deep / "IEMO")
    assert read_iemocap(root, "iemocap4", classes=4).utterances[0].video_path.startswith("Sess")


def test_links_that_lead_back(small):
    folder = small.root.parent.parent / "outer"
    (folder / "a/b").mkdir(parents=True)
    (folder / "a/b/up").symlink_to(folder)
    (folder / "a/again").symlink_to(folder / "a")
    with pytest.raises(InputError, match="no Session1/dialog below it"):
        read_iemocap(folder, "iemocap4", classes=4)
    (folder / "a/b/corpus").symlink_to(small.root)
    assert len(read_iemocap(folder, "x", classes=4).utterances) == len(small.labels(4))


def test_some_sessions_only(small):
    shutil.rmtree(small.root / "Session1")
    corpus = read(small)
    assert {u.session for u in corpus.utterances} == {"Session2"}
    assert corpus.notes[1] == (
        "This copy has no utterances of Session1, Session3, Session4, Session5."
    )


def test_sessions_may_lie_in_several_places(small):
    before = read(small)
    elsewhere = small.root.parent / "2" / "more" / "IEMOCAP"
    elsewhere.mkdir(parents=True)
    (small.root / "Session2").rename(elsewhere / "Session2")
    after = read(small)
    assert [u.id for u in after.utterances] == [u.id for u in before.utterances]
    assert listed(after) == listed(before)


def test_second_copy_is_listed(small):
    shutil.copytree(small.root, small.root.with_name("IEMOCAP_full_release_withoutVideos"))
    corpus = read(small)
    copy = ("IEMOCAP_full_release_withoutVideos/Session1", "another copy of a session")
    assert copy in listed(corpus)
    assert len(corpus.utterances) == len(small.labels(4))


def test_missing_folder():
    with pytest.raises(InputError, match=r"found nothing.*mculora download"):
        read_iemocap(Path("nowhere"), "iemocap4", classes=4)


def test_nothing_remains(tmp_path):
    path = tmp_path / f"Session1/dialog/EmoEvaluation/{NAME}.txt"
    write_file(path, f"[0.0000 - 1.0000]\t{NAME}_F000\txxx\t[1.0, 1.0, 1.0]\n")
    with pytest.raises(InputError, match=r"no usable utterance, 1 dropped.*no majority"):
        read_iemocap(tmp_path, "iemocap4", classes=4)


# Anything at all


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    """A release whose first dialogue is overwritten again and again."""
    return build_iemocap(tmp_path_factory.mktemp("arena"), **SMALL)


@pytest.fixture(scope="module")
def valid(arena):
    """The first dialogue's files as they were written."""
    return evaluations_of(arena).read_bytes(), transcript_of(arena).read_bytes()


EDITS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 40), st.binary(max_size=12)), max_size=6
)
"""Places, numbers of bytes to delete there, and bytes to insert."""


def edited(content, edits):
    for place, length, inserted in edits:
        place %= len(content) + 1
        content = content[:place] + inserted + content[place + length :]
    return content


@given(evaluation_edits=EDITS, transcript_edits=EDITS)
def test_spoilt_files_cost_only_themselves(arena, valid, evaluation_edits, transcript_edits):
    write_file(evaluations_of(arena), edited(valid[0], evaluation_edits))
    write_file(transcript_of(arena), edited(valid[1], transcript_edits))
    corpus = read(arena)
    others = {id_ for id_ in arena.labels(4) if not id_.startswith(f"{NAME}_")}
    assert {u.id for u in corpus.utterances if u.dialogue != NAME} == others
    write_manifest(arena.root.parent / "manifest", corpus)
    assert read_manifest(arena.root.parent / "manifest") == corpus


# Real media


def test_crops_show_the_speaker(filmed):
    """Left or right: the face is that of the actor who speaks, for all four pairs of letters."""
    raw, detector, pairs = filmed.root.parent, HaarDetector(), Counter()
    for utterance in read(filmed).utterances:
        if utterance.id == filmed.beyond_video:
            continue
        observation = Observation.of(utterance, raw)
        faces = see_faces(observation, detector, FaceSettings(), side=96)
        seen = faces.crops[0][24:72, 24:72].mean((0, 1))
        distances = {
            letter: abs(
                actor(utterance.speaker[:5] + letter, seed=0)[70:130, 150:210, ::-1].mean((0, 1))
                - seen
            ).sum()
            for letter in "FM"
        }
        assert min(distances, key=distances.get) == utterance.speaker[-1]
        pairs[utterance.id[5] + utterance.speaker[-1]] += 1
    assert set(pairs) == {"FF", "FM", "MF", "MM"}


def test_turn_beyond_the_end_of_its_avi(filmed):
    utterance = by_id(read(filmed))[filmed.beyond_video]
    observation = Observation.of(utterance, filmed.root.parent)
    outcome = encode_one(Hog(), observation).outcome
    assert outcome.reason.startswith("the clip ends at")


def test_sentence_wavs_are_the_turn(filmed):
    raw, corpus = filmed.root.parent, read(filmed)
    for utterance in corpus.utterances[:4]:
        window = Observation.of(utterance, raw).audio_window
        clip = read_audio(
            raw / utterance.audio_path,
            start_seconds=window.start_seconds,
            end_seconds=window.end_seconds,
        )
        seconds = utterance.end_seconds - utterance.start_seconds
        assert clip.duration_seconds == pytest.approx(seconds, abs=1e-3)


def test_recording_of_the_dialogue_stands_in(filmed):
    """At the same moment it holds the same words, in one of its two channels."""
    raw, utterance = filmed.root.parent, read(filmed).utterances[0]
    turn = read_audio(raw / utterance.audio_path).samples
    sound = raw / f"IEMOCAP_full_release/Session1/dialog/wav/{NAME}.wav"
    span = {"start_seconds": utterance.start_seconds, "end_seconds": utterance.end_seconds}
    whole = read_audio(sound, **span).samples
    assert np.corrcoef(turn, whole)[0, 1] > 0.5
