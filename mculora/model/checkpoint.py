"""A trained network in one safetensors file: weights, dimensions and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mculora.errors import InputError
from mculora.files import whole_file
from mculora.model.network import MCULoRA, NetworkConfig

_KEY = "mculora"
_REMEDY = "run `mculora train`"


@dataclass(frozen=True)
class Checkpoint:
    """A network and its provenance.

    Attributes:
        network: The trained network, in evaluation mode.
        provenance: JSON facts: method, seed, fold, features, validation score, …
    """

    network: MCULoRA
    provenance: Mapping[str, Any]


def save_checkpoint(path: Path, network: MCULoRA, provenance: Mapping[str, Any]) -> None:
    """Write the network so that the file appears whole."""
    facts = {"config": asdict(network.config), "provenance": dict(provenance)}
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    with whole_file(path) as temporary:
        # One key only: safetensors writes several in an order that changes from run to run.
        content = save(tensors, metadata={_KEY: json.dumps(facts, sort_keys=True)})
        temporary.write_bytes(content)


def load_checkpoint(path: Path, device: torch.device | None = None) -> Checkpoint:
    """Read a network back.

    Raises:
        InputError: The file is missing, damaged, no checkpoint, or of another architecture.
    """
    with _opened(path) as file:
        facts = _facts(file)
        widths = tuple(facts["config"]["widths"])
        config = NetworkConfig(**{**facts["config"], "widths": widths})
        provenance = facts["provenance"]
        # Copied: where a tensor lies in memory decides the last bit of a product.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    with torch.device("meta"):  # no initial weights: they would all be overwritten
        network = MCULoRA(config)
    _fill(network, tensors, path)
    network.to(device or torch.device("cpu")).eval()
    return Checkpoint(network, provenance)


def read_provenance(path: Path) -> Mapping[str, Any]:
    """What a checkpoint says of itself, without its weights.

    Raises:
        InputError: The file is missing, damaged or no checkpoint.
    """
    with _opened(path) as file:
        provenance: Mapping[str, Any] = _facts(file)["provenance"]
    return provenance


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A safetensors file, read in a block in which everything unexpected means another file."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except FileNotFoundError:
        raise InputError(path, found="nothing", expected="a checkpoint", remedy=_REMEDY) from None
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        found = f"a file that is no checkpoint of this program ({_one_line(error)})"
        raise InputError(path, found=found, expected="a checkpoint", remedy=_REMEDY) from None


def _facts(file: Any) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((file.metadata() or {})[_KEY])
    return facts


def _fill(network: MCULoRA, tensors: dict[str, Tensor], path: Path) -> None:
    """Load the weights, or name the first one that belongs to another architecture."""
    wanted = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise InputError(
                path,
                found=f"{name} of shape {found.get(name, 'none')}",
                expected=f"shape {wanted.get(name, 'none')}: it is of another architecture",
                remedy=_REMEDY,
            )
    network.load_state_dict(tensors, assign=True)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
