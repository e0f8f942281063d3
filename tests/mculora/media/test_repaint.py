"""A video painted over and written again: every frame at its time, and the sound with it."""

import resource

import numpy as np
import pytest
from media_clips import BRIGHTENING, Picture, Sound, tone, write_clip, write_media

from mculora.errors import MediaError
from mculora.media.audio import read_audio
from mculora.media.container import media_duration
from mculora.media.repaint import LARGEST_SIDE, repaint
from mculora.media.video import read_frames


def taller(pixels, seconds):
    """A black band below."""
    return np.concatenate([pixels, np.zeros_like(pixels[:20])])


def written(source, tmp_path, paint=taller):
    target = tmp_path / "out.mp4.partial"
    return target, list(repaint(source, target, paint))


def grey_of(frame):
    return float(frame[30:40, 60:90].mean())


def test_frames_keep_their_times_and_pixels(tmp_path):
    source = write_media(tmp_path / "in.mp4", Picture(), Sound())
    target, seconds = written(source, tmp_path)
    assert seconds == pytest.approx(np.arange(75) / 25, abs=0.001)
    clip = read_frames(target, frames_per_second=25)
    assert clip.frames.shape == (75, 84, 96, 3)
    assert clip.seconds == pytest.approx(np.arange(75) / 25, abs=0.002)
    for frame, second in zip(clip.frames, clip.seconds, strict=True):
        assert grey_of(frame) == pytest.approx(BRIGHTENING * second, abs=6)
        assert frame[-15:].max() < 40  # the band


def test_sound_stays_in_time(tmp_path):
    source = write_clip(tmp_path / "in.mkv", audio="pcm_s16le", rate=48_000)
    target, _ = written(source, tmp_path)
    before, after = read_audio(source).samples, read_audio(target).samples
    shared = min(len(before), len(after)) - 2000
    assert shared > 44_000
    assert np.corrcoef(before[1000:shared], after[1000:shared])[0, 1] > 0.98


@pytest.mark.parametrize("rate", [11_025, 8_000, 96_000])
def test_any_rate_of_sound(tmp_path, rate):
    source = write_clip(tmp_path / "in.mkv", audio="pcm_s16le", rate=rate)
    target, _ = written(source, tmp_path)
    assert read_audio(target).duration_seconds == pytest.approx(3.0, abs=0.1)


def test_sound_that_begins_late_stays_late(tmp_path):
    sound = Sound("pcm_s16le", rate=16_000, layout="mono", delay=1.0)
    source = write_media(tmp_path / "in.mkv", Picture(), sound)
    target, _ = written(source, tmp_path)
    expected = tone(3.0, 16_000)[0]
    heard = read_audio(target, start_seconds=1.0, end_seconds=2.0).samples
    best = max(
        np.corrcoef(expected[2000 : 2000 + 8000], heard[2000 + lag : 10000 + lag])[0, 1]
        for lag in range(-200, 200, 10)
    )
    assert best > 0.9


def test_sound_that_comes_first_in_the_file(tmp_path):
    source = write_media(tmp_path / "in.mp4", Picture(delay=0.8), Sound())
    target, seconds = written(source, tmp_path)
    assert len(seconds) == 75 and seconds[0] == pytest.approx(0.8, abs=0.05)
    assert read_audio(target).duration_seconds == pytest.approx(3.0, abs=0.1)


def test_a_picture_that_changes_its_size(tmp_path):
    parts = [
        write_media(tmp_path / f"{w}.ts", Picture(size=(w, 64)), seconds=1.0) for w in (96, 128)
    ]
    source = tmp_path / "in.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    target, _ = written(source, tmp_path)
    assert read_frames(target, frames_per_second=5).frames.shape[1:] == (84, 96, 3)


def test_uneven_times_stay_uneven(tmp_path):
    times = [0.0, 0.04, 0.5, 0.51, 1.7]
    source = write_media(tmp_path / "in.mkv", Picture(times=times))
    _, seconds = written(source, tmp_path)
    assert seconds == pytest.approx(times, abs=0.002)


def test_a_turned_picture_is_upright(tmp_path):
    source = write_media(tmp_path / "in.mp4", Picture(turned=90))
    target, _ = written(source, tmp_path, paint=lambda pixels, _: pixels)
    clip = read_frames(target, frames_per_second=5)
    assert clip.frames.shape[1:] == (96, 64, 3)
    assert clip.frames[0, 10, 10, 0] > 150  # the red corner is the upper left one


def test_odd_and_large_pictures(tmp_path):
    picture = Picture(codec="ffv1", size=(1501, 301), has_corner=False)
    source = write_media(tmp_path / "in.mkv", picture, seconds=0.2)
    target, _ = written(source, tmp_path)
    shape = read_frames(target, frames_per_second=5).frames.shape
    assert max(shape[1:]) <= LARGEST_SIDE and media_duration(target) > 0


def test_memory_does_not_grow_with_length(tmp_path):
    source = write_clip(tmp_path / "in.mp4", seconds=60.0)
    written(write_clip(tmp_path / "short.mp4"), tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    written(source, tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # KB


def test_without_a_picture(tmp_path):
    source = write_clip(tmp_path / "in.wav", video=None, audio="pcm_s16le")
    with pytest.raises(MediaError, match="no video track"):
        written(source, tmp_path)
