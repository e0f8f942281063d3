"""Faces: found where there are some, not found where there are none, followed steadily."""

from pathlib import Path

import numpy as np
import pytest
from media_clips import REAL, needs_real_clips

from mculora.media.faces import Box, HaarDetector, crop_faces
from mculora.media.video import Pixels, VideoFrame, read_frames

FACES = {
    "astorfi__sample_video.mp4": 0.5,  # turned, tilted and dark
    "grid__bbaf2n.mpg": 1.0,
    "grid__lbax4n.mpg": 1.0,
    "grid__pwij3p.mpg": 1.0,
    "grid__sbia1a.mpg": 1.0,
    "pyfeat__single_face.mp4": 1.0,
}


def crops_of(path: Path, end_seconds: float | None = None) -> list[Pixels | None]:
    clip = read_frames(path, end_seconds=end_seconds, frames_per_second=4)
    frames = [VideoFrame(f, s) for f, s in zip(clip.frames, clip.seconds.tolist(), strict=True)]
    return list(crop_faces(frames, HaarDetector()))


@needs_real_clips
@pytest.mark.parametrize("name", FACES)
def test_real_faces_are_found(name: str) -> None:
    crops = crops_of(REAL / name)
    found = [crop for crop in crops if crop is not None]
    assert len(found) / len(crops) >= FACES[name]
    assert {(crop.shape, crop.dtype.name) for crop in found} == {((96, 96, 3), "uint8")}


@needs_real_clips
def test_no_face_is_none() -> None:
    assert set(map(type, crops_of(REAL / "pyfeat__no_face.mp4"))) == {type(None)}
    half = [crop is not None for crop in crops_of(REAL / "pyfeat__face_noface.mov")]
    assert 0.3 < np.mean(half) < 0.7


@needs_real_clips
def test_crops_do_not_depend_on_the_detectors_past() -> None:
    first, again = HaarDetector(), HaarDetector()
    clip = read_frames(REAL / "grid__bbaf2n.mpg", frames_per_second=4)
    frames = [VideoFrame(f, s) for f, s in zip(clip.frames, clip.seconds.tolist(), strict=True)]
    list(crop_faces(frames[3:], first))
    for one, other in zip(crop_faces(frames, first), crop_faces(frames, again), strict=True):
        assert np.array_equal(one, other)


class Scripted:
    """A detector that reports what the test scripted for each frame."""

    name = "scripted"

    def __init__(self, script: list[list[Box]]) -> None:
        self._script = script

    def detect(self, gray: Pixels, near: Box | None = None) -> list[Box]:
        boxes = self._script[int(gray[0, 0])]
        return [b for b in boxes if near is None or near.contains(b.x, b.y)]


def numbered(count: int) -> list[VideoFrame]:
    return [VideoFrame(np.full((80, 120, 3), i, np.uint8), i / 4) for i in range(count)]


def test_the_largest_face_is_chosen_and_then_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from mculora.media import faces

    seen: list[Box] = []
    monkeypatch.setattr(faces, "_cut", lambda pixels, box, side: seen.append(box) or pixels)
    left, right = Box(30, 40, 30), Box(90, 40, 20)
    larger_right = Box(90, 40, 40)
    script = [[left, right], [left, larger_right], [larger_right], []]
    crops = list(crop_faces(numbered(4), Scripted(script)))
    assert seen == [left, left, larger_right]
    assert crops[3] is None


def test_the_followed_box_moves_smoothly(monkeypatch: pytest.MonkeyPatch) -> None:
    from mculora.media import faces

    seen: list[Box] = []
    monkeypatch.setattr(faces, "_cut", lambda pixels, box, side: seen.append(box) or pixels)
    list(crop_faces(numbered(2), Scripted([[Box(40, 40, 30)], [Box(44, 40, 34)]])))
    assert seen == [Box(40, 40, 30), Box(42, 40, 32)]


def test_crops_at_the_edge_are_whole() -> None:
    [crop] = crop_faces(numbered(1), Scripted([[Box(2, 2, 60)]]))
    assert crop is not None
    assert crop.shape == (96, 96, 3)
