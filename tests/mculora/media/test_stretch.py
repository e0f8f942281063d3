"""What is left undecoded changes no pixel, and a window costs what it is long."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_clips import BRIGHTENING, Picture, Sound, write_media

from mculora.media import stretch, track
from mculora.media.audio import SAMPLE_RATE, read_audio
from mculora.media.container import Window, decode_packet
from mculora.media.video import iterate_frames, read_frames

CODECS = {
    "h264.mp4": ("libx264", {"x264-params": "b-pyramid=normal:bframes=4:keyint=20:ref=4"}),
    "open.mp4": ("libx264", {"x264-params": "open-gop=1:bframes=3:keyint=15"}),
    "short.mkv": ("libx264", {"x264-params": "keyint=3:bframes=1"}),
    "still.mov": ("mjpeg", {"strict": "unofficial"}),
    "hevc.mp4": ("libx265", {"x265-params": "log-level=none:bframes=4:keyint=20"}),
    "open_hevc.mkv": ("libx265", {"x265-params": "log-level=none:open-gop=1:keyint=12"}),
    "mpeg4.mp4": ("mpeg4", {"bf": "2", "g": "10"}),
    "vp8.webm": ("libvpx", {"auto-alt-ref": "0"}),
    "vp8_hidden.webm": ("libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16"}),
    "vp9.webm": ("libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "16"}),
}


def write_moving(path: Path, codec: str, options: dict[str, str]) -> Path:
    """Three seconds of a texture that moves and changes, so that each frame stands on others."""
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 255, (200, 400, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for index in range(75):
            pixels = texture[index : index + 64, 3 * index : 3 * index + 96].copy()
            pixels[20:40, 30:60] = 3 * index
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", CODECS)
def test_what_is_left_out_changes_no_pixel(tmp_path: Path, name: str) -> None:
    path = write_moving(tmp_path / name, *CODECS[name])
    with av.open(str(path)) as container:
        every = {
            round(f.time * 25): f.to_ndarray(format="rgb24") for f in container.decode(video=0)
        }
    assert len(every) == 75
    for start, end in ((0.0, None), (0.31, 1.11), (1.0, 1.05), (1.71, None), (2.91, 9.0)):
        for rate in (1, 4, 25):
            frames = list(iterate_frames(path, Window(start, end), frames_per_second=rate))
            assert len(frames) == max(round((min(end or 3.0, 3.0) - start) * rate), 1)
            for frame in frames:
                assert np.array_equal(frame.pixels, every[round(frame.seconds * 25)])


def test_another_reader_sees_the_same(tmp_path: Path) -> None:
    decord = pytest.importorskip("decord")
    path = write_moving(tmp_path / "a.mp4", *CODECS["h264.mp4"])
    reader = decord.VideoReader(str(path))
    for frame in iterate_frames(path, Window(), frames_per_second=7):
        assert np.array_equal(frame.pixels, reader[round(frame.seconds * 25)].asnumpy())


LONG = {
    "a.mp4": (Picture(gop=25), Sound()),
    "a.mov": (Picture(gop=25), Sound("pcm_s16be")),
    "a.mkv": (Picture(gop=25), Sound()),
    "a.webm": (Picture("libvpx", gop=25), Sound("libopus", 48_000)),
    "a.avi": (Picture("mpeg4", gop=25), Sound("libmp3lame")),
    "a.ts": (Picture(gop=25), Sound()),
    "a.flv": (Picture(gop=25), Sound()),
    "a.mp3": (Sound("libmp3lame"),),
    "a.ogg": (Sound("libopus", 48_000),),
    "a.flac": (Sound("flac"),),
    "a.aac": (Sound(),),
    "a.wav": (Sound("pcm_s16le"),),
}


@pytest.mark.parametrize("name", LONG)
def test_a_window_costs_what_a_window_costs(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_media(tmp_path / name, *LONG[name], seconds=60)
    num_decoded = 0

    def count(packet: av.Packet) -> list | None:
        nonlocal num_decoded
        num_decoded += 1
        return decode_packet(packet)

    monkeypatch.setattr(stretch, "decode_packet", count)
    monkeypatch.setattr(track, "decode_packet", count)
    if len(LONG[name]) > 1:
        clip = read_frames(path, start_seconds=50.0, end_seconds=51.0, frames_per_second=5)
        shown = clip.frames[:, 40:, 50:].mean(axis=(1, 2, 3))
        np.testing.assert_allclose(shown, clip.seconds * BRIGHTENING % 240, atol=6)
        assert num_decoded <= 100
        num_decoded = 0
    whole = read_audio(path).samples
    num_whole, num_decoded = num_decoded, 0
    part = read_audio(path, start_seconds=50.0, end_seconds=51.0).samples
    assert num_decoded < max(num_whole / 8, 200)
    around = whole[50 * SAMPLE_RATE - 80 : 51 * SAMPLE_RATE + 80]
    places = np.lib.stride_tricks.sliding_window_view(around, len(part))
    assert np.abs(places - part).max(axis=1).min() < 0.2
