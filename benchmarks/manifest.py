"""Seconds and peak memory of a manifest of MOSEI's size, from rating tables and from a .csd file.

The look-alike has 3,837 transcripts and 23,259 labelled segments, each rated three times; its
media are one byte each, beside the segmented clips that the real archive holds and nobody reads.

Run: python benchmarks/manifest.py        (inside the project's environment)
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

NUM_TRANSCRIPTS, NUM_VIDEOS, NUM_LABELS = 3_837, 3_293, 23_259
FOLDS = {"train": 2_249, "valid": 300, "test": 678}
UNRATED_SHARE = 0.6  # of the transcript's lines: the corpus is rated in part
MAX_SECONDS, MAX_MEBIBYTES = 60, 2_048
EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
META = tuple(f"Meta{number}" for number in range(27))  # the tables' own columns, 27 of 40
COLUMNS = (*META, "Input.VIDEO_ID", "Input.CLIP", *(f"Answer.{e}" for e in EMOTIONS))


@dataclass(frozen=True)
class Segment:
    """A line of a transcript and what its raters said, if there were any."""

    video: str
    clip: int
    start: float
    ratings: tuple[int, ...]

    @property
    def end(self) -> float:
        """When it ends, in seconds like the start."""
        return self.start + 7.28


def plan() -> list[Segment]:
    """Every transcript line; the first `NUM_VIDEOS` videos share the labels."""
    draw = random.Random(1)
    segments = []
    for number in range(NUM_TRANSCRIPTS):
        video = f"{'-_aA0'[number % 5]}{number:010d}" if number % 7 else str(100_000 + number)
        num_rated = len(range(number, NUM_LABELS, NUM_VIDEOS)) if number < NUM_VIDEOS else 0
        for clip in range(round((num_rated or 3) / (1 - UNRATED_SHARE))):
            ratings = tuple(draw.choices(range(-3, 4), k=3)) if clip < num_rated else ()
            segments.append(Segment(video, clip, 7.0 * clip + draw.random(), ratings))
    return segments


def write_raw(folder: Path, segments: list[Segment], *, labels: str) -> None:
    """Write the corpus as the archive and the SDK have it."""
    root = folder / "raw/Raw"
    texts, films = root / "Transcript/Segmented/Combined", root / "Videos/Full/Combined"
    wavs, cuts = root / "Audio/Full/WAV_16000", root / "Videos/Segmented/Combined"
    for place in (texts, films, wavs, cuts, root / "Labels", folder / "labels", folder / "folds"):
        place.mkdir(parents=True)
    lines: dict[str, list[str]] = {}
    for s in segments:
        line = f"{s.video}___{s.clip}___{s.start}___{s.end}___{'so today I wanted to talk ' * 4}\n"
        lines.setdefault(s.video, []).append(line)
        (cuts / f"{s.video}_{s.clip}.mp4").write_bytes(b"v")
    for video, own in lines.items():
        (texts / f"{video}.txt").write_text("".join(own), encoding="utf-8")
        (films / f"{video}.mp4").write_bytes(b"v")
        (wavs / f"{video}.wav").write_bytes(b"a")
    videos, begin, folds = list(lines), 0, []
    for fold, size in FOLDS.items():
        folds.append(f"standard_{fold}_fold = {videos[begin : begin + size]}\n")
        begin += size
    (folder / "folds/cmu_mosei_std_folds.py").write_text("".join(folds), encoding="utf-8")
    rated = [segment for segment in segments if segment.ratings]
    if labels == "csv":
        write_tables(root / "Labels", rated)
    else:
        write_official(folder / "labels/CMU_MOSEI_Labels.csd", rated)


def write_tables(folder: Path, rated: list[Segment]) -> None:
    """Write a row per segment and rater into six tables of 40 columns, in no order."""
    rows = [(segment, rating) for segment in rated for rating in segment.ratings]
    random.Random(2).shuffle(rows)
    for number in range(6):
        with (folder / f"batch_{number}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([*COLUMNS, "Answer.sentiment"])
            for segment, rating in rows[number::6]:
                answers = [0, 0, 0, max(rating, 0), max(-rating, 0), 0]
                meta = ["a cell of some length"] * len(META)
                writer.writerow([*meta, segment.video, segment.clip, *answers, rating])


def write_official(path: Path, rated: list[Segment]) -> None:
    """Write a row per segment, gzip as the SDK does, each video's rows in no order."""
    import h5py
    import numpy as np

    by_video: dict[str, list[Segment]] = {}
    for segment in random.Random(3).sample(rated, len(rated)):
        by_video.setdefault(segment.video, []).append(segment)
    options = {"compression": "gzip", "compression_opts": 9}
    with h5py.File(path, "w") as file:
        for video, own in by_video.items():
            means = [[sum(s.ratings) / 3] + [0.0] * 6 for s in own]
            group = file.create_group(f"All Labels/data/{video}")
            group.create_dataset("features", data=np.array(means, "f4"), **options)
            times = [[s.start, s.end] for s in own]
            group.create_dataset("intervals", data=np.array(times), **options)


def measure(folder: Path) -> None:
    """Read the raw corpus, write its manifest and read that; print what each took."""
    from mculora.corpora.manifest import read_manifest, write_manifest
    from mculora.corpora.mosei.corpus import read_mosei

    moments = [time.perf_counter()]
    corpus = read_mosei(folder)
    moments.append(time.perf_counter())
    write_manifest(folder / "manifest", corpus)
    moments.append(time.perf_counter())
    assert read_manifest(folder / "manifest") == corpus
    moments.append(time.perf_counter())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    steps = [after - before for before, after in pairwise(moments)]
    total = moments[-1] - moments[0]
    figures = " | ".join(f"{seconds:.1f}" for seconds in (*steps, total))
    print(f"{len(corpus.utterances):,} | {len(corpus.dropped):,} | {figures} | {peak:.0f} |")
    if total > MAX_SECONDS or peak > MAX_MEBIBYTES:
        sys.exit(f"more than {MAX_SECONDS} s or {MAX_MEBIBYTES} MiB")


def main() -> None:
    """Build both variants and measure each in a process of its own."""
    segments = plan()
    print("| labels | utterances | dropped | read s | write s | read again s | all s | peak MiB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for labels in ("csv", "csd"):
        with tempfile.TemporaryDirectory() as name:
            write_raw(Path(name), segments, labels=labels)
            print(f"| {labels} | ", end="", flush=True)
            subprocess.run([sys.executable, __file__, name], check=True)


if __name__ == "__main__":
    measure(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
