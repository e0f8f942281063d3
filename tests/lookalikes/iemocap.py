"""An invented corpus in IEMOCAP's exact layout, with every trap of the real release."""

from dataclasses import dataclass
from pathlib import Path

from iemocap_decoys import write_dialogue_decoys, write_file, write_release_decoys
from iemocap_media import write_avi, write_wavs
from iemocap_plan import CLASSES, Turn, plan_dialogue

_WORDS = {
    **{"hap": "Happiness", "exc": "Excited", "sad": "Sadness", "neu": "Neutral", "ang": "Anger"},
    **{"fru": "Frustration", "fea": "Fear", "sur": "Surprise", "dis": "Disgust"},
}


@dataclass(frozen=True)
class IemocapLookAlike:
    """What was written.

    Attributes:
        root: The folder that holds the sessions.
        turns: All evaluated turns.
        others: What else must be listed as dropped: (id, kind), an id as often as it is listed.
        wordless: The turn whose transcript line is empty.
        beyond_video: The turn that begins after its avi's end.
    """

    root: Path
    turns: tuple[Turn, ...]
    others: tuple[tuple[str, str], ...]
    wordless: str
    beyond_video: str

    def labels(self, classes):
        """The class name of each turn that must be kept, by id."""
        names = dict(CLASSES)
        if classes == 4:
            names["exc"] = names["hap"]
            del names["fru"]
        return {turn.id: names[turn.emotion] for turn in self.turns if turn.emotion in names}

    def dropped(self, classes):
        """(id, kind) of everything that must be listed, sorted."""
        kept, outside = self.labels(classes), f"emotion not in the {classes}-way set"
        labels = (
            (turn.id, "no majority of the raters" if turn.emotion == "xxx" else outside)
            for turn in self.turns
            if turn.id not in kept
        )
        return sorted([*labels, *self.others])


def build_iemocap(
    folder,
    *,
    with_videos=True,
    num_sessions=5,
    dialogues_per_session=4,
    turns=16,
    seed=0,
    media=True,
):
    """Write a release below `folder`.

    Args:
        folder: Created; the release lies in a folder in it.
        with_videos: False for the release without them.
        num_sessions: 2 to 5: some traps are in the second.
        dialogues_per_session: 2 to 26, of both letters.
        turns: Per dialogue, at least 8: then each dialogue has every class.
        seed: Of times, words, voices and faces.
        media: False for files of one byte instead of real media.
    """
    root = folder / "IEMOCAP_full_release"
    written, others = [], []
    for session in range(1, num_sessions + 1):
        base = root / f"Session{session}"
        for place in range(dialogues_per_session):
            plan = plan_dialogue(session, place, turns, seed=seed)
            is_short = (session, place) == (1, 1)
            seconds = plan[-1].start - 0.3 if is_short else plan[-1].end + 1
            _write_evaluations(base, plan, line_end="\r\n" if place == 1 else "\n")
            others += _write_transcript(base, plan, place=place, is_wordless=session == 1)
            write_dialogue_decoys(base, plan, lacks_alignment=session == 3)
            if media:
                write_wavs(base, plan, seed=seed)
            if media and with_videos:
                write_avi(base, plan, seconds=seconds, seed=seed)
            if not media:
                _write_placeholders(base, plan, with_videos=with_videos)
            written.append(plan)
        _write_untimed_wav(base, written[-1])
    write_release_decoys(folder, root)
    return IemocapLookAlike(
        root,
        turns=tuple(turn for plan in written for turn in plan),
        others=tuple(others),
        wordless=written[0][0].id,
        beyond_video=written[1][-1].id,
    )


def _in_release_order(turns):
    """All turns of the actress, then all of the actor: no file of the release is in time order."""
    return sorted(turns, key=lambda turn: (turn.letter, turn.id))


def _write_evaluations(session, turns, *, line_end):
    lines = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]", ""]
    for number, turn in enumerate(_in_release_order(turns)):
        means = ", ".join(f"{mean:.4f}" for mean in turn.means)
        blanks = " \t" * (number % 5 == 3)
        lines += [
            f"[{turn.start:.4f} - {turn.end:.4f}]\t{turn.id}\t{turn.emotion}\t[{means}]{blanks}",
            *_rater_lines(turn, number),
            "",
        ]
    path = session / f"dialog/EmoEvaluation/{turns[0].dialogue}.txt"
    write_file(path, line_end.join(lines))


def _rater_lines(turn, number):
    word = _WORDS.get(turn.emotion, "Other")
    dominance = "" if number % 7 == 2 else "3"
    return [
        f"C-E2:\t{word};\t()",
        f"C-E3:\t{word}; Surprise;\t(a bit; or: not [really])",
        f"C-E4:\tOther;\t({turn.id} neu)",
        f"C-{turn.letter}1:\tNeutral;\t()",
        "A-E3:\tval 3; act 2; dom  2;\t()",
        f"A-E4:\tval 2; act 3; dom  {dominance};\t(tense; val 1: act 5)",
        f"A-{turn.letter}1:\tval 3; act 2; dom  1;\t()",
    ]


def _write_transcript(session, turns, *, place, is_wordless):
    """Write a transcript in time order, of session 2 not, and give what of it must be listed."""
    name = turns[0].dialogue
    lines = []
    for turn in _in_release_order(turns)[::-1] if session.name == "Session2" else turns:
        text = "" if is_wordless and place == 0 and turn is turns[0] else turn.text
        start = turn.start + 0.0001 * (turn.letter == "M")  # the files do not quite agree
        lines.append(f"{turn.id} [{start:08.4f}-{turn.end:08.4f}]: {text}")
    untimed = [f"{name}_FXX0", f"{name}_MXX3"]
    lines += [f"{id_} [011.9000-012.4000]: Mmhmm." for id_ in untimed]
    listed = [(id_, "transcript without evaluation") for id_ in untimed]
    if place == 1:
        lines += [f"{untimed[1]} [012.9000-013.4000]: Mmhmm.", "M: [BREATHING]", "F: (MM)"]
        listed.append((untimed[1], "turn transcribed again"))
        where = f"transcriptions/{name}.txt line"
        listed += [(f"{where} {len(lines) - i}", "words outside the turns") for i in (1, 0)]
    write_file(session / f"dialog/transcriptions/{name}.txt", "\n".join(lines) + "\n")
    return listed


def _write_untimed_wav(session, turns):
    """One of the turns without evaluation has a wav all the same."""
    folder = session / "sentences/wav" / turns[0].dialogue
    example = (folder / f"{turns[0].id}.wav").read_bytes()
    write_file(folder / f"{turns[0].dialogue}_FXX0.wav", example)


def _write_placeholders(session, turns, *, with_videos):
    name = turns[0].dialogue
    write_file(session / f"dialog/wav/{name}.wav", "w")
    for turn in turns:
        write_file(session / f"sentences/wav/{name}/{turn.id}.wav", "s")
    if with_videos:
        write_file(session / f"dialog/avi/DivX/{name}.avi", "v")
