"""Look-alikes of MERTools' processed sets: label.npz and a folder of arrays per encoder."""

from pathlib import Path

import numpy as np
from gcnet import Published, save
from published_plan import AUDIO, CLASSES, TEXT, VISUAL, plan, vectors

FOLDERS = {AUDIO: "wav2vec-large-c-UTT", TEXT: "deberta-large-4-FRA", VISUAL: "manet-UTT"}
LABELS = {"iemocap4": "label_4way.npz", "iemocap6": "label_6way.npz"}
PROCESS = {
    "mosei": "cmumosei-process",
    "mosi": "cmumosi-process",
    "iemocap4": "iemocap-process",
    "iemocap6": "iemocap-process",
}


def write_mertools(folder, name, *, num_videos=30):
    """Write labels and features; one array per utterance, IEMOCAP's faces too."""
    utterances = plan(name, num_videos=num_videos)
    root = Path(folder) / "dataset" / PROCESS[name]
    meant = {modality: vectors(utterances, modality) for modality in FOLDERS}
    published = Published(root, utterances, meant)
    write_labels(root / LABELS.get(name, "label.npz"), utterances, has_sessions=name in CLASSES)
    for modality, entry in FOLDERS.items():
        for utterance in utterances:
            vector = meant[modality][utterance.id]
            is_frames = entry.endswith("FRA")
            array = np.stack([vector - 0.5, vector, vector + 0.5]) if is_frames else vector
            save(published.folder(entry) / utterance.id, array)
    return published


def write_labels(path, utterances, *, has_sessions):
    """The npz file: object arrays without dimensions, which hold dicts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if has_sessions:
        parts = {"whole_corpus": {u.id: {"emo": u.label, "val": -10} for u in utterances}}
    else:
        parts = {
            f"{part}_corpus": {
                u.id: {"emo": 0, "val": u.label} for u in utterances if u.split == split
            }
            for part, split in (("train", "train"), ("val", "valid"), ("test", "test"))
        }
    np.savez_compressed(
        path, **{name: np.array(part, dtype=object) for name, part in parts.items()}
    )
    return path
