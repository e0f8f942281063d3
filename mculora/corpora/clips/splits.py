"""The split column: a part for each dialogue, if any row names one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mculora.corpora.clips.clips import Clip
from mculora.corpora.utterance import Split
from mculora.errors import InputError


@dataclass(frozen=True)
class Splitting:
    """Which dialogue is meant for which part.

    Attributes:
        split_of: By dialogue; empty if no row names a split.
        notes: What was decided where rows name none, as sentences.
    """

    split_of: Mapping[str, Split]
    notes: tuple[str, ...]


def decide_splits(table: Path, clips: Sequence[Clip]) -> Splitting:
    """Give each dialogue the split of its rows; one that has none, beside others, is trained on.

    Raises:
        InputError: A dialogue is in two splits.
    """
    split_of: dict[str, Split] = {}
    for clip in clips:
        if clip.split and split_of.setdefault(clip.dialogue, clip.split) is not clip.split:
            raise InputError(
                table,
                found=f"dialogue {clip.dialogue} in {split_of[clip.dialogue]} and in {clip.split} "
                f"({clip.row.place})",
                expected="one split for all that belongs together",
                remedy="say in the column dialogue where another begins, or mend the split",
            )
    if not split_of:
        return Splitting({}, notes=())
    num_silent = sum(clip.split is None for clip in clips)
    note = (
        f"{num_silent} of {len(clips)} utterances name no split: they have that of their "
        "dialogue or, where it has none, are trained on."
    )
    everything = {clip.dialogue: split_of.get(clip.dialogue, Split.TRAIN) for clip in clips}
    return Splitting(everything, notes=(note,) if num_silent else ())
