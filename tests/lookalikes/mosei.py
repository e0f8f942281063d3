"""A look-alike of the raw CMU-MOSEI with every trap that its users report, built in seconds."""

import csv
import io
import random
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cmu_clips import (
    SPLITS,
    Clip,
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

DASH, NUMBER, LOW, DOUBLE = "-QwErTy12_3", "900123", "_aB-dEfGh9k", "ab__cdEfGh1"
NO_PICTURE, NO_WAV, BEYOND, NO_MEDIA = "7xYzAbCdEf0", "4711", "pQrS-tUvW_x", "zYxWvUtSrQ9"
OUTSIDE, SILENT, UNRATED = "outside0001", "silent00001", "unrated_001"
FOLDS = {
    "train": [DASH, NUMBER, NO_PICTURE, NO_WAV, NO_MEDIA, "aaaBBBccc11"],
    "valid": [LOW, "0dDdEeEfFf_", "ggGhHhiIi22"],
    "test": [DOUBLE, BEYOND, "jJj-kKk_lL3"],
}
"""The videos with usable utterances; the fold file names two more."""
_BAD_BYTE = 2  # the place of DOUBLE's clip with a byte that is not UTF-8
EMOTIONS = ("happiness", "sadness", "anger", "surprise", "disgust", "fear")
CSD_COLUMNS = ["sentiment", "happy", "sad", "anger", "surprise", "disgust", "fear"]
_CSD = "CMU_MOSEI_Labels.csd"
_TABLES = ("5000_batch_raw.csv", "mturk_extra_v2.csv")
_META = [
    *("HITId", "HITTypeId", "Title", "Description", "Keywords", "Reward", "CreationTime"),
    *(f"Meta{number}" for number in range(7, 15)),
    *("WorkerId", *(f"More{number}" for number in range(16, 27))),
    *("Input.VIDEO_ID", "Input.CLIP", "Answer.anger", "Answer.disgust", "Answer.fear"),
    *("Answer.gender", "Answer.happiness", "Answer.sadness", "Answer.o1", "Answer.o2"),
    *("Answer.o3", "Answer.sentiment", "Answer.surprise"),
]


def build_mosei(folder, *, labels="csv", media=True, root="raw/Raw"):
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
    _write_decoys(folder, root)
    if labels != "csd":
        _write_tables(root / "Labels", plan)
    if is_official:
        _write_official(folder / "labels" / _CSD, plan)
    extra = {"train": [SILENT], "test": [UNRATED]}
    folds = {fold: [*ids, *extra.get(fold, [])] for fold, ids in FOLDS.items()}
    write(folder / "folds/cmu_mosei_std_folds.py", fold_text(folds))
    return Lookalike(
        folder,
        kept=_kept(plan, is_official=is_official),
        dropped=frozenset(_dropped(plan, is_official=is_official)),
        beyond_media=frozenset({plan[BEYOND][-1].id}),
        is_labelled_by_csd=is_official,
    )


def _plan():
    """The clips of each video, those that will be dropped included."""
    videos = [*(video for ids in FOLDS.values() for video in ids), OUTSIDE, UNRATED]
    plan = {
        video: talk(video, (seed % 2, seed % 2 + 1, seed % 2 + 3), seed=seed)
        for seed, video in enumerate(videos)
    }
    _change(plan, DASH, 0, ratings=(1, 2, 2, 1), text="it is ___ fine ___ really")
    _change(plan, DASH, 1, text="(umm) it is  kind of heavy")
    plan[DASH].append(Clip(DASH, 9, 4.4, 4.9, "nobody rated this", ()))
    _change(plan, NUMBER, 0, start=-0.48)
    plan[NUMBER].append(Clip(NUMBER, 8, 4.05, 4.05, "nothing", (1, 1, 1)))
    _change(plan, LOW, 2, text="______ and that was the best part")
    _change(plan, LOW, 1, text="_well")
    _change(plan, DOUBLE, _BAD_BYTE, text="a caf\ufffd downtown")
    late = plan[BEYOND][-1]
    _change(plan, BEYOND, 2, start=late.start + 60, end=late.end + 60)
    plan[UNRATED] = [replace(clip, ratings=()) for clip in plan[UNRATED]]
    return plan


def _change(plan, video, place, **changes):
    plan[video][place] = replace(plan[video][place], **changes)


@dataclass(frozen=True)
class _Special:
    """The label rows that the official file gets wrong."""

    trimmed: Clip
    no_number: Clip
    half: Clip


def _special(plan):
    return _Special(plan["aaaBBBccc11"][0], plan["ggGhHhiIi22"][1], plan["jJj-kKk_lL3"][2])


def _kept(plan, *, is_official):
    absent = {
        NO_PICTURE: frozenset({"visual"}),
        NO_MEDIA: frozenset({"audio", "visual"}),
    }
    special, kept = _special(plan), {}
    for fold, videos in FOLDS.items():
        for clip in (clip for video in videos for clip in plan[video]):
            if not clip.ratings or clip.start == clip.end:
                continue
            if is_official and clip == special.no_number:
                continue
            label = clip.label
            if is_official:
                label = 3.0 if clip == special.trimmed else float(np.float32(label))
            kept[clip.id] = Kept(SPLITS[fold], label, absent.get(clip.video, frozenset()))
    return kept


def _dropped(plan, *, is_official):
    yield f"{NUMBER}.txt:2", "unreadable transcript line"
    yield f"{NUMBER}_8", "empty time window"
    yield plan[NUMBER][0].id, "negative start, taken as 0"
    yield "4242.txt:1", "unreadable transcript line"
    yield "garbage0001.txt", "unreadable transcript file"
    yield plan[DOUBLE][_BAD_BYTE].id, "bytes that are not UTF-8 text"
    yield f"{DASH}_9", "no label"
    yield SILENT, "video of a standard fold without transcript"
    for clip in plan[UNRATED]:
        yield clip.id, "no label"
    for clip in plan[OUTSIDE]:
        yield clip.id, "video in no standard fold"
    if not is_official:
        yield "unknown0001_7", "label of an unknown utterance"
        yield f"{_TABLES[1]}:2 ({DASH}_{plan[DASH][1].number})", "malformed rating"
        return
    special = _special(plan)
    yield f"{_CSD}:{NUMBER}[0]", "label without transcript line"
    yield f"{_CSD}:unknown0001[0]", "label without transcript line"
    yield f"{_CSD}:{LOW}[3]", "interval with a label already, the first row counts"
    yield special.trimmed.id, "label trimmed to its range"
    yield special.no_number.id, "no label"
    yield f"{_CSD}:{special.no_number.video}[1]", "label that is no number"
    yield special.half.id, "label that is no number"
    yield f"{_CSD}:broken00001", "unreadable labels"


# Transcripts


def _write_transcripts(folder, plan):
    for video, clips in plan.items():
        lines = [_line(clip) for clip in clips]
        if video == NUMBER:
            lines.insert(1, f"{NUMBER}___3____0.48___4.05___a malformed start")
        lines.insert(2, "")
        content = "\r\n".join(lines).encode().replace("\ufffd".encode(), b"\xe9")
        write(folder / f"Segmented/Combined/{video}.txt", content + b"\n")
    write(folder / "Segmented/Combined/4242.txt", "17\n")
    write(folder / "Segmented/Combined/garbage0001.txt", bytes(range(1, 256)))


def _line(clip):
    return f"{clip.video}___{clip.number}___{clip.start}___{clip.end}___{clip.text}"


# Labels


def emotions_of(rating):
    """What a rater of this sentiment ticks, in the order of `EMOTIONS`."""
    glad, low = max(rating, 0), max(-rating, 0)
    return dict(zip(EMOTIONS, (glad, low, 0, 0, 0, 0), strict=True))


def _write_tables(folder, plan):
    rows = [
        _rating_row(clip, rating, f"batch7/{clip.video}" if clip.video == NUMBER else clip.video)
        for clips in plan.values()
        for clip in clips
        for rating in clip.ratings
    ]
    rows.append(_rating_row(Clip("unknown0001", 7, 0, 1, "", ()), 1, "unknown0001"))
    random.Random(1).shuffle(rows)
    refused = _rating_row(plan[DASH][1], "very", DASH)
    cut = len(rows) // 2
    write(folder / _TABLES[0], _table(rows[:cut], _META))
    # Another batch has its columns in another order.
    write(folder / _TABLES[1], "\ufeff" + _table([refused, *rows[cut:]], _META[::-1]))


def _rating_row(clip, rating, video):
    answers = emotions_of(rating if isinstance(rating, int) else 0)
    row = {f"Answer.{name}": value for name, value in answers.items()}
    about = {"HITId": "3AAA", "Title": 'Rate a clip, "please"', "WorkerId": "A1XX"}
    return (
        about
        | row
        | {"Input.VIDEO_ID": video, "Input.CLIP": clip.number, "Answer.sentiment": rating}
    )


def _table(rows, columns):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_official(path, plan):
    """Rows run against time, so that their numbers are not the clips'."""
    special = _special(plan)
    rows = {
        video: [
            (_values(clip, special), (clip.start, clip.end)) for clip in clips[::-1] if clip.ratings
        ]
        for video, clips in plan.items()
    }
    del rows[UNRATED]
    again = _values(plan[LOW][0], special)[::-1], rows[LOW][0][1]
    rows[LOW].append(again)
    rows["unknown0001"] = [(_values(plan[LOW][0], special), (0.0, 1.0))]
    entries = {
        video: (np.array([v for v, _ in own], np.float32), np.array([t for _, t in own]))
        for video, own in rows.items()
    }
    values, times = entries[LOW]
    entries["broken00001"] = values, times[:1]
    write_csd(path, "All Labels", entries, metadata={"dimension names": CSD_COLUMNS})


def _values(clip, special):
    means = [clip.label]
    ticked = [emotions_of(rating) for rating in clip.ratings]
    means += [sum(t[name] for t in ticked) / len(ticked) for name in EMOTIONS]
    if clip == special.trimmed:
        means[0] = 10 / 3  # a sum over four raters, divided by three
    if clip == special.no_number:
        means[0] = np.nan
    if clip == special.half:
        means[1] = np.nan
    return means


# Media and what lies beside


def _write_media(root, plan, *, real):
    for seed, (video, clips) in enumerate(plan.items()):
        if video == NO_MEDIA:
            continue
        end = min(clip.end for clip in clips[-2:]) + 0.3 if video == BEYOND else None
        planned = film(clips, seed=seed, seconds=end)
        if video != NO_WAV:
            wav = root / f"Audio/Full/WAV_16000/{video}.wav"
            write_wav(wav, planned, real=real, channels=2 if video == LOW else 1)
        if video != NO_PICTURE:
            write_film(root / f"Videos/Full/Combined/{video}.mp4", planned, real=real)


def _write_decoys(folder, root):
    """Files that no reader may take for the corpus's own."""
    write(root / f"Transcript/Segmented/Combined/._{DASH}.txt", "\0\0Mac OS X")
    write(root / f"Transcript/Full/Combined/{DASH}.plaintext", "It is fine. Really.")
    write(root / f"Transcript/Full/Alignment/P2FA/Combined/{DASH}.txt", "0.0 0.2 IT")
    write(root / f"Audio/Full/COVAREP/{DASH}.mat", b"MATLAB")
    write(root / f"Videos/Segmented/Combined/{DASH}_0.mp4", b"black")
    write(folder / f"raw/__MACOSX/Raw/Transcript/Segmented/Combined/{DASH}.txt", "\0\0")
    write(folder / "raw/__MACOSX/._Raw", "\0\0")
