"""Which frames of an utterance are looked at, who finds the face in them, and how it is cut out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mculora.errors import InputError
from mculora.features.identity import JSON


@dataclass(frozen=True)
class FaceSettings:
    """How face crops are made of an utterance.

    Attributes:
        frames_per_second: Frames looked at per second.
        num_frames: How many frames of every utterance are looked at instead, evenly.
        detector: `haar`, which comes with OpenCV; `yunet`, which the hub has; or `auto`: yunet
            where its file is at hand or can be fetched, else haar.
        follow: `tracked`: the same face over time, its box moving smoothly; `largest`: each
            frame's largest face.
        margin: What is shown around the face, as a share of its side, on each side.
        align: Whether crops are turned so that the eyes are level (yunet).
    """

    frames_per_second: float = 4.0
    num_frames: int | None = None
    detector: Literal["haar", "yunet", "auto"] = "haar"
    follow: Literal["tracked", "largest"] = "tracked"
    margin: float = 0.05
    align: bool = False

    def __post_init__(self) -> None:
        rules: dict[str, tuple[bool, str]] = {
            "frames_per_second": (0 < self.frames_per_second <= 1000, "above 0, at most 1000"),
            "num_frames": (self.num_frames is None or self.num_frames > 0, "at least 1, or null"),
            "detector": (self.detector in ("haar", "yunet", "auto"), "haar, yunet or auto"),
            "follow": (self.follow in ("tracked", "largest"), "tracked or largest"),
            "margin": (0 <= self.margin <= 2, "0 to 2"),
            "align": (not (self.align and self.detector == "haar"), _NEEDS_YUNET),
        }
        for key, (holds, expected) in rules.items():
            if not holds:
                raise InputError(
                    f"extract.visual.{key}", found=repr(getattr(self, key)), expected=expected
                )

    def identity(self, detector: str) -> dict[str, JSON]:
        """What of this stands in a feature identity, with the name of the detector that was had."""
        return {
            "frames_per_second": self.frames_per_second if self.num_frames is None else None,
            "num_frames": self.num_frames,
            "faces": detector,
            "follow": self.follow,
            "margin": self.margin,
            "align": self.align,
        }


_NEEDS_YUNET = "false with the haar detector, which finds no eyes; yunet does"
