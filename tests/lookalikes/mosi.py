"""A look-alike of the raw CMU-MOSI with every trap that its users report, built in seconds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from cmu_clips import (
    SPLITS,
    Kept,
    Lookalike,
    film,
    fold_text,
    talk,
    write,
    write_film,
    write_wav,
)
from csd import write_csd

LOW, DASH, SEGMENTED, NO_MEDIA = "_aBcD-eFgH1", "-xYz_012345", "sEgMeNtEd_1", "nOmEdIa__42"
TWICE, NO_TEXT, OUTSIDE, SILENT = "tWiCe-00001", "nOtExT-0001", "oUtSiDe0001", "sIlEnT_0001"
FOLDS = {
    "train": [LOW, SEGMENTED, TWICE, NO_MEDIA, "aAaBbBcCc11", "dDdEeEfFf-2"],
    "valid": [DASH, "gGgHhHiIi_3", "jJjKkKlLl44"],
    "test": [NO_TEXT, "mMmNnNoOo55", "0pPqQrRsS_6"],
}
"""The videos with usable utterances; the fold file names one more."""
_TABLE, _CSD = "OpinionLevelSentiment.csv", "CMU_MOSI_Opinion_Labels.csd"


def build_mosi(folder, *, labels="csv", media=True, root="raw/Raw"):
    """Write the corpus and say what must be read from it.

    Args:
        folder: The raw folder.
        labels: `csv`, `csd` or `both`.
        media: Whether to make real media; else every file is one byte.
        root: Where below `folder` the tree begins that the archive calls `Raw`.
    """
    folder = Path(folder)
    is_official = labels != "csv"
    plan = _plan()
    root = folder / root
    _write_transcripts(root / "Transcript", plan)
    _write_media(root, plan, real=media)
    if labels != "csd":
        write(root / "Labels" / _TABLE, _table(plan))
    if is_official:
        _write_official(folder / "labels" / _CSD, plan)
    folds = {**FOLDS, "test": [*FOLDS["test"], SILENT]}
    write(folder / "folds/cmu_mosi_std_folds.py", fold_text(folds))
    write(folder / f"raw/__MACOSX/Raw/Transcript/Segmented/{LOW}.annotprocessed", "\0\0")
    return Lookalike(
        folder,
        kept=_kept(plan, is_official=is_official),
        dropped=frozenset(_dropped(plan, is_official=is_official)),
        beyond_media=frozenset(),
        is_labelled_by_csd=is_official,
    )


def _plan():
    """The clips of each video, with five raters each and in upper case."""
    videos = [*(video for ids in FOLDS.values() for video in ids), OUTSIDE]
    plan = {}
    for seed, video in enumerate(videos):
        clips = talk(video, (1, 2, 3), seed=seed, raters=5)
        plan[video] = [replace(clip, text=clip.text.upper()) for clip in clips]
    first, second, third = plan[TWICE]
    plan[TWICE] = [first, second, replace(third, start=second.start, end=second.end)]
    late = plan[LOW][0]
    plan[LOW][0] = replace(late, start=0.0, text="I'D STILL GIVE IT 7 OUT OF 10")
    return plan


def _label(clip, *, is_official):
    """The mean; the official file rounds one label differently, to tell the two apart."""
    if is_official and clip.id == f"{LOW}_2":
        return round(clip.label / 2, 1)
    return clip.label


def _kept(plan, *, is_official):
    absent = {NO_MEDIA: {"audio", "visual"}}
    kept = {}
    for fold, videos in FOLDS.items():
        for clip in (clip for video in videos for clip in plan[video]):
            missing = set(absent.get(clip.video, ()))
            if clip.id == f"{NO_TEXT}_2":
                missing.add("text")
            label = _label(clip, is_official=is_official)
            kept[clip.id] = Kept(SPLITS[fold], label, frozenset(missing))
    return kept


def _dropped(plan, *, is_official):
    yield f"{TWICE}_3", "same times as another segment, both kept"
    yield f"{NO_TEXT}_2", "no transcript line, kept without text"
    yield f"{NO_TEXT}.annotprocessed:2", "unreadable transcript line"
    yield f"{DASH}_4", "no label"
    yield SILENT, "video of a standard fold without labels"
    yield f"{SILENT}_1", "no label"
    for clip in plan[OUTSIDE]:
        yield clip.id, "video in no standard fold"
    if is_official:
        yield f"{_CSD}:{DASH}[3] ({DASH}_4)", "label that is no number from -3 to 3"
        return
    yield f"{_TABLE}:1", "unreadable label row"
    yield f"{_TABLE}:5", "segment with a label already, the first row counts"


def _write_transcripts(folder, plan):
    for video, clips in plan.items():
        lines = [f"{clip.number}_DELIM_{clip.text}" for clip in clips]
        if video == NO_TEXT:
            lines[1] = lines[1].replace("_DELIM_", " ")
        if video == DASH:
            lines.append("4_DELIM_NOBODY RATED THIS")
        write(folder / f"Segmented/{video}.annotprocessed", "\n".join(lines) + "\n\n")
        write(folder / f"Full/{video}.textonly", "\n".join(clip.text for clip in clips))
    write(folder / f"Segmented/{SILENT}.annotprocessed", "1_DELIM_NOBODY RATED ME\n")
    write(folder / f"Segmented/._{LOW}.annotprocessed", "\0\0Mac OS X")


def _table(plan):
    """Rows `start,end,video,segment,label`, one twice; a copy has gained a header."""
    clips = [clip for own in plan.values() for clip in own]
    rows = [f"{c.start},{c.end},{c.video},{c.number},{c.label}" for c in clips]
    rows.insert(3, f"{clips[1].start},{clips[1].end},{clips[1].video},2,-3.0")
    return "\n".join(["start,end,video_id,segment_no,label", *rows]) + "\n"


def _write_official(path, plan):
    """Row i is segment i + 1."""
    entries = {}
    for video, clips in plan.items():
        values = [[_label(clip, is_official=True)] for clip in clips]
        times = [[clip.start, clip.end] for clip in clips]
        if video == DASH:
            values, times = [*values, [np.nan]], [*times, [9.0, 9.5]]
        entries[video] = np.array(values), np.array(times)
    write_csd(path, "Opinion Segment Labels", entries, compression=None)


def _write_media(root, plan, *, real):
    for seed, (video, clips) in enumerate(plan.items()):
        planned = film(clips, seed=seed)
        if video == NO_MEDIA:
            continue
        if video != SEGMENTED:
            write_film(root / f"Video/Full/{video}.mp4", planned, real=real)
            wav = root / f"Audio/WAV_16000/Full/{video}.wav"
            write_wav(wav, planned, real=real, channels=2)
            continue
        for clip in clips:
            write_film(root / f"Video/Segmented/{clip.id}.mp4", _alone(clip, seed), real=real)
            wav = root / f"Audio/WAV_16000/Segmented/{clip.id}.wav"
            write_wav(wav, planned, real=real, channels=2, begin=clip.start, end=clip.end + 0.5)


def _alone(clip, seed):
    """A clip cut out of its video."""
    return film([replace(clip, start=0.0, end=clip.end - clip.start)], seed=seed)
