"""Most frames of a clip by decord: the same pixels as by PyAV, or not asked at all."""

from pathlib import Path

import av
import numpy as np
import pytest
from test_stretch import CODECS, write_moving

from mculora.media import dense
from mculora.media.container import Window
from mculora.media.video import iterate_frames

CLIPS = Path(__file__).parents[4] / "shared" / "data" / "clips"


@pytest.fixture
def asked(monkeypatch):
    """The files that decord was asked for."""
    decord = pytest.importorskip("decord")
    paths, real = [], decord.VideoReader

    def opened(path, **options):
        paths.append(path)
        return real(path, **options)

    monkeypatch.setattr(decord, "VideoReader", opened)
    return paths


def all_frames(path, rate=60):
    return list(iterate_frames(path, Window(), frames_per_second=rate))


@pytest.mark.parametrize("rate", [60, 18, 21])
@pytest.mark.parametrize("name", CODECS)
def test_both_readers_see_the_same(tmp_path, name, rate, asked, monkeypatch):
    path = write_moving(tmp_path / name, *CODECS[name])
    by_decord = all_frames(path, rate)
    monkeypatch.setattr(dense, "_import_decord", lambda: None)
    for one, other in zip(by_decord, all_frames(path, rate), strict=True):
        assert one.seconds == other.seconds
        assert np.array_equal(one.pixels, other.pixels)


def test_only_where_most_frames_are_wanted(tmp_path, asked):
    path = write_moving(tmp_path / "a.mp4", *CODECS["h264.mp4"])
    list(iterate_frames(path, Window(), frames_per_second=4))
    list(iterate_frames(path, Window(0.5, 1.5), frames_per_second=25))
    assert asked == []
    list(iterate_frames(path, Window(), frames_per_second=25))
    assert asked == [str(path)]


def test_what_decord_cannot_finish_is_finished(tmp_path, asked, monkeypatch):
    import decord

    path = write_moving(tmp_path / "a.mp4", *CODECS["h264.mp4"])
    whole = all_frames(path)

    real = decord.VideoReader

    class Stopping:
        def __init__(self, *args, **options):
            self.reader = real(*args, **options)
            self.get_frame_timestamp, self.count = self.reader.get_frame_timestamp, 0

        def __len__(self):
            return len(self.reader)

        def next(self):
            self.count += 1
            if self.count > 5:
                raise RuntimeError("no more")
            return self.reader.next()

    monkeypatch.setattr(decord, "VideoReader", Stopping)
    for one, other in zip(whole, all_frames(path), strict=True):
        assert np.array_equal(one.pixels, other.pixels)


@pytest.mark.skipif(not CLIPS.exists(), reason="no real clips here")
@pytest.mark.parametrize("path", sorted(CLIPS.glob("*.m*")), ids=lambda path: path.name)
def test_real_clips(path, monkeypatch):
    if path.suffix == ".csv":
        pytest.skip("a table")
    frames = all_frames(path)
    monkeypatch.setattr(dense, "_import_decord", lambda: None)
    for one, other in zip(frames, all_frames(path), strict=True):
        assert one.seconds == other.seconds
        assert np.array_equal(one.pixels, other.pixels)
    with av.open(str(path)) as container:
        assert len(frames) <= sum(1 for _ in container.decode(video=0))
