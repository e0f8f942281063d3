"""CMU-MOSEI as its raw archive lays it out: transcripts, ratings, folds and media become rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from mculora.corpora.label_sequences import describe_source, find_label_sequences
from mculora.corpora.left_out import in_order, require_some, unused_folders
from mculora.corpora.manifest import Corpus, Dropped, Task
from mculora.corpora.media_files import MediaFiles, MediaPlaces
from mculora.corpora.mosei.labels import EMOTIONS, SENTIMENT, Labels, read_labels
from mculora.corpora.mosei.official_labels import OFFICIAL_LABELS, read_official_labels
from mculora.corpora.mosei.transcripts import Segment, read_transcript
from mculora.corpora.raw_tree import RawTree, root_above
from mculora.corpora.standard_folds import find_standard_folds, read_standard_folds
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError

FOLDS_FILE = "cmu_mosei_std_folds.py"
# The archive's own places first, then those of re-arranged copies.
_MEDIA = MediaPlaces(
    sound=("Audio/Full/WAV_16000", "Audio/WAV_16000"),
    picture=("Videos/Full/Combined", "Videos/Combined", "Videos/Full"),
)


def read_mosei(raw_folder: Path, name: str = "mosei") -> Corpus:
    """Read a corpus in MOSEI's layout, wherever below `raw_folder` its parts are.

    An utterance needs a transcript line, a label, and a video in a standard fold; whatever lacks
    one of them is listed as dropped. A missing media file drops nothing: the modality is absent,
    and the utterance says why. Labels are the official ones where their .csd file is there, else
    the means of the rating tables.

    Args:
        raw_folder: The raw corpus; the media paths of utterances are relative to it.
        name: The dataset's name: `mosei`, or that of a look-alike.

    Raises:
        InputError: Folder, transcripts, labels or folds are missing or unreadable, or no
            utterance remains.
    """
    tree = RawTree.walk(raw_folder)
    folder, *others = _find_transcripts(tree)
    root = root_above(folder, "Transcript")
    splits = read_standard_folds(find_standard_folds(tree, FOLDS_FILE))
    transcripts = tree.files(folder, ".txt")
    items = [item for path in transcripts for item in _read_lines(raw_folder / path)]
    labels, notes = _read_labels(tree, root, [item for item in items if isinstance(item, Segment)])
    media = MediaFiles(tree, _MEDIA, root=root)
    utterances, dropped = [], [*tree.dropped, *labels.dropped, *unused_folders(others)]
    for item in items:
        if left_out := _left_out(item, labels, splits):
            dropped.append(left_out)
        elif isinstance(item, Segment):
            utterances.append(_to_utterance(item, labels.means[item.id], splits, media))
            if item.stated_start_seconds < 0:
                reason = f"negative start, taken as 0: {item.stated_start_seconds:g} s"
                dropped.append(Dropped(item.id, reason))
    unknown = labels.means.keys() - {item.id for item in items}
    dropped += [Dropped(id_, "label of an unknown utterance") for id_ in unknown]
    silent = splits.keys() - {path.stem for path in transcripts}
    dropped += [Dropped(video, "video of a standard fold without transcript") for video in silent]
    require_some(raw_folder, utterances, dropped, needed="transcript, label and fold")
    return Corpus(
        name,
        Task.REGRESSION,
        class_names=(),
        utterances=tuple(utterances),
        dropped=in_order(dropped),
        media_bytes=media.bytes_of(utterances),
        notes=notes,
    )


def _find_transcripts(tree: RawTree) -> list[PurePosixPath]:
    """Find the folder of segmented transcripts, which releases nest differently, and any others."""
    found = tree.folders(
        ".txt", lambda path: "Transcript" in path.parts and "Full" not in path.parts
    )
    if not found:
        raise InputError(
            tree.raw_folder,
            found="no Transcript/Segmented/Combined or Transcript/Combined below it",
            expected="the unpacked CMU_MOSEI archive",
            remedy="run `mculora download`, or unpack the archive there",
        )
    return sorted(found, key=lambda path: path.name != "Combined")


def _read_lines(path: Path) -> list[Segment | Dropped]:
    try:
        return read_transcript(path)
    except InputError as error:
        return [Dropped(path.name, f"unreadable transcript file: {error.found}")]
    except OSError as error:
        return [Dropped(path.name, f"unreadable transcript file: {error.strerror}")]


def _read_labels(
    tree: RawTree, root: PurePosixPath, segments: Iterable[Segment]
) -> tuple[Labels, tuple[str, ...]]:
    """Read the official labels or, without them, the rating tables; and say which."""
    sequences = find_label_sequences(tree, OFFICIAL_LABELS)
    tables = _find_tables(tree, root)
    if not sequences:
        return read_labels(tree.raw_folder / tables), ()
    note = describe_source(sequences[0], [*sequences[1:], *tree.files(tables, ".csv")])
    return read_official_labels(tree.raw_folder / sequences[0], segments), (note,)


def _find_tables(tree: RawTree, root: PurePosixPath) -> PurePosixPath:
    """Find the folder of rating tables: those brought on their own come before the archive's."""
    found = tree.folders(".csv", lambda path: "labels" in str(path).lower().split("/"), near=root)
    return min(found, key=lambda path: path.parts[0] != "labels", default=root / "Labels")


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
    segment: Segment, means: Mapping[str, float], splits: Mapping[str, Split], files: MediaFiles
) -> Utterance:
    media = files.of(segment.video, segment.id, start_seconds=segment.start_seconds)
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
        audio_path=media.audio_path,
        video_path=media.video_path,
        absent=media.absent,
    )
