"""From params.yaml to the corpus that it names: one reader each, then the media's own limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mculora.corpora.clips.corpus import read_clips
from mculora.corpora.iemocap.corpus import read_iemocap
from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.media_ends import within_media
from mculora.corpora.mosei.corpus import read_mosei
from mculora.corpora.mosi.corpus import read_mosi
from mculora.corpora.published.reading import read_published
from mculora.corpora.totals import compare_with_totals
from mculora.media.container import media_duration
from pipeline.params import Params


def read_corpus(params: Params, raw_folder: Path) -> Corpus:
    """Read the corpus in params.yaml, with what its readers should know of it in its notes.

    Raises:
        InputError: It cannot be read.
    """
    if params.features == "published":
        corpus = read_published(raw_folder, params.dataset, labels=params.published.labels)
    else:
        corpus = within_media(_read_raw(params, raw_folder), raw_folder, media_duration)
    warning = compare_with_totals(corpus, is_published=params.features == "published")
    return replace(corpus, notes=(*corpus.notes, warning)) if warning else corpus


def _read_raw(params: Params, raw_folder: Path) -> Corpus:
    if params.dataset in ("sample", "mosei"):  # the sample has MOSEI's layout
        return read_mosei(raw_folder, params.dataset)
    if params.dataset == "mosi":
        return read_mosi(raw_folder, params.dataset)
    if params.dataset == "clips":
        task = None if params.clips.task == "auto" else Task(params.clips.task)
        return read_clips(raw_folder, params.dataset, task=task, seconds_of=media_duration)
    return read_iemocap(raw_folder, params.dataset, classes=4 if params.dataset[-1] == "4" else 6)
