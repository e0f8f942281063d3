"""What is no clip, or half a clip, gives its reason in little time and memory."""

import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from media_clips import BRIGHTENING, Picture, Sound, tone, write_media

from mculora.errors import MediaError
from mculora.media.audio import SAMPLE_RATE, read_audio
from mculora.media.container import media_duration
from mculora.media.video import read_frames

RNG = np.random.default_rng(0)
STILL = RNG.integers(0, 255, (64, 64, 3), dtype=np.uint8)
NOT_DECODED, NOT_MEDIA = "cannot be decoded: ", "neither sound nor video"
CONTENTS = {
    "empty.mp4": (b"", "zero bytes"),
    "letter.mp4": (b"a", NOT_DECODED),
    "text.mp4": (b"hello world\n" * 100, NOT_DECODED),
    "page.mp4": (b"<!DOCTYPE html><title>404 Not Found</title>\n" * 30, NOT_DECODED),
    "random.mp4": (RNG.bytes(100_000), NOT_DECODED),
    "zeros.mp4": (bytes(100_000), NOT_DECODED),
    "archive.mp4": (b"PK\3\4" + RNG.bytes(5_000), NOT_DECODED),
    "subtitles.mp4": (b"1\n00:00:00,000 --> 00:00:02,000\nhello\n\n" * 3, NOT_MEDIA),
    "playlist.m3u8": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\nwhole.ts\n#EXT-X-ENDLIST\n", NOT_MEDIA),
    "live.m3u8": (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\nwhole.ts\n", NOT_MEDIA),
    "list.mp4": (b"ffconcat version 1.0\nfile whole.ts\n", NOT_MEDIA),
    **{
        f"{kind}.mp4": (cv2.imencode(f".{kind}", STILL)[1].tobytes(), NOT_MEDIA)
        for kind in ("jpg", "png", "webp", "bmp", "tiff")
    },
}


def reason(read: Callable[[], object]) -> str:
    with pytest.raises(MediaError) as caught:
        read()
    return caught.value.reason


def reasons(path: Path) -> list[str]:
    """Why the sound, the picture and the duration cannot be read."""
    return [
        reason(lambda: read_audio(path)),
        reason(lambda: read_frames(path, frames_per_second=4)),
        reason(lambda: media_duration(path)),
    ]


@pytest.mark.parametrize("name", CONTENTS)
def test_what_is_no_clip_says_so(tmp_path: Path, name: str) -> None:
    content, why = CONTENTS[name]
    (tmp_path / name).write_bytes(content)
    write_media(tmp_path / "whole.ts", Picture(), Sound(), seconds=0.4)
    for found in reasons(tmp_path / name):
        assert found.startswith(why)


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "broken.mp4").symlink_to("nowhere")
    (tmp_path / "ring.mp4").symlink_to("ring.mp4")
    why = {
        "none.mp4": "no such file",
        "folder.mp4": "a folder, not a file",
        "pipe.mp4": "a device or a pipe, not a file",
        "broken.mp4": "no such file",
        "ring.mp4": "no such file",
        "x" * 300: "cannot be read: File name too long",
    }
    for name, expected in why.items():
        assert reasons(tmp_path / name) == [expected] * 3


CLIPS = {
    "a.mp4": (Picture(), Sound()),
    "fast.mp4": (Picture(), Sound()),
    "a.mkv": (Picture(), Sound()),
    "a.webm": (Picture("libvpx"), Sound("libopus", 48_000)),
    "a.avi": (Picture("mpeg4", bframes=0), Sound("pcm_s16le")),
    "a.mpg": (Picture("mpeg1video"), Sound("mp2")),
    "a.ts": (Picture(), Sound()),
    "a.flv": (Picture(), Sound()),
    "a.mp3": (Sound("libmp3lame"),),
    "a.flac": (Sound("flac"),),
    "a.ogg": (Sound("libopus", 48_000),),
    "a.wav": (Sound("pcm_s16le"),),
}


def write(path: Path) -> bytes:
    options = {"movflags": "faststart"} if path.name == "fast.mp4" else {}
    return write_media(path, *CLIPS[path.name], options=options).read_bytes()


@pytest.mark.parametrize("name", [name for name in CLIPS if name != "a.mp4"])
def test_half_a_download_is_read_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    content = write(tmp_path / name)
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    assert 0.9 < read_audio(tmp_path / name).duration_seconds < 1.7
    if len(CLIPS[name]) > 1:
        clip = read_frames(tmp_path / name, frames_per_second=5)
        assert 1.3 < clip.seconds[-1] < 2.7
        shown = clip.frames[:, 40:, 50:].mean(axis=(1, 2, 3)) / BRIGHTENING
        np.testing.assert_allclose(shown, clip.seconds, atol=0.07)


def test_half_an_mp4_has_no_table_of_contents(tmp_path: Path) -> None:
    content = write(tmp_path / "a.mp4")
    (tmp_path / "a.mp4").write_bytes(content[: len(content) // 2])
    for found in reasons(tmp_path / "a.mp4"):
        assert found.startswith(NOT_DECODED)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_damage_is_an_error_of_the_windows_that_have_it(tmp_path: Path, name: str) -> None:
    content = bytearray(write(tmp_path / name))
    middle = len(content) // 2
    content[middle : middle + 4_000] = np.random.default_rng(0).bytes(4_000)
    (tmp_path / name).write_bytes(content)
    assert "damaged after 1." in reason(lambda: read_audio(tmp_path / name))
    for start, end in ((0.2, 0.8), (2.4, 2.9)):
        window = read_audio(tmp_path / name, start_seconds=start, end_seconds=end)
        assert window.duration_seconds == pytest.approx(end - start)


@pytest.mark.parametrize("name", [name for name in CLIPS if len(CLIPS[name]) > 1])
@pytest.mark.parametrize("start", [3.2, 100.0, 1e18])
def test_windows_beyond_the_end_say_so(tmp_path: Path, name: str, start: float) -> None:
    write(tmp_path / name)
    for read in (read_audio, partial(read_frames, frames_per_second=4)):
        why = reason(lambda read=read: read(tmp_path / name, start_seconds=start))
        assert re.fullmatch(
            rf"the clip ends at (2\.9|3\.[01]) s, the utterance starts at {start:.1f} s", why
        )


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "flac"), ("a.ts", "aac")])
def test_a_hole_is_closed_up_and_shifts_nothing(tmp_path: Path, name: str, codec: str) -> None:
    path = write_media(tmp_path / name, Picture(), Sound(codec, hole=(1.0, 1.5)))
    assert read_audio(path).duration_seconds == pytest.approx(2.5, abs=0.06)
    wave = tone(3.0, SAMPLE_RATE, 2).mean(axis=0)
    for start, end, kept in ((0.4, 0.9, 0.5), (0.8, 1.8, 0.5), (1.7, 2.2, 0.5), (2.4, 2.9, 0.5)):
        window = read_audio(path, start_seconds=start, end_seconds=end)
        assert window.duration_seconds == pytest.approx(kept, abs=0.06)
        if start >= 1.5 or end <= 1.0:
            place = round(start * SAMPLE_RATE)
            alike = [
                np.corrcoef(window.samples, wave[shifted : shifted + len(window.samples)])[0, 1]
                for shifted in range(place - 400, place + 16)
            ]
            assert max(alike) > 0.95
    assert "the utterance" in reason(lambda: read_audio(path, start_seconds=1.1, end_seconds=1.4))


def wav(rate: int = 16_000, channels: int = 1, bits: int = 16, size: int = 32_000) -> bytes:
    """A second of sound under a header that says what it is told to."""
    frame = channels * bits // 8
    kind = struct.pack("<HHIIHH", 1, channels, rate, rate * frame % 2**32, frame % 2**16, bits)
    samples = (tone(1.0, 16_000)[0] * 30_000).astype("<i2").tobytes()
    head = b"RIFF" + struct.pack("<I", 36 + 32_000) + b"WAVEfmt " + struct.pack("<I", 16)
    return head + kind + b"data" + struct.pack("<I", size) + samples


@pytest.mark.parametrize("rate", [1, 999, 400_000, 999_999_937, 1_000_000_000])
def test_rates_that_no_sound_has_are_refused(tmp_path: Path, rate: int) -> None:
    (tmp_path / "a.wav").write_bytes(wav(rate))
    assert reason(lambda: read_audio(tmp_path / "a.wav")) == f"a sampling rate of {rate} Hz"


@pytest.mark.parametrize("rate", [1_000, 8_011, 22_254, 44_056, 44_101, 383_999])
def test_odd_rates_are_resampled_in_little_memory(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", tone(3.0, rate)[0], rate)
    found = read_audio(tmp_path / "a.wav")
    assert found.duration_seconds == pytest.approx(3.0, rel=1e-3)
    window = read_audio(tmp_path / "a.wav", start_seconds=2.0, end_seconds=2.5)
    assert len(window.samples) == 8_000


@pytest.mark.parametrize("channels", [0, 1_000, 65_535])
def test_channels_that_no_sound_has_are_refused(tmp_path: Path, channels: int) -> None:
    (tmp_path / "a.wav").write_bytes(wav(channels=channels))
    assert reason(lambda: read_audio(tmp_path / "a.wav")).startswith("cannot be decoded")


@pytest.mark.parametrize("size", [0, 2**31 - 1, 2**32 - 1])
def test_a_wrong_size_in_a_wav_changes_nothing(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.wav").write_bytes(wav(size=size))
    assert read_audio(tmp_path / "a.wav").duration_seconds == 1.0
    assert media_duration(tmp_path / "a.wav") == pytest.approx(1.0)


READ_ALL = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
from mculora.errors import MediaError
from mculora.media.audio import read_audio
from mculora.media.container import Window, media_duration
from mculora.media.video import iterate_frames

base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    print("reading", path.name, flush=True)
    for read in (
        lambda: read_audio(path),
        lambda: read_audio(path, start_seconds=0.7, end_seconds=1.3),
        lambda: list(iterate_frames(path, Window(), frames_per_second=4)),
        lambda: list(iterate_frames(path, Window(0.7, 1.3), frames_per_second=4)),
        lambda: media_duration(path),
    ):
        try:
            read()
        except MediaError as error:
            assert error.reason
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base
assert grown < 1 << 20, f"{grown} kB"
print("done")
"""


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Change bytes anywhere, extreme numbers in the header, or take a piece out or cut it off."""
    changed, length = bytearray(content), len(content)
    start, size = int(rng.integers(length)), int(rng.integers(1, length // 4))
    match rng.integers(5):
        case 0:
            for place in rng.integers(length, size=rng.integers(1, 60)):
                changed[place] ^= int(rng.integers(1, 256))
        case 1:
            for place in rng.integers(min(length - 4, 3_000), size=rng.integers(1, 8)):
                extremes = (b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")
                changed[place : place + 4] = extremes[rng.integers(4)]
        case 2:
            changed[start : start + size] = rng.bytes(size)
        case 3:
            del changed[start : start + size]
        case 4:
            del changed[start:]
    return bytes(changed) or b"x"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits its memory as Unix does")
def test_damaged_files_end_in_a_reading_or_a_reason(tmp_path: Path) -> None:
    rng, folder = np.random.default_rng(0), tmp_path / "damaged"
    folder.mkdir()
    for name in CLIPS:
        content = write(tmp_path / name)
        for number in range(25):
            (folder / f"{number}_{name}").write_bytes(mutate(content, rng))
    command = [sys.executable, "-c", READ_ALL, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    last = done.stdout.splitlines()[-1] if done.stdout else ""
    assert (done.returncode, last, done.stderr) == (0, "done", "")


@pytest.mark.parametrize(
    ("name", "key", "skip"), [("a.mkv", b"\x44\x89", 3), ("a.flv", b"duration", 9)]
)
def test_a_header_that_claims_centuries_is_not_believed(
    tmp_path: Path, name: str, key: bytes, skip: int
) -> None:
    content = bytearray(write(tmp_path / name))
    place = content.index(key) + skip
    content[place : place + 8] = struct.pack(">d", 1e13)
    (tmp_path / name).write_bytes(content)
    assert read_audio(tmp_path / name).duration_seconds == pytest.approx(3.0, abs=0.1)
    assert len(read_frames(tmp_path / name, frames_per_second=4).frames) == 12
    assert media_duration(tmp_path / name) == pytest.approx(3.0, abs=0.1)
    why = reason(lambda: read_audio(tmp_path / name, start_seconds=5.0))
    assert why == "the clip ends at 3.0 s, the utterance starts at 5.0 s"


def test_ten_hours_are_refused_at_once(tmp_path: Path) -> None:
    minutes = [60.0 * minute for minute in range(600)]
    path = write_media(tmp_path / "a.mp4", Picture(times=minutes))
    why = reason(lambda: read_frames(path, frames_per_second=4))
    assert why == "more than 3600 s of picture at once"
    clip = read_frames(path, start_seconds=30_000.0, end_seconds=30_100.0, frames_per_second=1)
    assert clip.seconds.tolist() == [30_000.0, 30_060.0]
    soundfile.write(tmp_path / "a.flac", np.zeros(3700 * 8_000, np.int16), 8_000)
    why = reason(lambda: read_audio(tmp_path / "a.flac"))
    assert why == "more than 3600 s of sound at once"
    late = read_audio(tmp_path / "a.flac", start_seconds=3_690.0)
    assert late.duration_seconds == 10.0


def test_frames_of_a_size_that_no_camera_has_are_refused(tmp_path: Path) -> None:
    clip = Picture("mjpeg", bframes=0, options={"strict": "unofficial"})
    content = bytearray(write_media(tmp_path / "a.avi", clip).read_bytes())
    header, place = b"\xff\xc0\x00\x11\x08", 0
    while (place := content.find(header, place + 1)) > 0:
        content[place + 5 : place + 9] = struct.pack(">HH", 15_000, 15_000)
    (tmp_path / "a.avi").write_bytes(content)
    why = reason(lambda: read_frames(tmp_path / "a.avi", frames_per_second=4))
    assert why == "cannot be decoded: no frame in this window"
