"""Predictions from recordings or from features: encoders run once, one merged network for all."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from mculora.errors import InputError
from mculora.features.encoder import Encoder
from mculora.features.extraction import encode_observations
from mculora.features.meter import Meter
from mculora.features.observation import Observation
from mculora.inference.bundle import Bundle, load_bundle
from mculora.inference.encoding import load_trained_encoder
from mculora.inference.fused import Fused
from mculora.inference.offered import Offered
from mculora.inference.prediction import Prediction
from mculora.modality import Modality

LEFT_OUT = "left out"
"""Why a modality is not used that the caller does not want used."""

NOT_GIVEN = {
    Modality.AUDIO: "no audio file",
    Modality.TEXT: "no transcript",
    Modality.VISUAL: "no video file",
}
"""Why a modality is absent that nobody gave anything of."""


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
            One each; where an utterance offers nothing, NaN and the reasons. What several took
            together, each one's `seconds` have its share of.

        Raises:
            InputError: Training's features were somebody else's, or an encoder is not to be had.
        """
        [predictions] = self.predict_dialogues([observations], absent)
        return predictions

    def predict_dialogues(
        self,
        dialogues: Sequence[Sequence[Observation]],
        absent: Mapping[Modality, str] | None = None,
    ) -> list[list[Prediction]]:
        """Predict several dialogues at once: decoded in threads, encoded in batches.

        Arguments and errors as `predict_observations` has them, for each dialogue.
        """
        observations = [one for dialogue in dialogues for one in dialogue]
        lengths = [len(dialogue) for dialogue in dialogues]
        offered = Offered.nothing(lengths, self.bundle.network.config.widths)
        known = _given_by_nobody(observations) | dict(absent or {})
        for modality in Modality:
            if modality in known:
                offered.lack(modality, known[modality])
            else:
                self._encode(modality, observations, offered)
        predictions = iter(self._predict(offered))
        return [list(islice(predictions, length)) for length in lengths]

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
        widths = self.bundle.network.config.widths
        return self._predict(Offered.of_tensors(features, present, widths))

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
        self, modality: Modality, observations: Sequence[Observation], offered: Offered
    ) -> None:
        """Find out what utterances offer of one modality."""
        meter = Meter()
        encoded = encode_observations(self.encoder(modality), observations, meter)
        for row, extracted in enumerate(encoded):
            offered.take(modality, row, extracted)
        share = 1 / max(len(observations), 1)
        for seconds in offered.seconds:
            seconds[f"{modality.word} decode"] = meter.waiting_seconds * share
            seconds[f"{modality.word} encode"] = meter.encoding_seconds * share

    def _predict(self, offered: Offered) -> list[Prediction]:
        """Take utterances through the network."""
        start = time.perf_counter()
        outputs = self._fused.predict(offered.features, offered.present, offered.dialogue)
        seconds = (time.perf_counter() - start) / max(len(outputs), 1)
        return [
            Prediction(
                values=output.values,
                class_names=self.bundle.class_names,
                used=offered.used(row),
                absent=dict(sorted(offered.reasons[row].items())),
                interval=output.interval,
                without=dict(sorted(output.without.items())),
                seconds={**offered.seconds[row], "model": seconds},
            )
            for row, output in enumerate(outputs)
        ]


def _given_by_nobody(observations: Sequence[Observation]) -> dict[Modality, str]:
    """The modalities of which no observation has anything: no encoder need be loaded to say so."""
    offers = {
        Modality.AUDIO: any(one.audio_path for one in observations),
        Modality.TEXT: any(one.transcript.strip() for one in observations),
        Modality.VISUAL: any(one.video_path for one in observations),
    }
    return {m: NOT_GIVEN[m] for m, is_offered in offers.items() if not is_offered}


def nothing_usable(where: str | Path, prediction: Prediction) -> InputError:
    """Say what was tried of a recording and why each failed."""
    told = "; ".join(f"{m.word}: {reason}" for m, reason in prediction.absent.items())
    return InputError(where, found=f"nothing to predict from ({told})", expected="a modality")
