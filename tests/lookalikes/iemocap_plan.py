"""Who says what, when and how in an invented corpus like IEMOCAP."""

from dataclasses import dataclass

import numpy as np

CLASSES = {
    **{"hap": "happy", "sad": "sad", "neu": "neutral", "ang": "anger"},
    **{"exc": "excited", "fru": "frustrated"},
}
TOPICS = (
    *("impro09", "script03_3b", "impro09a", "script02_3", "impro09b", "script03_3"),
    *("script01_2b", "script01_3b", "script02_1b", "script02_2b", "script02_3b"),
    *("script03_1b", "script03_2b"),
)
"""In the corpus's grammar, but none that the corpus has."""
_PATTERN = ("neu", "xxx", "ang", "hap", "sad", "fru", "exc", "rare")
_RARE = ("oth", "dis", "fea", "sur")
_MEANS = {
    **{"hap": (4.0, 3.0, 3.0), "exc": (4.0, 4.0, 3.5), "sad": (2.0, 2.0, 2.5)},
    **{"neu": (3.0, 2.5, 2.5), "ang": (2.0, 4.0, 4.0), "fru": (2.5, 3.0, 3.0)},
}
_TEXTS = {
    "hap": ("Oh, that is lovely.", "I am so glad you came.", "What a beautiful day it was."),
    "exc": ("We won! We really won!", "Guess what, I got the job!", "You will not believe this!"),
    "sad": ("I miss her every day.", "He is gone and I am alone.", "I cannot stop crying."),
    "neu": ("Could you wait a second please.", "It opens at nine.", "I need the other form."),
    "ang": ("Get out of my house!", "How dare you say that!", "Do not shout at me."),
    "fru": ("I have told you three times.", "Nothing ever works here.", "The queue once more."),
}
_TRAPS = {
    2: "I have been waiting-- for an hour: no more.",
    3: "[LAUGHTER] Well, you know...",
    4: "[GARBAGE]: then [it] was [one]: over, at 5:15.",
    5: "Mmhmm. [BREATHING]",
}


@dataclass(frozen=True)
class Turn:
    """One evaluated turn; its times are the evaluation's."""

    id: str
    start: float
    end: float
    emotion: str
    means: tuple[float, float, float]
    text: str

    @property
    def dialogue(self):
        return self.id.rpartition("_")[0]

    @property
    def session(self):
        return f"Session{self.id[4]}"

    @property
    def letter(self):
        return self.id.rpartition("_")[2][0]

    @property
    def speaker(self):
        return self.id[:5] + self.letter

    @property
    def is_left(self):
        return self.id[5] == self.letter


def dialogue_name(session, place):
    """Name the dialogue at a place of its session: letters F, M, M, F and so on."""
    lap, topic = divmod(place, len(TOPICS))
    letter = "FMMF"[place % 4] if lap == 0 else "MFFM"[topic % 4]
    return f"Ses0{session}{letter}_{TOPICS[topic]}"


def plan_dialogue(session, place, num_turns, *, seed):
    """Plan a dialogue's turns in time order: both actors in turn, each cutting the other short."""
    rng = np.random.default_rng([seed, session, place])
    turns, counts = [], {"F": 0, "M": 0}
    for number in range(num_turns):
        letter = "FM"[number % 2]
        emotion = _PATTERN[(number + place) % len(_PATTERN)]
        if emotion == "rare":
            emotion = _RARE[(place + number // len(_PATTERN)) % len(_RARE)]
        start = round(0.5 + 0.9 * number + rng.integers(0, 40) / 400, 4)
        means = _MEANS.get(emotion, (3.0, 3.0, 3.0)) + rng.choice([-0.5, 0.0, 0.3333, 0.5], 3)
        text = str(rng.choice(_TEXTS.get(emotion, ("Well.", "You see."))))
        turns.append(
            Turn(
                id=f"{dialogue_name(session, place)}_{letter}{counts[letter]:03d}",
                start=start,
                end=round(start + rng.integers(280, 560) / 400, 4),
                emotion=emotion,
                means=tuple(float(round(mean, 4)) for mean in means),
                text=text if place else _TRAPS.get(number, text),
            )
        )
        counts[letter] += 1
    return turns
