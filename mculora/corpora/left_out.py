"""What a corpus leaves out, listed in order; leaving out everything is an error."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from mculora.acquire.members import shown
from mculora.corpora.manifest import Dropped
from mculora.errors import InputError


def in_order(dropped: Iterable[Dropped]) -> tuple[Dropped, ...]:
    """Sort what was left out by id and reason, so that the list does not depend on the reader."""
    return tuple(sorted(dropped, key=lambda item: (item.id, item.reason)))


def unused_folders(folders: Iterable[PurePosixPath]) -> list[Dropped]:
    """List further copies of a corpus's transcripts: only one folder of them is read."""
    return [Dropped(str(folder), "another folder of transcripts") for folder in folders]


def require_some(
    raw_folder: Path, utterances: Collection[object], dropped: Collection[Dropped], *, needed: str
) -> None:
    """Refuse a corpus of which nothing remains.

    Args:
        raw_folder: The corpus, for the message.
        utterances: What remains.
        dropped: What does not.
        needed: What an utterance must have.

    Raises:
        InputError: There are no utterances; the message gives an example of what was dropped.
    """
    if utterances:
        return
    first = next(iter(dropped), None)
    example = f" (first: {shown(first.id)}, {shown(first.reason)})" if first else ""
    raise InputError(
        raw_folder,
        found=f"no usable utterance, {len(dropped)} dropped{example}",
        expected=f"utterances with {needed}",
    )
