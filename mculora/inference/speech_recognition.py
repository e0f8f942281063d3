"""Words for what has none: a transformers model for speech recognition, by hub id or folder."""

from __future__ import annotations

from dataclasses import replace

import torch

from mculora.errors import InputError, MediaError
from mculora.features.encoder import EncoderSpec
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.pretrained.audio import listen
from mculora.features.pretrained.hub import find_model, first_sentence
from mculora.features.pretrained.library import load_recognizer, quiet
from mculora.features.pretrained.windows import divide
from mculora.inference.recording import Recording
from mculora.modality import Modality

NOTHING_HEARD = "speech recognition heard no words"

_WINDOW_SECONDS = 30.0  # what Whisper hears at once
_MOST_TOKENS = 200  # in a window; nobody speaks faster
_REFUSALS = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RuntimeError)


class SpeechRecognition:
    """Writes down what is said in utterances.

    Args:
        model: A hub id, as `owner/name` or `owner/name@revision`, or a local folder.
        device: Where it computes.

    Raises:
        InputError: There is no such model, or none that can be used.
    """

    def __init__(self, model: str, *, device: str = "cpu") -> None:
        name, _, revision = model.partition("@")
        spec = EncoderSpec(Modality.AUDIO, name, revision=revision or "main")
        self._folder = find_model(spec)
        self._recognizer = load_recognizer(self._folder, torch.float32)  # the same words anywhere
        self._recognizer.module.to(device)
        self._device = device
        extractor = getattr(self._recognizer.processor, "feature_extractor", None)
        self._rate = int(getattr(extractor, "sampling_rate", 16_000))

    @property
    def name(self) -> str:
        """The model and its exact version."""
        return f"{self._folder.name} ({self._folder.revision})"

    def with_words(self, utterance: Observation) -> Observation:
        """The utterance with what is heard in it; as it is where it has words, or no sound.

        Raises:
            InputError: The model refuses the sound that its own processor prepared.
        """
        if utterance.transcript or utterance.audio_path is None:
            return utterance
        try:
            samples = listen(utterance, self._rate)
        except MediaError:  # the audio encoder will say so
            return utterance
        if isinstance(samples, Absence):
            return utterance
        longest = round(_WINDOW_SECONDS * self._rate)
        texts = [self._transcribe(samples[part]) for part in divide(len(samples), longest)]
        return replace(utterance, transcript=" ".join(" ".join(texts).split()))

    def _transcribe(self, samples: torch.Tensor) -> str:
        try:
            with quiet():
                return self._spell(samples)
        except _REFUSALS as error:
            raise InputError(
                self._folder.where,
                found=f"that it refuses what its processor makes ({first_sentence(error)})",
                expected="a speech recognition model with its own processor",
            ) from error

    @torch.inference_mode()
    def _spell(self, samples: torch.Tensor) -> str:
        """What is said in samples (S,)."""
        model, processor = self._recognizer.module, self._recognizer.processor
        made = processor(
            samples.numpy(),
            sampling_rate=self._rate,
            return_tensors="pt",
            return_attention_mask=True,
        )
        inputs = {
            name: value.to(self._device)
            for name, value in made.items()
            if name in (model.main_input_name, "attention_mask")
        }
        if self._recognizer.is_ctc:
            tokens = model(**inputs).logits.argmax(-1)
        else:
            tokens = model.generate(**inputs, max_new_tokens=_MOST_TOKENS)
        spelled: str = processor.batch_decode(tokens, skip_special_tokens=True)[0]
        return spelled


def add_words(recording: Recording, recognition: SpeechRecognition) -> Recording:
    """The recording with words for every utterance that has none.

    Raises:
        InputError: The model refuses the sound that its own processor prepared.
    """
    heard = tuple(recognition.with_words(utterance) for utterance in recording.utterances)
    has_words = any(utterance.transcript for utterance in heard)
    absent = {} if has_words else {Modality.TEXT: NOTHING_HEARD}
    return replace(recording, utterances=heard, absent=absent)
