"""Look-alikes of MMSA's pickles: padded arrays, aligned to the tokens or not."""

from pathlib import Path

import numpy as np
from gcnet import Published, write_pickle
from published_plan import AUDIO, TEXT, VISUAL, plan, vectors

NUM_TOKENS = 9
LENGTHS = {AUDIO: 14, TEXT: NUM_TOKENS, VISUAL: 11}
KEYS = {AUDIO: "audio", TEXT: "text", VISUAL: "vision"}
FOLDERS = {"mosei": "MOSEI", "mosi": "MOSI"}


def write_mmsa(folder, name, *, is_aligned=True, is_padded_before=False, num_videos=30):
    """Write one pickle; of its first utterances each has a trap."""
    utterances = plan(name, num_videos=num_videos)
    meant = {modality: vectors(utterances, modality) for modality in KEYS}
    entry = "aligned_50.pkl" if is_aligned else "unaligned_50.pkl"
    path = Path(folder) / FOLDERS[name] / "Processed" / entry
    published = Published(path, utterances, meant)
    content = {
        split: _part(
            [u for u in utterances if u.split == split][::-1],  # in no order of time
            meant,
            is_aligned=is_aligned,
            is_padded_before=is_padded_before,
        )
        for split in ("train", "valid", "test")
    }
    _set_traps(published, content["train"])
    write_pickle(path, content)
    return published


def _part(utterances, meant, *, is_aligned, is_padded_before):
    part = {
        "raw_text": np.array([u.sentence for u in utterances], dtype=object),
        "id": [f"{u.dialogue}$_${u.id.rpartition('_')[2]}" for u in utterances],
        "regression_labels": np.array([u.label for u in utterances], dtype=np.float32),
        "classification_labels": np.array([1 + int(np.sign(u.label)) for u in utterances]),
        "annotations": [
            ("Negative", "Neutral", "Positive")[1 + int(np.sign(u.label))] for u in utterances
        ],
        "text_bert": np.zeros((len(utterances), 3, NUM_TOKENS), np.float32),
    }
    for modality, key in KEYS.items():
        length = NUM_TOKENS if is_aligned else LENGTHS[modality]
        part[key] = np.zeros(
            (len(utterances), length, len(meant[modality][utterances[0].id])), np.float32
        )
        valid = []
        for row, utterance in enumerate(utterances):
            num_valid = 3 + (row + len(key)) % (length - 4)
            where = slice(-num_valid, None) if is_padded_before else slice(num_valid)
            part[key][row, where] = _around(meant[modality][utterance.id], num_valid)
            valid.append(num_valid)
            if modality == TEXT:
                # Past the tokens BERT gives values as well: only the attention tells.
                part[key][row][(part[key][row] == 0).all(axis=1)] = 7.0
                part["text_bert"][row, 1, where] = 1
        if modality != TEXT:
            part[f"{key}_lengths"] = valid if not is_aligned else [1] * len(utterances)
    return part


def _around(vector, num_rows):
    """Rows whose mean is the vector."""
    steps = np.linspace(-1, 1, num_rows, dtype=np.float32)
    return vector + steps[:, None]


def _set_traps(published, part):
    ids = [id_.replace("$_$", "_") for id_ in part["id"]]
    audio, vision = part["audio"], part["vision"]
    published.traps |= {"zeros": ids[0], "infinite": ids[1], "nan column": ids[2]}
    vision[0] = 0
    first = np.flatnonzero(audio[1].any(axis=1))[0]
    audio[1, first, 2] = -np.inf
    audio[2, :, 4] = np.nan
