"""The judged weights of every epoch: appended while a network learns, one whole file afterwards.

Training decides by validation and needs none of it. It is kept so that an evaluation, which alone
may open the test split, can tell what choosing the epoch by that split would have seemed to give.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from mculora.errors import InputError
from mculora.files import whole_file

EpochWeights = Mapping[str, Tensor]
"""By parameter name, the weights of E epochs: (E, ...)."""


class EpochJournal:
    """A file to which a training appends what it judges, epoch by epoch.

    Args:
        path: The file; its folder exists.
        module: What learns; what does not (frozen encoders) stays out.
    """

    def __init__(self, path: Path, module: nn.Module) -> None:
        self.path, self.module = path, module

    @cached_property
    def parameters(self) -> dict[str, nn.Parameter]:
        """What is written, once it is settled what learns."""
        return {name: p for name, p in self.module.named_parameters() if p.requires_grad}

    @property
    def num_epochs(self) -> int:
        """How many epochs are there, whole."""
        return self.path.stat().st_size // self._bytes_per_epoch if self.path.exists() else 0

    def keep_first(self, num_epochs: int) -> None:
        """Forget all later epochs: a training goes on from there."""
        with self.path.open("ab") as file:
            file.truncate(num_epochs * self._bytes_per_epoch)

    @torch.no_grad()
    def append(self) -> None:
        """Write the weights as they are now."""
        flat = torch.cat([p.flatten() for p in self.parameters.values()])
        with self.path.open("ab") as file:
            file.write(flat.float().cpu().numpy().tobytes())

    def pack(self, path: Path) -> None:
        """Put all epochs into one file, which appears whole; none where nothing was learnt."""
        sizes = [p.numel() for p in self.parameters.values()]
        flat = np.fromfile(self.path, np.float32) if self.path.exists() else np.empty(0, np.float32)
        columns = torch.split(torch.from_numpy(flat).view(-1, sum(sizes)), sizes, 1)
        tensors = {
            name: column.reshape(-1, *p.shape).contiguous()
            for (name, p), column in zip(self.parameters.items(), columns, strict=True)
        }
        with whole_file(path) as temporary:
            temporary.write_bytes(save(tensors))  # `save_file` makes it readable to oneself alone

    @property
    def _bytes_per_epoch(self) -> int:
        return 4 * sum(p.numel() for p in self.parameters.values())


def read_epochs(path: Path) -> EpochWeights:
    """Read what `EpochJournal.pack` wrote.

    Raises:
        InputError: The file is missing or damaged.
    """
    remedy = "run `mculora train`"
    try:
        return load_file(path)
    except FileNotFoundError:
        raise InputError(
            path, found="nothing", expected="every epoch's weights", remedy=remedy
        ) from None
    except SafetensorError as error:
        found = f"a damaged file ({' '.join(str(error).split())[:80]})"
        raise InputError(
            path, found=found, expected="every epoch's weights", remedy=remedy
        ) from None


def num_epochs_of(weights: EpochWeights) -> int:
    """E."""
    return len(next(iter(weights.values()))) if weights else 0


@torch.no_grad()
def load_epoch(network: nn.Module, weights: EpochWeights, epoch: int) -> None:
    """Give a network the weights that an epoch was judged by.

    Raises:
        InputError: They are those of another network.
    """
    parameters = dict(network.named_parameters())
    for name, epochs in weights.items():
        if name not in parameters or parameters[name].shape != epochs.shape[1:]:
            raise InputError(
                "epochs",
                found=f"weights {name} of shape {tuple(epochs.shape[1:])}",
                expected="those of the checkpoint beside them",
                remedy="run `mculora train`",
            )
        parameters[name].copy_(epochs[epoch])
