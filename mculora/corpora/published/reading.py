"""A corpus from somebody's published labels: the file's content decides how it is read."""

from __future__ import annotations

import filecmp
from pathlib import Path

from mculora.acquire.magic import FileKind, sniff_file
from mculora.acquire.pickles import read_npz, read_pickle
from mculora.corpora.left_out import in_order, require_some
from mculora.corpora.manifest import Corpus, Dropped, Task
from mculora.corpora.published.checking import check_rows
from mculora.corpora.published.csd import read_csd
from mculora.corpora.published.finding import find_files
from mculora.corpora.published.gcnet import read_gcnet
from mculora.corpora.published.known import CORPORA, PublishedCorpus
from mculora.corpora.published.mertools import read_mertools
from mculora.corpora.published.mmsa import read_mmsa
from mculora.corpora.published.rows import LabelFile
from mculora.corpora.raw_tree import RawTree
from mculora.corpora.standard_folds import find_standard_folds, read_standard_folds
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError

AUTO = "auto"
_SIX_WAY, _SIX_WAY_STRICT = 7433, 7380


def read_published(raw_folder: Path, name: str, *, labels: str = AUTO) -> Corpus:
    """Read labels, ids, splits and transcripts from what others have published.

    Such files name no recordings: utterances have no media, and what is missing of their features
    is found when those are imported. Most files give the order of utterances and no times: a
    window is then the utterance's place in its dialogue, and ends at the next whole number.

    Args:
        raw_folder: The raw corpus; the label file lies at any depth of it.
        name: `mosei`, `mosi`, `iemocap4` or `iemocap6`.
        labels: The label file's name, or `auto` for those that its publishers use.

    Raises:
        InputError: There is no such file or it cannot be used, or no utterance remains.
    """
    corpus = CORPORA[name]
    tree = RawTree.walk(raw_folder)
    path = _find_labels(tree, corpus, labels)
    read = _read_file(path, corpus, tree)
    utterances: list[Utterance] = []
    dropped: list[Dropped] = list(read.dropped)
    for item in check_rows(read.rows, corpus, path):
        if isinstance(item, Utterance):
            utterances.append(item)
        else:
            dropped.append(item)
    require_some(path, utterances, dropped, needed=f"a label of {name}")
    return Corpus(
        name,
        Task.CLASSIFICATION if corpus.class_names else Task.REGRESSION,
        class_names=corpus.class_names,
        utterances=tuple(utterances),
        dropped=in_order(dropped),
        notes=(
            f"Labels, order and splits were published by others: {path.name}.",
            *read.notes,
            *_protocol_notes(corpus, num_utterances=len(utterances)),
        ),
    )


def _protocol_notes(corpus: PublishedCorpus, *, num_utterances: int) -> list[str]:
    """How what is published differs from what is done here."""
    if not corpus.has_sessions:
        return []
    notes = [
        "The published code tests on each session in turn and chooses the epoch on the session "
        "that it tests; here each session is tested in turn as well, and the epoch is chosen on "
        "dialogues drawn from the other sessions."
    ]
    if len(corpus.class_names) == 6 and num_utterances == _SIX_WAY:
        more = _SIX_WAY - _SIX_WAY_STRICT
        notes.append(
            f"The published 6-way labels have {_SIX_WAY:,} utterances; the corpus itself gives "
            f"{_SIX_WAY_STRICT:,}: {more} on which its raters did not agree are labelled happy."
        )
    return notes


def _read_file(path: Path, corpus: PublishedCorpus, tree: RawTree) -> LabelFile:
    kind = sniff_file(path)
    if kind is FileKind.ZIP:
        return read_mertools(read_npz(path), path, has_sessions=corpus.has_sessions)
    if kind is FileKind.HDF5 and corpus.folds_file:
        splits = read_standard_folds(find_standard_folds(tree, corpus.folds_file))
        words = find_files(tree, corpus.words_files, family=corpus.family)
        return read_csd(path, tree.raw_folder / words[0] if words else None, splits)
    if kind is FileKind.PICKLE:
        content = read_pickle(path)
        if isinstance(content, dict) and not corpus.has_sessions:
            return read_mmsa(content, path)
        return read_gcnet(content, path, has_sessions=corpus.has_sessions)
    expected = "a label pickle, a label.npz, an MMSA pickle or a .csd file of labels"
    if corpus.has_sessions:
        expected = "a label pickle or a label_4way.npz or label_6way.npz"
    raise InputError(
        path,
        found=f"a file that is a {kind}" if kind else "a file of no known kind",
        expected=expected,
        remedy="fetch it again, or name another file in published.labels",
    )


def _find_labels(tree: RawTree, corpus: PublishedCorpus, labels: str) -> Path:
    names = corpus.label_files if labels == AUTO else (labels,)
    found = [tree.raw_folder / path for path in find_files(tree, names, family=corpus.family)]
    if not found:
        raise InputError(
            tree.raw_folder,
            found=f"no {' or '.join(names)} at any depth of it",
            expected="the labels of the published features",
            remedy="put the file there: name its place in sources (params.yaml) and run "
            "`mculora download`, or name another file in published.labels",
        )
    for other in found[1:]:
        if other.name == found[0].name and not filecmp.cmp(found[0], other, shallow=False):
            raise InputError(
                found[0],
                found=f"another file of that name, {other}",
                expected="one, or copies of one",
                remedy="name it together with its folder in published.labels",
            )
    return found[0]
