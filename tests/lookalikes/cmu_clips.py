"""What the look-alikes of MOSEI and MOSI share: invented talk about moods, and its tiny media."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from mculora.corpora.sample.face import Face
from mculora.corpora.sample.plan import PlannedUtterance, PlannedVideo
from mculora.corpora.sample.video import speech_of, write_video
from mculora.corpora.sample.voice import SAMPLE_RATE, Voice
from mculora.corpora.sample.words import TOPICS, compose
from mculora.corpora.utterance import Split

SPLITS = dict(zip(("train", "valid", "test"), Split, strict=True))
_LABELS = (2, -2, 1, -1, 3, 0, -1, 2, -3, 1, -2, 0)


@dataclass(frozen=True)
class Clip:
    """A segment of a video as its publishers know it: ratings of whole numbers, -3 to 3."""

    video: str
    number: int
    start: float
    end: float
    text: str
    ratings: tuple

    @property
    def id(self):
        return f"{self.video}_{self.number}"

    @property
    def label(self):
        return sum(self.ratings) / len(self.ratings) if self.ratings else 0.0


@dataclass(frozen=True)
class Kept:
    """An utterance that must be there.

    Attributes:
        split: Its official split.
        label: Its sentiment.
        absent: The modalities that the reader must know to be absent, by their words.
    """

    split: Split
    label: float
    absent: frozenset = frozenset()


@dataclass(frozen=True)
class Lookalike:
    """A raw corpus on disk and what a reader must make of it.

    Attributes:
        folder: The raw folder: below it `raw`, `folds` and, for official labels, `labels`, as the
            download stage leaves them; each also serves as a source of that stage.
        kept: Every utterance, by id.
        dropped: Everything that must be listed: id and kind of reason. Some ids are kept as well,
            and only repaired.
        beyond_media: Kept utterances that begin after their media end: no sound and no picture.
        is_labelled_by_csd: Whether the official labels are there.
    """

    folder: Path
    kept: dict
    dropped: frozenset
    beyond_media: frozenset
    is_labelled_by_csd: bool


def talk(video, numbers, *, seed, raters=3):
    """Make up the clips of one video, each a little more than a second long."""
    rng = np.random.default_rng([seed, 1])
    topic = str(rng.choice(list(TOPICS)))
    clips, clock = [], 0.1
    for place, number in enumerate(numbers):
        label = _LABELS[(3 * seed + place) % len(_LABELS)]
        ratings = [label] * raters
        ratings[0] = int(np.clip(label + rng.integers(-1, 2), -3, 3))
        text = compose(topic, label, rng)
        end = clock + float(rng.uniform(1.2, 1.6))
        clips.append(
            Clip(video, number, round(clock, 3), round(end, 7), text, tuple(map(int, ratings)))
        )
        clock = end + float(rng.uniform(-0.15, 0.2))  # some overlap, some leave a gap
    return clips


def film(clips, *, seed, seconds=None, has_sound=True):
    """The video in which these clips are said; `seconds` cuts it short."""
    rng = np.random.default_rng([seed, 2])
    said = [clip for clip in clips if clip.start < clip.end]
    utterances = tuple(
        PlannedUtterance(
            clip=clip.number,
            start_seconds=max(clip.start, 0.0),
            end_seconds=clip.end,
            sentiment=clip.label,
            text=clip.text,
            voice_mood=clip.label,
            face_mood=clip.label,
            ratings=clip.ratings,
        )
        for clip in said
    )
    length = seconds or max(clip.end for clip in said) + 0.3
    kept = tuple(u for u in utterances if u.start_seconds < length)
    return PlannedVideo(
        id=clips[0].video,
        split=Split.TRAIN,
        seed=seed,
        voice=Voice.draw(rng),
        face=Face.draw(rng),
        utterances=kept,
        media_seconds=length,
        has_sound=has_sound,
    )


def write_film(path, video, *, real):
    """Write an mp4 with a drawn face and, if it has any, sound; or one byte in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if real:
        write_video(video, path)
    else:
        path.write_bytes(b"v")


def write_wav(path, video, *, real, channels=1, begin=0.0, end=None):
    """Write the speech of a video, 16 kHz and 16 bits, or one byte in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not real:
        path.write_bytes(b"a")
        return
    sound = speech_of(video, np.random.default_rng(video.seed))
    part = sound[round(begin * SAMPLE_RATE) : None if end is None else round(end * SAMPLE_RATE)]
    loudness = np.linspace(1, 0.5, channels)
    soundfile.write(path, part[:, None] * loudness, SAMPLE_RATE, subtype="PCM_16")


def write(path, content):
    """Write text or bytes, making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def fold_text(folds):
    """A fold file as the CMU SDK has it, from the ids of each fold."""
    lists = "".join(f"standard_{fold}_fold={ids!r}\n" for fold, ids in folds.items())
    return f"#the folds\nimport os\n{lists}"
