"""Picture: each frame is the one a player shows, by whichever reader, at whatever start."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
from media_clips import write_clip

from mculora.errors import MediaError
from mculora.media.container import Window
from mculora.media.video import VideoClip, iterate_frames, read_frames

KINDS = {
    "a.mp4": ("libx264", 2),
    "a.mkv": ("libx264", 2),
    "a.webm": ("libvpx-vp9", 0),
    "a.avi": ("mpeg4", 0),
    "b.avi": ("mpeg4", 2),
    "a.mpg": ("mpeg1video", 2),
    "b.mpg": ("mpeg2video", 2),
}


@pytest.mark.parametrize("name", KINDS)
def test_frames_are_those_of_their_times(tmp_path: Path, name: str) -> None:
    codec, bframes = KINDS[name]
    path = write_clip(tmp_path / name, video=codec, audio=None, bframes=bframes)
    late = 1 if name == "b.avi" else 0  # avi writes B-frames one frame late
    for start, end in ((0.0, 3.0), (0.7, 1.9), (2.1, 2.2), (2.4, 9.0)):
        clip = read_frames(path, start_seconds=start, end_seconds=end, frames_per_second=5)
        assert len(clip.frames) == max(1, round((min(end, 3.0) - start) * 5))
        shown = clip.frames.mean(axis=(1, 2, 3)) / 3  # frame k is grey of value 3k
        np.testing.assert_allclose(shown, clip.seconds * 25 - late, atol=1.5)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_picture_that_begins_late_keeps_its_time(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, video_delay=1.0)
    clip = read_frames(path, start_seconds=2.0, end_seconds=3.0, frames_per_second=5)
    shown = clip.frames.mean(axis=(1, 2, 3)) / 3
    np.testing.assert_allclose(shown, (clip.seconds - 1.0) * 25, atol=1.5)
    with pytest.raises(MediaError, match=r"the track begins at 1.0 s, the utterance ends at 0.5 s"):
        read_frames(path, start_seconds=0.0, end_seconds=0.5, frames_per_second=5)


def test_short_windows_give_one_frame(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4")
    clip = read_frames(path, start_seconds=1.0, end_seconds=1.01, frames_per_second=4)
    assert clip.frames.shape == (1, 64, 96, 3)
    assert clip.seconds.tolist() == [1.0]


def test_a_frame_comes_once(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4")
    assert len(read_frames(path, frames_per_second=1000).frames) == 75


def test_rotation_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "turned.mp4"
    upright = write_clip(tmp_path / "a.mp4", audio=None)
    matrix = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30], np.int32)
    content = bytearray(upright.read_bytes())
    identity = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
    place = content.index(identity, content.index(b"tkhd"))
    content[place : place + 36] = matrix.astype(">i4").tobytes()
    path.write_bytes(content)
    assert read_frames(path, frames_per_second=2).frames.shape[1:] == (96, 64, 3)


def test_large_frames_are_shrunk(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "large.mp4"), "w") as container:
        track = container.add_stream("libx264", rate=5)
        track.width, track.height, track.pix_fmt = 1280, 720, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((720, 1280, 3), np.uint8), format="rgb24")
        container.mux([*track.encode(frame), *track.encode()])
    assert read_frames(tmp_path / "large.mp4", frames_per_second=5).frames.shape[1:3] == (360, 640)


def test_bad_files_say_why(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.mp4").touch()
    whole = write_clip(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    write_clip(tmp_path / "dark.m4a", video=None)
    reasons = {
        "none.mp4": "no such file",
        "empty.mp4": "zero bytes",
        "half.mp4": "cannot be decoded: ",
        "dark.m4a": "no video track",
    }
    for name, reason in reasons.items():
        with pytest.raises(MediaError) as caught:
            read_frames(tmp_path / name, frames_per_second=4)
        assert caught.value.reason.startswith(reason)
    with pytest.raises(MediaError) as caught:
        read_frames(tmp_path / "whole.mp4", start_seconds=14.0, frames_per_second=4)
    assert caught.value.reason == "the clip ends at 3.0 s, the utterance starts at 14.0 s"
    assert capfd.readouterr() == ("", "")


def test_damaged_bytes_never_escape_as_another_error(tmp_path: Path) -> None:
    whole = bytearray(write_clip(tmp_path / "whole.mp4").read_bytes())
    rng = np.random.default_rng(0)
    for number in range(12):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), 40):
            content[place] ^= 0xFF
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(content)
        try:
            assert len(read_frames(path, frames_per_second=4).frames)
        except MediaError as error:
            assert error.reason


@pytest.mark.parametrize("seconds", [0.4, 3.0])
def test_frames_can_be_counted_instead(tmp_path: Path, seconds: float) -> None:
    path = write_clip(tmp_path / "a.mp4", audio=None)
    frames = list(iterate_frames(path, Window(0.0, seconds), frames_per_second=25, num_frames=5))
    moments = [seconds * (k + 0.5) / 5 for k in range(5)]
    assert [f.seconds for f in frames] == pytest.approx([int(m * 25 + 1e-6) / 25 for m in moments])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by /proc")
def test_readers_are_closed(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4")
    read_frames(path, frames_per_second=4)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        read_frames(path, frames_per_second=4)
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_clip_checks_itself() -> None:
    with pytest.raises(ValueError, match="T > 0"):
        VideoClip(np.zeros((0, 2, 2, 3), np.uint8), np.zeros(0))
    with pytest.raises(ValueError, match="one rising time per frame"):
        VideoClip(np.zeros((2, 2, 2, 3), np.uint8), np.zeros(2))


def test_windows_are_parts_of_the_whole(face_clip: Path) -> None:
    whole = read_frames(face_clip, frames_per_second=1000)
    at = {round(s, 4): frame for s, frame in zip(whole.seconds, whole.frames, strict=True)}
    for start in (0.6, 1.65):
        for frame in iterate_frames(face_clip, Window(start, start + 1), frames_per_second=3):
            assert np.array_equal(frame.pixels, at[round(frame.seconds, 4)])
