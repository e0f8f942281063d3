"""Where an utterance's sound and picture are: in files of the whole video, or in its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from mculora.corpora.raw_tree import RawTree
from mculora.corpora.utterance import Utterance
from mculora.modality import Modality


@dataclass(frozen=True)
class MediaPlaces:
    """The folders that a corpus keeps media in, as their paths end; the first that is there counts.

    Attributes:
        sound: One wav per video.
        picture: One mp4 per video, usually with its sound.
        segmented_sound: One wav per utterance, used where the video's own is missing.
        segmented_picture: Likewise, one mp4 per utterance.
    """

    sound: tuple[str, ...]
    picture: tuple[str, ...]
    segmented_sound: tuple[str, ...] = ()
    segmented_picture: tuple[str, ...] = ()


@dataclass(frozen=True)
class Media:
    """The media of one utterance, with the names that `Utterance` gives them."""

    audio_path: str | None
    video_path: str | None
    audio_begins_seconds: float
    video_begins_seconds: float
    absent: Mapping[Modality, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Candidate:
    path: PurePosixPath
    is_segment: bool


class MediaFiles:
    """Finds the media of utterances in a raw corpus.

    Args:
        tree: The raw corpus.
        places: Where the corpus keeps them.
        root: The folder that the corpus begins with: its media come before those elsewhere.
    """

    def __init__(self, tree: RawTree, places: MediaPlaces, *, root: PurePosixPath) -> None:
        self._tree = tree
        sounds = places.sound, places.segmented_sound
        pictures = places.picture, places.segmented_picture
        self._sounds = [_find(tree, place, ".wav", root) for place in sounds]
        self._pictures = [_find(tree, place, ".mp4", root) for place in pictures]

    def of(self, video: str, utterance: str, *, start_seconds: float) -> Media:
        """Find an utterance's media; what is not there is absent, and says what was looked for.

        The sound comes from the wav of the video, that of the utterance, or a video file.

        Args:
            video: The video's id, the name of its files.
            utterance: The utterance's id, the name of its own files.
            start_seconds: Where in the video it starts.
        """
        wavs = _candidates(self._sounds, [f"{video}.wav", f"{utterance}.wav"])
        mp4s = _candidates(self._pictures, [f"{video}.mp4", f"{utterance}.mp4"])
        audio, picture = self._first([*wavs, *mp4s]), self._first(mp4s)
        absent = {}
        if audio is None:
            absent[Modality.AUDIO] = (
                f"no audio file {_names(wavs)} and no video file {_names(mp4s)}"
            )
        if picture is None:
            absent[Modality.VISUAL] = f"no video file {_names(mp4s)}"
        return Media(
            audio_path=None if audio is None else str(audio.path),
            video_path=None if picture is None else str(picture.path),
            audio_begins_seconds=start_seconds if audio and audio.is_segment else 0.0,
            video_begins_seconds=start_seconds if picture and picture.is_segment else 0.0,
            absent=absent,
        )

    def bytes_of(self, utterances: Iterable[Utterance]) -> dict[str, int]:
        """The size of every media file that utterances name, by its path."""
        paths = {path for u in utterances for path in (u.audio_path, u.video_path) if path}
        sizes = {path: self._tree.size(PurePosixPath(path)) for path in sorted(paths)}
        return {path: size for path, size in sizes.items() if size is not None}

    def _first(self, candidates: Iterable[_Candidate]) -> _Candidate | None:
        return next((c for c in candidates if self._tree.size(c.path) is not None), None)


def _find(
    tree: RawTree, places: Iterable[str], suffix: str, root: PurePosixPath
) -> PurePosixPath | None:
    """The folder of the first place that is there, else where it would be; None for no places."""
    expected = None
    for place in map(PurePosixPath, places):
        if found := tree.folders(suffix, partial(_ends_with, place), near=root):
            return found[0]
        expected = expected or root / place
    return expected


def _ends_with(end: PurePosixPath, path: PurePosixPath) -> bool:
    return path.parts[-len(end.parts) :] == end.parts


def _candidates(folders: Iterable[PurePosixPath | None], names: Iterable[str]) -> list[_Candidate]:
    """The file of the video, then that of the utterance, as far as the corpus has such folders."""
    return [
        _Candidate(folder / name, is_segment)
        for folder, name, is_segment in zip(folders, names, (False, True), strict=True)
        if folder is not None
    ]


def _names(candidates: Iterable[_Candidate]) -> str:
    return " or ".join(candidate.path.name for candidate in candidates)
