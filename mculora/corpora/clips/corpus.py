"""Your own clips as a corpus: a table, and the media files that it names, become utterances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mculora.corpora.clips.clips import Clip, ClipFiles, find_clips
from mculora.corpora.clips.labels import decide_labelling
from mculora.corpora.clips.paths import MEDIA_FOLDER, is_audio
from mculora.corpora.clips.splits import decide_splits
from mculora.corpora.clips.table import TABLE_SUFFIXES, read_table
from mculora.corpora.manifest import Corpus, Dropped, Task
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError
from mculora.modality import Modality


def read_clips(
    raw_folder: Path, name: str, *, task: Task | None, seconds_of: Callable[[Path], float]
) -> Corpus:
    """Read a table of clips and the media linked beside it, wherever below `raw_folder` they are.

    A row needs a label and a media file. One whose file cannot be decoded stays if it gives both
    times: extraction then says what is absent. Splits count as soon as one row names one.

    Args:
        raw_folder: The raw corpus; the media paths of utterances are relative to it.
        name: The dataset's name.
        task: What labels are; None infers it.
        seconds_of: Tells how long a media file is, or raises MediaError.

    Raises:
        InputError: There is no table or more than one, it cannot be used, a dialogue is in two
            splits, or no utterance remains.
    """
    path = find_table(raw_folder)
    table = read_table(path)
    files = ClipFiles(raw_folder, path.parent / MEDIA_FOLDER, seconds_of)
    found = list(find_clips(table.rows, files))
    clips = [item for item in found if isinstance(item, Clip)]
    dropped = [*table.dropped, *(item for item in found if isinstance(item, Dropped))]
    _require_some(path, clips, dropped)
    labelling = decide_labelling(path, [clip.row.label for clip in clips], task)
    labels = {c.row.id: v for c in clips if (v := labelling.value(c.row.label)) is not None}
    for clip in clips:
        if clip.row.id not in labels:
            dropped.append(Dropped(clip.row.id, f"label that does not fit: {clip.row.label!r}"))
    clips = [clip for clip in clips if clip.row.id in labels]
    _require_some(path, clips, dropped)
    splitting = decide_splits(path, clips)
    return Corpus(
        name,
        labelling.task,
        class_names=labelling.class_names,
        utterances=tuple(_to_utterances(clips, labels, splitting.split_of)),
        dropped=tuple(sorted(dropped, key=lambda d: (d.id, d.reason))),
        media_bytes=files.bytes_of(clip.file for clip in clips),
        notes=(labelling.note, *splitting.notes, *_describe_unused(table.unused_columns)),
    )


def _to_utterances(
    clips: Iterable[Clip], labels: Mapping[str, float], split_of: Mapping[str, Split]
) -> Iterator[Utterance]:
    """Put the clips of each dialogue on one clock.

    Where a dialogue has several files, each begins when what stands above its first row in the
    table ends, unless its own times are later already: the table's order is what happened.
    """
    ends: dict[str, float] = defaultdict(float)
    begins: dict[tuple[str, str], float] = {}
    for clip in clips:
        row, window, dialogue = clip.row, clip.window, clip.dialogue
        earliest = max(0.0, ends[dialogue] - window.start_seconds)
        begin = begins.setdefault((dialogue, clip.file), earliest)
        ends[dialogue] = max(ends[dialogue], begin + window.end_seconds)
        has_picture = not is_audio(row.path)
        absent = {} if row.transcript else {Modality.TEXT: "no transcript"}
        if not has_picture:
            absent[Modality.VISUAL] = "a sound file: no picture"
        yield Utterance(
            id=row.id,
            dialogue=dialogue,
            speaker=row.speaker,
            split=split_of.get(dialogue),
            session="",
            start_seconds=begin + window.start_seconds,
            end_seconds=begin + window.end_seconds,
            transcript=row.transcript,
            label=labels[row.id],
            audio_path=clip.file,
            video_path=clip.file if has_picture else None,
            audio_begins_seconds=begin,
            video_begins_seconds=begin if has_picture else 0.0,
            absent=absent,
            gender=row.gender,
        )


def find_table(raw_folder: Path) -> Path:
    """Find the one table; what lies in the folder of media is none, whatever it is called."""
    tables = [
        path
        for path in sorted(raw_folder.rglob("*"))
        if path.suffix.lower() in TABLE_SUFFIXES
        and path.is_file()
        and not path.name.startswith("._")
        and not {MEDIA_FOLDER, "__MACOSX"} & set(path.relative_to(raw_folder).parts[:-1])
    ]
    if len(tables) != 1:
        names = ", ".join(path.relative_to(raw_folder).as_posix() for path in tables[:3])
        raise InputError(
            raw_folder,
            found=f"{len(tables)} tables ({names})" if tables else "no table",
            expected=f"one: a file with {', '.join(TABLE_SUFFIXES)}",
            remedy="run `mculora download` with your table as source",
        )
    return tables[0]


def _require_some(table: Path, clips: Sequence[Clip], dropped: Sequence[Dropped]) -> None:
    if clips:
        return
    example = f" (first: {dropped[0].id}, {dropped[0].reason})" if dropped else ""
    raise InputError(
        table,
        found=f"no usable row, {len(dropped)} dropped{example}",
        expected="rows with a media file that exists and a label",
    )


def _describe_unused(columns: Sequence[str]) -> tuple[str, ...]:
    if not columns:
        return ()
    return (f"Columns of the table that are not used: {', '.join(columns)}.",)
