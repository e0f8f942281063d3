"""CMU-MOSEI as its raw archive lays it out: transcripts, ratings, folds and media become rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.manifest import Corpus, Dropped, Task
from mculora.corpora.mosei.labels import EMOTIONS, SENTIMENT, Labels, read_labels
from mculora.corpora.mosei.transcripts import Segment, read_transcript
from mculora.corpora.standard_folds import FOLDS_FILE, read_standard_folds
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError
from mculora.modality import Modality

# The archive's own places first, then those of re-arranged copies.
_TRANSCRIPTS = ("Segmented/Combined", "Combined")
_SOUND = ("Audio/Full/WAV_16000", "Audio/WAV_16000")
_PICTURE = ("Videos/Full/Combined", "Videos/Combined")


def read_mosei(raw_folder: Path, name: str = "mosei") -> Corpus:
    """Read a corpus in MOSEI's layout, wherever below `raw_folder` it begins.

    An utterance needs a transcript line, at least one rating, and a video in a standard fold;
    whatever lacks one of them is listed as dropped. A missing media file drops nothing: the
    modality is absent, and the utterance says why.

    Args:
        raw_folder: The raw corpus; the media paths of utterances are relative to it.
        name: The dataset's name: `mosei`, or that of a look-alike.

    Raises:
        InputError: Folder, transcripts, labels or folds are missing or unreadable, or no
            utterance remains.
    """
    root = _find_root(raw_folder)
    splits = read_standard_folds(_find_folds(raw_folder))
    labels = read_labels(root / "Labels")
    media = _Media.find(raw_folder, root)
    transcripts = _list_transcripts(root)
    items = [item for path in transcripts for item in read_transcript(path)]
    utterances, dropped = [], list(labels.dropped)
    for item in items:
        if left_out := _left_out(item, labels, splits):
            dropped.append(left_out)
        elif isinstance(item, Segment):
            utterances.append(_to_utterance(item, labels.means[item.id], splits, media))
    unknown = labels.means.keys() - {item.id for item in items}
    dropped += [Dropped(id_, "label of an unknown utterance") for id_ in unknown]
    silent = splits.keys() - {path.stem for path in transcripts}
    dropped += [Dropped(video, "video of a standard fold without transcript") for video in silent]
    _require_some(raw_folder, utterances, dropped)
    return Corpus(
        name,
        Task.REGRESSION,
        class_names=(),
        utterances=tuple(utterances),
        dropped=tuple(sorted(dropped, key=lambda d: (d.id, d.reason))),
        media_bytes=media.bytes_of(utterances),
    )


@dataclass(frozen=True)
class _Media:
    """Where the sound and the picture of a video are, relative to the raw folder."""

    raw_folder: Path
    sound: Path
    picture: Path

    @classmethod
    def find(cls, raw_folder: Path, root: Path) -> _Media:
        sound, picture = (
            next((root / place for place in places if (root / place).is_dir()), root / places[0])
            for places in (_SOUND, _PICTURE)
        )
        return cls(raw_folder, sound=sound, picture=picture)

    def audio(self, video: str) -> str | None:
        """The wav file or, without one, the video file that holds the sound as well."""
        return self._if_there(self.sound / f"{video}.wav") or self.video(video)

    def video(self, video: str) -> str | None:
        return self._if_there(self.picture / f"{video}.mp4")

    def absent(self, video: str) -> dict[Modality, str]:
        absent = {}
        if self.audio(video) is None:
            absent[Modality.AUDIO] = f"no audio file {video}.wav and no video file {video}.mp4"
        if self.video(video) is None:
            absent[Modality.VISUAL] = f"no video file {video}.mp4"
        return absent

    def bytes_of(self, utterances: list[Utterance]) -> dict[str, int]:
        """The size of every media file that the utterances name."""
        paths = {path for u in utterances for path in (u.audio_path, u.video_path) if path}
        return {path: (self.raw_folder / path).stat().st_size for path in sorted(paths)}

    def _if_there(self, path: Path) -> str | None:
        return path.relative_to(self.raw_folder).as_posix() if path.is_file() else None


def _left_out(
    item: Segment | Dropped, labels: Labels, splits: Mapping[str, Split]
) -> Dropped | None:
    if isinstance(item, Dropped):
        return item
    if item.id not in labels.means:
        return Dropped(item.id, "no label")
    if item.video not in splits:
        return Dropped(item.id, "video in no standard fold")
    return None


def _to_utterance(
    segment: Segment, means: Mapping[str, float], splits: Mapping[str, Split], media: _Media
) -> Utterance:
    return Utterance(
        id=segment.id,
        dialogue=segment.video,
        speaker="",  # MOSEI does not tell
        split=splits[segment.video],
        session="",
        start_seconds=segment.start_seconds,
        end_seconds=segment.end_seconds,
        transcript=segment.text,
        label=means[SENTIMENT],
        emotions={emotion: means[emotion] for emotion in EMOTIONS if emotion in means},
        audio_path=media.audio(segment.video),
        video_path=media.video(segment.video),
        absent=media.absent(segment.video),
    )


def _find_root(raw_folder: Path) -> Path:
    """Find the folder that holds `Transcript`: releases and copies call it by different names."""
    if not raw_folder.is_dir():
        raise InputError(
            raw_folder,
            found="nothing",
            expected="the raw corpus",
            remedy="run `mculora download` first",
        )
    # The near places first: searching a whole corpus takes long and does not follow links.
    for pattern in ("Transcript", "*/Transcript", "**/Transcript"):
        for folder in sorted(raw_folder.glob(pattern)):
            if "__MACOSX" not in folder.parts and any(
                (folder / place).is_dir() for place in _TRANSCRIPTS
            ):
                return folder.parent
    raise InputError(
        raw_folder,
        found="no Transcript/Segmented/Combined or Transcript/Combined below it",
        expected="the unpacked CMU_MOSEI archive",
        remedy="run `mculora download`, or unpack the archive there",
    )


def _list_transcripts(root: Path) -> list[Path]:
    folders = (root / "Transcript" / place for place in _TRANSCRIPTS)
    folder = next(folder for folder in folders if folder.is_dir())
    # Names with "._" are left by archives made on a Mac.
    return sorted(path for path in folder.glob("*.txt") if not path.name.startswith("._"))


def _find_folds(raw_folder: Path) -> Path:
    for pattern in (FOLDS_FILE, f"*/{FOLDS_FILE}", f"**/{FOLDS_FILE}"):
        if found := sorted(raw_folder.glob(pattern)):
            return found[0]
    raise InputError(
        raw_folder,
        found=f"no {FOLDS_FILE} below it",
        expected="the standard folds of the CMU Multimodal SDK",
        remedy="put that file there",
    )


def _require_some(raw_folder: Path, utterances: list[Utterance], dropped: list[Dropped]) -> None:
    if utterances:
        return
    example = f" (first: {dropped[0].id}, {dropped[0].reason})" if dropped else ""
    raise InputError(
        raw_folder,
        found=f"no usable utterance, {len(dropped)} dropped{example}",
        expected="utterances with transcript, label and fold",
    )
