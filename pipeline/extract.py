"""Stage extract: one modality of every utterance -> a feature store; goes on where it stopped."""

from __future__ import annotations

from mculora.corpora.manifest import read_manifest
from mculora.errors import InputError
from mculora.features.encoder import identify
from mculora.features.extraction import extract_utterances
from mculora.features.identity import Absence
from mculora.features.store import StoreWriter, read_store
from mculora.modality import Modality
from pipeline.console import progress, stage
from pipeline.encoders import make_encoder
from pipeline.layout import Layout, require
from pipeline.params import read_params


def run(modality: str, *, device: str = "auto", strict: bool = False) -> None:
    """Extract one modality of the manifest into its feature store.

    Args:
        modality: `audio`, `text` or `visual`.
        device: Where a transformers model runs; `auto` takes the first GPU if there is one.
        strict: Stop at the first utterance that this modality cannot be had from; by default it is
            absent there, with its reason in the store.

    Raises:
        InputError: The manifest or the encoder is missing, every utterance is absent or, if
            `strict`, one is.
    """
    params = read_params()
    layout, which = Layout(params.dataset), Modality.parse(modality)
    require(layout.raw, command="mculora download")
    corpus = read_manifest(require(layout.corpus, command="mculora prepare"))
    folder = layout.features(which)
    with stage(f"extract {modality}", reads=[layout.corpus, layout.raw], writes=folder) as facts:
        encoder = make_encoder(params, which, device=device)
        identity = identify(encoder, corpus=corpus.name, corpus_fingerprint=corpus.fingerprint)
        writer = StoreWriter(folder, identity, [u.id for u in corpus.utterances])
        pending = corpus.utterances[len(corpus.utterances) - len(writer.pending) :]
        extracted = extract_utterances(encoder, pending, layout.raw)
        for one in progress(extracted, label=f"extract {modality}", total=len(pending)):
            if strict and isinstance(one.outcome, Absence):
                raise _absence_error(one.utterance_id, one.outcome.reason, modality=modality)
            writer.add(one.utterance_id, one.outcome)
        writer.finish()
        stored = read_store(folder)
        if strict and stored.absent:  # left out by an earlier run, which is not repeated
            raise _absence_error(*next(iter(stored.absent.items())), modality=modality)
        reasons = [f"{n} absent, {reason}" for reason, n in stored.absent_by_reason.items()]
        if not stored.ids:
            raise InputError(
                folder,
                found=f"no vector of {len(corpus.utterances)} utterances ({reasons[0]})",
                expected="at least one",
                remedy="look at the raw corpus, or choose another encoder",
            )
        facts.append(f"{len(stored.ids)} vectors of width {identity.width} by {encoder.name}")
        facts.extend(reasons or ["none absent"])


def _absence_error(utterance_id: str, reason: str, *, modality: str) -> InputError:
    return InputError(
        utterance_id,
        found=f"no {modality}: {reason}",
        expected="a vector of every utterance under --strict",
        remedy="mend its media, or run without --strict to leave it out",
    )
