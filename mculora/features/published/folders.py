"""GCNet's and MERTools' folders: `<utterance>.npy`, or a folder of frames for each utterance."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mculora.corpora.iemocap.names import TurnName
from mculora.corpora.utterance import Utterance
from mculora.features.outcome import Absence
from mculora.features.published.cleaning import NO_FILE, Array, Cleaned, average, clean, to_rows

_SUFFIX = ".npy"
_NO_FILE_OF_SPEAKER = "no published file of the speaker"
_SEVERAL_WIDTHS = "frames of several widths"
_BOTH = "a file and a folder of frames: the file is used"
# What numpy raises for headers that are none: it reads them as Python's literals.
_DAMAGE = (
    *(ValueError, TypeError, SyntaxError, tokenize.TokenError),
    *(OverflowError, EOFError, MemoryError),
)
_UNREADABLE_FRAMES = "unreadable frames left out of the mean"


@dataclass(frozen=True)
class FolderSource:
    """One folder of features.

    Attributes:
        path: The folder.
    """

    path: Path
    kind = "folder of arrays"

    def read(self, utterances: Sequence[Utterance]) -> Iterator[Cleaned]:
        """Yield each utterance's vector, or why there is none, in the given order."""
        for utterance in utterances:
            file, folder = f"{utterance.id}{_SUFFIX}", utterance.id
            if file in self._names:
                array = _read_array(self.path / file)
                cleaned = Cleaned(array) if isinstance(array, Absence) else clean(array)
                both = (_BOTH,) if folder in self._names else ()
                yield Cleaned(cleaned.outcome, cleaned.repairs + both)
            elif folder in self._names:
                yield _read_frames(self.path / folder, utterance.id)
            else:
                yield Cleaned(Absence(NO_FILE))

    def count(self, ids: Iterable[str]) -> int:
        """How many of these utterances have something in the folder."""
        return sum(f"{id_}{_SUFFIX}" in self._names or id_ in self._names for id_ in ids)

    @cached_property
    def _names(self) -> frozenset[str]:
        """All that the folder holds: listed once, as looking for each file takes long."""
        return frozenset(os.listdir(self.path))


def _read_frames(folder: Path, utterance_id: str) -> Cleaned:
    """Average the frames of one utterance; of two actors' frames, those of the one who speaks."""
    try:
        names = sorted(n for n in os.listdir(folder) if n.endswith(_SUFFIX) and n[0] != ".")
    except NotADirectoryError:
        names = []
    except OSError as error:
        return Cleaned(Absence(f"unreadable folder: {error.strerror}"))
    own = _of_speaker(names, utterance_id)
    if not own:
        return Cleaned(Absence(_NO_FILE_OF_SPEAKER if names else NO_FILE))
    read = [_read_rows(folder / name) for name in own]
    frames = [rows for rows in read if not isinstance(rows, Absence)]
    if not frames:
        return Cleaned(next(rows for rows in read if isinstance(rows, Absence)))
    if len({rows.shape[1] for rows in frames}) > 1:
        return Cleaned(Absence(_SEVERAL_WIDTHS))
    cleaned = average(np.concatenate(frames))
    damage = (_UNREADABLE_FRAMES,) if len(frames) < len(read) else ()
    return Cleaned(cleaned.outcome, cleaned.repairs + damage)


def _of_speaker(names: list[str], utterance_id: str) -> list[str]:
    """Choose IEMOCAP's files by the letter of the turn, as those who published them do.

    A name with an F is the woman's, any other the man's; where no name has a letter, the files
    are the speaker's.
    """
    turn = TurnName.parse(utterance_id)
    if turn is None or not any("F" in name or "M" in name for name in names):
        return names
    is_woman = turn.speaker.endswith("F")
    return [name for name in names if ("F" in name) == is_woman]


def _read_rows(path: Path) -> Array | Absence:
    array = _read_array(path)
    return array if isinstance(array, Absence) else to_rows(array)


def _read_array(path: Path) -> Array | Absence:
    """Read one .npy file; objects in it, which are pickles, are not read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return Absence(f"unreadable file: {error.strerror}")
    try:
        array: Array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except _DAMAGE as error:
        what = "pickled objects" if "Object arrays" in str(error) else "damaged"
        return Absence(f"unreadable file: {what}")
    return array
