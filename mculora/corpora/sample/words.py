"""What the sample speakers say: neutral talk about a topic and clauses that lean to one side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEUTRAL_BELOW = 0.25
"""A mood nearer to zero than this adds no leaning clause."""
STRONG_FROM = 1.5
"""A mood at least this far from zero uses strong words and intensifiers."""
ASIDE_SHARE = 0.7
"""How many leaning utterances close with an aside: cues that recur, for a small corpus to teach."""


@dataclass(frozen=True)
class Lexicon:
    """The words that lean to one side.

    Attributes:
        mild: Adjectives of a modest opinion.
        strong: Adjectives of a firm one.
        acts: What the speaker does with the thing ("love", "regret").
        asides: Closing words of the same leaning.
    """

    mild: tuple[str, ...]
    strong: tuple[str, ...]
    acts: tuple[str, ...]
    asides: tuple[str, ...]


POSITIVE = Lexicon(
    mild=(
        *("good", "nice", "pleasant", "solid", "enjoyable", "helpful", "charming", "lovely"),
        *("fresh", "friendly", "fun", "smooth", "clever", "warm", "useful", "reliable"),
    ),
    strong=(
        *("great", "amazing", "wonderful", "fantastic", "excellent", "brilliant", "beautiful"),
        *("superb", "perfect", "delightful", "incredible", "awesome", "outstanding", "stunning"),
    ),
    acts=("love", "enjoy", "like", "recommend", "appreciate", "admire", "adore", "trust"),
    asides=(
        "and it made me happy",
        "so I am glad I tried it",
        "and I was smiling all the way",
        "which is a pleasure",
        "and I would do it again",
        "so I am very thankful",
        "and it was worth every minute",
    ),
)
NEGATIVE = Lexicon(
    mild=(
        *("bad", "boring", "dull", "weak", "annoying", "confusing", "clumsy", "slow"),
        *("noisy", "cheap", "poor", "tiring", "messy", "cold", "useless", "flawed"),
    ),
    strong=(
        *("terrible", "awful", "horrible", "dreadful", "disgusting", "broken", "ugly"),
        *("painful", "pathetic", "miserable", "ridiculous", "unbearable", "disastrous", "nasty"),
    ),
    acts=("hate", "regret", "dislike", "avoid", "distrust", "resent", "despise", "doubt"),
    asides=(
        "and it made me sad",
        "so I am sorry I tried it",
        "and I was angry all the way",
        "which is a shame",
        "and I want my money back",
        "so I am very disappointed",
        "and it was a waste of time",
    ),
)
TOPICS: dict[str, tuple[str, ...]] = {
    "film": ("the story", "the lead actor", "the ending", "the music", "the second half"),
    "phone": ("the screen", "the battery", "the camera", "the keyboard", "the update"),
    "meal": ("the soup", "the bread", "the service", "the dessert", "the kitchen"),
    "trip": ("the hotel", "the train ride", "the old town", "the beach", "the guide"),
    "book": ("the first chapter", "the writing", "the plot", "the cover", "the narrator"),
    "course": ("the teacher", "the homework", "the lab", "the reading list", "the exam"),
    "bicycle": ("the frame", "the saddle", "the gears", "the brakes", "the lights"),
    "game": ("the level design", "the controls", "the graphics", "the tutorial", "the sound"),
}
_OPENINGS = ("so", "well", "you know", "(umm)", "okay", "now", "and", "I mean", "right")
_NEUTRAL = (
    "I looked at {thing} on a Tuesday",
    "{thing} comes in three sizes this year",
    "they talk about {thing} for about ten minutes",
    "let me tell you about {thing} of this {topic}",
    "the next part of the video is about {thing}",
    "my cousin asked me about {thing} yesterday",
    "{thing} is the same as in the last {topic}",
    "we get to {thing} after the short break",
)
_LEANING = (
    "{thing} is {degree}{adjective}",
    "I {degree}{act} {thing}",
    "I think {thing} was {degree}{adjective}",
    "this is a {adjective} {topic}",
    "what a {adjective} way to do {thing}",
    "everybody here would {act} {thing}",
    "it felt {degree}{adjective} and {other}",
    "{thing} turned out {degree}{adjective}",
)


def compose(topic: str, mood: float, rng: np.random.Generator) -> str:
    """Make up one utterance.

    Args:
        topic: A key of `TOPICS`.
        mood: How the words lean: below zero negative, above positive, about -3 to 3.
        rng: Where the choices come from.
    """
    clauses = [] if rng.random() < 0.5 else [str(rng.choice(_OPENINGS))]
    if abs(mood) < NEUTRAL_BELOW:
        return " ".join([*clauses, *(_neutral(topic, rng) for _ in range(2))])
    if rng.random() < 0.5:
        clauses.append(_neutral(topic, rng))
    clauses.append(_leaning(topic, mood, rng))
    lexicon = POSITIVE if mood > 0 else NEGATIVE
    if rng.random() < ASIDE_SHARE or len(clauses) < 2:
        clauses.append(str(rng.choice(lexicon.asides)))
    return " ".join(clauses)


def _neutral(topic: str, rng: np.random.Generator) -> str:
    thing = str(rng.choice(TOPICS[topic]))
    return str(rng.choice(_NEUTRAL)).format(thing=thing, topic=topic)


def _leaning(topic: str, mood: float, rng: np.random.Generator) -> str:
    lexicon = POSITIVE if mood > 0 else NEGATIVE
    is_strong = abs(mood) >= STRONG_FROM
    adjectives = rng.choice(lexicon.strong if is_strong else lexicon.mild, size=2, replace=False)
    degrees = ("really ", "so ", "truly ") if is_strong else ("", "quite ", "rather ")
    return str(rng.choice(_LEANING)).format(
        thing=rng.choice(TOPICS[topic]),
        topic=topic,
        degree=rng.choice(degrees),
        act=rng.choice(lexicon.acts),
        adjective=adjectives[0],
        other=adjectives[1],
    )
