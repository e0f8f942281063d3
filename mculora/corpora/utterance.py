"""One utterance of a corpus: what was said, when, by whom, its label, and where its media are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mculora.errors import InputError
from mculora.modality import Modality


class Split(StrEnum):
    """A corpus's official part."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class FrameRegion(StrEnum):
    """Which part of the video frame shows the speaker (IEMOCAP films two actors side by side)."""

    FULL = "full"
    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True)
class Utterance:
    """One row of the manifest.

    Attributes:
        id: Unique in the corpus; always a string.
        dialogue: The video or conversation it belongs to.
        speaker: Who speaks, `""` if the corpus does not tell.
        split: The official split, or None where the corpus has sessions instead.
        session: The recording session, or `""`.
        start_seconds: Start of the half-open window in the dialogue; never negative.
        end_seconds: End of it; greater than `start_seconds`.
        transcript: The words; `""` if there are none.
        label: A score, or a class index as a whole number.
        emotions: Further ratings by name (MOSEI's six), kept and not trained on.
        audio_path: Media file with the sound, relative to the raw corpus folder, or None.
        video_path: Media file with the picture, likewise.
        audio_begins_seconds: The moment of the dialogue at which the audio file begins: 0 for a
            recording of all of it, `start_seconds` for one of this utterance alone.
        video_begins_seconds: Likewise, for the video file.
        region: The part of the frame that shows the speaker.
        absent: Modalities known to be unavailable before extraction, each with its reason.
        gender: Of the speaker, in the corpus's words; `""` if it does not tell.
    """

    id: str
    dialogue: str
    speaker: str
    split: Split | None
    session: str
    start_seconds: float
    end_seconds: float
    transcript: str
    label: float
    emotions: Mapping[str, float] = field(default_factory=dict)
    audio_path: str | None = None
    video_path: str | None = None
    audio_begins_seconds: float = 0.0
    video_begins_seconds: float = 0.0
    region: FrameRegion = FrameRegion.FULL
    absent: Mapping[Modality, str] = field(default_factory=dict)
    gender: str = ""

    def __post_init__(self) -> None:
        if not self.id or not self.dialogue:
            raise InputError("utterance", found=f"id {self.id!r}", expected="an id and a dialogue")
        if not 0 <= self.start_seconds < self.end_seconds:
            raise InputError(
                f"utterance {self.id}",
                found=f"times {self.start_seconds} to {self.end_seconds}",
                expected="0 <= start < end, in seconds",
            )
        for begins in (self.audio_begins_seconds, self.video_begins_seconds):
            if not 0 <= begins <= self.start_seconds:
                raise InputError(
                    f"utterance {self.id}",
                    found=f"a media file that begins at {begins} s",
                    expected=f"0 to {self.start_seconds} s, where the utterance starts",
                )
