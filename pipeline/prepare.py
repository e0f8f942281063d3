"""Stage `prepare`: the raw corpus becomes a manifest of utterances."""

from __future__ import annotations

from collections import Counter

from mculora.corpora.manifest import write_manifest
from mculora.corpora.mosei import read_mosei
from pipeline.console import stage
from pipeline.layout import Layout, require
from pipeline.params import read_params


def run() -> None:
    """Read the raw corpus (the sample has MOSEI's layout) and write its manifest."""
    params = read_params()
    layout = Layout(params.dataset)
    raw = require(layout.raw, command="mculora download")
    with stage("prepare", reads=[raw], writes=layout.corpus) as facts:
        corpus = read_mosei(raw, params.dataset)
        write_manifest(layout.corpus, corpus)
        facts += [f"{len(corpus.utterances)} utterances", f"{len(corpus.dialogues)} dialogues"]
        kinds = Counter(dropped.kind for dropped in corpus.dropped)
        reasons = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        facts.append(f"{len(corpus.dropped)} in dropped.csv{': ' * bool(reasons)}{reasons}")
