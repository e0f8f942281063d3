"""The speaker's face in an utterance: which frames are seen, who finds it, how it is cut out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np

from mculora.corpora.utterance import FrameRegion
from mculora.errors import InputError
from mculora.features.face_settings import FaceSettings
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.media.faces.boxes import FaceDetector
from mculora.media.faces.cropping import cut_face
from mculora.media.faces.haar import HaarDetector
from mculora.media.faces.tracking import FaceTracker
from mculora.media.faces.yunet import YunetDetector
from mculora.media.video import Pixels, VideoFrame, iterate_frames

YUNET_MODEL, YUNET_FILE = "opencv/face_detection_yunet", "face_detection_yunet_2023mar.onnx"
"""Where the hub has YuNet: its repository, and the file in it."""

_PATIENCE_SECONDS = 5.0  # the hub's own client tries for half a minute


@dataclass(frozen=True)
class SeenFaces:
    """The face crops of an utterance.

    Attributes:
        crops: RGB (side, side, 3) uint8 each, in time order, at least one.
        frames: How many frames were looked at.
    """

    crops: list[Pixels]
    frames: int

    @property
    def facts(self) -> Mapping[str, JSON]:
        """How many frames were looked at, and how many of them had a face."""
        return {"frames": self.frames, "frames_with_face": len(self.crops)}


def see_faces(
    observation: Observation, detector: FaceDetector, settings: FaceSettings, *, side: int
) -> SeenFaces | Absence:
    """Read the speaker's face crops, `side` pixels along each, or say why there are none.

    Raises:
        MediaError: The file cannot be read, or has no picture there.
    """
    if observation.video_path is None:
        return Absence("no video file")
    tracker = FaceTracker(detector, is_steady=settings.follow == "tracked")
    cut = partial(cut_face, side=side, margin=settings.margin, is_upright=settings.align)
    seen: list[Pixels | None] = []
    for frame in see_frames(observation, settings):
        box = tracker.find(frame.pixels)
        seen.append(cut(frame.pixels, box) if box else None)
    crops = [crop for crop in seen if crop is not None]
    if crops:
        return SeenFaces(crops, len(seen))
    reason = f"no face in {len(seen)} frame{'s' if len(seen) > 1 else ''}"
    return Absence(reason, {"frames": len(seen), "frames_with_face": 0})


def see_frames(observation: Observation, settings: FaceSettings) -> Iterator[VideoFrame]:
    """Yield the frames that are looked at, the part of each that shows the speaker.

    Raises:
        MediaError: The file cannot be read, or has no picture there.
    """
    if observation.video_path is None:
        return
    for frame in iterate_frames(
        observation.video_path,
        observation.video_window,
        frames_per_second=settings.frames_per_second,
        num_frames=settings.num_frames,
    ):
        middle = frame.pixels.shape[1] // 2
        part = {
            FrameRegion.FULL: slice(None),
            FrameRegion.LEFT: slice(None, middle),
            FrameRegion.RIGHT: slice(middle, None),
        }[observation.region]
        yield VideoFrame(np.ascontiguousarray(frame.pixels[:, part]), frame.seconds)


def make_detector(settings: FaceSettings) -> FaceDetector:
    """Make the detector that the settings ask for.

    Raises:
        InputError: YuNet is needed, and its file is neither on this machine nor can it be fetched.
    """
    path = None if settings.detector == "haar" else _find_yunet()
    if path is not None:
        return YunetDetector(path)
    if settings.detector == "yunet" or settings.align:
        raise _no_yunet()
    return HaarDetector()


def _find_yunet() -> Path | None:
    """The file in the hub's cache, fetched if need be; None where it is not to be had."""
    from huggingface_hub import hf_hub_download, hf_hub_url, is_offline_mode

    try:
        return Path(hf_hub_download(YUNET_MODEL, YUNET_FILE, local_files_only=True))
    except OSError:
        pass
    if is_offline_mode() or not _answers(hf_hub_url(YUNET_MODEL, YUNET_FILE)):
        return None
    try:
        return Path(hf_hub_download(YUNET_MODEL, YUNET_FILE))
    except OSError:
        return None


def _answers(url: str) -> bool:
    """Whether a server can be reached, known soon."""
    try:
        with urlopen(Request(url, method="HEAD"), timeout=_PATIENCE_SECONDS):
            return True
    except HTTPError:  # what is wrong, the hub's client finds out
        return True
    except OSError:
        return False


def _no_yunet() -> InputError:
    from huggingface_hub.constants import HF_HUB_CACHE

    return InputError(
        f"face detector yunet ({YUNET_MODEL})",
        found=f"no {YUNET_FILE} of it in {HF_HUB_CACHE} and no way to fetch it",
        expected="that file on the hub or in that cache",
        remedy="set HF_HOME to a folder that holds it, or set extract.visual.detector: haar"
        " (without align)",
    )
