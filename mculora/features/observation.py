"""What one utterance offers to encoders: its words, its files and where it stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.utterance import FrameRegion, Utterance
from mculora.media.container import Window


@dataclass(frozen=True)
class Observation:
    """What one utterance offers to encoders.

    Attributes:
        start_seconds: First moment of the utterance in its dialogue.
        end_seconds: First moment after it; None for the end of the clip.
        transcript: The words; `""` if there are none.
        audio_path: The file with the sound, or None.
        video_path: The file with the picture, or None.
        audio_begins_seconds: The moment of the dialogue at which the audio file begins.
        video_begins_seconds: The moment of the dialogue at which the video file begins.
        region: The part of the frame that shows the speaker.
    """

    start_seconds: float = 0.0
    end_seconds: float | None = None
    transcript: str = ""
    audio_path: Path | None = None
    video_path: Path | None = None
    audio_begins_seconds: float = 0.0
    video_begins_seconds: float = 0.0
    region: FrameRegion = FrameRegion.FULL

    @classmethod
    def of(cls, utterance: Utterance, raw_folder: Path) -> Observation:
        """What an utterance of a corpus offers, its media in `raw_folder`."""
        audio, video = utterance.audio_path, utterance.video_path
        return cls(
            start_seconds=utterance.start_seconds,
            end_seconds=utterance.end_seconds,
            transcript=utterance.transcript,
            audio_path=None if audio is None else raw_folder / audio,
            video_path=None if video is None else raw_folder / video,
            audio_begins_seconds=utterance.audio_begins_seconds,
            video_begins_seconds=utterance.video_begins_seconds,
            region=utterance.region,
        )

    @property
    def audio_window(self) -> Window:
        """The utterance in its audio file."""
        return self._window(self.audio_begins_seconds)

    @property
    def video_window(self) -> Window:
        """The utterance in its video file."""
        return self._window(self.video_begins_seconds)

    def _window(self, begins_seconds: float) -> Window:
        end = None if self.end_seconds is None else self.end_seconds - begins_seconds
        return Window(self.start_seconds - begins_seconds, end)
