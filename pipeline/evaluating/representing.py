"""What the network that validation prefers makes of some of its test utterances, into tables."""

from __future__ import annotations

from math import inf

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.evaluation.projection import project_all
from mculora.model.checkpoint import Checkpoint
from pipeline.evaluating.representation_tables import write_representations
from pipeline.layout import Layout


class BestNetwork:
    """Of the networks seen so far, over folds and seeds, the one with the best validation."""

    def __init__(self) -> None:
        self._best: tuple[Checkpoint, FeatureTable] | None = None
        self._validation = -inf

    def see(self, checkpoint: Checkpoint, test: FeatureTable) -> None:
        """Look at one more network and what it is tested on; of equals, the first is kept."""
        validation = checkpoint.provenance["validation_mean"]
        validation = -inf if validation is None else float(validation)
        if self._best is None or validation > self._validation:
            self._best, self._validation = (checkpoint, test), validation

    def write(self, layout: Layout, task: Task, *, seed: int) -> None:
        """Write where its representations lie, and how far apart; at least one was seen."""
        assert self._best is not None, "the main method is always tested"
        checkpoint, test = self._best
        projected = list(project_all(checkpoint.network, test, task, seed=seed))
        write_representations(layout.representations, layout.separation, projected)
