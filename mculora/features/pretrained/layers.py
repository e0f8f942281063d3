"""Chosen hidden layers of a network, combined; what lies above them is not computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import torch
from torch import nn

from mculora.errors import InputError
from mculora.features.encoder import Combine, EncoderSpec

Inputs = Mapping[str, torch.Tensor]


class LayerReader(Protocol):
    """Takes a batch through a network and gives its layers combined: (B, T, D) float32.

    Attributes:
        width: D.
        layers: The layers that are combined, counted from 0.
    """

    width: int
    layers: tuple[int, ...]

    def __call__(self, inputs: Inputs) -> torch.Tensor:
        """Take a batch, which is on the network's device already, through it."""
        ...


class _EnoughError(Exception):
    """The highest layer that is asked for is known: what follows need not be computed."""


class HiddenLayers:
    """Reads hidden layers of a transformers network; see `LayerReader`.

    State k is what the network's block k is given (0: the embedding); the last state is what the
    network gives, with its final normalisation if it has one. Blocks above the highest state that
    is asked for are dropped.

    Args:
        module: The network.
        spec: Which layers, and how they are combined.

    Raises:
        InputError: The network has no such layer, or its layers are not one stack.
    """

    def __init__(self, module: Any, spec: EncoderSpec) -> None:
        blocks = _find_blocks(module, spec)
        self._top, self._module, self._combine = len(blocks), module, spec.combine
        self.width, self.layers = int(module.config.hidden_size), resolve_layers(spec, len(blocks))
        self._seen: dict[int, torch.Tensor] = {}
        for layer in set(self.layers) - {self._top}:
            blocks[layer].register_forward_pre_hook(self._reader(layer), with_kwargs=True)
        del blocks[max(self.layers) + 1 :]

    def __call__(self, inputs: Inputs) -> torch.Tensor:
        """See `LayerReader`."""
        self._seen.clear()
        dtype = self._module.dtype
        cast = {k: v.to(dtype) if v.is_floating_point() else v for k, v in inputs.items()}
        with suppress(_EnoughError):
            self._seen[self._top] = self._module(**cast).last_hidden_state
        states = [self._seen[layer] for layer in self.layers]
        self._seen.clear()
        return combine(states, self._combine)

    def _reader(self, layer: int) -> Callable[..., None]:
        """A hook that notes what a block is given."""
        is_highest = layer == max(self.layers)

        def read(block: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> None:
            states = args[0] if args else options["hidden_states"]
            self._seen[layer] = states.clone()  # the network may go on in the same memory
            if is_highest:
                raise _EnoughError

        return read


def combine(states: Sequence[torch.Tensor], how: Combine) -> torch.Tensor:
    """The sum or mean of layers (B, T, D), in float32."""
    total = states[0].float()
    for state in states[1:]:
        total = total + state.float()
    return total / len(states) if how == "mean" else total


def resolve_layers(spec: EncoderSpec, last: int, *, first: int = 0) -> tuple[int, ...]:
    """Count all layers from the bottom, where the spec counts some from the last.

    Raises:
        InputError: There is no such layer.
    """
    lowest = first - last - 1
    for layer in spec.layers:
        if not (first <= layer <= last or lowest <= layer < 0):
            raise InputError(
                f"extract.{spec.modality.word}.layers",
                found=str(layer),
                expected=f"{lowest} to {last} for {spec.encoder}",
            )
    return tuple(layer + last + 1 if layer < 0 else layer for layer in spec.layers)


def _find_blocks(module: Any, spec: EncoderSpec) -> nn.ModuleList:
    """The one stack of all layers: of as many as the configuration says, the largest."""
    config = module.config
    count = getattr(config, "num_hidden_layers", None)
    stacks = [m for m in module.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
    has_one_width = hasattr(config, "hidden_size") and not hasattr(config, "depths")
    if not stacks or not has_one_width:
        raise InputError(
            f"extract.{spec.modality.word}.encoder",
            found=f"{spec.encoder}, a {config.model_type} model",
            expected="a model whose layers are one stack of one width",
        )
    return max(stacks, key=lambda stack: sum(1 for _ in stack.modules()))
