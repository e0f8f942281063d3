"""What the service says of its model: enough to know whose prediction one has."""

from __future__ import annotations

from typing import Any

from mculora.inference.bundle import Bundle
from mculora.modality import Modality


def model_facts(bundle: Bundle) -> dict[str, Any]:
    """Facts of a model as plain JSON values."""
    provenance = bundle.provenance
    return {
        "method": provenance["method"],
        "corpus": bundle.corpus,
        "task": bundle.task.value,
        "classes": list(bundle.class_names),
        "encoders": {m.word: bundle.features(m).encoder for m in Modality},
        "seed": provenance.get("seed"),
        "validation": provenance.get("validation_mean"),
        "parameters": sum(weight.numel() for weight in bundle.network.parameters()),
    }
