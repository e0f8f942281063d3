"""Faces for networks on pictures, and clips of faces for networks on video."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from mculora.errors import InputError
from mculora.features.encoder import Encoded, EncoderSpec, Piece, Prepared
from mculora.features.faces import make_detector, see_faces
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.pretrained.library import Network
from mculora.features.pretrained.pooling import to_device
from mculora.features.pretrained.windows import divide
from mculora.media.video import Pixels

_FRAMES, _SEEN, _SHAPES = "frames", "seen", "spatial_shapes"
_USUAL_SIDE = 224  # pixels


class Pictures:
    """Face crops, one by one or in clips; see `Preparation`.

    Crops have the size that the model's own processor resizes to, and stay bytes until a batch of
    them goes through it, on the network's device. The mean is that of the patches, as is the habit
    with vision transformers: class, register and distillation tokens stand for no place in the
    picture. At frame level there is a vector for each face, or each clip of them.

    Args:
        spec: The faces and the pooling.
        processor: The model's.
        network: The network.
        device: Where it is.

    Raises:
        InputError: The pooling needs a class token that the model has not; or the detector's file
            is not to be had.
    """

    can_pad = True  # all pieces of a model have one size

    def __init__(
        self, spec: EncoderSpec, processor: Any, network: Network, *, device: torch.device
    ) -> None:
        self._processor, self._faces = processor, spec.faces
        self._detector, self._side = make_detector(spec.faces), _side(processor, network.config)
        num_leading = network.family.leading(network.config)
        self._is_first = _class_token(spec, network, num_leading)
        first = num_leading or 0
        most = getattr(processor, "max_num_patches", None)
        self._patches = slice(first, first + math.isqrt(most) ** 2 if most else None)
        self._clip = int(getattr(network.config, "num_frames", 0) or 0)
        width = int(network.config.hidden_size)
        on_gpu = 256 * 1024 // max(width, 256)
        self.budget = max(8 if device.type == "cpu" else on_gpu, self._clip)
        self.settings: Mapping[str, JSON] = {
            "pooling": "first" if self._is_first else "mean",
            "crop": self._side,
            **spec.faces.identity(self._detector.name),
        }

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        seen = see_faces(observation, self._detector, self._faces, side=self._side)
        if isinstance(seen, Absence):
            return seen
        if self._clip:
            clips = [seen.crops[part] for part in divide(len(seen.crops), self._clip)]
        else:
            clips = [[crop] for crop in seen.crops]
        return Prepared(tuple(map(self._piece, clips)), seen.facts)

    def collate(self, pieces: Sequence[Piece], device: torch.device) -> dict[str, torch.Tensor]:
        """See `Preparation`."""
        frames = to_device(torch.stack([piece.inputs[_FRAMES] for piece in pieces]), device)
        images = [list(clip) for clip in frames] if self._clip else list(frames[:, 0])
        inputs = dict(self._processor(images, return_tensors="pt"))
        # The network asks for these shapes one number at a time: they wait beside the processor.
        return {k: v if k == _SHAPES else to_device(v, device) for k, v in inputs.items()}

    def pool(self, states: torch.Tensor, pieces: Sequence[Piece]) -> list[Encoded]:
        """See `Preparation`."""
        pooled = states[:, :1] if self._is_first else states[:, self._patches].mean(1, keepdim=True)
        weights = [float(piece.inputs[_SEEN]) for piece in pieces]
        return [Encoded(one, weight) for one, weight in zip(pooled, weights, strict=True)]

    def _piece(self, crops: Sequence[Pixels]) -> Piece:
        """One face, or a clip of faces filled up evenly by showing some for longer."""
        length = self._clip or 1
        shown = crops[0][None]  # a view: of a long video there are thousands
        if self._clip:
            shown = np.stack([crops[index * len(crops) // length] for index in range(length)])
        frames = torch.from_numpy(shown).permute(0, 3, 1, 2)  # (T, 3, side, side)
        return Piece({_FRAMES: frames, _SEEN: torch.tensor(len(crops))}, length=length)


def _class_token(spec: EncoderSpec, network: Network, num_leading: int | None) -> bool:
    """Whether the pooling takes the class token.

    Raises:
        InputError: It should, and there is none; or there is no such pooling for pictures.
    """
    if spec.pooling == "mean" or (spec.pooling == "auto" and not num_leading):
        return False
    if spec.pooling == "auto":
        return True
    if spec.pooling == "first" and num_leading:
        return True
    reason = "" if spec.pooling == "words" else f" for {spec.encoder}, which has no class token"
    if num_leading is None and spec.pooling != "words":
        reason = f" for a {network.config.model_type} model, of which no class token is known"
    raise InputError(
        "extract.visual.pooling",
        found=f"{spec.pooling}{reason}",
        expected="mean or first" if num_leading else "mean",
    )


def _side(processor: Any, config: Any) -> int:
    """The pixels along a crop that the processor leaves as they are, if it leaves any."""
    patches = getattr(processor, "max_num_patches", None)
    if patches:
        return math.isqrt(patches) * int(processor.patch_size)
    is_resized = getattr(processor, "do_resize", True)
    size = dict(getattr(processor, "size", None) or {}) if is_resized else {}
    for key in ("shortest_edge", "height", "longest_edge"):
        if size.get(key):
            return int(size[key])
    return int(getattr(config, "image_size", None) or _USUAL_SIDE)
