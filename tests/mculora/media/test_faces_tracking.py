"""Faces: found where there are some, not found where there are none, followed steadily."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mculora.media.faces.boxes import Box
from mculora.media.faces.cropping import cut_face
from mculora.media.faces.haar import HaarDetector
from mculora.media.faces.tracking import FaceTracker
from mculora.media.video import Pixels, read_frames


def find_all(frames: np.ndarray, detector: HaarDetector) -> list[Box | None]:
    tracker = FaceTracker(detector)
    return [tracker.find(pixels) for pixels in frames]


def test_a_face_is_found_as_long_as_it_is_there(face_clip: Path) -> None:
    found = find_all(read_frames(face_clip, frames_per_second=4).frames, HaarDetector())
    assert [box is not None for box in found] == 8 * [True] + 4 * [False]


def test_boxes_do_not_depend_on_the_detectors_past(face_clip: Path) -> None:
    used, fresh = HaarDetector(), HaarDetector()
    frames = read_frames(face_clip, frames_per_second=4).frames
    find_all(frames[3:], used)
    assert find_all(frames, used) == find_all(frames, fresh)


def test_threads_do_not_disturb_each_other(face_clip: Path) -> None:
    frames, detector = read_frames(face_clip, frames_per_second=4).frames, HaarDetector()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: find_all(frames, detector), range(8)))
    assert found == 8 * [find_all(frames, HaarDetector())]


def test_a_face_is_where_its_cut_out_shows_it(face_clip: Path) -> None:
    pixels = read_frames(face_clip, frames_per_second=4).frames[0]
    [whole] = HaarDetector().detect(pixels)
    moved = np.roll(pixels, (9, -14), axis=(0, 1))
    [again] = HaarDetector().detect(moved, near=whole)
    assert again.x - whole.x == pytest.approx(-14, abs=0.1 * whole.side)
    assert again.y - whole.y == pytest.approx(9, abs=0.1 * whole.side)


class Scripted:
    """A detector that reports what the test scripted for each frame."""

    name = "scripted"

    def __init__(self, *script: list[Box]) -> None:
        self._script = script
        self.searches: list[tuple[int, bool]] = []

    def detect(self, pixels: Pixels, near: Box | None = None) -> list[Box]:
        number = int(pixels[0, 0, 0])
        self.searches.append((number, near is None))
        return [b for b in self._script[number] if near is None or near.contains(b)]


def numbered(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint8)[:, None, None, None].repeat(3, axis=-1)


LEFT, RIGHT, LARGER_RIGHT = Box(30, 40, 30), Box(90, 40, 20), Box(90, 40, 40)
SCRIPT = [[LEFT, RIGHT], [LEFT, LARGER_RIGHT], [LARGER_RIGHT], []]


def test_the_largest_face_is_chosen_and_then_kept() -> None:
    detector = Scripted(*SCRIPT)
    assert find_all(numbered(4), detector) == [LEFT, LEFT, LARGER_RIGHT, None]
    once, twice = [(0, True), (1, False)], [(2, False), (2, True), (3, False), (3, True)]
    assert detector.searches == once + twice


def test_the_largest_face_of_each_frame_can_be_asked_for() -> None:
    detector = Scripted(*SCRIPT)
    tracker = FaceTracker(detector, is_steady=False)
    assert [tracker.find(p) for p in numbered(4)] == [LEFT, LARGER_RIGHT, LARGER_RIGHT, None]
    assert detector.searches == [(k, True) for k in range(4)]


def test_the_followed_box_moves_smoothly() -> None:
    detector = Scripted([Box(40, 40, 30, 0.2)], [Box(44, 40, 34, 0.0)])
    assert find_all(numbered(2), detector) == [Box(40, 40, 30, 0.2), Box(42, 40, 32, 0.1)]


def test_crops_at_the_edge_are_whole() -> None:
    pixels = np.full((80, 120, 3), 7, np.uint8)
    crop = cut_face(pixels, Box(2, 2, 60), side=96, margin=0.05)
    assert crop.shape == (96, 96, 3)
    assert (crop == 7).all()


def test_the_margin_is_a_share_of_the_side_on_each_side() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[30:70, 30:70] = 255
    crop = cut_face(pixels, Box(50, 50, 40), side=60, margin=0.25)
    assert (crop > 127).any(axis=(0, 2)).nonzero()[0].tolist() == list(range(10, 50))
    assert cut_face(pixels, Box(50, 50, 40), side=40, margin=0.0).min() == 255


def test_an_upright_crop_has_its_eyes_level() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    left, right = (40, 45), (64, 55)  # a head tilted clockwise
    for x, y in (left, right):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
    tilt = np.arctan2(right[1] - left[1], right[0] - left[0])
    box = Box(52, 50, 60, tilt)
    crop = cut_face(pixels, box, side=60, margin=0.0, is_upright=True)
    rows = [np.argwhere(half[:, :, 0] > 127)[:, 0].mean() for half in np.split(crop, 2, axis=1)]
    assert rows[0] == pytest.approx(rows[1], abs=0.5)
    tilted = cut_face(pixels, box, side=60, margin=0.0)
    rows = [np.argwhere(half[:, :, 0] > 127)[:, 0].mean() for half in np.split(tilted, 2, axis=1)]
    assert rows[1] - rows[0] == pytest.approx(10, abs=1)
