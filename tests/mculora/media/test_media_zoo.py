"""Whatever people record: each kind of file is read right, sound and picture, at its times."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from media_clips import BRIGHTENING, Picture, Sound, tone, write_media

from mculora.media.audio import SAMPLE_RATE, read_audio
from mculora.media.video import read_frames

H264, AAC = Picture(), Sound()
VARIABLE = [0.0, 0.04, 0.12, 0.4, 0.44, 0.48, 0.8, 1.3, 1.34, 1.5, 1.6, 2.2, 2.3, 2.9]
KINDS = {
    "h264.mp4": (H264, AAC),
    "hevc.mp4": (Picture("libx265"), AAC),
    "mpeg4.mp4": (Picture("mpeg4"), AAC),
    "av1.mp4": (Picture("libsvtav1", bframes=0), Sound("libopus", 48_000)),
    "divx.avi": (Picture("mpeg4"), Sound("pcm_s16le")),
    "mjpeg.avi": (
        Picture("mjpeg", bframes=0, options={"strict": "unofficial"}),
        Sound("libmp3lame"),
    ),
    "vp8.webm": (Picture("libvpx"), Sound("vorbis", options={"strict": "experimental"})),
    "vp9.webm": (Picture("libvpx-vp9"), Sound("libopus", 48_000)),
    "h264.mkv": (H264, Sound("flac")),
    "ffv1.mkv": (Picture("ffv1"), Sound("ac3", 48_000)),
    "mpeg1.mpg": (Picture("mpeg1video"), Sound("mp2")),
    "mpeg2.mpg": (Picture("mpeg2video", options={"b": "400k"}), Sound("mp2")),
    "h264.mov": (H264, Sound("pcm_s16be")),
    "prores.mov": (Picture("prores_ks", pix_fmt="yuv422p10le"), Sound("pcm_s24le")),
    "h264.ts": (H264, AAC),
    "mpeg2.ts": (Picture("mpeg2video"), Sound("mp2")),
    "h264.flv": (H264, AAC),
    "flv1.flv": (Picture("flv", bframes=0), Sound("libmp3lame")),
    "h263.3gp": (
        Picture("h263", size=(176, 144), bframes=0),
        Sound("libopencore_amrnb", 8_000, "mono"),
    ),
    "wmv2.wmv": (Picture("wmv2", bframes=0), Sound("wmav2", options={"b": "96k"})),
    "variable.mp4": (replace(H264, times=VARIABLE), AAC),
    "variable.mkv": (replace(H264, times=VARIABLE), AAC),
    "sound_first.mp4": (AAC, H264),
    "late_picture.mp4": (replace(H264, delay=2.5), AAC),
    "late_picture.mkv": (replace(H264, delay=2.5), AAC),
    "late_picture.ts": (replace(H264, delay=2.5), AAC),
    "late_sound.mp4": (H264, replace(AAC, delay=2.5)),
    "late_sound.mkv": (H264, replace(AAC, delay=2.5)),
    "late_sound.ts": (H264, replace(AAC, delay=2.5)),
    "odd.mkv": (Picture("ffv1", size=(33, 17)), AAC),
    "odd.webm": (Picture("libvpx-vp9", size=(33, 17)), Sound("libopus", 48_000)),
    "small.mkv": (Picture("ffv1", size=(2, 2)), AAC),
    "dot.mkv": (Picture("ffv1", size=(1, 1), has_corner=False), AAC),
    "wide.mkv": (Picture("ffv1", size=(1000, 4)), AAC),
    "ten_bit.mp4": (replace(H264, pix_fmt="yuv420p10le"), AAC),
    "ten_bit_hevc.mp4": (Picture("libx265", pix_fmt="yuv420p10le"), AAC),
    "grey.mp4": (replace(H264, pix_fmt="gray", has_corner=False), AAC),
    "full_colour.mp4": (replace(H264, pix_fmt="yuv444p"), AAC),
    "rgb.mkv": (Picture("libx264rgb", pix_fmt="rgb24", options={"crf": "10"}), AAC),
    "alpha.webm": (Picture("libvpx-vp9", pix_fmt="yuva420p"), Sound("libopus", 48_000)),
    "alpha.mov": (Picture("qtrle", pix_fmt="argb"), AAC),
    "moving.gif": (Picture("gif", pix_fmt="rgb8"),),
}


def check_picture(path: Path, picture: Picture, seconds: float = 3.0) -> None:
    """The whole and a window show the right frames, at the right times, the right way up."""
    delay = picture.delay
    for start, end in ((0.0, None), (delay + 1.0, delay + 1.6)):
        clip = read_frames(path, start_seconds=start, end_seconds=end, frames_per_second=5)
        begin, last = max(start, delay), end or delay + seconds
        if picture.times is None:
            assert len(clip.frames) == pytest.approx((last - begin) * 5, abs=1)
        width, height = picture.size
        scale = min(640 / max(picture.size), 1)
        assert clip.frames.shape[1:] == (max(round(height * scale), 1), round(width * scale), 3)
        lower = clip.frames[:, clip.frames.shape[1] // 2 :, clip.frames.shape[2] // 2 :]
        shown = lower.mean(axis=(1, 2, 3)) / BRIGHTENING + delay
        np.testing.assert_allclose(shown, clip.seconds, atol=0.07)
        if picture.has_corner and min(picture.size) > 8:
            corner = clip.frames[:, : clip.frames.shape[1] // 4, : clip.frames.shape[2] // 4]
            np.testing.assert_allclose(corner.mean(axis=(0, 1, 2)), (200, 0, 0), atol=30)


def check_sound(path: Path, sound: Sound, seconds: float = 3.0) -> None:
    """The whole and a window are the sweep, as loud, at the right times."""
    channels = av.AudioLayout(sound.layout).nb_channels
    wave = tone(seconds, SAMPLE_RATE, channels).mean(axis=0)
    whole = read_audio(path).samples
    assert len(whole) / SAMPLE_RATE == pytest.approx(seconds, abs=0.1)
    check_wave(whole[: len(wave)], wave[: len(whole)])
    start = sound.delay + 1.0
    part = read_audio(path, start_seconds=start, end_seconds=start + 0.5)
    assert len(part.samples) == 0.5 * SAMPLE_RATE
    check_wave(part.samples, wave[SAMPLE_RATE : SAMPLE_RATE * 3 // 2])


def check_wave(found: np.ndarray, wanted: np.ndarray, *, late: float = 0.06) -> None:
    """Found is wanted, up to a shift that codecs leave and some noise."""
    shift = round(late * SAMPLE_RATE)
    middle = wanted[shift:-shift]
    fits = np.lib.stride_tricks.sliding_window_view(found, len(middle))[: 2 * shift + 1]
    alike = fits @ middle / np.linalg.norm(middle) / np.linalg.norm(fits, axis=1)
    assert alike.max() > 0.95
    loudness = np.std(fits[alike.argmax()]) / np.std(middle)
    assert loudness == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_read(tmp_path: Path, name: str) -> None:
    path = write_media(tmp_path / name, *KINDS[name])
    for track in KINDS[name]:
        if isinstance(track, Picture):
            check_picture(path, track)
        else:
            check_sound(path, track)
