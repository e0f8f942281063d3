"""Stage `extract`: one modality of every utterance -> a feature store; goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from mculora.corpora.manifest import Corpus, read_manifest
from mculora.errors import InputError
from mculora.features.encoder import identify
from mculora.features.extraction import extract_utterances
from mculora.features.identity import FeatureIdentity
from mculora.features.outcome import Absence, Extracted
from mculora.features.published.settling import settle_features
from mculora.features.published.sources import find_features
from mculora.features.store import StoredFeatures, StoreWriter, read_store
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
    _forget_other_media(corpus, modality, layout)
    identity = identify(encoder, corpus=corpus.name, corpus_fingerprint=corpus.fingerprint)
    writer = _writer(layout.features(modality), identity, corpus)
    pending = corpus.utterances[len(corpus.utterances) - len(writer.pending) :]
    extracted = extract_utterances(encoder, pending, layout.raw)
    shown = progress(extracted, label=f"extract {modality.word}", total=len(pending))
    _store(writer, shown, strict=strict, modality=modality)


def _forget_other_media(corpus: Corpus, modality: Modality, layout: Layout) -> None:
    """Drop what was extracted of media that have changed since: a store goes on where it stopped.

    The manifest knows the size of media, not their content; a changed file may have the same size.
    """
    field = {Modality.AUDIO: "audio_path", Modality.VISUAL: "video_path"}.get(modality)
    paths = {path for u in corpus.utterances if field and (path := getattr(u, field))}
    state = {path: _size_and_time(layout.raw / path) for path in sorted(paths)}
    note = layout.media_state(modality)
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) != state:
        note.unlink()  # first: a stop in between must not leave an old store with a new note
        shutil.rmtree(layout.features(modality), ignore_errors=True)
    write_text(note, json.dumps(state, ensure_ascii=False) + "\n")


def _size_and_time(path: Path) -> list[int]:
    try:
        state = path.stat()
    except OSError:
        return []
    return [state.st_size, state.st_mtime_ns]


def _import(params: Params, corpus: Corpus, modality: Modality, layout: Layout) -> list[str]:
    """Store published vectors; return what had to be repaired in them."""
    source = find_features(
        corpus, layout.raw, modality, entry=getattr(params.published, modality.word)
    )
    label, total = f"read {source.path.name}", len(corpus.utterances)
    read = list(progress(source.read(corpus.utterances), label=label, total=total))
    published = settle_features(read, corpus, modality, source=source)
    writer = _writer(layout.features(modality), published.identity, corpus)
    pending = published.extracted[total - len(writer.pending) :]
    _store(writer, pending, strict=False, modality=modality)
    return [f"{n} repaired: {kind}" for kind, n in published.repairs.items()]


def _writer(folder: Path, identity: FeatureIdentity, corpus: Corpus) -> StoreWriter:
    return StoreWriter(folder, identity, [u.id for u in corpus.utterances])


def _store(
    writer: StoreWriter, extracted: Iterable[Extracted], *, strict: bool, modality: Modality
) -> None:
    for one in extracted:
        if strict and isinstance(one.outcome, Absence):
            raise _absence_error(one.utterance_id, one.outcome.reason, modality=modality.word)
        writer.add(one.utterance_id, one.outcome)
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
