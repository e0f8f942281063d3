"""Stage `extract`: one modality of every utterance -> a feature store; goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterable

from mculora.corpora.manifest import Corpus, read_manifest
from mculora.errors import InputError
from mculora.features.identity import FeatureIdentity
from mculora.features.meter import Meter
from mculora.features.outcome import OUT_OF_MEMORY, Absence, Extracted
from mculora.features.store.reader import read_store
from mculora.features.store.writer import StoreWriter
from mculora.modality import Modality
from pipeline.console import say, stage, watch
from pipeline.extraction.absences import Absences
from pipeline.extraction.engines import Computing, open_engine
from pipeline.extraction.media_notes import digest_inputs
from pipeline.extraction.published import input_digests, read_published
from pipeline.layout import Layout, require
from pipeline.params import Params, read_params


def run(modality: str, computing: Computing | None = None, *, strict: bool = False) -> None:
    """Bring one modality of the manifest into its feature store.

    By an encoder, or, where features are published, from what others have made.

    Args:
        modality: `audio`, `text` or `visual`.
        computing: What changes the wait.
        strict: Stop at the first utterance that this modality cannot be had from; by default it is
            absent there, with its reason in the store.

    Raises:
        InputError: The manifest, the encoder or the published features are missing, more
            utterances than `extract.max_failed_share` have failed, or, if `strict`, one has.
    """
    params, which = read_params(), Modality.parse(modality)
    layout = Layout(params.dataset)
    require(layout.raw, command="mculora download")
    corpus = read_manifest(require(layout.corpus, command="mculora prepare"))
    folder = layout.features(which)
    with stage(f"extract {modality}", reads=[layout.corpus, layout.raw], writes=folder) as facts:
        extraction = _Extraction(params, corpus, which, layout=layout, is_strict=strict)
        if params.features == "published":
            facts += extraction.take_over()
        else:
            facts += extraction.encode(computing or Computing())
        stored = read_store(folder)
        width, name = stored.identity.width, stored.identity.encoder
        facts.insert(0, f"{len(stored.ids)} vectors of width {width} by {name}")
        if not stored.ids:
            say(f"note: no utterance offers {modality}: everything goes on without it")


class _Extraction:
    """One modality of one corpus on its way into its store."""

    def __init__(
        self, params: Params, corpus: Corpus, modality: Modality, *, layout: Layout, is_strict: bool
    ) -> None:
        self._params, self._corpus, self._modality = params, corpus, modality
        self._layout, self._is_strict = layout, is_strict

    def encode(self, computing: Computing) -> list[str]:
        """Encode what is not stored yet; return what the closing line says of it."""
        corpus, modality = self._corpus, self._modality
        with open_engine(self._params, modality, computing) as engine:
            identity = engine.identify(corpus=corpus.name, corpus_fingerprint=corpus.fingerprint)
            inputs = digest_inputs(corpus, modality, self._layout)
            retries = computing.is_retrying
            with self._writer(identity, inputs, retries=retries) as writer:
                left, meter = set(writer.pending), Meter()
                pending = [u for u in corpus.utterances if u.id in left]
                extracted = engine.extract(pending, self._layout.raw, meter)
                shown = watch(
                    extracted, meter, label=f"extract {modality.word}", total=len(pending)
                )
                self._store(writer, shown)
        if not pending:
            return ["all of them stored before"]
        kept = len(corpus.utterances) - len(pending)
        return [f"{kept} utterances stored before"] * bool(kept) + [meter.summary]

    def take_over(self) -> list[str]:
        """Store published vectors; return what had to be repaired in them."""
        published = read_published(self._params, self._corpus, self._modality, self._layout)
        with self._writer(published.identity, input_digests(published)) as writer:
            left = set(writer.pending)
            self._store(writer, (e for e in published.extracted if e.utterance_id in left))
        return [f"{n} repaired: {kind}" for kind, n in published.repairs.items()]

    def _writer(
        self, identity: FeatureIdentity, inputs: dict[str, str], *, retries: bool = False
    ) -> StoreWriter:
        folder = self._layout.features(self._modality)
        note = f"{folder}: waits for another process that writes it"

        def retry(reason: str) -> bool:  # another machine, or another batch, may have the memory
            return retries or reason.startswith(OUT_OF_MEMORY)

        return StoreWriter(folder, identity, inputs, on_wait=lambda: say(note), retry=retry)

    def _store(self, writer: StoreWriter, extracted: Iterable[Extracted]) -> None:
        """Add what comes, show who has no vector, and close the store if they are not too many."""
        if self._is_strict and writer.absent:  # left out by an earlier run, which is not repeated
            raise self._refusal(*next(iter(writer.absent.items())))
        for one in extracted:
            if self._is_strict and isinstance(one.outcome, Absence):
                raise self._refusal(one.utterance_id, one.outcome.reason)
            writer.add(one)
        absences = Absences(self._corpus, self._modality, writer.absent)
        for line in absences.table():
            say(line)
        absences.check_share(self._params.extract.max_failed_share)
        writer.finish()

    def _refusal(self, utterance_id: str, reason: str) -> InputError:
        return InputError(
            utterance_id,
            found=f"no {self._modality.word}: {reason}",
            expected="a vector of every utterance under --strict",
            remedy="mend its media, or run without --strict to leave it out",
        )
