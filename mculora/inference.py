"""One clip, whatever it offers -> a prediction, by the code that training's features came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.errors import InputError
from mculora.features.encoder import Encoder
from mculora.features.extraction import encode_one
from mculora.features.observation import Observation
from mculora.features.outcome import Absence, pooled
from mculora.modality import NUM_MODALITIES, Modality
from mculora.model.network import MCULoRA
from mculora.model.packing import pack


@dataclass(frozen=True)
class ClipPrediction:
    """What the network says of one clip.

    Attributes:
        values: (K,): the score (K = 1) or the probability of each class.
        used: The modalities that the prediction rests on.
        absent: Every other modality, with the reason.
    """

    values: Tensor
    used: tuple[Modality, ...]
    absent: Mapping[Modality, str]


@torch.inference_mode()
def predict_clip(
    network: MCULoRA,
    encoders: Mapping[Modality, Encoder],
    observation: Observation,
    absent: Mapping[Modality, str],
) -> ClipPrediction:
    """Encode a clip and predict from what it offers.

    Args:
        network: A trained one.
        encoders: Those that made the training features, for the modalities to be tried.
        observation: The clip.
        absent: Modalities not to be tried, each with its reason.

    Raises:
        InputError: The clip offers nothing: there is no prediction, not a guess.
    """
    device = next(network.parameters()).device
    reasons = dict(absent)
    features = [torch.zeros(1, width, device=device) for width in network.config.widths]
    present = torch.zeros(1, NUM_MODALITIES, dtype=torch.bool)
    for modality, encoder in encoders.items():
        outcome = encode_one(encoder, observation).outcome
        if isinstance(outcome, Absence):
            reasons[modality] = outcome.reason
        else:
            features[modality][0] = pooled(outcome)
            present[0, modality] = True
    used = tuple(m for m in Modality if bool(present[0, m]))
    if not used:
        told = "; ".join(f"{m.word}: {reasons[m]}" for m in Modality if m in reasons)
        where = observation.video_path or observation.audio_path or "clip"
        raise InputError(where, found=f"nothing to predict from ({told})", expected="a modality")
    alone = torch.zeros(1, dtype=torch.int64)  # a dialogue of one utterance
    logits = network(pack(features, alone, dialogue=alone, present=present)).prediction[0]
    values = logits if len(logits) == 1 else logits.softmax(-1)
    return ClipPrediction(values.cpu(), used, {m: reasons[m] for m in Modality if m in reasons})
