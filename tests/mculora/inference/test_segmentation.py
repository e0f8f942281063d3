"""Where a recording is cut: at subtitles, in pauses of real speech, or evenly."""

import itertools

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from media_clips import Picture, Sound, write_media
from spoken import PAUSE_SECONDS, speech, spoken_recording

from mculora.errors import MediaError
from mculora.inference import segmentation
from mculora.inference.segmentation import (
    LONGEST_SECONDS,
    SHORTEST_SECONDS,
    cut_at_lines,
    cut_at_pauses,
    cut_evenly,
)
from mculora.inference.transcripts import TimedLine


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """Three spoken stretches with two seconds of silence around each."""
    return spoken_recording(tmp_path_factory.mktemp("talk") / "talk.wav", [3.0, 2.0, 4.0])


def loud_parts(samples):
    """Where a recording of `spoken` is loud: exactly where somebody speaks."""
    level = np.convolve(np.abs(samples.numpy()), np.ones(4800) / 4800, "same")
    edges = np.flatnonzero(np.diff(np.r_[0, level > 0.004, 0]))
    return [{"start": int(a), "end": int(b)} for a, b in edges.reshape(-1, 2)]


def test_speech_is_found_where_it_is(talk):
    """The synthetic voice is not taken for one at every moment, but nothing else is."""
    path, stretches = talk
    spans = cut_at_pauses(path, stretches[-1][1] + PAUSE_SECONDS)
    assert sum(span.seconds for span in spans) > 1
    for span in spans:
        assert any(start - 0.3 < span.start_seconds < end + 0.3 for start, end in stretches)
        assert any(start - 0.3 < span.end_seconds < end + 0.3 for start, end in stretches)


@pytest.mark.parametrize("block", [1.3, 3.7, 300.0])
def test_blocks_do_not_show(talk, monkeypatch, block):
    """Heard in pieces: the same stretches, however the pieces fall."""
    path, stretches = talk
    monkeypatch.setattr(segmentation, "_voice_activity", loud_parts)
    monkeypatch.setattr(segmentation, "_BLOCK_SECONDS", block)
    spans = cut_at_pauses(path, stretches[-1][1] + PAUSE_SECONDS)
    assert len(spans) == len(stretches)
    for span, (start, end) in zip(spans, stretches, strict=True):
        assert span.start_seconds == pytest.approx(start, abs=0.3)
        assert span.end_seconds == pytest.approx(end, abs=0.3)


def test_sound_that_begins_late_is_heard_at_its_own_time(tmp_path, monkeypatch):
    monkeypatch.setattr(segmentation, "_voice_activity", loud_parts)
    picture, sound = Picture(), Sound("pcm_s16le", rate=16_000, layout="mono", delay=1.5)
    path = write_media(tmp_path / "late.mkv", picture, sound, seconds=4.0)
    (span,) = cut_at_pauses(path, 5.5)
    assert span.start_seconds == pytest.approx(1.5, abs=0.1)


def test_nobody_rests_for_ever(tmp_path):
    path = tmp_path / "monologue.wav"
    soundfile.write(path, speech(40.0), 16_000)
    spans = cut_at_pauses(path, 40.0)
    assert len(spans) >= 3
    assert all(span.seconds <= LONGEST_SECONDS + 0.1 for span in spans)
    assert sum(span.seconds for span in spans) > 20


def test_silence_has_no_speech(tmp_path):
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(16_000 * 20), 16_000)
    assert cut_at_pauses(path, 20.0) == []


def test_the_number_of_threads_stays(talk):
    threads = torch.get_num_threads()
    segmentation._silero.cache_clear()
    torch.set_num_threads(2)
    cut_at_pauses(talk[0], 3.0)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(threads)


def test_no_sound_is_said(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"nothing")
    with pytest.raises(MediaError):
        cut_at_pauses(path, 20.0)


def test_a_subtitle_is_an_utterance():
    lines = [TimedLine(0, 2, "a"), TimedLine(2.2, 5, "b"), TimedLine(9, 12, "c")]
    assert [(s.start_seconds, s.end_seconds, s.text) for s in cut_at_lines(lines, 100.0)] == [
        (0, 2, "a"),
        (2.2, 5, "b"),
        (9, 12, "c"),
    ]


def test_short_and_overlapping_subtitles_are_joined():
    short = [TimedLine(0, 0.4, "oh"), TimedLine(0.6, 3, "no"), TimedLine(8, 8.3, "far")]
    assert [s.text for s in cut_at_lines(short, 100.0)] == ["oh no", "far"]
    two = [TimedLine(0, 4, "you"), TimedLine(3, 6, "and me")]
    assert [s.text for s in cut_at_lines(two, 100.0)] == ["you and me"]


def test_subtitles_end_with_the_recording():
    lines = [TimedLine(0, 4, "a"), TimedLine(8, 14, "b"), TimedLine(20, 22, "c")]
    spans = cut_at_lines(lines, 10.0)
    assert [(s.start_seconds, s.end_seconds) for s in spans] == [(0, 4), (8, 10.0)]


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0.01, 30)).map(lambda t: (t[0], t[0] + t[1])),
        max_size=20,
    )
)
def test_no_word_is_lost_or_told_twice(times):
    lines = [TimedLine(s, e, str(i)) for i, (s, e) in enumerate(sorted(times))]
    spans = cut_at_lines(lines, 1000.0)
    words = [word for span in spans for word in span.text.split()]
    assert words == [line.text for line in lines]
    starts = [span.start_seconds for span in spans]
    assert starts == sorted(starts)
    for span in spans:
        longest = max((line.end_seconds - line.start_seconds for line in lines), default=0)
        assert span.seconds <= max(LONGEST_SECONDS, longest)
    for span, later in itertools.pairwise(spans):
        is_near = later.start_seconds <= span.end_seconds
        fits = span.joined(later).seconds <= LONGEST_SECONDS
        assert not (is_near and fits and min(span.seconds, later.seconds) < SHORTEST_SECONDS)


@given(st.floats(0.1, 5000))
def test_even_windows_cover_everything(seconds):
    spans = cut_evenly(seconds)
    assert spans[0].start_seconds == 0 and spans[-1].end_seconds == pytest.approx(seconds)
    for span, later in itertools.pairwise(spans):
        assert span.end_seconds == later.start_seconds
    assert max(s.seconds for s in spans) <= 10.001
    assert max(s.seconds for s in spans) == pytest.approx(min(s.seconds for s in spans))
