"""The test at missing rates of moments, where features have a course in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mculora.batch import FeatureTable
from mculora.evaluation.thinning import thinned
from mculora.features.identity import Level
from mculora.features.store.reader import open_sequences
from mculora.modality import Modality
from pipeline.inputs import Inputs
from pipeline.layout import Layout


class MissingMoments:
    """Loses moments of the test utterances fold by fold; nothing where no features have any.

    Args:
        layout: Where the features are.
        inputs: Says which of them are at frame level.
        rates: Nominal missing rates.
        seed: Of the draws.
    """

    def __init__(self, layout: Layout, inputs: Inputs, rates: Sequence[float], seed: int) -> None:
        self.modalities = [m for m in Modality if inputs.stores[m].identity.level is Level.FRAME]
        self._sequences = {m: open_sequences(layout.features(m)) for m in self.modalities}
        self._rates, self._seed = rates, seed
        self._told: dict[str, dict[str, Any]] = {}

    def of(self, fold: str, table: FeatureTable) -> dict[str, FeatureTable]:
        """A fold's test utterances by condition, `frames-0.3` and so on."""
        if not self.modalities:
            return {}
        drawn = thinned(table, self._sequences, self._rates, seed=self._seed)
        for rate, made in zip(self._rates, drawn.values(), strict=True):
            facts = {"realised": made.realised, "digest": made.digest}
            self._told.setdefault(f"{rate:.1f}", {})[fold] = facts
        return {condition: made.table for condition, made in drawn.items()}

    def as_json(self) -> dict[str, Any]:
        """What was drawn: by nominal rate and fold, the realised rate and the digest."""
        return {"modalities": [m.word for m in self.modalities], "rates": self._told}
