"""Faces: found where there are some, not found where there are none, followed steadily."""

from pathlib import Path

import numpy as np
import pytest

from mculora.media.faces import Box, HaarDetector, crop_faces
from mculora.media.video import Pixels, VideoFrame, read_frames


def frames_of(path: Path) -> list[VideoFrame]:
    clip = read_frames(path, frames_per_second=4)
    return [VideoFrame(f, s) for f, s in zip(clip.frames, clip.seconds.tolist(), strict=True)]


def test_a_face_is_found_as_long_as_it_is_there(face_clip: Path) -> None:
    crops = list(crop_faces(frames_of(face_clip), HaarDetector()))
    assert [crop is not None for crop in crops] == 8 * [True] + 4 * [False]
    shapes = {(crop.shape, crop.dtype.name) for crop in crops if crop is not None}
    assert shapes == {((96, 96, 3), "uint8")}


def test_crops_do_not_depend_on_the_detectors_past(face_clip: Path) -> None:
    used, fresh = HaarDetector(), HaarDetector()
    frames = frames_of(face_clip)
    list(crop_faces(frames[3:], used))
    for one, other in zip(crop_faces(frames, used), crop_faces(frames, fresh), strict=True):
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
