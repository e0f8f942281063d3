"""Who says what, when and in which mood: the sample corpus decided before any of it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from mculora.corpora.sample.face import Face
from mculora.corpora.sample.voice import Voice
from mculora.corpora.sample.words import TOPICS, compose
from mculora.corpora.utterance import Split
from mculora.errors import InputError

MIN_VIDEOS = 12
_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_RATER_NOISE = 0.55  # standard deviation


@dataclass(frozen=True)
class Channel:
    """How much of a sentiment one modality shows.

    Attributes:
        share: Weight of the sentiment.
        noise: Standard deviation of what the modality adds on its own.
    """

    share: float
    noise: float

    def mood(self, sentiment: float, deviation: float) -> float:
        """What the modality makes of a sentiment: a bounded share of it, and its own noise.

        Args:
            sentiment: -3 to 3.
            deviation: A standard normal number; above zero the modality exaggerates.
        """
        noise = float(np.copysign(self.noise * deviation, sentiment * deviation))
        return float(self.share * np.tanh(sentiment)) + noise


# Tuned so that linear probes find text clearest, voice and face weaker, all three together best.
VOICE = Channel(share=0.85, noise=1.0)
FACE = Channel(share=0.8, noise=1.0)
TEXT = Channel(share=1.4, noise=0.7)


class View(StrEnum):
    """What the camera sees of the speaker during an utterance."""

    FACE = "face"
    TURNED = "turned"  # the back of the head
    AWAY = "away"  # an empty room


@dataclass(frozen=True)
class PlannedUtterance:
    """One utterance.

    Attributes:
        clip: Its number in the video.
        start_seconds: Where its speech begins in the media.
        end_seconds: Where it ends.
        sentiment: What the speaker feels, -3 to 3.
        text: The transcript; may be a stage direction.
        voice_mood: What the voice makes of the sentiment.
        face_mood: What the face makes of it.
        ratings: One whole number from -3 to 3 per rater; empty if nobody was asked.
        view: What the camera sees.
        is_transcribed: Whether the transcript has it.
    """

    clip: int
    start_seconds: float
    end_seconds: float
    sentiment: float
    text: str
    voice_mood: float
    face_mood: float
    ratings: tuple[int, ...]
    view: View = View.FACE
    is_transcribed: bool = True


@dataclass(frozen=True)
class PlannedVideo:
    """One video.

    Attributes:
        id: Like a video site's id, or a number.
        split: The fold that the standard fold file puts it into.
        seed: Starts every random choice in its media.
        voice: How its speaker sounds.
        face: How its speaker looks.
        utterances: In the order of speech.
        media_seconds: Length of the media file.
        has_sound: Whether the file has an audio track.
        has_picture: Whether it has a video track.
        is_available: Whether the file exists at all.
    """

    id: str
    split: Split
    seed: int
    voice: Voice
    face: Face
    utterances: tuple[PlannedUtterance, ...]
    media_seconds: float
    has_sound: bool = True
    has_picture: bool = True
    is_available: bool = True


@dataclass(frozen=True)
class SamplePlan:
    """The whole corpus.

    Attributes:
        videos: All videos, the missing one included.
    """

    videos: tuple[PlannedVideo, ...]

    @property
    def available(self) -> tuple[PlannedVideo, ...]:
        """The videos whose file exists."""
        return tuple(video for video in self.videos if video.is_available)

    def fold(self, split: Split) -> list[str]:
        """The ids of one split's videos."""
        return [video.id for video in self.videos if video.split is split]


def plan_sample(seed: int, num_videos: int) -> SamplePlan:
    """Decide everything about the corpus; the same arguments give the same plan.

    Raises:
        InputError: Fewer than `MIN_VIDEOS` videos.
    """
    if num_videos < MIN_VIDEOS:
        raise InputError(
            "sample.num_videos", found=str(num_videos), expected=f"{MIN_VIDEOS} or more"
        )
    rng = np.random.default_rng([seed, num_videos])
    ids = _draw_ids(num_videos, rng)
    mind = _Mind(rng)
    videos: list[PlannedVideo] = []
    for split, size in _split_sizes(num_videos).items():
        voice, face = Voice.draw(rng), Face.draw(rng)
        for index in range(size):
            # Most people speak in one video, some in two, nobody in two splits.
            if index and rng.random() < 0.7:
                voice, face = Voice.draw(rng), Face.draw(rng)
            videos.append(_plan_video(ids[len(videos)], split, voice, face, mind=mind, rng=rng))
    return SamplePlan(_set_traps(videos))


def _split_sizes(num_videos: int) -> dict[Split, int]:
    validation = max(2, num_videos // 6)
    test = max(3, round(num_videos * 16 / 60))
    train = num_videos - validation - test
    return {Split.TRAIN: train, Split.VALIDATION: validation, Split.TEST: test}


def _draw_ids(count: int, rng: np.random.Generator) -> list[str]:
    """Draw ids as the corpus has them: most of 11 characters, one in seven a number."""
    ids: dict[str, str] = {}
    while len(ids) < count:
        if len(ids) % 7 == 4:
            identifier = str(rng.integers(10_000, 400_000))
        else:
            first = {1: "-", 2: "_", 3: "7"}.get(len(ids) % 15, "")
            letters = "".join(rng.choice(list(_ID_LETTERS), 11 - len(first)))
            identifier = first + letters
            if rng.random() < 0.2:
                identifier = f"{identifier[:5]}_{identifier[6:]}"
        ids.setdefault(identifier.lower(), identifier)
    mixed = rng.permutation(list(ids.values()))
    return [str(identifier) for identifier in mixed]


class _Deck:
    """Deals values in fixed shares, so that small splits are like large ones."""

    def __init__(self, values: Sequence[float], rng: np.random.Generator) -> None:
        self._values, self._rng, self._rest = values, rng, list[float]()

    def deal(self) -> float:
        """Take the next card; a used-up deck is shuffled again."""
        if not self._rest:
            self._rest = [float(value) for value in self._rng.permutation(self._values)]
        return self._rest.pop()


class _Mind:
    """Decides what is felt, and what words, voice and face each make of it by themselves."""

    _KINDS = (1,) * 11 + (-1,) * 7 + (0,) * 2
    _DEVIATIONS = tuple(NormalDist().inv_cdf((i + 0.5) / 20) for i in range(20))

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng, self._kinds = rng, _Deck(self._KINDS, rng)
        self._decks = {c: _Deck(self._DEVIATIONS, rng) for c in (VOICE, FACE, TEXT)}

    def feel(self) -> float:
        """Draw a sentiment, -3 to 3."""
        kind = self._kinds.deal()
        if kind == 0:
            return float(self._rng.normal(0, 0.1))
        return float(kind * np.clip(0.8 + self._rng.gamma(1.6, 0.5), 0, 3))

    def show(self, channel: Channel, sentiment: float) -> float:
        """Draw what one channel makes of a sentiment."""
        return channel.mood(sentiment, self._decks[channel].deal())


def _plan_video(
    identifier: str,
    split: Split,
    voice: Voice,
    face: Face,
    *,
    mind: _Mind,
    rng: np.random.Generator,
) -> PlannedVideo:
    topic = str(rng.choice(list(TOPICS)))
    utterances: list[PlannedUtterance] = []
    clip, clock = int(rng.integers(2)), float(rng.uniform(0.0, 0.5))
    for _ in range(rng.integers(4, 8)):
        sentiment = mind.feel()
        text = compose(topic, mind.show(TEXT, sentiment), rng)
        seconds = float(np.clip(0.9 + 0.17 * len(text.split()), 2.0, 4.0))
        utterance = PlannedUtterance(
            clip=clip,
            start_seconds=round(clock, 3),
            end_seconds=round(clock + seconds, 3),
            sentiment=sentiment,
            text=text,
            voice_mood=mind.show(VOICE, sentiment),
            face_mood=mind.show(FACE, sentiment),
            ratings=_rate(sentiment, rng),
        )
        utterances.append(utterance)
        clock += seconds + float(rng.uniform(0.15, 0.5))
        clip += 1 if rng.random() < 0.9 else 2
    return PlannedVideo(
        id=identifier,
        split=split,
        seed=int(rng.integers(2**31)),
        voice=voice,
        face=face,
        utterances=tuple(utterances),
        media_seconds=round(clock + 0.2, 3),
    )


def _rate(sentiment: float, rng: np.random.Generator) -> tuple[int, ...]:
    """Ask three raters, sometimes four."""
    num_raters = 4 if rng.random() < 0.1 else 3
    heard = sentiment + rng.normal(0, _RATER_NOISE if abs(sentiment) > 0.5 else 0.2, num_raters)
    return tuple(int(rating) for rating in np.clip(np.round(heard), -3, 3))


def _set_traps(videos: list[PlannedVideo]) -> tuple[PlannedVideo, ...]:
    """Damage a few videos, each in its own way, as a real corpus is damaged."""
    train = [i for i, video in enumerate(videos) if video.split is Split.TRAIN]
    test = [i for i, video in enumerate(videos) if video.split is Split.TEST]
    damaged = list(videos)
    damaged[train[0]] = _change(_shorten(videos[train[0]]), {-1: {"ratings": ()}})
    damaged[train[1]] = replace(_shorten(videos[train[1]]), has_sound=False)
    damaged[train[2]] = replace(_shorten(videos[train[2]]), has_picture=False)
    damaged[train[3]] = replace(_shorten(videos[train[3]]), is_available=False)
    early = videos[train[4]].utterances[-1]
    damaged[train[4]] = replace(videos[train[4]], media_seconds=early.start_seconds + 0.5)
    damaged[train[5]] = _change(
        videos[train[5]], {0: {"is_transcribed": False}, -1: {"text": "(laughs)"}}
    )
    damaged[test[0]] = _change(
        videos[test[0]], {1: {"view": View.TURNED}, 2: {"view": View.TURNED}}
    )
    damaged[test[1]] = _change(videos[test[1]], {2: {"view": View.AWAY}, -1: {"text": ""}})
    return tuple(damaged)


def _shorten(video: PlannedVideo) -> PlannedVideo:
    """Keep four utterances: damage stays small."""
    kept = video.utterances[:4]
    return replace(video, utterances=kept, media_seconds=round(kept[-1].end_seconds + 0.4, 3))


def _change(video: PlannedVideo, changes: dict[int, dict[str, object]]) -> PlannedVideo:
    """Change fields of some utterances, given by their position."""
    utterances = list(video.utterances)
    for position, fields in changes.items():
        utterances[position] = replace(utterances[position], **fields)  # type: ignore[arg-type]
    return replace(video, utterances=tuple(utterances))
