"""Faces of an utterance: which frames, whose half, how cut, found by whom."""

import math
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from huggingface_hub import constants
from yunet_file import write_yunet

from mculora.corpora.utterance import FrameRegion
from mculora.errors import InputError
from mculora.features import faces
from mculora.features.face_settings import FaceSettings
from mculora.features.faces import SeenFaces, make_detector, see_faces, see_frames
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.media.faces.boxes import Box
from mculora.media.faces.haar import HaarDetector
from mculora.media.faces.yunet import YunetDetector

REAL = Path(__file__).parents[4] / "shared" / "data" / "clips"
needs_real_clips = pytest.mark.skipif(not REAL.is_dir(), reason="needs the real clips")
PLAIN = FaceSettings()


def see(observation: Observation, settings: FaceSettings = PLAIN, side: int = 96):
    return see_faces(observation, HaarDetector(), settings, side=side)


def test_crops_come_with_the_share_of_frames_that_had_a_face(face_clip: Path) -> None:
    seen = see(Observation(video_path=face_clip), side=64)
    assert isinstance(seen, SeenFaces)
    assert seen.facts == {"frames": 12, "frames_with_face": 8}
    assert {(crop.shape, crop.dtype.name) for crop in seen.crops} == {((64, 64, 3), "uint8")}


def test_no_face_is_a_reason_with_its_share(face_clip: Path) -> None:
    wall = Observation(video_path=face_clip, start_seconds=2.1)
    assert see(wall) == Absence("no face in 4 frames", {"frames": 4, "frames_with_face": 0})
    one = see(replace(wall, end_seconds=2.3))
    assert one == Absence("no face in 1 frame", {"frames": 1, "frames_with_face": 0})
    assert see(Observation()) == Absence("no video file")


@pytest.mark.parametrize("count", [1, 5])
def test_frames_by_number(face_clip: Path, count: int) -> None:
    settings = FaceSettings(num_frames=count)
    for end in (1.0, 2.0):
        seen = see(Observation(video_path=face_clip, end_seconds=end), settings)
        assert seen.facts == {"frames": count, "frames_with_face": count}


def test_margin_and_choice_reach_the_crops(face_clip: Path) -> None:
    clip = Observation(video_path=face_clip)
    near, far = see(clip), see(clip, FaceSettings(margin=0.4))
    assert len(near.crops) == len(far.crops)
    inner = cv2.resize(far.crops[0][18:-18, 18:-18], (96, 96))
    apart = np.abs(inner.astype(int) - near.crops[0]).mean()
    assert apart < np.abs(far.crops[0].astype(int) - near.crops[0]).mean() / 2
    largest = see(clip, FaceSettings(follow="largest"))
    assert np.array_equal(largest.crops[0], near.crops[0])
    assert not np.array_equal(largest.crops[-1], near.crops[-1])  # no smoothing


class Tilted:
    """A detector that sees one tilted head in the middle of each picture."""

    name = "tilted"

    def detect(self, pixels, near=None):
        height, width = pixels.shape[:2]
        return [Box(width / 2, height / 2, height / 3, tilt=0.5)]


def test_crops_are_upright_if_asked_for(face_clip: Path) -> None:
    clip = Observation(video_path=face_clip)
    plain, upright = (
        see_faces(clip, Tilted(), FaceSettings(detector="yunet", align=align), side=96).crops[0]
        for align in (False, True)
    )
    turn = cv2.getRotationMatrix2D((48, 48), math.degrees(0.5), 1.0)
    turned = cv2.warpAffine(plain, turn, (96, 96))
    apart = [np.abs(turned.astype(int) - c)[24:72, 24:72].mean() for c in (plain, upright)]
    assert apart[1] < apart[0] / 4


@pytest.fixture
def two_halves(tmp_path: Path) -> Path:
    """A clip whose left half is red and whose right half is blue, of an odd width in the middle."""
    path = tmp_path / "two.mp4"
    pixels = np.zeros((64, 98, 3), np.uint8)
    pixels[:, :49], pixels[:, 49:] = (255, 0, 0), (0, 0, 255)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 98, 64, "yuv444p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_regions_are_halves(two_halves: Path) -> None:
    for region, channel in ((FrameRegion.LEFT, 0), (FrameRegion.RIGHT, 2)):
        frames = list(see_frames(Observation(video_path=two_halves, region=region), PLAIN))
        assert {frame.pixels.shape for frame in frames} == {(64, 49, 3)}
        assert all((frame.pixels.argmax(axis=-1) == channel).all() for frame in frames)
    whole = next(see_frames(Observation(video_path=two_halves), PLAIN))
    assert whole.pixels.shape == (64, 98, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"frames_per_second": 0.0},
        {"num_frames": 0},
        {"detector": "mtcnn"},
        {"follow": "all"},
        {"margin": -0.1},
        {"align": True},
        {"align": True, "detector": "haar"},
    ],
)
def test_settings_check_themselves(wrong: dict) -> None:
    with pytest.raises(InputError, match=rf"^extract\.visual\.{next(iter(wrong))}: found "):
        FaceSettings(**wrong)


def test_haar_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "_find_yunet", None)  # is not asked for
    assert make_detector(PLAIN).name == "haar-frontalface-default"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, with no network behind it."""
    cache = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return cache


def test_without_its_file_yunet_is_haar_or_an_error(hub: Path) -> None:
    assert isinstance(make_detector(FaceSettings(detector="auto")), HaarDetector)
    for settings in (FaceSettings(detector="yunet"), FaceSettings(detector="auto", align=True)):
        with pytest.raises(InputError) as caught:
            make_detector(settings)
        for part in ("opencv/face_detection_yunet", str(hub), "HF_HOME", "detector: haar"):
            assert part in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("choice", ["auto", "yunet"])
def test_a_cached_file_is_used_without_asking(
    hub: Path, choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "_answers", None)  # is not asked
    repository = hub / "models--opencv--face_detection_yunet"
    snapshot = repository / "snapshots" / (40 * "a")
    for folder in (snapshot, repository / "refs"):
        folder.mkdir(parents=True)
    (repository / "refs" / "main").write_text(40 * "a")
    write_yunet(snapshot / faces.YUNET_FILE)
    detector = make_detector(FaceSettings(detector=choice, align=True))
    assert isinstance(detector, YunetDetector)
    assert detector.name.startswith("yunet sha256 ")


def test_no_network_is_known_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "_PATIENCE_SECONDS", 0.2)
    assert not faces._answers("http://127.0.0.1:9/a")
    assert not faces._answers("http://nowhere.invalid/a")


def test_identity_tells_what_changes_the_crops() -> None:
    detector = HaarDetector()
    variants = [
        PLAIN,
        FaceSettings(frames_per_second=2.0),
        FaceSettings(num_frames=8),
        FaceSettings(follow="largest"),
        FaceSettings(margin=0.1),
        FaceSettings(detector="yunet", align=True),
    ]
    identities = [str(settings.identity(detector.name)) for settings in variants]
    assert len(set(identities)) == len(variants)
    assert FaceSettings(detector="auto").identity(detector.name) == PLAIN.identity(detector.name)
    by_number = FaceSettings(num_frames=8, frames_per_second=2.0).identity(detector.name)
    assert by_number == FaceSettings(num_frames=8).identity(detector.name)


@needs_real_clips
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("grid__bbaf2n.mpg", 12, 12),
        ("pyfeat__single_face.mp4", 10, 10),
        ("astorfi__sample_video.mp4", 15, 28),
        ("pyfeat__face_noface.mov", 9, 11),
    ],
)
def test_real_faces_are_found(name: str, least: int, most: int) -> None:
    seen = see(Observation(video_path=REAL / name))
    assert least <= len(seen.crops) <= most
    for crop in seen.crops:  # skin in the middle: redder than it is blue
        red, _, blue = crop[32:64, 32:64].mean(axis=(0, 1))
        assert red > blue


@needs_real_clips
def test_an_animation_has_no_face() -> None:
    seen = see(Observation(video_path=REAL / "pyfeat__no_face.mp4"))
    assert seen == Absence("no face in 16 frames", {"frames": 16, "frames_with_face": 0})
