"""IEMOCAP as its release lays it out: evaluations, transcripts and recordings become rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mculora.corpora.iemocap.evaluations import Evaluation, read_evaluations
from mculora.corpora.iemocap.names import SESSIONS
from mculora.corpora.iemocap.release import Dialogue, find_release
from mculora.corpora.iemocap.transcripts import Words, read_transcript
from mculora.corpora.manifest import Corpus, Dropped, Task
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.modality import Modality

CLASS_NAMES = ("happy", "sad", "neutral", "anger", "excited", "frustrated")
"""In the field's order; the 4-way set is its beginning."""
_CLASS_OF = {
    4: {"hap": 0, "exc": 0, "sad": 1, "neu": 2, "ang": 3},
    6: {"hap": 0, "sad": 1, "neu": 2, "ang": 3, "exc": 4, "fru": 5},
}
_NO_MAJORITY = "xxx"
_NOTES = {
    4: "The 4-way set counts excited turns as happy.",
    6: "The 6-way set is strict: only turns with a majority for one of its emotions, 7,380 in the "
    "full release. Published label files have 7,433: they count 53 turns without a majority as "
    "happy.",
}


def read_iemocap(raw_folder: Path, name: str, *, classes: Literal[4, 6]) -> Corpus:
    """Read a corpus in IEMOCAP's layout, wherever below `raw_folder` it begins.

    An utterance is a turn with a consensus emotion of the class set. Whatever else the files
    hold is listed as dropped. A turn without words, sound or picture stays: that modality is
    absent, and the utterance says why.

    Args:
        raw_folder: The raw corpus; the media paths of utterances are relative to it.
        name: The dataset's name.
        classes: 4 for happy (with excited), sad, neutral, anger; 6 for excited and frustrated
            as well.

    Raises:
        InputError: There is no release below the folder, or no utterance remains.
    """
    release = find_release(raw_folder)
    reader = _Reader(raw_folder, classes, has_videos=release.has_videos)
    items = [item for dialogue in release.dialogues for item in reader.read(dialogue)]
    utterances = [item for item in items if isinstance(item, Utterance)]
    dropped = [*release.dropped, *(item for item in items if isinstance(item, Dropped))]
    if not utterances:
        example = f" (first: {dropped[0].id}, {dropped[0].reason})" if dropped else ""
        raise InputError(
            raw_folder,
            found=f"no usable utterance, {len(dropped)} dropped{example}",
            expected=f"turns with an emotion of the {classes}-way set in dialog/EmoEvaluation",
        )
    return Corpus(
        name,
        Task.CLASSIFICATION,
        class_names=CLASS_NAMES[:classes],
        utterances=tuple(utterances),
        dropped=tuple(sorted(dropped, key=lambda d: (d.id, d.reason))),
        media_bytes=_media_bytes(raw_folder, utterances),
        notes=(_NOTES[classes], *_what_is_missing(utterances, has_videos=release.has_videos)),
    )


def _media_bytes(raw_folder: Path, utterances: Iterable[Utterance]) -> dict[str, int]:
    paths = {path for u in utterances for path in (u.audio_path, u.video_path) if path}
    return {path: (raw_folder / path).stat().st_size for path in sorted(paths)}


def _what_is_missing(utterances: Iterable[Utterance], *, has_videos: bool) -> Iterator[str]:
    there = {utterance.session for utterance in utterances}
    if missing := [session for session in SESSIONS if session not in there]:
        yield f"This copy has no utterances of {', '.join(missing)}."
    if not has_videos:
        yield "This is the release without videos: the visual modality is absent everywhere."


@dataclass(frozen=True)
class _Reader:
    """Reads one release, dialogue after dialogue."""

    raw_folder: Path
    classes: Literal[4, 6]
    has_videos: bool

    def read(self, dialogue: Dialogue) -> Iterator[Utterance | Dropped]:
        """Give a dialogue's rows and, in between, what did not become one."""
        evaluations = read_evaluations(dialogue.evaluations) if dialogue.evaluations else []
        transcript = read_transcript(dialogue.transcript) if dialogue.transcript else []
        words = {item.id: item.text for item in transcript if isinstance(item, Words)}
        if dialogue.evaluations is None:
            yield Dropped(dialogue.name, "dialogue without evaluations")
        for item in (*evaluations, *transcript):
            if isinstance(item, Dropped):
                yield item
            elif isinstance(item, Evaluation):
                yield from self._read_turn(item, words.get(item.id), dialogue=dialogue)
        evaluated = {item.id for item in evaluations}
        for turn in words.keys() - evaluated:
            yield Dropped(turn, "transcript without evaluation")
        for turn in dialogue.sentences.keys() - evaluated - words.keys():
            yield Dropped(turn, "sentence wav without evaluation")

    def _read_turn(
        self, turn: Evaluation, text: str | None, *, dialogue: Dialogue
    ) -> Iterator[Utterance | Dropped]:
        label = _CLASS_OF[self.classes].get(turn.emotion)
        if turn.emotion == _NO_MAJORITY:
            yield Dropped(turn.id, f"no majority of the raters: {turn.emotion}")
        elif label is None:
            reason = f"emotion not in the {self.classes}-way set: {turn.emotion}"
            yield Dropped(turn.id, reason)
        else:
            yield self._to_utterance(turn, text, dialogue=dialogue, label=label)
            if turn.id not in dialogue.sentences and dialogue.sound:
                yield Dropped(turn.id, f"no sentence wav: {dialogue.sound.name} stands in for it")

    def _to_utterance(
        self, turn: Evaluation, text: str | None, *, dialogue: Dialogue, label: int
    ) -> Utterance:
        sentence = dialogue.sentences.get(turn.id)
        sound = sentence or dialogue.sound
        return Utterance(
            id=turn.id,
            dialogue=dialogue.name,
            speaker=turn.name.speaker,
            split=None,
            session=dialogue.session,
            start_seconds=turn.start_seconds,
            end_seconds=turn.end_seconds,
            transcript=text or "",
            label=label,
            emotions=turn.ratings,
            audio_path=self._relative(sound),
            video_path=self._relative(dialogue.picture),
            audio_begins_seconds=turn.start_seconds if sentence else 0.0,
            region=turn.name.region,
            absent=self._absent(text, sound, dialogue=dialogue),
            gender=turn.name.gender,
        )

    def _absent(
        self, text: str | None, sound: Path | None, *, dialogue: Dialogue
    ) -> dict[Modality, str]:
        absent = {}
        if sound is None:
            absent[Modality.AUDIO] = "no wav of the turn and none of the dialogue"
        if not text:
            absent[Modality.TEXT] = "no transcript" if text is None else "empty transcript"
        if not self.has_videos:
            absent[Modality.VISUAL] = "release without videos"
        elif dialogue.picture is None:
            absent[Modality.VISUAL] = f"no video file {dialogue.name}.avi"
        return absent

    def _relative(self, path: Path | None) -> str | None:
        return None if path is None else path.relative_to(self.raw_folder).as_posix()
