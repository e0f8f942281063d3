"""CMU-MOSI as its raw archive lays it out: opinions, transcripts, folds and media become rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from mculora.corpora.label_sequences import describe_source, find_label_sequences
from mculora.corpora.left_out import in_order, require_some, unused_folders
from mculora.corpora.manifest import Corpus, Dropped, Task
from mculora.corpora.media_files import MediaFiles, MediaPlaces
from mculora.corpora.mosi.opinions import (
    OFFICIAL_LABELS,
    TABLE,
    Opinion,
    Opinions,
    read_official_opinions,
    read_opinion_table,
)
from mculora.corpora.mosi.transcripts import SUFFIX, Sentence, read_transcript
from mculora.corpora.raw_tree import RawTree, root_above
from mculora.corpora.standard_folds import find_standard_folds, read_standard_folds
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError
from mculora.modality import Modality

FOLDS_FILE = "cmu_mosi_std_folds.py"
_MEDIA = MediaPlaces(
    sound=("Audio/WAV_16000/Full",),
    picture=("Video/Full",),
    segmented_sound=("Audio/WAV_16000/Segmented",),
    segmented_picture=("Video/Segmented",),
)


def read_mosi(raw_folder: Path, name: str = "mosi") -> Corpus:
    """Read a corpus in MOSI's layout, wherever below `raw_folder` its parts are.

    An utterance is a labelled segment of a video in a standard fold; whatever else the files hold
    is listed as dropped. Without a transcript line or a media file it stays: that modality is
    absent, and the utterance says why. Labels are the official ones where their .csd file is
    there, else those of the table.

    Args:
        raw_folder: The raw corpus; the media paths of utterances are relative to it.
        name: The dataset's name: `mosi`, or that of a look-alike.

    Raises:
        InputError: Folder, transcripts, labels or folds are missing or unreadable, or no
            utterance remains.
    """
    tree = RawTree.walk(raw_folder)
    folder, *others = _find_transcripts(tree)
    splits = read_standard_folds(find_standard_folds(tree, FOLDS_FILE))
    opinions, notes = _read_opinions(tree)
    items = [item for path in tree.files(folder, SUFFIX) for item in _read(raw_folder / path)]
    sentences = {item.id: item.text for item in items if isinstance(item, Sentence)}
    media = MediaFiles(tree, _MEDIA, root=root_above(folder, "Transcript"))
    kept = [opinion for opinion in opinions.by_id.values() if opinion.video in splits]
    utterances = [_to_utterance(o, sentences.get(o.id), splits[o.video], media) for o in kept]
    dropped = [
        *tree.dropped,
        *unused_folders(others),
        *opinions.dropped,
        *(item for item in items if isinstance(item, Dropped)),
        *_unmatched(opinions, sentences, splits),
    ]
    require_some(raw_folder, utterances, dropped, needed="label and fold")
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
    found = tree.folders(SUFFIX, lambda folder: True)
    if not found:
        raise InputError(
            tree.raw_folder,
            found=f"no *{SUFFIX} below it (Transcript/Segmented)",
            expected="the unpacked CMU_MOSI archive",
            remedy="run `mculora download`, or unpack the archive there",
        )
    return found


def _read(path: Path) -> list[Sentence | Dropped]:
    try:
        return read_transcript(path)
    except OSError as error:
        return [Dropped(path.name, f"unreadable transcript file: {error.strerror}")]


def _read_opinions(tree: RawTree) -> tuple[Opinions, tuple[str, ...]]:
    """Read the official labels or, without them, the table; and say which."""
    sequences = find_label_sequences(tree, OFFICIAL_LABELS)
    # A table brought on its own comes before that of the archive.
    tables = sorted(
        tree.find(lambda name: name == TABLE), key=lambda path: path.parts[0] != "labels"
    )
    if sequences:
        note = describe_source(sequences[0], [*sequences[1:], *tables])
        return read_official_opinions(tree.raw_folder / sequences[0]), (note,)
    if tables:
        return read_opinion_table(tree.raw_folder / tables[0]), ()
    raise InputError(
        tree.raw_folder,
        found=f"neither {OFFICIAL_LABELS} nor {TABLE} below it",
        expected="MOSI's labels",
        remedy="put one of them there: the archive often lacks both",
    )


def _unmatched(
    opinions: Opinions, sentences: Mapping[str, str], splits: Mapping[str, Split]
) -> list[Dropped]:
    """What stands in only some of labels, transcripts and folds."""
    rated = {opinion.video for opinion in opinions.by_id.values()}
    lists = {
        "no label": sentences.keys() - opinions.by_id.keys(),
        "video in no standard fold": {
            o.id for o in opinions.by_id.values() if o.video not in splits
        },
        "no transcript line, kept without text": {
            o.id for o in opinions.by_id.values() if o.video in splits and o.id not in sentences
        },
        "video of a standard fold without labels": splits.keys() - rated,
    }
    return [Dropped(id_, reason) for reason, ids in lists.items() for id_ in ids]


def _to_utterance(opinion: Opinion, text: str | None, split: Split, files: MediaFiles) -> Utterance:
    media = files.of(opinion.video, opinion.id, start_seconds=opinion.start_seconds)
    absent = dict(media.absent)
    if text is None:
        absent[Modality.TEXT] = f"no line {opinion.segment} in {opinion.video}{SUFFIX}"
    return Utterance(
        id=opinion.id,
        dialogue=opinion.video,
        speaker="",  # MOSI does not tell
        split=split,
        session="",
        start_seconds=opinion.start_seconds,
        end_seconds=opinion.end_seconds,
        transcript=text or "",
        label=opinion.label,
        audio_path=media.audio_path,
        video_path=media.video_path,
        audio_begins_seconds=media.audio_begins_seconds,
        video_begins_seconds=media.video_begins_seconds,
        absent=absent,
    )
