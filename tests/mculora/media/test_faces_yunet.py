"""YuNet by OpenCV's own reader and decoder, on a network that takes red squares for faces."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from yunet_file import SIDE, write_yunet

from mculora.errors import InputError
from mculora.media.faces.boxes import Box
from mculora.media.faces.tracking import FaceTracker
from mculora.media.faces.yunet import YunetDetector

TILT = 0.2


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_yunet(tmp_path_factory.mktemp("yunet") / "yunet.onnx", tilt=TILT)


@pytest.fixture(scope="module")
def detector(network: Path) -> YunetDetector:
    return YunetDetector(network)


def picture(*centres: tuple[int, int], size: tuple[int, int] = (240, 320), side: int = SIDE):
    pixels = np.zeros((*size, 3), np.uint8)
    for x, y in centres:
        pixels[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2, 0] = 255
    return pixels


def test_faces_are_found_where_they_are(detector: YunetDetector) -> None:
    found = sorted(detector.detect(picture((70, 100), (233, 131))), key=lambda box: box.x)
    assert found == [
        Box(
            pytest.approx(70, abs=1),
            pytest.approx(100, abs=1),
            pytest.approx(SIDE),
            pytest.approx(TILT, abs=1e-3),
        ),
        Box(
            pytest.approx(233, abs=1),
            pytest.approx(131, abs=1),
            pytest.approx(SIDE),
            pytest.approx(TILT, abs=1e-3),
        ),
    ]


def test_pictures_without_a_face_give_none(detector: YunetDetector) -> None:
    assert detector.detect(picture()) == []
    blue = picture((70, 100))[..., ::-1].copy()
    assert detector.detect(blue) == []


def test_large_pictures_are_searched_smaller(detector: YunetDetector) -> None:
    [box] = detector.detect(picture((400, 200), size=(480, 640), side=2 * SIDE))
    assert (box.x, box.y, box.side) == pytest.approx((400, 200, 2 * SIDE), abs=2)


@pytest.mark.parametrize("side", [32, 64, 150])
def test_a_followed_face_is_searched_around_it(detector: YunetDetector, side: int) -> None:
    pixels = picture((150, 200), size=(400, 300), side=side)
    [box] = detector.detect(pixels, Box(150 - side / 8, 200 + side / 10, side))
    assert (box.x, box.y, box.side) == pytest.approx((150, 200, side), abs=0.03 * side + 0.5)
    assert detector.detect(pixels, Box(150 + side, 200, side)) == []
    assert detector.detect(pixels, Box(150, 200, 2 * side)) == []


def test_a_face_is_followed(detector: YunetDetector) -> None:
    tracker = FaceTracker(detector)
    for step in range(6):
        box = tracker.find(picture((100 + 6 * step, 120), (260, 60)))
        assert box is not None
        assert abs(box.x - (100 + 6 * step)) < 8
    assert tracker.find(picture()) is None


def test_threads_have_networks_of_their_own(detector: YunetDetector) -> None:
    places = [(40 + 10 * k, 60 + 5 * k) for k in range(20)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda place: detector.detect(picture(place)), places))
    assert [len(boxes) for boxes in found] == 20 * [1]
    assert [(b.x, b.y) for [b] in found] == [pytest.approx(place, abs=1) for place in places]


def test_the_name_tells_the_weights(network: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256(network.read_bytes()).hexdigest()
    assert YunetDetector(network).name == f"yunet sha256 {digest}"
    assert digest not in YunetDetector(write_yunet(tmp_path / "a.onnx", tilt=0.1)).name


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "yunet.onnx"
    for content in (b"", b"version https://git-lfs.github.com/spec/v1\n"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"yunet\.onnx: found no face network"):
            YunetDetector(path)
