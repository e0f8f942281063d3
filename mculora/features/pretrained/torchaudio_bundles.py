"""torchaudio's bundles of wav2vec 2.0, HuBERT and WavLM as encoders: `torchaudio:WAV2VEC2_BASE`."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import torch

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.features.pretrained.audio import Waveforms, audio_budget, check_pooling
from mculora.features.pretrained.encoder import PretrainedEncoder
from mculora.features.pretrained.families import TORCHAUDIO
from mculora.features.pretrained.hub import PATIENCE_SECONDS, first_sentence
from mculora.features.pretrained.layers import Inputs, combine, resolve_layers
from mculora.features.pretrained.library import DOES_NOT_LOAD, NOT_WEIGHTS_ALONE
from mculora.features.pretrained.padding import Convolutions, PaddingGuard
from mculora.modality import Modality

_SERVER = "https://download.pytorch.org/torchaudio/models/"


def load_bundle(
    spec: EncoderSpec, *, device: torch.device, dtype: torch.dtype
) -> PretrainedEncoder:
    """Load a bundle, its weights from torch's cache or fetched into it once.

    Raises:
        InputError: There is no such bundle or layer, or its weights are not to be had.
    """
    bundle = _find_bundle(spec)
    check_pooling(spec)
    weights = _find_weights(spec, bundle)
    model = _load_model(spec, bundle, weights)
    normalises = bool(getattr(model, "normalize_waveform", False))
    model = getattr(model, "model", model)  # without the wrapper, which normalises a whole batch
    layers = BundleLayers(model.eval().requires_grad_(False).to(device, dtype), spec)
    rate = int(bundle.sample_rate)
    preparation = Waveforms(
        spec,
        _even_out if normalises else torch.Tensor.contiguous,
        rate=rate,
        guard=_guard(model),
        can_pad=bundle._model_type == "Wav2Vec2",  # torchaudio's WavLM takes no mask
        budget=audio_budget(device, layers.width, rate),
    )
    return PretrainedEncoder(
        spec,
        preparation,
        layers,
        name=spec.encoder,
        revision=_digest(weights),
        device=device,
        dtype=dtype,
    )


class BundleLayers:
    """Reads layers of a torchaudio network; see `LayerReader`. Its layers count from 1.

    Args:
        model: The network.
        spec: Which layers, and how they are combined.

    Raises:
        InputError: The network has no such layer.
    """

    def __init__(self, model: Any, spec: EncoderSpec) -> None:
        blocks = model.encoder.transformer.layers
        self._model, self._combine = model, spec.combine
        self.width = int(model.encoder.transformer.pos_conv_embed.embed_dim)
        self.layers = resolve_layers(spec, len(blocks), first=1)
        self._dtype = next(model.parameters()).dtype
        del blocks[max(self.layers) :]

    def __call__(self, inputs: Inputs) -> torch.Tensor:
        """See `LayerReader`."""
        waves, valid = inputs["input_values"].to(self._dtype), inputs.get("attention_mask")
        lengths = None if valid is None else valid.sum(dim=1)
        states, _ = self._model.extract_features(waves, lengths, num_layers=max(self.layers))
        return combine([states[layer - 1] for layer in self.layers], self._combine)


def _guard(model: Any) -> PaddingGuard:
    """Make padding harmless to a network of torchaudio."""
    sizes = [layer.conv for layer in model.feature_extractor.conv_layers]
    kernels, strides = ([getattr(conv, n)[0] for conv in sizes] for n in ("kernel_size", "stride"))
    guard = PaddingGuard(Convolutions(kernels, strides))
    guard.attach(model.feature_extractor, model.encoder.transformer)
    return guard


def _even_out(samples: torch.Tensor) -> torch.Tensor:
    """Zero mean and unit variance, as torchaudio's wrapper makes it."""
    return torch.nn.functional.layer_norm(samples, samples.shape)


def _find_bundle(spec: EncoderSpec) -> Any:
    from torchaudio import pipelines

    names = {
        name: value
        for name in dir(pipelines)
        if isinstance(value := getattr(pipelines, name), pipelines.Wav2Vec2Bundle)
    }
    name = spec.encoder.removeprefix(TORCHAUDIO)
    if spec.modality is not Modality.AUDIO or name not in names:
        raise InputError(
            f"extract.{spec.modality.word}.encoder",
            found=spec.encoder,
            expected=f"for audio one of {', '.join(sorted(names))}",
        )
    return names[name]


def _find_weights(spec: EncoderSpec, bundle: Any) -> Path:
    """The weights' file in torch's cache, where it is put if it is missing."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / Path(bundle._path).name
    if path.is_file():
        return path
    url = _SERVER + bundle._path
    try:
        with urlopen(url, timeout=PATIENCE_SECONDS):
            folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), progress=False)
    except OSError as error:
        raise InputError(
            f"model {spec.encoder}",
            found=f"no {path.name} in {folder} and no way to fetch it ({first_sentence(error)})",
            expected=f"the file {url}",
            remedy="put it there, or set TORCH_HOME to a folder that has it in hub/checkpoints",
        ) from error
    return path


def _load_model(spec: EncoderSpec, bundle: Any, weights: Path) -> Any:
    """The bundle's network; its file is in the cache, so that nothing is fetched or said."""
    try:
        return bundle.get_model(dl_kwargs={"weights_only": True, "progress": False})
    except (NOT_WEIGHTS_ALONE, *DOES_NOT_LOAD) as error:
        is_known = isinstance(error, DOES_NOT_LOAD)
        reason = first_sentence(error) if is_known else "not weights alone"
        raise InputError(
            weights,
            found=f"a file that does not load ({reason})",
            expected=f"the weights of {spec.encoder}",
            remedy="delete it, so that it is fetched anew",
        ) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256 {hashlib.file_digest(file, 'sha256').hexdigest()}"
