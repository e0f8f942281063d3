"""The invented utterances behind every look-alike of published labels and features."""

import random
import string
from dataclasses import dataclass

import numpy as np

AUDIO, TEXT, VISUAL = "audio", "text", "visual"
WIDTHS = {AUDIO: 8, TEXT: 12, VISUAL: 6}
CLASSES = {"iemocap4": 4, "iemocap6": 6}
FAMILY = {"mosei": "CMUMOSEI", "mosi": "CMUMOSI", "iemocap4": "IEMOCAP", "iemocap6": "IEMOCAP"}
_ODD_VIDEOS = {
    "mosei": ["-QwErTy12_3", "900123", "_aB-dEfGh9k", "ab__cdEfGh1", "4711"],
    "mosi": ["_yZ-dEfGh9k", "-xYz_012345", "9aB__CdEf-1"],
}
_SCENES = ("impro09", "impro09a", "script02_3", "script03_3b")
_WORDS = {-1: "dull slow broken", 0: "and then we", 1: "great fun lovely"}
_CLASS_WORDS = ["smile", "tears", "table", "shout", "wow", "ugh"]


@dataclass(frozen=True)
class Planned:
    """One utterance as its publishers would know it."""

    id: str
    dialogue: str
    split: str
    speaker: str
    sentence: str
    label: object


def plan(name, *, num_videos=30, seed=1):
    """The utterances of a look-alike of `mosei`, `mosi`, `iemocap4` or `iemocap6`, in order."""
    draw = random.Random(f"{seed}/{name}")
    return (
        _plan_turns(CLASSES[name], draw) if name in CLASSES else _plan_clips(name, num_videos, draw)
    )


def by_dialogue(utterances):
    found = {}
    for utterance in utterances:
        found.setdefault(utterance.dialogue, []).append(utterance)
    return found


def vectors(utterances, modality, *, seed=1, noise=0.6):
    """A vector (D,) float32 for each utterance, from which its label can be learnt."""
    rng = np.random.default_rng([seed, len(modality)])
    width = WIDTHS[modality]
    directions = rng.normal(size=(8, width))
    found = {}
    for utterance in utterances:
        label = utterance.label
        tendency = directions[label] if isinstance(label, int) else directions[0] * float(label)
        value = tendency + noise * rng.normal(size=width) + 0.1
        found[utterance.id] = value.astype(np.float32)
    return found


def _plan_clips(name, num_videos, draw):
    videos = list(_ODD_VIDEOS[name])
    while len(videos) < num_videos:
        videos.append("".join(draw.choices(string.ascii_letters + string.digits + "-", k=11)))
    planned = []
    for number, video in enumerate(videos):
        split = ("train", "train", "train", "valid", "test")[number % 5]
        clip = 1 if name == "mosi" else draw.randrange(3)
        for _ in range(draw.randint(3, 8)):
            score = draw.choice([-2, -1, 0, 1, 2]) + draw.choice([0, 0, 0.4, -0.4])
            label = np.float64(score) if name == "mosi" else np.float32(round(score * 3) / 3)
            words = _WORDS[int(np.sign(score))].split()
            text = " ".join(draw.choices(words, k=draw.randint(2, 6)))
            text = text.upper() if name == "mosi" else text
            planned.append(Planned(f"{video}_{clip}", video, split, "", text, label))
            clip += 1 if name == "mosi" else draw.randint(1, 3)  # MOSEI's numbers have gaps
    return planned


def _plan_turns(num_classes, draw):
    planned = []
    for session in range(1, 6):
        for left in "FM":
            for scene in _SCENES:
                dialogue = f"Ses0{session}{left}_{scene}"
                numbers = {"F": 0, "M": 0}
                for _ in range(draw.randint(8, 14)):
                    speaker = draw.choice("FM")
                    id_ = f"{dialogue}_{speaker}{numbers[speaker]:03}"
                    numbers[speaker] += draw.randint(1, 2)  # turns of no class are left out
                    label = draw.randrange(num_classes)
                    text = (
                        f"well the {_CLASS_WORDS[label]} was: {draw.choice(['so', '[LAUGHTER]'])}"
                    )
                    split = "test" if session == 5 else "train"
                    planned.append(Planned(id_, dialogue, split, speaker, text, label))
    return planned
