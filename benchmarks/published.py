"""Seconds to read published labels and features of MOSEI's size, each folder and all of them.

Run: python benchmarks/published.py     (invented features in a temporary folder, about 1 GB)
"""

from __future__ import annotations

import os
import pickle
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from mculora.corpora.manifest import Corpus
from mculora.corpora.published.reading import read_published
from mculora.features.input_digests import outcome_digest
from mculora.features.published.settling import PublishedFeatures, settle_features
from mculora.features.published.sources import find_features
from mculora.features.store.writer import StoreWriter
from mculora.modality import Modality

NUM_UTTERANCES, NUM_VIDEOS = 22_856, 3_225
NUM_TURNS, TURNS_PER_DIALOGUE = 5_531, 56
FOLDERS = {
    Modality.AUDIO: ("wav2vec-large-c-UTT", 512),
    Modality.TEXT: ("deberta-large-4-UTT", 1024),
    Modality.VISUAL: ("manet_UTT", 1024),
}


def write_mosei(folder: Path) -> None:
    """A file per utterance and modality, and the label pickle."""
    ids: dict[str, list[str]] = {f"video{v:06}": [] for v in range(NUM_VIDEOS)}
    videos = list(ids)
    for number in range(NUM_UTTERANCES):
        video = videos[number % NUM_VIDEOS]
        ids[video].append(f"{video}_{number // NUM_VIDEOS}")
    labels = {v: [np.float32(k % 7 - 3) for k, _ in enumerate(own)] for v, own in ids.items()}
    speakers = {v: [""] * len(own) for v, own in ids.items()}
    words = {v: ["so it was the day that we had in mind"] * len(own) for v, own in ids.items()}
    sets = [set(videos[:2249]), set(videos[2249:2549]), set(videos[2549:])]
    write_labels(folder / "CMUMOSEI_features_raw_2way.pkl", [ids, labels, speakers, words, *sets])
    rng = np.random.default_rng(0)
    for entry, width in FOLDERS.values():
        place = folder / "features" / entry
        place.mkdir(parents=True)
        for own in ids.values():
            for id_ in own:
                np.save(place / f"{id_}.npy", rng.normal(size=width).astype(np.float32))


def write_iemocap(folder: Path) -> None:
    """A folder per utterance with the means of both actors' faces, and the label pickle."""
    place = folder / "features" / FOLDERS[Modality.VISUAL][0]
    rng = np.random.default_rng(0)
    ids: dict[str, list[str]] = {}
    for number in range(NUM_TURNS):
        dialogue = number // TURNS_PER_DIALOGUE
        session, letter, scene = dialogue % 5 + 1, "FM"[dialogue // 5 % 2], dialogue // 10
        name = f"Ses0{session}{letter}_impro0{scene % 9 + 1}{'ab'[scene // 9]}"
        own = ids.setdefault(name, [])
        own.append(f"{name}_{'FM'[number % 2]}{number % TURNS_PER_DIALOGUE:03}")
        (place / own[-1]).mkdir(parents=True)
        for actor in "FM":
            np.save(place / own[-1] / f"compress_{actor}.npy", rng.normal(size=1024))
    labels = {d: [k % 4 for k, _ in enumerate(own)] for d, own in ids.items()}
    speakers = {d: [id_[-4] for id_ in own] for d, own in ids.items()}
    words = {d: ["so it was"] * len(own) for d, own in ids.items()}
    parts = [ids, labels, speakers, words, {d for d in ids if d[4] != "5"}]
    parts.append(ids.keys() - parts[4])
    write_labels(folder / "IEMOCAP_features_raw_4way.pkl", parts)


def write_labels(path: Path, parts: list[object]) -> None:
    """Write a label pickle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(parts, protocol=4))


def link_tree(source: Path, folder: Path) -> None:
    """Real folders and a link per file, as the stage `download` leaves them."""
    for parent, _, files in os.walk(source):
        there = folder / Path(parent).relative_to(source)
        there.mkdir(parents=True, exist_ok=True)
        for name in files:
            (there / name).symlink_to(Path(parent, name))


def import_folder(corpus: Corpus, raw: Path, modality: Modality) -> PublishedFeatures:
    """Find, read and settle one folder of features."""
    source = find_features(corpus, raw, modality, FOLDERS[modality][0])
    return settle_features(list(source.read(corpus.utterances)), corpus, modality, source=source)


def store(corpus: Corpus, features: PublishedFeatures, folder: Path) -> None:
    """Write them as the stage `extract` does."""
    inputs = {one.utterance_id: outcome_digest(one) for one in features.extracted}
    with StoreWriter(folder, features.identity, inputs) as writer:
        for one in features.extracted:
            writer.add(one)
        writer.finish()


def measure(name: str, raw: Path, modalities: list[Modality]) -> None:
    """Print a row per step."""
    start = time.perf_counter()
    corpus = read_published(raw, name)
    total = row(f"{name} labels", len(corpus.utterances), start)
    for modality in modalities:
        start = time.perf_counter()
        features = import_folder(corpus, raw, modality)
        assert all(not hasattr(one.outcome, "reason") for one in features.extracted)
        total += row(f"{name} {FOLDERS[modality][0]}", len(features.extracted), start)
        start = time.perf_counter()
        store(corpus, features, raw.parent / f"store-{raw.name}-{modality.word}")
        total += row(f"{name} {FOLDERS[modality][0]} into the store", len(corpus.utterances), start)
    print(f"| {name}, all | | {total:.1f} |")


def row(what: str, count: int, start: float) -> float:
    """Print one row and return its seconds."""
    seconds = time.perf_counter() - start
    print(f"| {what} | {count:,} | {seconds:.2f} |", flush=True)
    return seconds


def main() -> None:
    """Build both look-alikes and measure them as files and as links; what is written is warm."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_mosei(place / "mosei-files/published/dataset/CMUMOSEI")
        write_iemocap(place / "iemocap-files/published/dataset/IEMOCAP")
        for corpus in ("mosei", "iemocap"):
            link_tree(place / f"{corpus}-files", place / f"{corpus}-links")
        for kind in ("files", "links"):
            print(f"\n{kind}\n\n| step | utterances | s |\n| --- | ---: | ---: |")
            measure("mosei", place / f"mosei-{kind}", list(Modality))
            measure("iemocap4", place / f"iemocap-{kind}", [Modality.VISUAL])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
