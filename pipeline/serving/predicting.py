"""What was sent -> its prediction, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from mculora.errors import InputError, MediaError
from mculora.features.observation import Observation
from mculora.inference.bundle import Bundle
from mculora.inference.prediction import Prediction
from mculora.media.container import media_duration
from mculora.modality import Modality
from pipeline.serving.refusal import NO_MEDIA, NOT_USABLE, TOO_LARGE, Refusal
from pipeline.serving.upload import Upload

NO_CLIP, NO_TRANSCRIPT = "no clip was sent", "no transcript was sent"
_SLACK_SECONDS = 1.0  # headers round; what they hide beyond this is not decoded


class Predicting(Protocol):
    """What can predict: `mculora.inference.predictor.Predictor`, for one."""

    @property
    def bundle(self) -> Bundle:
        """The model."""
        ...

    def predict_observations(self, observations: Sequence[Observation]) -> list[Prediction]:
        """Predict the utterances of one dialogue."""
        ...


def predict_upload(predictor: Predicting, upload: Upload, *, max_clip_seconds: float) -> Prediction:
    """Predict from what was sent.

    Raises:
        Refusal: The clip is none, or too long, or nothing in what was sent can be used.
    """
    check_clip(upload, max_clip_seconds)
    observation = Observation(
        end_seconds=max_clip_seconds + _SLACK_SECONDS if upload.clip else None,
        transcript=upload.transcript,
        audio_path=upload.clip,
        video_path=upload.clip,
    )
    try:
        (prediction,) = predictor.predict_observations([observation])
    except InputError as error:
        raise Refusal(NOT_USABLE, _without_path(error.found, upload)) from None
    absent = {m: _reason(m, reason, upload) for m, reason in prediction.absent.items()}
    if not prediction.used:
        told = "; ".join(f"{m.word}: {reason}" for m, reason in absent.items())
        raise Refusal(NOT_USABLE, f"nothing to predict from ({told})")
    return replace(prediction, absent=absent)


def check_clip(upload: Upload, max_clip_seconds: float) -> None:
    """Refuse a clip that is too long, or no clip and all there is.

    Raises:
        Refusal: It is.
    """
    if upload.clip is None:
        return
    try:
        seconds = media_duration(upload.clip)
    except MediaError as error:
        if not upload.transcript:
            raise Refusal(NO_MEDIA, f"clip: {error.reason}") from None
        return  # its words can; the prediction says why the rest was not used
    if seconds > max_clip_seconds:
        told = f"a clip of {seconds:.1f} s, and at most {max_clip_seconds:g} s are taken"
        raise Refusal(TOO_LARGE, told)


def _reason(modality: Modality, reason: str, upload: Upload) -> str:
    """Why a modality is absent, in the words of somebody who has sent something."""
    if modality is Modality.TEXT and not upload.transcript:
        return NO_TRANSCRIPT
    if modality is not Modality.TEXT and upload.clip is None:
        return NO_CLIP
    return _without_path(reason, upload)


def _without_path(text: str, upload: Upload) -> str:
    return text.replace(str(upload.clip), "clip") if upload.clip else text
