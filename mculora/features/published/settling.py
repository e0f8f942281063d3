"""Published vectors become one set: of one width, and known by a digest of all that is in it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from mculora.corpora.manifest import Corpus
from mculora.errors import InputError
from mculora.features.identity import FeatureIdentity
from mculora.features.outcome import Absence, Extracted
from mculora.features.published.cleaning import NO_ENTRY, NO_FILE, RULE, Cleaned
from mculora.features.published.sources import FeatureSource
from mculora.modality import Modality


@dataclass(frozen=True)
class PublishedFeatures:
    """The published vectors of a corpus.

    Attributes:
        identity: What they are; its revision is a digest of all vectors and absences, so that it
            changes exactly when one of them does.
        extracted: What became of each utterance, in manifest order.
        repairs: How many utterances needed which kind of repair.
    """

    identity: FeatureIdentity
    extracted: tuple[Extracted, ...]
    repairs: Mapping[str, int]


def settle_features(
    read: Sequence[Cleaned], corpus: Corpus, modality: Modality, *, source: FeatureSource
) -> PublishedFeatures:
    """Make what was read one set of vectors of one width, the most common one.

    Args:
        read: What the source gave for every utterance of the corpus.
        corpus: The corpus.
        modality: What the features describe.
        source: Where they come from.

    Raises:
        InputError: No utterance of the corpus is in the source.
    """
    reasons = {c.outcome.reason if isinstance(c.outcome, Absence) else "" for c in read}
    if reasons <= {NO_FILE, NO_ENTRY}:
        raise InputError(
            source.path,
            found=f"none of the {len(corpus.utterances)} utterances of {corpus.name} "
            f"(such as {corpus.utterances[0].id})",
            expected="features by utterance id",
            remedy=f"name another entry in published.{modality.word}",
        )
    widths = Counter(len(c.outcome) for c in read if not isinstance(c.outcome, Absence))
    width = max(widths, key=lambda width: (widths[width], width), default=0)
    digest = hashlib.sha256()
    extracted = []
    for utterance, cleaned in zip(corpus.utterances, read, strict=True):
        outcome = cleaned.outcome
        if not isinstance(outcome, Absence) and len(outcome) != width:
            outcome = Absence(f"width {len(outcome)} instead of {width}")
        if isinstance(outcome, Absence):
            digest.update(f"\n{utterance.id} {outcome.reason}\n".encode())
            extracted.append(Extracted(utterance.id, outcome))
        else:
            digest.update(f"\n{utterance.id}\n".encode() + outcome.astype("<f4").tobytes())
            extracted.append(Extracted(utterance.id, torch.from_numpy(outcome)))
    identity = FeatureIdentity(
        corpus=corpus.name,
        corpus_fingerprint=corpus.fingerprint,
        modality=modality,
        encoder=source.path.name,
        revision=digest.hexdigest(),
        settings={"published": source.kind, "cleaning": RULE},
        width=width,
    )
    repairs = Counter(repair for cleaned in read for repair in cleaned.repairs)
    return PublishedFeatures(identity, tuple(extracted), dict(repairs.most_common()))
