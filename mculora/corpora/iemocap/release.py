"""Where the files of each IEMOCAP dialogue are, found without listing the folders not needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.iemocap.names import SESSIONS, session_of
from mculora.corpora.manifest import Dropped
from mculora.errors import InputError

# Beside them lie hundreds of thousands of files of motion capture and forced alignment.
_EVALUATIONS = "dialog/EmoEvaluation"
_TRANSCRIPTS = "dialog/transcriptions"
_SOUND = "dialog/wav"
_PICTURE = "dialog/avi/DivX"
_SENTENCES = "sentences/wav"


@dataclass(frozen=True)
class Dialogue:
    """The files of one dialogue, those that there are.

    Attributes:
        name: The dialogue's name.
        session: The folder of its session.
        evaluations: The consensus file.
        transcript: The transcript file.
        sound: The recording of the whole dialogue.
        picture: The video of the whole dialogue, both actors side by side.
        sentences: The recording of each turn alone, by the turn's name.
    """

    name: str
    session: str
    evaluations: Path | None
    transcript: Path | None
    sound: Path | None
    picture: Path | None
    sentences: Mapping[str, Path]


@dataclass(frozen=True)
class Release:
    """A copy of the corpus: its dialogues, and what belongs to none."""

    dialogues: tuple[Dialogue, ...]
    dropped: tuple[Dropped, ...]

    @property
    def has_videos(self) -> bool:
        """Whether this is the release with videos: at least one is there."""
        return any(dialogue.picture for dialogue in self.dialogues)


def find_release(raw_folder: Path) -> Release:
    """Find the folder that holds `Session1/dialog`, or another session's, and list its dialogues.

    Releases and copies call that folder by different names and nest it, and may have the sessions
    in several places; of two copies of a session the nearer one is taken.

    Raises:
        InputError: There is none.
    """
    roots = _find_roots(raw_folder)
    if not roots:
        raise InputError(
            raw_folder,
            found="no Session1/dialog below it" if raw_folder.is_dir() else "nothing",
            expected="the unpacked IEMOCAP release",
            remedy="run `mculora download`, or unpack the archive there",
        )
    dropped: list[Dropped] = []
    dialogues: list[Dialogue] = []
    for session in SESSIONS:
        copies = [root / session for root in roots if (root / session / "dialog").is_dir()]
        for copy in copies[1:]:
            place = _printable(copy.relative_to(raw_folder).as_posix())
            dropped.append(Dropped(place, "another copy of a session"))
        for item in _list_dialogues(copies[0]) if copies else ():
            if isinstance(item, Dropped):
                dropped.append(item)
            else:
                dialogues.append(item)
    return Release(tuple(dialogues), tuple(dropped))


def _list_dialogues(session: Path) -> Iterator[Dialogue | Dropped]:
    evaluations = _list(session / _EVALUATIONS, ".txt")
    transcripts = _list(session / _TRANSCRIPTS, ".txt")
    sounds = _list_files(session / _SOUND, ".wav")
    pictures = _list_files(session / _PICTURE, ".avi")
    sentences = _list(session / _SENTENCES)
    for name in sorted({*evaluations, *transcripts, *sounds, *pictures, *sentences}):
        if session_of(name) != session.name:
            yield Dropped(f"{session.name}/{name}", "file not named as a dialogue of its session")
            continue
        yield Dialogue(
            name,
            session.name,
            evaluations=evaluations.get(name),
            transcript=transcripts.get(name),
            sound=sounds.get(name),
            picture=pictures.get(name),
            sentences=_list_files(session / _SENTENCES / name, ".wav"),
        )


def _list(folder: Path, suffix: str = "") -> dict[str, Path]:
    """What lies in a folder, by its name without the suffix; nothing if there is no folder."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    return {
        _printable(name.removesuffix(suffix)): folder / name
        for name in sorted(names)
        if name.endswith(suffix) and not name.startswith(".")  # "._" is left by Macs
    }


def _printable(name: str) -> str:
    """A file name whose bytes are no UTF-8, as it can be listed."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def _list_files(folder: Path, suffix: str) -> dict[str, Path]:
    """The same, without links to nothing."""
    return {name: path for name, path in _list(folder, suffix).items() if path.is_file()}


def _find_roots(raw_folder: Path) -> list[Path]:
    """The folders that hold a session, the nearest first; nothing inside one is looked at."""
    level, seen = [raw_folder], {os.path.realpath(raw_folder)}
    roots: list[Path] = []
    while level:
        roots += [folder for folder in level if _holds_session(folder)]
        below = [child for folder in level if folder not in roots for child in _folders(folder)]
        level = []
        for child in below:  # links may lead back
            if (real := os.path.realpath(child)) not in seen:
                seen.add(real)
                level.append(child)
    return roots


def _holds_session(folder: Path) -> bool:
    return any((folder / session / "dialog").is_dir() for session in SESSIONS)


def _folders(folder: Path) -> list[Path]:
    return [path for name, path in _list(folder).items() if name != "__MACOSX" and path.is_dir()]
