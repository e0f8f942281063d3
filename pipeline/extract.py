"""Stage `extract`: one modality of every utterance -> a feature store; goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mculora.corpora.manifest import Corpus, read_manifest
from mculora.errors import InputError
from mculora.features.encoder import identify
from mculora.features.extraction import extract_utterances
from mculora.features.identity import FeatureIdentity
from mculora.features.input_digests import (
    MediaDigests,
    input_digest,
    media_path,
    outcome_digest,
)
from mculora.features.outcome import Absence, Extracted
from mculora.features.published.settling import settle_features
from mculora.features.published.sources import find_features
from mculora.features.store.reader import StoredFeatures, read_store
from mculora.features.store.writer import StoreWriter
from mculora.files import write_text
from mculora.modality import Modality
from pipeline.console import progress, say, stage
from pipeline.encoders import make_encoder
from pipeline.layout import Layout, require
from pipeline.params import Params, read_params

NOT_OFFERED = (
    "no audio track",
    "no video track",
    "no face in ",
    "empty transcript",
    "no words in ",
)
"""Beginnings of the reasons for which a readable clip has no vector of some modality."""


def run(modality: str, *, device: str = "auto", strict: bool = False) -> None:
    """Bring one modality of the manifest into its feature store.

    By an encoder, or, where features are published, from what others have made.

    Args:
        modality: `audio`, `text` or `visual`.
        device: Where a transformers model runs; `auto` takes the first GPU if there is one.
        strict: Stop at the first utterance that this modality cannot be had from; by default it is
            absent there, with its reason in the store.

    Raises:
        InputError: The manifest, the encoder or the published features are missing, every
            utterance is absent though the corpus promises some, or, if `strict`, one is.
    """
    params = read_params()
    layout, which = Layout(params.dataset), Modality.parse(modality)
    require(layout.raw, command="mculora download")
    corpus = read_manifest(require(layout.corpus, command="mculora prepare"))
    folder = layout.features(which)
    with stage(f"extract {modality}", reads=[layout.corpus, layout.raw], writes=folder) as facts:
        if params.features == "published":
            facts += _import(params, corpus, which, layout)
        else:
            _encode(params, corpus, which, layout=layout, device=device, strict=strict)
        stored = read_store(folder)
        if strict and stored.absent:  # left out by an earlier run, which is not repeated
            raise _absence_error(*next(iter(stored.absent.items())), modality=modality)
        reasons = [f"{n} absent, {reason}" for reason, n in stored.absent_by_reason.items()]
        if not stored.ids and not _lacks_it(corpus, which, stored):
            raise InputError(
                folder,
                found=f"no vector of {len(corpus.utterances)} utterances ({reasons[0]})",
                expected="at least one",
                remedy="look at the raw corpus, or choose another encoder",
            )
        identity = stored.identity
        facts.append(f"{len(stored.ids)} vectors of width {identity.width} by {identity.encoder}")
        facts.extend(reasons or ["none absent"])
        if not stored.ids:
            say(f"note: no utterance offers {modality}: everything goes on without it")


def _encode(
    params: Params, corpus: Corpus, modality: Modality, *, layout: Layout, device: str, strict: bool
) -> None:
    encoder = make_encoder(params, modality, device=device)
    identity = identify(encoder, corpus=corpus.name, corpus_fingerprint=corpus.fingerprint)
    media = _digest_media(corpus, modality, layout)
    inputs = {u.id: input_digest(u, modality, media) for u in corpus.utterances}
    with _writer(layout, identity, inputs) as writer:
        left = set(writer.pending)
        pending = [u for u in corpus.utterances if u.id in left]
        extracted = extract_utterances(encoder, pending, layout.raw)
        shown = progress(extracted, label=f"extract {modality.word}", total=len(pending))
        _store(writer, shown, strict=strict, modality=modality)


def _digest_media(corpus: Corpus, modality: Modality, layout: Layout) -> MediaDigests:
    """Read all media of a modality once; what was read before is known by its size and time."""
    note = layout.media_state(modality)
    media = MediaDigests(layout.raw, _read_note(note))
    paths = {path for u in corpus.utterances if (path := media_path(u, modality))}
    read = media.read(sorted(paths))
    for _ in progress(read, label=f"look at the media of {modality.word}", total=len(paths)):
        pass
    write_text(note, json.dumps(media.known, ensure_ascii=False) + "\n")
    return media


def _read_note(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _import(params: Params, corpus: Corpus, modality: Modality, layout: Layout) -> list[str]:
    """Store published vectors; return what had to be repaired in them."""
    source = find_features(
        corpus, layout.raw, modality, entry=getattr(params.published, modality.word)
    )
    label, total = f"read {source.path.name}", len(corpus.utterances)
    read = list(progress(source.read(corpus.utterances), label=label, total=total))
    published = settle_features(read, corpus, modality, source=source)
    inputs = {one.utterance_id: outcome_digest(one) for one in published.extracted}
    with _writer(layout, published.identity, inputs) as writer:
        left = set(writer.pending)
        pending = (one for one in published.extracted if one.utterance_id in left)
        _store(writer, pending, strict=False, modality=modality)
    return [f"{n} repaired: {kind}" for kind, n in published.repairs.items()]


def _writer(layout: Layout, identity: FeatureIdentity, inputs: Mapping[str, str]) -> StoreWriter:
    folder = layout.features(identity.modality)
    note = f"{folder}: waits for another process that writes it"
    return StoreWriter(folder, identity, inputs, on_wait=lambda: say(note))


def _store(
    writer: StoreWriter, extracted: Iterable[Extracted], *, strict: bool, modality: Modality
) -> None:
    for one in extracted:
        if strict and isinstance(one.outcome, Absence):
            raise _absence_error(one.utterance_id, one.outcome.reason, modality=modality.word)
        writer.add(one)
    writer.finish()


def _lacks_it(corpus: Corpus, modality: Modality, stored: StoredFeatures) -> bool:
    """Whether every utterance is known not to offer a modality: nothing failed, it is not there."""
    return all(
        modality in u.absent or stored.absent[u.id].startswith(NOT_OFFERED)
        for u in corpus.utterances
    )


def _absence_error(utterance_id: str, reason: str, *, modality: str) -> InputError:
    return InputError(
        utterance_id,
        found=f"no {modality}: {reason}",
        expected="a vector of every utterance under --strict",
        remedy="mend its media, or run without --strict to leave it out",
    )
