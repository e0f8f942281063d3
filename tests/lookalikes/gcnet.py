"""Look-alikes of what GCNet, MoMKE and ComP publish: a label pickle and three folders of arrays."""

import pickle
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from published_plan import AUDIO, CLASSES, FAMILY, TEXT, VISUAL, by_dialogue, plan, vectors

FOLDERS = {AUDIO: "wav2vec-large-c-UTT", TEXT: "deberta-large-4-UTT", VISUAL: "manet_UTT"}
FRAMES = "manet"
AUDIO_FRAMES = "wav2vec-large-c-FRA"
LABELS = {
    "mosei": "CMUMOSEI_features_raw_2way.pkl",
    "mosi": "CMUMOSI_features_raw_2way.pkl",
    "iemocap4": "IEMOCAP_features_raw_4way.pkl",
    "iemocap6": "IEMOCAP_features_raw_6way.pkl",
}


@dataclass
class Published:
    """Where things were written, what was meant, and which utterance carries which trap.

    Attributes:
        root: The folder of the corpus.
        utterances: All planned utterances.
        vectors: The vector meant for each, by modality and id.
        traps: Utterance ids by trap.
    """

    root: Path
    utterances: list
    vectors: dict
    traps: dict = field(default_factory=dict)

    def folder(self, entry):
        return self.root / "features" / entry


def label_parts(utterances, *, has_sessions):
    """The list that a label pickle holds: dicts by video in no order, then sets of videos."""
    ids, labels, speakers, sentences = {}, {}, {}, {}
    for video, items in sorted(by_dialogue(utterances).items(), reverse=True):
        ids[video] = [u.id for u in items]
        labels[video] = [u.label for u in items]
        speakers[video] = [u.speaker for u in items]
        texts = [u.sentence for u in items]
        sentences[video] = texts if has_sessions else np.array(texts)
    names = ("train", "test") if has_sessions else ("train", "valid", "test")
    sets = [{u.dialogue for u in utterances if u.split == name} for name in names]
    return [ids, labels, speakers, sentences, *sets]


def write_pickle(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=4))
    return path


def write_gcnet(folder, name, *, num_videos=30):
    """Write labels and features of a look-alike of `name`, nested as an archive would be."""
    utterances = plan(name, num_videos=num_videos)
    root = Path(folder) / "dataset" / FAMILY[name]
    meant = {modality: vectors(utterances, modality) for modality in FOLDERS}
    published = Published(root, utterances, meant)
    write_pickle(root / LABELS[name], label_parts(utterances, has_sessions=name in CLASSES))
    for modality in (AUDIO, TEXT):
        for utterance in utterances:
            save(published.folder(FOLDERS[modality]) / utterance.id, meant[modality][utterance.id])
    for number, utterance in enumerate(utterances):
        _write_faces(published, utterance, number, is_side_by_side=name in CLASSES)
    _set_traps(published, is_side_by_side=name in CLASSES)
    return published


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(f"{path}.npy", array)


def _write_faces(published, utterance, number, *, is_side_by_side):
    """Mean vectors, and the raw frames; every ninth clip shows no face (float64 zeros)."""
    meant = published.vectors[VISUAL][utterance.id]
    is_faceless = number % 9 == 8
    mean = np.zeros(len(meant)) if is_faceless else meant
    rng = np.random.default_rng(number)
    other = rng.normal(size=len(meant)).astype(np.float32)
    target = published.folder(FOLDERS[VISUAL]) / utterance.id
    frames = published.folder(FRAMES) / utterance.id
    swing = rng.normal(size=len(meant)).astype(np.float32)
    own = [np.zeros(len(meant)), mean + swing, np.zeros(len(meant)), mean - swing]
    if is_faceless:
        published.traps.setdefault("faceless", []).append(utterance.id)
        own = [np.zeros(len(meant))] * 2
    if not is_side_by_side:
        save(target, mean)
        for k, frame in enumerate(own):
            save(frames / f"{k:06}", frame)
        return
    for letter in "FM":
        is_own = letter == utterance.speaker
        save(target / f"compress_{letter}", mean if is_own else other)
        for k, frame in enumerate(own if is_own else [other] * 3):
            save(frames / f"{k:06}_{letter}", frame)


def _set_traps(published, *, is_side_by_side):
    """Give the first utterances one trap each, and leave things that nobody asked for."""
    ids = iter(u.id for u in published.utterances)
    audio, text, visual = (published.folder(FOLDERS[m]) for m in (AUDIO, TEXT, VISUAL))
    meant = published.vectors

    def trap(name):
        published.traps[name] = next(ids)
        return published.traps[name]

    one_row = trap("one row")
    save(audio / one_row, meant[AUDIO][one_row][None])
    frames = trap("frames")
    rows = np.stack([meant[AUDIO][frames] + d for d in (-1, 0, 1)])
    save(audio / frames, np.concatenate([rows, np.zeros((2, rows.shape[1]))])[None])
    save(text / trap("nan scalar"), np.float32("nan"))
    save(audio / trap("zeros"), np.zeros(len(meant[AUDIO][one_row])))
    infinite = trap("infinite")
    save(audio / infinite, np.where(np.arange(8) == 3, -np.inf, meant[AUDIO][infinite]))
    holed = trap("holed frames")
    rows = np.stack([meant[AUDIO][holed]] * 3)
    rows[0, 1], rows[1, 2] = np.nan, np.inf
    save(audio / holed, rows)
    (text / f"{trap('missing')}.npy").unlink()
    save(audio / trap("wide"), np.ones(11, np.float32))
    truncated = audio / f"{trap('truncated')}.npy"
    truncated.write_bytes(truncated.read_bytes()[:-5])
    np.save(text / f"{trap('objects')}.npy", np.array([{}], dtype=object))
    save(audio / trap("empty"), np.zeros((0, 8), np.float32))
    double = trap("double")
    save(text / double / "000000", np.ones(12, np.float32))
    gone = trap("empty folder")
    visual_file, visual_folder = visual / f"{gone}.npy", visual / gone
    visual_file.unlink(missing_ok=True)
    visual_folder.mkdir(exist_ok=True)
    for path in visual_folder.iterdir():
        path.unlink()
    if is_side_by_side:
        lonely = trap("other actor only")
        speaker = next(u.speaker for u in published.utterances if u.id == lonely)
        (visual / lonely / f"compress_{speaker}.npy").unlink()
    for place in (audio, text, visual):
        (place / f"{one_row}.npy.bak").write_bytes(b"old")
        (place / f"._{one_row}.npy").write_bytes(b"\0\0Mac")
        save(place / f"{one_row}_copy", np.ones(3))
        save(place / "of_nobody_7", np.ones(8, np.float32))
