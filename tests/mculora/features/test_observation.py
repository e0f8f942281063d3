"""An utterance in its files: each has its own beginning on the dialogue's clock."""

import numpy as np
import pytest
import soundfile
import torch

from mculora.corpora.utterance import FrameRegion, Utterance
from mculora.features.audio import LogMel
from mculora.features.extraction import encode_one
from mculora.features.observation import Observation
from mculora.features.visual import Hog
from mculora.media.container import Window


def spoken(**more):
    """An utterance from 10.5 to 12 s of its dialogue."""
    facts = {"id": "u", "dialogue": "d", "speaker": "", "split": None, "session": "", "label": 0.0}
    times = {"start_seconds": 10.5, "end_seconds": 12.0, "transcript": "words"}
    return Utterance(**facts | times | more)


def test_windows_count_from_each_file_s_beginning(tmp_path):
    whole = Observation.of(spoken(audio_path="a/d.wav", video_path="d.mp4"), tmp_path)
    assert whole.audio_window == whole.video_window == Window(10.5, 12.0)
    assert (whole.audio_path, whole.video_path) == (tmp_path / "a/d.wav", tmp_path / "d.mp4")
    own = spoken(audio_begins_seconds=10.5, video_begins_seconds=4.0, region=FrameRegion.LEFT)
    seen = Observation.of(own, tmp_path)
    assert (seen.audio_window, seen.video_window) == (Window(0.0, 1.5), Window(6.5, 8.0))
    assert (seen.audio_path, seen.video_path, seen.region) == (None, None, FrameRegion.LEFT)


def test_a_clip_without_times_is_all_of_it():
    assert Observation().audio_window == Observation().video_window == Window(0.0, None)


def test_a_sound_cut_out_is_heard_as_in_the_whole(tmp_path):
    sound = 0.1 * np.random.default_rng(0).standard_normal(3 * 16_000)
    soundfile.write(tmp_path / "whole.wav", sound, 16_000)
    soundfile.write(tmp_path / "own.wav", sound[16_000:32_000], 16_000)
    in_whole = Observation(1.0, 2.0, audio_path=tmp_path / "whole.wav")
    alone = Observation(1.0, 2.0, audio_path=tmp_path / "own.wav", audio_begins_seconds=1.0)
    first, second = (encode_one(LogMel(), o).outcome for o in (in_whole, alone))
    assert torch.equal(first, second)


@pytest.mark.parametrize("begins", [0.0, 7.0])
def test_a_film_that_begins_later_shows_the_same(face_clip, begins):
    times = {"start_seconds": begins + 0.5, "end_seconds": begins + 1.5}
    shifted = Observation(**times, video_path=face_clip, video_begins_seconds=begins)
    plain = Observation(0.5, 1.5, video_path=face_clip)
    hog = Hog()
    first, second = (encode_one(hog, o).outcome for o in (shifted, plain))
    assert torch.equal(first, second)
