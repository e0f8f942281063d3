"""IEMOCAP's names: the letter in a dialogue's is filmed on the left, the one in a turn's speaks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mculora.corpora.utterance import FrameRegion

SESSIONS = tuple(f"Session{number}" for number in range(1, 6))
"""The folders of the recording sessions, each with two actors of its own."""

_GENDERS = {"F": "female", "M": "male"}
_DIALOGUE = r"Ses0(?P<session>[1-5])(?P<left>[FM])_(?:impro0[1-9][ab]?|script0[1-3]_[1-3]b?)"
_DIALOGUE_NAME = re.compile(_DIALOGUE)
_TURN_NAME = re.compile(rf"(?P<dialogue>{_DIALOGUE})_(?P<speaks>[FM])(?:[0-9]{{3}}|XX[0-9])")


@dataclass(frozen=True)
class TurnName:
    """What the name of a turn, such as `Ses01F_impro09_M000`, tells.

    Attributes:
        id: The name itself.
        dialogue: The dialogue that the turn belongs to.
        session: The folder of its session.
        speaker: The actor who speaks: session and letter of the turn.
        gender: What that letter says of the actor.
        region: The half of the frame that shows the speaker: left for the actor whose letter
            stands in the dialogue's name, who wears the motion-capture markers.
    """

    id: str
    dialogue: str
    session: str
    speaker: str
    gender: str
    region: FrameRegion

    @classmethod
    def parse(cls, text: str) -> TurnName | None:
        """Read a name; None for anything that is not one."""
        match = _TURN_NAME.fullmatch(text)
        if match is None:
            return None
        is_left = match["left"] == match["speaks"]
        return cls(
            id=text,
            dialogue=match["dialogue"],
            session=f"Session{match['session']}",
            speaker=f"Ses0{match['session']}{match['speaks']}",
            gender=_GENDERS[match["speaks"]],
            region=FrameRegion.LEFT if is_left else FrameRegion.RIGHT,
        )


def session_of(dialogue: str) -> str | None:
    """The folder of the session that a dialogue belongs to; None if this names no dialogue."""
    match = _DIALOGUE_NAME.fullmatch(dialogue)
    return match and f"Session{match['session']}"
