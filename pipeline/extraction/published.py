"""Vectors that others have published -> a feature store, in place of an extraction."""

from __future__ import annotations

from mculora.corpora.manifest import Corpus
from mculora.features.input_digests import outcome_digest
from mculora.features.published.settling import PublishedFeatures, settle_features
from mculora.features.published.sources import find_features
from mculora.modality import Modality
from pipeline.console import progress
from pipeline.layout import Layout
from pipeline.params import Params


def read_published(
    params: Params, corpus: Corpus, modality: Modality, layout: Layout
) -> PublishedFeatures:
    """Read the published vectors that params.yaml names.

    Raises:
        InputError: They are not there, or none is of this corpus.
    """
    entry = getattr(params.published, modality.word)
    source = find_features(corpus, layout.raw, modality, entry=entry)
    label, total = f"read {source.path.name}", len(corpus.utterances)
    read = list(progress(source.read(corpus.utterances), label=label, total=total))
    return settle_features(read, corpus, modality, source=source)


def input_digests(published: PublishedFeatures) -> dict[str, str]:
    """What each utterance's vector depends on: itself."""
    return {one.utterance_id: outcome_digest(one) for one in published.extracted}
