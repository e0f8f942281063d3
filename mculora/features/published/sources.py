"""Published features are found by name; what a folder or file holds decides how it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from mculora.acquire.magic import FileKind, sniff_file
from mculora.corpora.manifest import Corpus
from mculora.corpora.published.finding import find_files, find_folders
from mculora.corpora.published.known import CORPORA
from mculora.corpora.published.rows import has_order_only
from mculora.corpora.raw_tree import RawTree
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.features.published.cleaning import Cleaned
from mculora.features.published.csd import CsdSource
from mculora.features.published.folders import FolderSource
from mculora.features.published.mmsa import MmsaSource
from mculora.modality import Modality

_PLACE = "published"
_EXPECTED = "a folder of .npy files, an MMSA pickle or a .csd file"


class FeatureSource(Protocol):
    """Where the published features of one modality are.

    Attributes:
        path: The folder or file.
        kind: How it is laid out.
    """

    @property
    def path(self) -> Path: ...  # noqa: D102

    @property
    def kind(self) -> str: ...  # noqa: D102

    def read(self, utterances: Sequence[Utterance]) -> Iterator[Cleaned]:
        """Yield each utterance's vector, or why there is none, in the given order."""
        ...


def find_features(
    corpus: Corpus, raw_folder: Path, modality: Modality, entry: str
) -> FeatureSource:
    """Find published features by name; what they look like decides how they are read.

    Args:
        corpus: The corpus that they belong to.
        raw_folder: Its raw folder; the features lie at any depth of `published` in it.
        modality: What they describe.
        entry: The name of a folder or a file. Of several folders, that with the most utterances
            of the corpus is taken.

    Raises:
        InputError: There is nothing of that name, nothing usable, or several files; or it needs
            times and the corpus only has an order.
    """
    family, tree = CORPORA[corpus.name].family, RawTree.walk(raw_folder / _PLACE)
    # Files first: one that is a source of its own lies in a folder of the same name.
    files = [tree.raw_folder / path for path in find_files(tree, [entry], family=family)]
    folders = find_folders(tree, entry, family=family)
    if folders and not files:
        ids = [u.id for u in corpus.utterances]
        sources = [FolderSource(tree.raw_folder / folder) for folder in folders]
        return max(sources, key=lambda source: source.count(ids))
    if len(files) != 1:
        raise InputError(
            tree.raw_folder,
            found=f"{len(files) or 'nothing'} of the name {entry}",
            expected=_EXPECTED,
            remedy=f"put it there, or name another in published.{modality.word}",
        )
    kind = sniff_file(files[0])
    if kind is FileKind.PICKLE:
        return MmsaSource(files[0], modality)
    if kind is FileKind.HDF5:
        _require_times(corpus, files[0])
        return CsdSource(files[0])
    raise InputError(
        files[0],
        found=f"a file that is a {kind}" if kind else "a file of no known kind",
        expected=_EXPECTED,
        remedy="fetch it again",
    )


def _require_times(corpus: Corpus, path: Path) -> None:
    if has_order_only(corpus):
        raise InputError(
            path,
            found="features in time, for labels that only tell the order of utterances",
            expected="labels with times",
            remedy="name a .csd file of labels in published.labels",
        )
