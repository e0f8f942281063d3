"""Whatever people record: each kind of file is read right, sound and picture, at its times."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from av.video.reformatter import ColorRange, Colorspace
from media_clips import BRIGHTENING, Picture, Sound, Subtitles, tone, write_media

from mculora.errors import MediaError
from mculora.media.audio import SAMPLE_RATE, read_audio
from mculora.media.container import media_duration
from mculora.media.video import read_frames

H264, AAC = Picture(), Sound()
RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000]
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
    "turned_90.mp4": (replace(H264, turned=90), AAC),
    "turned_180.mov": (replace(H264, turned=180), AAC),
    "turned_270.mp4": (Picture("libx265", turned=270), AAC),
    "hd_colours.mp4": (replace(H264, colours=(Colorspace.ITU709, ColorRange.MPEG)), AAC),
    "all_values.mp4": (replace(H264, colours=(Colorspace.ITU601, ColorRange.JPEG)), AAC),
    "before_zero.mp4": (replace(H264, delay=-0.4), AAC),
    "two_sounds.mkv": (H264, AAC, Sound(rate=8_000, layout="mono")),
    "subtitles.mkv": (Subtitles(), H264, AAC),
    "5.1.mkv": (H264, Sound("ac3", 48_000, "5.1")),
    "surround.mp4": (H264, Sound("aac", 48_000, "5.1")),
}


def check_picture(path: Path, picture: Picture, seconds: float = 3.0) -> None:
    """The whole and a window show the right frames, at the right times, the right way up."""
    delay, size = picture.delay, picture.size[::-1] if picture.turned % 180 else picture.size
    for start, end in ((0.0, None), (delay + 1.0, delay + 1.6)):
        clip = read_frames(path, start_seconds=start, end_seconds=end, frames_per_second=5)
        begin, last = max(start, delay), end or delay + seconds
        if picture.times is None:
            assert len(clip.frames) == pytest.approx((last - begin) * 5, abs=1)
        scale, (width, height) = min(640 / max(size), 1), size
        assert clip.frames.shape[1:] == (max(round(height * scale), 1), round(width * scale), 3)
        lower = clip.frames[:, clip.frames.shape[1] // 2 :, clip.frames.shape[2] // 2 :]
        shown = lower.mean(axis=(1, 2, 3)) / BRIGHTENING + delay
        np.testing.assert_allclose(shown, clip.seconds, atol=0.07)
        if picture.has_corner and min(size) > 8:
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
    pictures = [track for track in KINDS[name] if isinstance(track, Picture)]
    sounds = [track for track in KINDS[name] if isinstance(track, Sound)]
    check_picture(path, pictures[0])
    if sounds:
        check_sound(path, sounds[0])
    else:
        with pytest.raises(MediaError, match="no audio track"):
            read_audio(path)


SOUNDS = {
    "a.mp3": Sound("libmp3lame"),
    "a.m4a": Sound(),
    "a.aac": Sound(),
    "a.ogg": Sound("vorbis", options={"strict": "experimental"}),
    "a.opus": Sound("libopus", 48_000),
    "a.flac": Sound("flac"),
    "a.wma": Sound("wmav2", options={"b": "96k"}),
    "a.amr": Sound("libopencore_amrnb", 8_000, "mono"),
    "a.aiff": Sound("pcm_s16be"),
    "a.au": Sound("pcm_mulaw", 8_000, "mono"),
    "a.w64": Sound("pcm_s24le", 48_000),
    "a.caf": Sound("alac"),
    "alaw.wav": Sound("pcm_alaw", 8_000, "mono"),
    "mulaw.wav": Sound("pcm_mulaw", 8_000, "mono"),
    "ima.wav": Sound("adpcm_ima_wav"),
    "ms.wav": Sound("adpcm_ms", 22_050),
    "8.wav": Sound("pcm_u8"),
    "24.wav": Sound("pcm_s24le"),
    "32.wav": Sound("pcm_s32le"),
    "float.wav": Sound("pcm_f32le"),
    "double.wav": Sound("pcm_f64le"),
    "5.1.wav": Sound("pcm_s16le", 48_000, "5.1"),
    "7.1.flac": Sound("flac", 48_000, "7.1"),
    "7.1.m4a": Sound("aac", 48_000, "7.1"),
    "16.wav": Sound("pcm_s16le", 48_000, "hexadecagonal"),
    **{f"{rate}.wav": Sound("pcm_s16le", rate, "mono") for rate in RATES},
    **{f"{rate}.flac": Sound("flac", rate) for rate in RATES},
}


@pytest.mark.parametrize("name", SOUNDS)
def test_every_kind_of_sound_is_read(tmp_path: Path, name: str) -> None:
    path = write_media(tmp_path / name, SOUNDS[name])
    check_sound(path, SOUNDS[name])
    with pytest.raises(MediaError, match="no video track"):
        read_frames(path, frames_per_second=4)


@pytest.mark.parametrize("name", ["a.wav", "a.sph"])
def test_files_of_speech_corpora(tmp_path: Path, name: str) -> None:
    kind = "NIST" if name == "a.sph" else "WAV"
    soundfile.write(tmp_path / name, tone(3.0, 16_000)[0], 16_000, format=kind)
    found = read_audio(tmp_path / name).samples
    np.testing.assert_allclose(found, tone(3.0, 16_000)[0], atol=1e-4)


SHORT = ["a.mp4", "a.mov", "a.mkv", "a.webm", "a.avi", "a.mpg", "a.ts", "a.flv"]


@pytest.mark.parametrize("seconds", [0.04, 0.12])
@pytest.mark.parametrize("name", SHORT)
def test_a_single_frame_and_a_blink(tmp_path: Path, name: str, seconds: float) -> None:
    picture, sound = {
        ".webm": (Picture("libvpx"), Sound("libopus", 48_000)),
        ".avi": (Picture("mpeg4", bframes=0), Sound("pcm_s16le")),
        ".mpg": (Picture("mpeg1video"), Sound("mp2")),
    }.get(Path(name).suffix, (H264, AAC))
    path = write_media(tmp_path / name, picture, sound, seconds=seconds)
    clip = read_frames(path, frames_per_second=1000)
    assert len(clip.frames) == round(seconds * 25)
    shown = clip.frames[:, 40:, 50:].mean(axis=(1, 2, 3)) / BRIGHTENING
    np.testing.assert_allclose(shown, clip.seconds, atol=0.05)
    assert len(read_frames(path, frames_per_second=4).frames) == 1
    assert read_audio(path).duration_seconds == pytest.approx(seconds, abs=0.06)


def test_one_very_large_frame(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", Picture(size=(4096, 2160)), seconds=0.04)
    clip = read_frames(path, frames_per_second=4)
    assert clip.frames.shape == (1, 338, 640, 3)
    np.testing.assert_allclose(clip.frames[0, :100, :100].mean(axis=(0, 1)), (200, 0, 0), atol=5)


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    for name, codec in (("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.mp4", "aac")):
        cover = Picture(
            "mjpeg", times=[0.0], bframes=0, is_cover=True, options={"strict": "unofficial"}
        )
        path = write_media(tmp_path / name, cover, Sound(codec))
        check_sound(path, Sound(codec))
        with pytest.raises(MediaError, match="no video track"):
            read_frames(path, frames_per_second=4)


def test_a_track_without_frames(tmp_path: Path) -> None:
    for name in ("a.mkv", "a.avi", "a.ts"):
        path = write_media(tmp_path / name, replace(H264, times=()), AAC)
        check_sound(path, AAC)
        with pytest.raises(MediaError, match="no frame in the video track"):
            read_frames(path, frames_per_second=4)


NAMES = [
    "two words.mp4",
    "Überraschung 驚き 🎬.mp4",
    "-leading.mp4",
    "--help.mp4",
    "a:b.mp4",
    "file:x.mp4",
    "100%d %03d %s.mp4",
    "line\nbreak\ttab.mp4",
    "quote'\"`$HOME`.mp4",
    "a?b#c&d=1;e|f.mp4",
    "back\\slash*[x].mp4",
    "no_suffix",
    "wrong.txt",
    "x" * 240 + ".mp4",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_read(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_media(tmp_path / "plain.mp4", H264, AAC, seconds=0.4).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "linked").symlink_to(name)
    for path in (Path(name), tmp_path / name, Path("linked")):
        assert len(read_frames(path, frames_per_second=5).frames) == 2
        assert read_audio(path).duration_seconds == pytest.approx(0.4, abs=0.05)
        assert media_duration(path) == pytest.approx(0.4, abs=0.05)
