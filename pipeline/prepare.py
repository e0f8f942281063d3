"""Stage `prepare`: the raw corpus becomes a manifest of utterances."""

from __future__ import annotations

from collections import Counter

from mculora.corpora.manifest import write_manifest
from mculora.errors import InputError
from pipeline.console import say, stage
from pipeline.corpora import read_corpus
from pipeline.layout import Layout, require
from pipeline.params import read_params


def run(*, strict: bool = False) -> None:
    """Read the raw corpus and write its manifest.

    Args:
        strict: Accept only a corpus of which nothing must be dropped. Real corpora are not like
            that, so it is not the default: what is dropped stands in dropped.csv.

    Raises:
        InputError: The corpus cannot be read or, if `strict`, not all of it.
    """
    params = read_params()
    layout = Layout(params.dataset)
    raw = require(layout.raw, command="mculora download")
    with stage("prepare", reads=[raw], writes=layout.corpus) as facts:
        corpus = read_corpus(params, raw)
        if strict and corpus.dropped:
            first = corpus.dropped[0]
            raise InputError(
                raw,
                found=f"{len(corpus.dropped)} unusable parts, first {first.id}: {first.reason}",
                expected="none under --strict",
                remedy="mend them, or run without --strict to leave them out",
            )
        write_manifest(layout.corpus, corpus)
        for note in corpus.notes:
            say(f"note: {note}")
        facts += [f"{len(corpus.utterances)} utterances", f"{len(corpus.dialogues)} dialogues"]
        kinds = Counter(dropped.kind for dropped in corpus.dropped)
        reasons = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        facts.append(f"{len(corpus.dropped)} in dropped.csv{': ' * bool(reasons)}{reasons}")
        facts.append(f"fingerprint {corpus.fingerprint[:12]}")
