"""Frozen networks as encoders: one modality's preparation around one network's layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from mculora.errors import InputError
from mculora.features.encoder import Encoded, EncoderSpec, Piece, Prepared
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.pretrained.hub import first_sentence
from mculora.features.pretrained.layers import LayerReader
from mculora.features.pretrained.preparation import Preparation


class PretrainedEncoder:
    """A network that is only read; see `Encoder`.

    Args:
        spec: What was asked for.
        name: What the model is called, without a path of a machine.
        revision: The resolved version.
        preparation: Its input and what becomes of its output.
        network: The network.
        device: Where it is.
        dtype: What it computes in.
    """

    def __init__(
        self,
        spec: EncoderSpec,
        preparation: Preparation,
        network: LayerReader,
        *,
        name: str,
        revision: str,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.modality, self.level = spec.modality, spec.level
        self.name, self.revision, self.width = name, revision, network.width
        self.can_pad, self.budget = preparation.can_pad, preparation.budget
        self.settings: Mapping[str, JSON] = {
            "layers": list(network.layers),
            "combine": spec.combine,
            "dtype": str(dtype).removeprefix("torch."),
            **preparation.settings,
        }
        self._preparation, self._network, self._device = preparation, network, device

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        return self._preparation.prepare(observation)

    @torch.inference_mode()
    def encode(self, pieces: Sequence[Piece]) -> list[Encoded]:
        """See `Encoder.encode`. Nothing in it waits for a GPU."""
        try:
            inputs = self._preparation.collate(pieces, self._device)
            states = self._network(inputs)
        except ValueError as error:
            raise InputError(
                f"model {self.name}",
                found=f"that it refuses what its processor makes ({first_sentence(error)})",
                expected="a model with its own processor, as save_pretrained writes them",
            ) from error
        return self._preparation.pool(states, pieces)
