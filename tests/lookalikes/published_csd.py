"""A look-alike of the CMU SDK's labels, words and features: .csd files and the standard folds."""

from pathlib import Path

import numpy as np
from csd import write_csd
from gcnet import Published
from published_plan import AUDIO, TEXT, VISUAL, Planned, by_dialogue, plan, vectors

LABELS = {"mosei": "CMU_MOSEI_Labels.csd", "mosi": "CMU_MOSI_Opinion_Labels.csd"}
ROOTS = {"mosei": "All Labels", "mosi": "Opinion Segment Labels"}
FEATURES = {AUDIO: "COVAREP.csd", TEXT: "TimestampedWordVectors.csd", VISUAL: "VisualFacet42.csd"}
_RATES = {AUDIO: 10.0, TEXT: 2.0, VISUAL: 3.0}
SECONDS = 4.0


def entry_name(name, modality):
    return f"CMU_{name.upper()}_{FEATURES[modality]}"


def write_csd_set(folder, name, *, num_videos=30):
    """Write labels, words, features and folds; label rows are not in the order of time."""
    folder = Path(folder)
    base = f"CMU_{name.upper()}"
    videos = {
        v: _renamed(items) for v, items in by_dialogue(plan(name, num_videos=num_videos)).items()
    }
    rows = [row for items in videos.values() for row in items]
    meant = {modality: vectors(rows, modality) for modality in FEATURES}
    width = 7 if name == "mosei" else 1
    labels = {video: _labels(items, width) for video, items in videos.items()}
    words = {video: _words(items) for video, items in videos.items()}
    write_csd(folder / "labels" / LABELS[name], ROOTS[name], labels)
    write_csd(
        folder / "languages" / f"{base}_TimestampedWords.csd", "words", words, compression=None
    )
    for modality, own in meant.items():
        entries = {video: _rows(items, own, _RATES[modality]) for video, items in videos.items()}
        root = "COAVAREP" if modality == AUDIO else modality
        path = folder / "features" / entry_name(name, modality)
        if modality == VISUAL:
            del entries[rows[0].dialogue]  # one video has no faces
        write_csd(path, root, entries, compression="gzip" if modality == TEXT else None)
    _write_folds(folder / f"cmu_{name}_std_folds.py", videos)
    traps = {"no entry": [u.id for u in rows if u.dialogue == rows[0].dialogue]}
    return Published(folder, rows, meant, traps)


def _renamed(items):
    """Name utterances as the SDK does: by their row among the labels."""
    return [
        Planned(f"{u.dialogue}[{row}]", u.dialogue, u.split, "", u.sentence.lower(), u.label)
        for row, u in zip(reversed(range(len(items))), items, strict=True)
    ]


def _starts(items):
    return SECONDS * np.arange(len(items))


def _labels(items, width):
    table = np.zeros((len(items), width), np.float32)
    table[:, 0] = [u.label for u in items]
    table[:, 1:2] = 1 / 3
    times = np.stack([_starts(items), _starts(items) + SECONDS], axis=1)
    return table[::-1], times[::-1]


def _words(utterances):
    """Timed words, a pause before each; the width of the bytes differs from video to video."""
    tokens, times = [], []
    for utterance, start in zip(utterances, _starts(utterances), strict=True):
        spoken = ["sp", *utterance.sentence.split()]
        step = SECONDS / len(spoken)
        for k, token in enumerate(spoken):
            tokens.append([token.encode()])
            times.append([start + k * step, start + (k + 1) * step - 1e-6])
    return np.array(tokens), np.array(times)


def _rows(utterances, own, rate):
    rows, times = [], []
    for number, utterance in enumerate(utterances):
        count = int(SECONDS * rate)
        steps = np.linspace(-1, 1, count, dtype=np.float32)[:, None]
        rows.append(own[utterance.id] + steps)
        begins = SECONDS * number + np.arange(count) / rate
        times.append(np.stack([begins, begins + 1 / rate - 1e-6], axis=1))
    return np.concatenate(rows), np.concatenate(times)


def _write_folds(path, videos):
    folds = {"train": [], "valid": [], "test": []}
    for video, items in videos.items():
        folds[items[0].split].append(video)
    folds["train"].append("silent00001")
    lines = [f"standard_{fold}_fold={ids!r}\n" for fold, ids in folds.items()]
    path.write_text("#folds\n" + "".join(lines), encoding="utf-8")
