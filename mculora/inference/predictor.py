"""Predictions from recordings or from features: encoders run once, one merged network for all."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from mculora.errors import InputError
from mculora.features.encoder import DTypeName, Encoder, identify
from mculora.features.extraction import encode_one
from mculora.features.identity import check_same
from mculora.features.loading import load_encoder
from mculora.features.meter import Meter
from mculora.features.observation import Observation
from mculora.features.outcome import Absence, pooled
from mculora.inference.bundle import Bundle, load_bundle
from mculora.inference.fused import Fused
from mculora.inference.prediction import Prediction
from mculora.modality import NUM_MODALITIES, Modality

LEFT_OUT = "left out"
"""Why a modality is not used that the caller does not want used."""

NO_TRANSCRIPT = "no transcript"
"""Why there is no text where nobody gave one."""

_NO_FEATURES = "no features given"


@dataclass
class _Dialogue:
    """The utterances of one dialogue on their way to predictions.

    Attributes:
        features: (L, D_m) per modality, zeros where absent.
        present: (L, M) bool.
        reasons: Per utterance, why a modality is absent.
        seconds: Per utterance, how long each stage took.
    """

    features: list[Tensor]
    present: Tensor
    reasons: list[dict[Modality, str]]
    seconds: list[dict[str, float]] = field(default_factory=list)

    @classmethod
    def of_length(cls, length: int, widths: Sequence[int]) -> _Dialogue:
        features = [torch.zeros(length, width) for width in widths]
        present = torch.zeros(length, NUM_MODALITIES, dtype=torch.bool)
        return cls(features, present, [{} for _ in range(length)], [{} for _ in range(length)])


class Predictor:
    """Predicts with one bundle; encoders are loaded when they are first needed, and stay.

    Several threads may share one; each call computes alone in its thread.

    Args:
        bundle: What to predict with.
        device: Where encoders and network compute: `cpu`, `cuda`, `cuda:1` …
    """

    def __init__(self, bundle: Bundle, device: str | torch.device = "cpu") -> None:
        self.bundle = bundle
        self.device = torch.device(device)
        self._encoders: dict[Modality, Encoder] = {}
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: str | PathLike[str], device: str | torch.device = "cpu") -> Predictor:
        """Read the bundle in a folder that `mculora export` wrote.

        Raises:
            InputError: It is no bundle.
        """
        return cls(load_bundle(Path(folder)), device)

    def warm_up(self) -> None:
        """Load everything now, so that the first prediction takes no longer than the others.

        Raises:
            InputError: An encoder's files are not to be had, or are another version's.
        """
        for modality in self.bundle.encoders:
            self.encoder(modality)
        widths = self.bundle.network.config.widths
        self.predict_tensors({m: torch.zeros(1, widths[m]) for m in Modality})

    def predict(
        self,
        path: str | PathLike[str] | None = None,
        transcript: str = "",
        *,
        without: Sequence[Modality | str] = (),
    ) -> Prediction:
        """Predict one clip from whatever it offers.

        Args:
            path: An audio or video file of any kind that decodes; None for words alone.
            transcript: The words spoken in it; `""` if they are not known.
            without: Modalities (or their words) to leave out.

        Raises:
            InputError: There is no such file, or nothing in it can be used; it says why.
        """
        file = None if path is None else Path(path)
        if file is not None and not file.is_file():
            raise InputError(file, found="no such file", expected="an audio or video file")
        observation = Observation(transcript=transcript, audio_path=file, video_path=file)
        unwanted = [m if isinstance(m, Modality) else Modality.parse(m) for m in without]
        [prediction] = self.predict_observations([observation], dict.fromkeys(unwanted, LEFT_OUT))
        if not prediction.used:
            raise nothing_usable(file or "words", prediction)
        return prediction

    def predict_observations(
        self, observations: Sequence[Observation], absent: Mapping[Modality, str] | None = None
    ) -> list[Prediction]:
        """Predict the utterances of one dialogue, which see each other.

        Args:
            observations: In time order, at least one.
            absent: Modalities not to be tried, each with its reason.

        Returns:
            One each; where an utterance offers nothing, NaN and the reasons.

        Raises:
            InputError: Training's features were somebody else's, or an encoder is not to be had.
        """
        dialogue = _Dialogue.of_length(len(observations), self.bundle.network.config.widths)
        known = dict(absent or {})
        if not any(one.transcript.strip() for one in observations):
            known.setdefault(Modality.TEXT, NO_TRANSCRIPT)
        for modality in Modality:
            if modality in known:
                for reasons in dialogue.reasons:
                    reasons[modality] = known[modality]
            else:
                self._encode(modality, observations, dialogue)
        return self._predict(dialogue)

    def predict_tensors(
        self, features: Mapping[Modality, Any], present: Any | None = None
    ) -> list[Prediction]:
        """Predict the utterances of one dialogue from features, as the encoders make them.

        Args:
            features: (L, D_m) per modality, arrays of numpy or tensors of torch; a modality that is
                not there is absent.
            present: (L, M) bool, what is available; None for all that is given.

        Returns:
            L predictions; where nothing is present, NaN.

        Raises:
            InputError: Shapes do not fit, or a present value is not finite.
        """
        given = {m: torch.as_tensor(v, dtype=torch.float32) for m, v in features.items()}
        length = len(next(iter(given.values()))) if given else 0
        dialogue = _Dialogue.of_length(length, self.bundle.network.config.widths)
        shown = torch.zeros_like(dialogue.present)
        shown[:, list(given)] = True
        if present is not None:
            shown &= _presence(present, shown)
        for modality, vectors in given.items():
            wanted = dialogue.features[modality].shape
            if vectors.shape != wanted:
                found, expected = str(tuple(vectors.shape)), f"{tuple(wanted)}: (L, D_m)"
                raise InputError(f"{modality.word} features", found=found, expected=expected)
            if not bool(vectors[shown[:, modality].to(vectors.device)].isfinite().all()):
                where = f"{modality.word} features"
                raise InputError(where, found="NaN or infinity", expected="numbers where present")
            dialogue.features[modality] = vectors.where(
                shown[:, modality, None].to(vectors.device), 0
            )
        dialogue.present = shown
        for row, reasons in enumerate(dialogue.reasons):
            reasons.update({m: _NO_FEATURES for m in Modality if not shown[row, m]})
        return self._predict(dialogue)

    def encoder(self, modality: Modality) -> Encoder:
        """The encoder of a modality: loaded once, and checked to be the one of training.

        Raises:
            InputError: It is not to be had here, or gives other features than training had.
        """
        with self._lock:
            if modality not in self._encoders:
                self._encoders[modality] = load_trained_encoder(self.bundle, modality, self.device)
            return self._encoders[modality]

    @cached_property
    def _fused(self) -> Fused:
        return Fused(self.bundle, self.device)

    def _encode(
        self, modality: Modality, observations: Sequence[Observation], dialogue: _Dialogue
    ) -> None:
        """Put one modality's vectors, or why there are none, into the dialogue."""
        encoder = self.encoder(modality)
        for row, observation in enumerate(observations):
            meter = Meter()
            outcome = encode_one(encoder, observation, meter).outcome
            dialogue.seconds[row][f"{modality.word} decode"] = meter.waiting_seconds
            dialogue.seconds[row][f"{modality.word} encode"] = meter.encoding_seconds
            if isinstance(outcome, Absence):
                dialogue.reasons[row][modality] = outcome.reason
            else:
                dialogue.features[modality][row] = pooled(outcome)
                dialogue.present[row, modality] = True

    def _predict(self, dialogue: _Dialogue) -> list[Prediction]:
        """Take a dialogue through the network."""
        start = time.perf_counter()
        outputs = self._fused.predict(dialogue.features, dialogue.present)
        share = (time.perf_counter() - start) / max(len(outputs), 1)
        predictions = []
        for row, output in enumerate(outputs):
            prediction = Prediction(
                values=output.values,
                class_names=self.bundle.class_names,
                used=tuple(m for m in Modality if bool(dialogue.present[row, m])),
                absent={m: dialogue.reasons[row][m] for m in sorted(dialogue.reasons[row])},
                interval=output.interval,
                without={m: output.without[m] for m in sorted(output.without)},
                seconds={**dialogue.seconds[row], "model": share},
            )
            predictions.append(prediction)
        return predictions


def load_trained_encoder(bundle: Bundle, modality: Modality, device: torch.device) -> Encoder:
    """Make the encoder that a bundle names, if it is the one that its network was trained with.

    Raises:
        InputError: It is not, or is not to be had here.
    """
    spec, trained = bundle.encoders.get(modality), bundle.features(modality)
    if spec is None:
        raise InputError(
            f"{modality.word} features",
            found=f"a network trained on published ones ({trained.encoder})",
            expected="a network trained on features that can be made of a recording",
            remedy="set features: extracted and run `dvc repro`, or predict from features",
        )
    if spec.dtype == "auto":  # a pretrained model: this one computes in what that one did
        dtype = trained.settings.get("dtype", "auto")
        spec = replace(spec, dtype=cast("DTypeName", dtype))
    encoder = load_encoder(spec, device=str(device))
    here = identify(encoder, corpus=trained.corpus, corpus_fingerprint=trained.corpus_fingerprint)
    remedy = f"set extract.{modality.word} back, or run `dvc repro`"
    check_same(here, trained, remedy=remedy)
    return encoder


def nothing_usable(where: str | Path, prediction: Prediction) -> InputError:
    """Say what was tried of a recording and why each failed."""
    told = "; ".join(f"{m.word}: {reason}" for m, reason in prediction.absent.items())
    return InputError(where, found=f"nothing to predict from ({told})", expected="a modality")


def _presence(present: Any, like: Tensor) -> Tensor:
    shown = torch.as_tensor(present).cpu()
    if shown.shape != like.shape or shown.dtype != torch.bool:
        found = f"{shown.dtype} of shape {tuple(shown.shape)}"
        raise InputError("presence", found=found, expected=f"bool of shape {tuple(like.shape)}")
    return shown
