"""Padding made harmless where a network does not look at its mask: an utterance alone is the same.

Networks on waveforms (wav2vec 2.0 and its kin) mask attention, but two of their parts see across
the end of an utterance into the padding: a normalisation over the whole time (the group norm of
wav2vec 2.0 base), and convolutions over time in the transformer (the positions of data2vec, each
block of a conformer). The first is computed for each utterance alone, the second see silence there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from mculora.features.pretrained.pooling import to_device


class Convolutions:
    """The sizes of a stack of convolutions over samples, and what comes out of it.

    Args:
        kernels: The width of each, in what it is given.
        strides: The step of each.
    """

    def __init__(self, kernels: Sequence[int], strides: Sequence[int]) -> None:
        self._sizes = list(zip(kernels, strides, strict=True))

    def count(self, samples: int, *, after: int | None = None) -> int:
        """Moments that come of so many samples, after the first few convolutions or after all."""
        for kernel, stride in self._sizes[:after]:
            samples = (samples - kernel) // stride + 1
        return samples

    @property
    def shortest(self) -> int:
        """The fewest samples that give a moment."""
        samples = 1
        for kernel, stride in reversed(self._sizes):
            samples = (samples - 1) * stride + kernel
        return samples


class PaddingGuard:
    """Keeps padding from reaching an utterance's own moments.

    Args:
        convolutions: The network's first part, which makes moments of samples.
    """

    def __init__(self, convolutions: Convolutions) -> None:
        self.convolutions = convolutions
        self._lengths: Sequence[int] | None = None
        self._valid: torch.Tensor | None = None  # (B, 1, T)

    def attach(self, extractor: Any, transformer: nn.Module) -> None:
        """Guard a network: `extractor.conv_layers`, and the convolutions of the transformer."""
        for index, layer in enumerate(extractor.conv_layers):
            norm = getattr(layer, "layer_norm", None)
            if isinstance(norm, nn.GroupNorm):
                layer.layer_norm = _NormAlone(norm, partial(self._moments, after=index + 1))
        for module in transformer.modules():
            if isinstance(module, nn.Conv1d) and module.kernel_size[0] > 1:
                module.register_forward_pre_hook(self._silence)

    def expect(self, lengths: Sequence[int], device: torch.device) -> None:
        """Say how many samples each utterance of the next batch has."""
        if len(set(lengths)) == 1:
            self._lengths = self._valid = None
            return
        self._lengths = lengths
        counts = torch.tensor([self.convolutions.count(length) for length in lengths])
        valid = torch.arange(int(counts.max())) < counts[:, None]
        self._valid = to_device(valid[:, None], device)

    def _moments(self, *, after: int) -> list[int] | None:
        if self._lengths is None:
            return None
        return [self.convolutions.count(length, after=after) for length in self._lengths]

    def _silence(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Zeros beyond the end, as a convolution pads a lone utterance."""
        if self._valid is None:
            return None
        return (args[0].masked_fill(~self._valid, 0), *args[1:])


class _NormAlone(nn.Module):
    """A group norm over each utterance's own moments."""

    def __init__(self, norm: nn.GroupNorm, moments: Callable[[], list[int] | None]) -> None:
        super().__init__()
        self._norm, self._moments = norm, moments

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Normalise (B, C, T); beyond an utterance's end are zeros."""
        moments = self._moments()
        if moments is None:
            normed: torch.Tensor = self._norm(states)
            return normed
        normed = torch.zeros_like(states)
        for index, count in enumerate(moments):
            normed[index : index + 1, :, :count] = self._norm(states[index : index + 1, :, :count])
        return normed
