"""The manifest: a corpus as one row per utterance, with a fingerprint that later files name."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from mculora.corpora.utterance import FrameRegion, Split, Utterance
from mculora.errors import InputError
from mculora.files import write_text
from mculora.modality import Modality

CORPUS_FILE = "corpus.json"
UTTERANCES_FILE = "utterances.jsonl"
MEDIA_FILE = "media.csv"
DROPPED_FILE = "dropped.csv"


class Task(StrEnum):
    """What the labels ask for: a score, or one of several classes."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"


@dataclass(frozen=True)
class Dropped:
    """Something of the raw corpus that did not become (all of) an utterance, and why.

    Attributes:
        id: An utterance id, or the raw file and line where there is no id.
        reason: One line for the reader of dropped.csv: a kind and, after a colon, its details.
    """

    id: str
    reason: str

    @property
    def kind(self) -> str:
        """The reason without its details, which follow a colon: what the closing line counts."""
        return self.reason.partition(":")[0]


@dataclass(frozen=True)
class Corpus:
    """Every utterance of a corpus.

    Attributes:
        name: The dataset's name.
        task: Whether labels are scores or class indices.
        class_names: The classes in index order; empty for regression.
        utterances: Held sorted by dialogue and, within one, by time, however they were given.
        dropped: What was left out or repaired on the way.
        media_bytes: Size of each media file that an utterance names, by its path.
        notes: What a reader of results must know of it: whole sentences for the report.

    Raises:
        InputError: An id occurs twice, or a label does not fit the task.
    """

    name: str
    task: Task
    class_names: tuple[str, ...]
    utterances: tuple[Utterance, ...]
    dropped: tuple[Dropped, ...] = ()
    media_bytes: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "utterances", tuple(sorted(self.utterances, key=_in_time_order)))
        for utterance_id, count in Counter(u.id for u in self.utterances).items():
            if count > 1:
                raise InputError(
                    f"corpus {self.name}",
                    found=f"utterance {utterance_id} {count} times",
                    expected="each id once",
                )
        if bool(self.class_names) != (self.task is Task.CLASSIFICATION):
            raise InputError(
                f"corpus {self.name}",
                found=f"{len(self.class_names)} class names for {self.task}",
                expected="class names for classification and none for regression",
            )
        for utterance in self.utterances:
            self._check_label(utterance)

    def _check_label(self, utterance: Utterance) -> None:
        is_class = utterance.label in range(len(self.class_names))
        if not (is_class if self.class_names else math.isfinite(utterance.label)):
            raise InputError(
                f"utterance {utterance.id}",
                found=f"label {utterance.label}",
                expected=f"one of {len(self.class_names)} class indices"
                if self.class_names
                else "a finite score",
            )

    @property
    def dialogues(self) -> tuple[str, ...]:
        """The dialogue ids, sorted."""
        return tuple(dict.fromkeys(u.dialogue for u in self.utterances))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all that later stages depend on: rows, labels, media sizes."""
        digest = hashlib.sha256(_json([self.name, self.task, self.class_names]).encode())
        for line in (*map(to_line, self.utterances), _json(sorted(self.media_bytes.items()))):
            digest.update(b"\n" + line.encode())
        return digest.hexdigest()


def write_manifest(folder: Path, corpus: Corpus) -> None:
    """Write a corpus; corpus.json comes last, so an interrupted writing is noticed by reading."""
    write_text(folder / UTTERANCES_FILE, "".join(to_line(u) + "\n" for u in corpus.utterances))
    write_text(folder / MEDIA_FILE, _to_csv(["path", "bytes"], sorted(corpus.media_bytes.items())))
    dropped = [(d.id, d.reason) for d in corpus.dropped]
    write_text(folder / DROPPED_FILE, _to_csv(["id", "reason"], dropped))
    header = {
        "name": corpus.name,
        "task": corpus.task,
        "class_names": corpus.class_names,
        "fingerprint": corpus.fingerprint,
        "counts": {
            "utterances": len(corpus.utterances),
            "dialogues": len(corpus.dialogues),
            "dropped": len(corpus.dropped),
        },
        "notes": corpus.notes,
    }
    write_text(folder / CORPUS_FILE, json.dumps(header, indent=2, ensure_ascii=False) + "\n")


def read_manifest(folder: Path) -> Corpus:
    """Read a corpus written by `write_manifest`.

    Raises:
        InputError: A file is missing, or the rows no longer match the fingerprint.
    """
    files = (CORPUS_FILE, UTTERANCES_FILE, DROPPED_FILE, MEDIA_FILE)
    header_bytes, *tables = [_read(folder / name) for name in files]
    try:
        header = json.loads(header_bytes)
        rows, dropped, media = [table.decode("utf-8") for table in tables]
        corpus = Corpus(
            name=header["name"],
            task=Task(header["task"]),
            class_names=tuple(header["class_names"]),
            utterances=tuple(map(from_line, rows.split("\n")[:-1])),
            dropped=tuple(Dropped(*row) for row in _from_csv(dropped)),
            media_bytes={path: int(size) for path, size in _from_csv(media)},
            notes=tuple(header["notes"]),
        )
        expected = header["fingerprint"]
    except (ValueError, KeyError, TypeError, InputError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise _damaged(folder, f"a damaged file ({reason})") from error
    if corpus.fingerprint != expected:
        raise _damaged(folder, f"rows with fingerprint {corpus.fingerprint[:12]}")
    return corpus


def _damaged(folder: Path, found: str) -> InputError:
    return InputError(
        folder,
        found=found,
        expected=f"the manifest that its {CORPUS_FILE} describes",
        remedy="run `mculora prepare` again",
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _damaged(path.parent, f"no readable {path.name} ({error.strerror})") from error


def _in_time_order(utterance: Utterance) -> tuple[Any, ...]:
    return (utterance.dialogue, utterance.start_seconds, utterance.end_seconds, utterance.id)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def to_line(utterance: Utterance) -> str:
    """One utterance as canonical JSON: fixed key order, floats always floats."""
    u = utterance
    row = {
        "id": u.id,
        "dialogue": u.dialogue,
        "speaker": u.speaker,
        "split": u.split,
        "session": u.session,
        "start_seconds": float(u.start_seconds) + 0.0,  # + 0.0 turns -0.0 into 0.0
        "end_seconds": float(u.end_seconds),
        "transcript": u.transcript,
        "label": float(u.label) + 0.0,
        "emotions": {name: float(u.emotions[name]) + 0.0 for name in sorted(u.emotions)},
        "audio_path": u.audio_path,
        "video_path": u.video_path,
        "audio_begins_seconds": float(u.audio_begins_seconds) + 0.0,
        "video_begins_seconds": float(u.video_begins_seconds) + 0.0,
        "region": u.region,
        "absent": {modality.word: u.absent[modality] for modality in sorted(u.absent)},
        **({"gender": u.gender} if u.gender else {}),
    }
    return _json(row)


def from_line(line: str) -> Utterance:
    """Read what `to_line` gave."""
    row: dict[str, Any] = json.loads(line)
    row["split"] = None if row["split"] is None else Split(row["split"])
    row["region"] = FrameRegion(row["region"])
    row["absent"] = {Modality.parse(word): reason for word, reason in row["absent"].items()}
    return Utterance(**row)


def _to_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    # Quoting everything keeps ids strings for other programs, too, and stray carriage returns safe.
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return text.getvalue()


def _from_csv(text: str) -> Iterator[list[str]]:
    rows = csv.reader(io.StringIO(text, newline=""))
    next(rows, None)
    yield from rows
