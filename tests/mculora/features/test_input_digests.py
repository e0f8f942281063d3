"""Input digests change with what an encoder sees of an utterance, and with nothing else."""

import hashlib
import json
import os
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mculora.corpora.utterance import FrameRegion, Split, Utterance
from mculora.features import input_digests
from mculora.features.input_digests import (
    MediaDigests,
    input_digest,
    media_path,
    outcome_digest,
)
from mculora.features.outcome import Absence, Extracted
from mculora.modality import Modality

AUDIO, TEXT, VISUAL = Modality
UTTERANCE = Utterance(
    id="d_1",
    dialogue="d",
    speaker="someone",
    split=Split.TRAIN,
    session="1",
    start_seconds=2.0,
    end_seconds=3.5,
    transcript="so it goes",
    label=1.0,
    audio_path="a.wav",
    video_path="v.mp4",
)
CONTENT = {"a.wav": b"sound", "copy.wav": b"sound", "other.wav": b"noise"}
CONTENT |= {"v.mp4": b"picture", "copy.mp4": b"picture", "other.mp4": b"film..."}
LONG_AGO = 1_600_000_000


def write(folder, name, content, *, seconds=LONG_AGO):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    os.utime(folder / name, (seconds, seconds))


@pytest.fixture
def raw(tmp_path):
    for name, content in CONTENT.items():
        write(tmp_path / "raw", name, content)
    return tmp_path / "raw"


@pytest.fixture
def read(monkeypatch):
    """The names of the files whose bytes were read, in order."""
    names, file_digest = [], hashlib.file_digest

    def noted(file, kind):
        names.append(os.path.basename(file.name))
        return file_digest(file, kind)

    monkeypatch.setattr(hashlib, "file_digest", noted)
    return names


def digests(utterance, raw):
    return {m: input_digest(utterance, m, MediaDigests(raw)) for m in Modality}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"id": "e_2"}, []),
        ({"dialogue": "e"}, []),
        ({"speaker": "nobody"}, []),
        ({"split": Split.TEST}, []),
        ({"session": "2"}, []),
        ({"label": 0.0}, []),
        ({"emotions": {"joy": 1.0}}, []),
        ({"audio_path": "copy.wav", "video_path": "copy.mp4"}, []),
        ({"transcript": "so it went"}, [TEXT]),
        ({"start_seconds": 2.1}, [AUDIO, VISUAL]),
        ({"end_seconds": 3.6}, [AUDIO, VISUAL]),
        ({"audio_begins_seconds": 1.0}, [AUDIO]),
        ({"video_begins_seconds": 1.0}, [VISUAL]),
        ({"region": FrameRegion.LEFT}, [VISUAL]),
        ({"audio_path": "other.wav"}, [AUDIO]),
        ({"video_path": "other.mp4"}, [VISUAL]),
        ({"audio_path": "gone.wav"}, [AUDIO]),
        ({"audio_path": None}, [AUDIO]),
        ({"absent": {AUDIO: "no audio file"}}, [AUDIO]),
        ({"absent": {TEXT: "no transcript"}}, [TEXT]),
        ({"absent": {VISUAL: "no video file"}}, [VISUAL]),
    ],
)
def test_what_counts(raw, change, changed):
    before, after = digests(UTTERANCE, raw), digests(replace(UTTERANCE, **change), raw)
    assert [m for m in Modality if before[m] != after[m]] == changed


def test_the_place_in_the_file_counts_and_not_the_place_in_the_dialogue(raw):
    shifts = {"start_seconds": 12.0, "end_seconds": 13.5, "audio_begins_seconds": 10.0}
    later = replace(UTTERANCE, **shifts)
    assert digests(later, raw)[AUDIO] == digests(UTTERANCE, raw)[AUDIO]


def test_the_reason_of_an_absence_is_all_that_counts_of_it(raw):
    absent = replace(UTTERANCE, absent=dict.fromkeys(Modality, "lost"))
    other = replace(absent, transcript="x", start_seconds=0.0, audio_path=None, video_path=None)
    assert digests(absent, raw) == digests(other, raw)
    mislaid = replace(absent, absent=dict.fromkeys(Modality, "mislaid"))
    assert not set(digests(absent, raw).values()) & set(digests(mislaid, raw).values())


@given(transcript=st.text(), other=st.text())
def test_texts(transcript, other):
    media = MediaDigests("nowhere")
    one, two = (
        input_digest(replace(UTTERANCE, transcript=t), TEXT, media) for t in (transcript, other)
    )
    assert (one == two) == (transcript == other)


def test_which_file_is_looked_at():
    assert [media_path(UTTERANCE, m) for m in Modality] == ["a.wav", None, "v.mp4"]
    absent = replace(UTTERANCE, absent=dict.fromkeys(Modality, "lost"))
    assert [media_path(absent, m) for m in Modality] == [None] * 3


def test_the_digest_of_a_file_is_that_of_its_bytes(raw):
    media = MediaDigests(raw)
    assert list(media.read([*CONTENT, *CONTENT], num_workers=3)) == list(CONTENT)
    for name, content in CONTENT.items():
        assert media.of(name) == hashlib.sha256(content).hexdigest()


def test_each_file_is_read_once(raw, read):
    media = MediaDigests(raw)
    assert list(media.read(["a.wav", "v.mp4", "a.wav"])) == ["a.wav", "v.mp4"]
    for modality in Modality:
        input_digest(UTTERANCE, modality, media)
    assert sorted(read) == ["a.wav", "v.mp4"]


def again(raw, media):
    """The same files looked at by the next process, which has read a note."""
    known = json.loads(json.dumps(media.known))
    media = MediaDigests(raw, known)
    list(media.read(CONTENT))
    return media


def test_what_is_known_is_not_read_again(raw, read):
    media = MediaDigests(raw)
    list(media.read(CONTENT))
    read.clear()
    later = again(raw, media)
    assert read == []
    assert [later.of(name) for name in CONTENT] == [media.of(name) for name in CONTENT]
    assert later.known == media.known


def test_another_time_is_looked_into_and_the_same_bytes_are_the_same(raw, read):
    media = MediaDigests(raw)
    list(media.read(CONTENT))
    read.clear()
    os.utime(raw / "a.wav", (LONG_AGO + 9, LONG_AGO + 9))
    later = again(raw, media)
    assert read == ["a.wav"]
    assert later.of("a.wav") == media.of("a.wav")
    read.clear()
    again(raw, later)
    assert read == []


def test_other_bytes_of_the_same_size_are_noticed(raw):
    media = MediaDigests(raw)
    list(media.read(CONTENT))
    write(raw, "a.wav", b"SOUND", seconds=LONG_AGO + 1)
    later = again(raw, media)
    assert [name for name in CONTENT if later.of(name) != media.of(name)] == ["a.wav"]


def test_a_file_that_is_just_being_written_is_looked_into_again(raw, read):
    """A clock may be too coarse to tell two versions of the same second apart."""
    (raw / "a.wav").write_bytes(b"sound")
    media = MediaDigests(raw)
    list(media.read(CONTENT))
    assert set(media.known) == set(CONTENT) - {"a.wav"}
    read.clear()
    again(raw, media)
    assert read == ["a.wav"]


def test_missing_files_have_a_mark_until_they_come_back(raw):
    media = MediaDigests(raw)
    whole = media.of("a.wav")
    (raw / "a.wav").rename(raw / "b.wav")
    (raw / "folder").mkdir()
    gone = again(raw, media)
    assert gone.of("a.wav") == gone.of("folder") == gone.of("never") != whole
    assert "a.wav" not in gone.known
    (raw / "b.wav").rename(raw / "a.wav")
    assert again(raw, gone).of("a.wav") == whole


@pytest.mark.parametrize(
    "known", [{}, {"a.wav": [5, LONG_AGO]}, {"a.wav": None}, {"a.wav": ["5", 0, 1]}, {"x": "y"}]
)
def test_a_note_of_something_else_is_passed_over(raw, known):
    assert MediaDigests(raw, known).of("a.wav") == hashlib.sha256(b"sound").hexdigest()


def test_stopping_early_reads_no_more(raw, read):
    names = []
    for number in range(300):
        names.append(f"{number}.wav")
        write(raw, names[-1], b"x" * 100_000)
    reading = MediaDigests(raw).read(names, num_workers=1)
    assert next(reading) == "0.wav"
    reading.close()
    assert len(read) < 300


def test_features_of_others_are_known_by_their_bytes():
    vector, absence = torch.arange(3.0), Absence("zero vector")
    same = [Extracted("a", vector), Extracted("b", vector.clone())]
    others = [Extracted("a", vector + 1), Extracted("a", absence), Extracted("a", Absence("x"))]
    assert len({outcome_digest(one) for one in same}) == 1
    assert len({outcome_digest(one) for one in [*same, *others]}) == 4
    assert input_digests.outcome_digest(Extracted("a", vector, {"fact": 1})) == outcome_digest(
        same[0]
    )
