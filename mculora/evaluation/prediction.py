"""What a network predicts for a whole table when some modalities are missing."""

from __future__ import annotations

import torch
from torch import Tensor

from mculora.batch import FeatureTable, batches
from mculora.modality import ModalityCombination
from mculora.model.network import MCULoRA

EVALUATION_DIALOGUES = 64
"""Dialogues in one batch; changes the wait, not the numbers."""


@torch.inference_mode()
def predict_combinations(network: MCULoRA, table: FeatureTable) -> dict[str, Tensor]:
    """Predict every utterance under each of the seven combinations.

    The encoders run once: under a fixed combination they see the same thing in all seven.

    Returns:
        By combination word, (N, K) in the table's order; NaN where nothing of the combination
        is available.
    """
    network.eval()
    width = network.config.outputs
    shape = (len(table.ids), width)
    device = table.labels.device
    predictions = {c.word: torch.full(shape, torch.nan, device=device) for c in ModalityCombination}
    for batch in batches(table, EVALUATION_DIALOGUES):
        base = network.encode(batch.features, batch.available)
        rows = batch.rows.to(device)
        for combination in ModalityCombination:
            shown = torch.tensor(combination.presence, device=device)
            present = batch.available & shown
            output = network(batch.features, present, base)
            some = present.any(-1)
            predictions[combination.word][rows[some]] = output.prediction[some]
    return predictions


@torch.inference_mode()
def predict_present(network: MCULoRA, table: FeatureTable, present: Tensor) -> Tensor:
    """Predict every utterance from what `present` (N, M) bool leaves of what is available.

    Returns:
        (N, K) in the table's order; NaN where nothing is left.
    """
    network.eval()
    device = table.labels.device
    predictions = torch.full((len(table.ids), network.config.outputs), torch.nan, device=device)
    shown = present.to(device)
    for batch in batches(table, EVALUATION_DIALOGUES):
        rows = batch.rows.to(device)
        left = batch.available & shown[rows.clamp(min=0)]
        output = network(batch.features, left)
        some = left.any(-1)
        predictions[rows[some]] = output.prediction[some]
    return predictions
