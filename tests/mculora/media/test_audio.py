"""Sound: a window is a slice of the whole, the mix is the mean, and bad files say why."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from media_clips import tone, write_clip

from mculora.errors import MediaError
from mculora.media.audio import SAMPLE_RATE, AudioClip, read_audio
from mculora.media.container import media_duration

WINDOWS = [(0.0, 0.5), (0.33, 1.27), (1.0, 1.1), (2.5, 2.9)]


def cut(clip: AudioClip, start: float, end: float) -> np.ndarray:
    return clip.samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_wav_window_is_a_slice_of_the_whole(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(3.0, rate).T, rate)
    whole = read_audio(tmp_path / "a.wav")
    assert len(whole.samples) == 3 * SAMPLE_RATE
    for start, end in WINDOWS:
        window = read_audio(tmp_path / "a.wav", start_seconds=start, end_seconds=end)
        np.testing.assert_allclose(window.samples, cut(whole, start, end), atol=2e-6)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mpg", "mp2")])
def test_compressed_window_is_a_slice_of_the_whole(tmp_path: Path, name: str, codec: str) -> None:
    video = "mpeg1video" if name.endswith("mpg") else "libx264"
    path = write_clip(tmp_path / name, audio=codec, video=video)
    whole = read_audio(path)
    for start, end in WINDOWS:
        window = read_audio(path, start_seconds=start, end_seconds=end)
        np.testing.assert_allclose(window.samples, cut(whole, start, end), atol=2e-3)


def test_matroska_windows_are_right_to_its_millisecond(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv")
    whole = read_audio(path).samples
    window = read_audio(path, start_seconds=1.0, end_seconds=1.5).samples
    shifts = range(-SAMPLE_RATE // 1000, SAMPLE_RATE // 1000 + 1)
    errors = [np.abs(window - whole[16_000 + s : 24_000 + s]).max() for s in shifts]
    assert min(errors) < 0.15  # half a sample remains


def test_channels_are_averaged_and_the_scale_is_kept(tmp_path: Path) -> None:
    stereo = tone(1.0, 16_000, channels=2)
    for subtype in ("PCM_16", "PCM_24", "FLOAT", "PCM_U8"):
        soundfile.write(tmp_path / "s.wav", stereo.T, 16_000, subtype=subtype)
        got = read_audio(tmp_path / "s.wav").samples
        tolerance = 0.01 if subtype == "PCM_U8" else 1e-4
        np.testing.assert_allclose(got, stereo.mean(axis=0), atol=tolerance)


def test_resampling_agrees_with_the_tone_itself(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(2.0, 44_100).T, 44_100, subtype="FLOAT")
    got, wanted = read_audio(tmp_path / "a.wav").samples, tone(2.0, SAMPLE_RATE)[0]
    np.testing.assert_allclose(got[200:-200], wanted[200:-200], atol=1e-3)


def test_window_beyond_the_end_is_cut_there(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1.0, 16_000).T, 16_000)
    clip = read_audio(tmp_path / "a.wav", start_seconds=0.75, end_seconds=9.0)
    assert clip.duration_seconds == 0.25
    with pytest.raises(MediaError) as caught:
        read_audio(tmp_path / "a.wav", start_seconds=14.0, end_seconds=15.0)
    assert caught.value.reason == "the clip ends at 1.0 s, the utterance starts at 14.0 s"


def test_windows_that_run_backwards_are_refused(tmp_path: Path) -> None:
    for start, end in ((-1.0, 1.0), (1.0, 1.0), (float("nan"), 1.0)):
        with pytest.raises(ValueError, match="a window runs forward"):
            read_audio(tmp_path / "a.wav", start_seconds=start, end_seconds=end)


@pytest.mark.parametrize(
    "name", ["-Qw.wav", "two words.wav", "Überraschung 驚き.wav", "a:b%20#.wav"]
)
def test_any_file_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write(tmp_path / name, tone(0.5, 16_000).T, 16_000)
    assert read_audio(Path(name)).duration_seconds == 0.5


def test_bad_files_say_why(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.wav").write_text("<html>404</html>" * 100)
    whole = write_clip(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    write_clip(tmp_path / "mute.mp4", audio=None)
    reasons = {
        "none.wav": "no such file",
        "empty.mp4": "zero bytes",
        "text.wav": "cannot be decoded: ",
        "half.mp4": "cannot be decoded: ",
        "mute.mp4": "no audio track",
    }
    for name, reason in reasons.items():
        with pytest.raises(MediaError) as caught:
            read_audio(tmp_path / name)
        assert caught.value.reason.startswith(reason)
    assert capfd.readouterr() == ("", "")


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    samples = tone(0.5, 16_000)[0]
    samples[100] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(MediaError, match="not finite"):
        read_audio(tmp_path / "nan.wav")


def test_truncated_wav_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(2.0, 16_000).T, 16_000)
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(content[: len(content) // 2])
    assert read_audio(tmp_path / "a.wav").duration_seconds == pytest.approx(1.0, abs=0.01)
    with pytest.raises(MediaError):
        read_audio(tmp_path / "a.wav", start_seconds=1.5, end_seconds=2.0)


def test_duration(tmp_path: Path) -> None:
    assert media_duration(write_clip(tmp_path / "a.mp4")) == pytest.approx(3.0, abs=0.1)
    with pytest.raises(MediaError, match="no such file"):
        media_duration(tmp_path / "b.mp4")
