"""A recording becomes a dialogue: whole if short, else cut, whatever it offers."""

import pytest
from media_clips import write_clip
from spoken import spoken_recording

from mculora.errors import InputError
from mculora.inference import recording as recording_module
from mculora.inference.recording import NEEDS_TIMES, open_recording
from mculora.inference.segmentation import LONGEST_SECONDS, Span
from mculora.inference.transcripts import TimedLine, Transcript
from mculora.modality import Modality

LINES = (TimedLine(0.2, 1.4, "well"), TimedLine(1.8, 2.9, "lovely"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Three seconds with sound and picture."""
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    """Eighteen seconds of picture."""
    return write_clip(tmp_path_factory.mktemp("clips") / "silent.mp4", seconds=18.0, audio=None)


def test_a_short_one_stays_whole(clip):
    recording = open_recording(clip, Transcript("what a day"))
    (utterance,) = recording.utterances
    assert (utterance.start_seconds, utterance.end_seconds) == (0.0, None)
    assert utterance.transcript == "what a day"
    assert utterance.audio_path == utterance.video_path == clip
    assert recording.name == str(clip)


def test_subtitles_cut_even_a_short_one(clip):
    recording = open_recording(clip, Transcript("well lovely", LINES))
    assert [(u.start_seconds, u.end_seconds, u.transcript) for u in recording.utterances] == [
        (0.2, 1.4, "well"),
        (1.8, 2.9, "lovely"),
    ]
    assert recording.cut == "at its subtitles"


def test_subtitles_of_something_else(clip):
    with pytest.raises(InputError, match=r"subtitles that begin at 60.0 s, expected some in its 3"):
        open_recording(clip, Transcript("x", (TimedLine(60.0, 61.0, "x"),)))


def test_a_long_one_is_cut_where_speech_pauses(tmp_path):
    path, stretches = spoken_recording(tmp_path / "talk.wav", [4.0, 4.0, 4.0])
    recording = open_recording(path, Transcript())
    assert recording.cut == "where speech pauses"
    assert all(u.end_seconds - u.start_seconds <= LONGEST_SECONDS for u in recording.utterances)
    for utterance in recording.utterances:
        assert any(a - 0.3 < utterance.start_seconds < b + 0.3 for a, b in stretches)
    assert not recording.absent


def test_a_picture_without_sound_is_cut_evenly(silent):
    recording = open_recording(silent, Transcript())
    windows = [(u.start_seconds, u.end_seconds) for u in recording.utterances]
    assert windows == [(0.0, 9.0), (9.0, 18.0)]
    assert recording.cut == "evenly (no audio track)"


def test_words_without_times_keep_a_recording_whole(silent):
    recording = open_recording(silent, Transcript("all of it"))
    assert [u.transcript for u in recording.utterances] == ["all of it"]


def test_words_without_times_cannot_be_divided(silent, monkeypatch):
    monkeypatch.setattr(recording_module, "LONGEST_WITH_WORDS_SECONDS", 10.0)
    recording = open_recording(silent, Transcript("all of it"))
    assert [u.transcript for u in recording.utterances] == ["", ""]
    assert recording.absent == {Modality.TEXT: NEEDS_TIMES}


def test_what_cannot_be_read_may_have_words(tmp_path):
    path = tmp_path / "bad.mp4"
    path.write_bytes(b"")
    (utterance,) = open_recording(path, Transcript("but i know them", LINES)).utterances
    assert utterance.transcript == "but i know them"


def test_speech_from_beginning_to_end(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", seconds=16.0)
    spans = [Span(0.0, 8.0), Span(8.5, 16.0)]
    monkeypatch.setattr(recording_module, "cut_at_pauses", lambda *_: spans)
    recording = open_recording(path, Transcript())
    assert [u.start_seconds for u in recording.utterances] == [0.0, 8.5]
