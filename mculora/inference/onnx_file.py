"""The network as an ONNX file, written and then compared with the network itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mculora.errors import InputError, MCULoRAError
from mculora.files import whole_file
from mculora.modality import NUM_MODALITIES, Modality, ModalityCombination
from mculora.model.network import MCULoRA
from mculora.model.padded import PaddedNetwork

TOLERANCE = 1e-5
"""How far outputs may lie from the network's own, as a share of their size where that is over 1."""

PRESENT, PREDICTION = "present", "prediction"
"""The names in the file beside those of the modalities."""

_TRACED = (2, 3)  # B and L while the graph is made: any but 1, which would be taken for fixed


def write_onnx(path: Path, network: MCULoRA) -> None:
    """Write a network from features to prediction, with free numbers of dialogues and utterances.

    Inputs: `audio`, `text`, `visual` (B, L, D_m) float32 and `present` (B, L, 3) bool in the order
    a, t, v, all False in the padding. Output: `prediction` (B, L, K), scores or logits, NaN where
    nothing is present.

    Raises:
        InputError: The packages of the extra `onnx` are not installed.
    """
    require_packages()
    example = [*_features(network, *_TRACED), torch.ones(*_TRACED, NUM_MODALITIES) > 0]
    axes = {0: torch.export.Dim("B"), 1: torch.export.Dim("L")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's, of its own use of torch
        program = torch.onnx.export(
            PaddedNetwork(network),
            tuple(example),
            input_names=[*(m.word for m in Modality), PRESENT],
            output_names=[PREDICTION],
            dynamic_shapes=(axes, axes, axes, axes),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    for node in program.model.graph:
        node.metadata_props.clear()  # lines of this program, with paths of this machine
    with whole_file(path) as temporary:
        program.save(temporary)


@torch.no_grad()
def check_onnx(path: Path, network: MCULoRA) -> float:
    """Compare a file with its network: all seven combinations, mixed ones, several sizes.

    Returns:
        The largest difference that was seen.

    Raises:
        MCULoRAError: They differ by more than `TOLERANCE`.
    """
    require_packages()
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for case in _cases():
        features = _features(network, *case.present.shape[:2])
        expected = network.predict(features, case.present).numpy()
        inputs = {m.word: f.numpy() for m, f in zip(Modality, features, strict=True)}
        [found] = session.run([PREDICTION], {**inputs, PRESENT: case.present.numpy()})
        if not np.array_equal(np.isnan(found), np.isnan(expected)):
            raise MCULoRAError(f"{path}: predicts where the network does not ({case.name})")
        apart = np.abs(found - expected) / np.maximum(np.abs(expected), 1)
        largest = max(largest, float(np.nanmax(apart, initial=0)))
        if largest > TOLERANCE:
            told = f"differs from the network by {largest:.1e} ({case.name})"
            raise MCULoRAError(f"{path}: {told}, which is more than {TOLERANCE:.0e}")
    return largest


@dataclass(frozen=True)
class _Case:
    """One comparison: a name and which modalities are present, (B, L, M) bool."""

    name: str
    present: Tensor


def _cases() -> Iterator[_Case]:
    for batch, length in ((1, 1), (3, 5)):
        for combination in ModalityCombination:
            present = torch.tensor(combination.presence).expand(batch, length, NUM_MODALITIES)
            yield _Case(f"{combination.word}, {batch} x {length}", present)
    generator = torch.Generator().manual_seed(0)
    for batch, length in ((1, 9), (7, 1), (4, 6)):
        present = torch.rand(batch, length, NUM_MODALITIES, generator=generator) < 0.5
        yield _Case(f"mixed, {batch} x {length}", present)
    yield _Case("nothing, 2 x 2", torch.zeros(2, 2, NUM_MODALITIES, dtype=torch.bool))


def _features(network: MCULoRA, batch: int, length: int) -> list[Tensor]:
    """Random features (B, L, D_m) as spread as those of training."""
    generator = torch.Generator().manual_seed(batch * 100 + length)
    features = []
    for modality, width in zip(Modality, network.config.widths, strict=True):
        drawn = torch.randn(batch, length, width, generator=generator)
        deviation = network.get_buffer(f"{modality.word}_deviation")
        features.append(drawn * deviation + network.get_buffer(f"{modality.word}_mean"))
    return features


def require_packages() -> None:
    """Refuse early where the packages of the extra are not installed.

    Raises:
        InputError: One is missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(
            "export to ONNX",
            found=f"no package {error.name}",
            expected="the packages of the extra `onnx`",
            remedy="pip install 'mculora[onnx]', or export with --no-onnx",
        ) from None
