"""What training and testing both read: the manifest, the three stores and the folds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mculora.batch import FeatureTable, build_table
from mculora.corpora.manifest import Corpus, Task, read_manifest
from mculora.errors import InputError
from mculora.features.identity import FeatureIdentity
from mculora.features.store.reader import StoredFeatures, check_same_corpus, read_store
from mculora.modality import Modality
from mculora.model.checkpoint import Checkpoint
from mculora.protocol.folds import Fold, read_folds
from pipeline.layout import Layout, require


@dataclass(frozen=True)
class Inputs:
    """A corpus, its features and its folds."""

    corpus: Corpus
    stores: tuple[StoredFeatures, ...]
    folds: tuple[Fold, ...]

    def table(self, dialogues: Iterable[str]) -> FeatureTable:
        """The utterances of these dialogues, and of no other."""
        return build_table(self.corpus, self.stores, dialogues)

    @property
    def widths(self) -> tuple[int, ...]:
        """D_m in column order."""
        return tuple(store.identity.width for store in self.stores)

    @property
    def outputs(self) -> int:
        """K: 1 for a score, else the number of classes."""
        return 1 if self.corpus.task == Task.REGRESSION else len(self.corpus.class_names)

    @property
    def feature_identities(self) -> dict[str, dict[str, Any]]:
        """What each modality's features are, by its word."""
        return {m.word: self.stores[m].identity.to_json() for m in Modality}


def trained_features(checkpoint: Checkpoint, modality: Modality) -> FeatureIdentity:
    """What a network was trained with, by its own account.

    Raises:
        InputError: It does not say.
    """
    try:
        return FeatureIdentity.from_json(checkpoint.provenance["features"][modality.word])
    except (KeyError, TypeError):
        raise InputError(
            "checkpoint",
            found=f"none of {modality.word} features in its account of itself",
            expected="a network of this program",
            remedy="run `mculora train`",
        ) from None


def input_paths(layout: Layout) -> list[Path]:
    """The folders that `read_inputs` reads."""
    return [layout.corpus, *(layout.features(m) for m in Modality), layout.split]


def read_inputs(layout: Layout) -> Inputs:
    """Read them all and check that they belong together.

    Raises:
        MissingInputError: A stage has not been run.
        InputError: A store holds the features of another corpus.
    """
    corpus = read_manifest(require(layout.corpus, command="mculora prepare"))
    stores = []
    for modality in Modality:
        command = f"mculora extract --modality {modality.word}"
        store = read_store(require(layout.features(modality), command=command))
        check_same_corpus(store, corpus.fingerprint)
        stores.append(store)
    folds = read_folds(require(layout.folds, command="mculora split"))
    return Inputs(corpus, tuple(stores), folds)
