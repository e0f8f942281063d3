"""Sound for networks on waveforms and for Whisper: windows before, moments after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from mculora.errors import InputError
from mculora.features.audio import hear
from mculora.features.encoder import Encoded, EncoderSpec, Piece, Prepared
from mculora.features.identity import JSON, Level
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.pretrained.library import Network
from mculora.features.pretrained.padding import Convolutions, PaddingGuard
from mculora.features.pretrained.pooling import to_device, weigh
from mculora.features.pretrained.preparation import Preparation
from mculora.features.pretrained.windows import divide

_WAVE, _MASK, _MEL = "input_values", "attention_mask", "input_features"


def audio_budget(device: torch.device, width: int, rate: int) -> int:
    """Samples in a batch: a processor takes one utterance after the other, a GPU many.

    Measured on two cores: padding into batches is slower than one by one.
    """
    return 1 if device.type == "cpu" else 160 * rate * 1024 // max(width, 256)


def listen(observation: Observation, rate: int) -> torch.Tensor | Absence:
    """An observation's samples (S,) at a model's own rate (Hz), or why there are none.

    Raises:
        MediaError: The file cannot be read, or has no sound there.
    """
    clip = hear(observation)
    if isinstance(clip, Absence):
        return clip
    samples = torch.from_numpy(clip.samples)
    if rate != clip.sample_rate:
        from torchaudio.functional import resample

        samples = resample(samples, clip.sample_rate, rate)
    return samples


def prepare_sound(
    spec: EncoderSpec, extractor: Any, network: Network, *, device: torch.device
) -> Preparation:
    """Make what a transformers model for sound needs.

    Raises:
        InputError: The spec asks for what sound has not, or the model takes sound in another form.
    """
    check_pooling(spec)
    config, kind = network.config, type(extractor).__name__
    width = int(config.hidden_size)
    if config.model_type == "whisper":
        return WhisperMels(spec, extractor, device=device, width=width)
    if kind != "Wav2Vec2FeatureExtractor" or not hasattr(config, "conv_kernel"):
        raise InputError(
            "extract.audio.encoder",
            found=f"{spec.encoder}, a {config.model_type} model with a {kind}",
            expected="a model on waveforms (wav2vec 2.0 and its kin) or Whisper",
        )
    rate = int(extractor.sampling_rate)
    guard = PaddingGuard(Convolutions(config.conv_kernel, config.conv_stride))
    if network.family.can_pad:
        guard.attach(network.module.feature_extractor, network.module.encoder)

    def normalise(samples: torch.Tensor) -> torch.Tensor:
        inputs = extractor(samples.numpy(), sampling_rate=rate, return_tensors="pt")
        return torch.as_tensor(inputs[_WAVE][0])

    return Waveforms(
        spec,
        normalise,
        rate=rate,
        guard=guard,
        can_pad=network.family.can_pad,
        budget=audio_budget(device, width, rate),
    )


def check_pooling(spec: EncoderSpec) -> None:
    """Refuse what sound has not.

    Raises:
        InputError: The pooling needs words or a first token.
    """
    if spec.pooling != "mean":
        raise InputError("extract.audio.pooling", found=spec.pooling, expected="mean")


class Waveforms:
    """Sound as samples, for wav2vec 2.0 and its kin; see `Preparation`.

    Long sound is cut into windows of equal length. Where the model wants zero mean and unit
    variance, they are those of the whole utterance: a window is as loud as it is in its utterance.

    Args:
        spec: The windows and the level.
        normalise: Makes of an utterance's samples (S,) what the network wants.
        rate: The model's sampling rate (Hz).
        guard: Makes padding harmless.
        can_pad: Whether it does.
        budget: See `Encoder`.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        normalise: Callable[[torch.Tensor], torch.Tensor],
        *,
        rate: int,
        guard: PaddingGuard,
        can_pad: bool,
        budget: int,
    ) -> None:
        self._normalise, self._rate, self._guard, self._level = normalise, rate, guard, spec.level
        self.can_pad, self.budget = can_pad, budget
        self._longest = _longest(spec, rate, guard.convolutions.shortest)
        self.settings: Mapping[str, JSON] = {
            "pooling": spec.pooling,
            "window_seconds": spec.window_seconds,
        }

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        samples = listen(observation, self._rate)
        if isinstance(samples, Absence):
            return samples
        if len(samples) < self._guard.convolutions.shortest:
            return Absence(f"too short: {len(samples) / self._rate:.3f} s of sound")
        normalised = self._normalise(samples)
        windows = [normalised[window] for window in divide(len(samples), self._longest)]
        return Prepared(tuple(Piece({_WAVE: window}, length=len(window)) for window in windows))

    def collate(self, pieces: Sequence[Piece], device: torch.device) -> dict[str, torch.Tensor]:
        """See `Preparation`. The mask goes along where there is padding."""
        lengths = [piece.length for piece in pieces]
        self._guard.expect(lengths, device)
        waves = pad_sequence([piece.inputs[_WAVE] for piece in pieces], batch_first=True)
        inputs = {_WAVE: to_device(waves, device)}
        if len(set(lengths)) > 1:
            valid = torch.arange(waves.shape[1]) < torch.tensor(lengths)[:, None]
            inputs[_MASK] = to_device(valid.long(), device)
        return inputs

    def pool(self, states: torch.Tensor, pieces: Sequence[Piece]) -> list[Encoded]:
        """See `Preparation`."""
        lengths = [piece.length for piece in pieces]
        counts = [states.shape[1]] * len(pieces)
        if len(set(lengths)) > 1:
            counts = [self._guard.convolutions.count(length) for length in lengths]
        return _over_time(states, counts, self._level)


class WhisperMels:
    """Sound as the mel spectra of 30 s that Whisper's encoder always hears; see `Preparation`.

    What is averaged are the moments of the sound alone, not those of the silence after it. The
    spectra of each window have their own range of loudness, as Whisper's own have.

    Args:
        spec: The windows and the level.
        extractor: Makes the spectra.
        device: Where the network is.
        width: The network's.
    """

    can_pad = True

    def __init__(
        self, spec: EncoderSpec, extractor: Any, *, device: torch.device, width: int
    ) -> None:
        self._extractor, self._level, self._rate = extractor, spec.level, extractor.sampling_rate
        self._moment = 2 * extractor.hop_length  # samples
        self._longest = min(_longest(spec, self._rate, self._moment), extractor.n_samples)
        self.budget = audio_budget(device, width, self._rate)
        self.settings: Mapping[str, JSON] = {
            "pooling": spec.pooling,
            "window_seconds": self._longest / self._rate,
        }

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        samples = listen(observation, self._rate)
        if isinstance(samples, Absence):
            return samples
        windows = [samples[window] for window in divide(len(samples), self._longest)]
        return Prepared(tuple(map(self._piece, windows)))

    def collate(self, pieces: Sequence[Piece], device: torch.device) -> dict[str, torch.Tensor]:
        """See `Preparation`."""
        return {_MEL: to_device(torch.stack([piece.inputs[_MEL] for piece in pieces]), device)}

    def pool(self, states: torch.Tensor, pieces: Sequence[Piece]) -> list[Encoded]:
        """See `Preparation`."""
        return _over_time(states, [int(p.inputs["moments"]) for p in pieces], self._level)

    def _piece(self, samples: torch.Tensor) -> Piece:
        mel = self._extractor(samples.numpy(), sampling_rate=self._rate, return_tensors="pt")
        moments = torch.tensor(-(-len(samples) // self._moment))
        return Piece({_MEL: mel[_MEL][0], "moments": moments}, length=self._extractor.n_samples)


def _longest(spec: EncoderSpec, rate: int, shortest: int) -> int:
    """The samples of a window, which must hold a moment."""
    longest = int(spec.window_seconds * rate)
    if longest < shortest:
        raise InputError(
            "extract.audio.window_seconds",
            found=str(spec.window_seconds),
            expected=f"at least {shortest / rate} for {spec.encoder}",
        )
    return longest


def _over_time(states: torch.Tensor, counts: Sequence[int], level: Level) -> list[Encoded]:
    """The first moments of each piece: their mean, or themselves."""
    if level is Level.FRAME:
        return [Encoded(one[:count]) for one, count in zip(states, counts, strict=True)]
    shares = [torch.full((1, count), 1 / count) for count in counts]
    return [Encoded(*one) for one in zip(weigh(states, shares), map(float, counts), strict=True)]
