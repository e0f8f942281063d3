"""The paper side of the corpus: transcripts, rating tables and folds, as CMU writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mculora.corpora.sample.plan import PlannedUtterance, PlannedVideo, SamplePlan
from mculora.corpora.utterance import Split
from mculora.files import write_text

FOLD_FILE = "cmu_mosei_std_folds.py"
TRANSCRIPTS = Path("Raw/Transcript/Segmented/Combined")
VIDEOS = Path("Raw/Videos/Full/Combined")
LABELS = Path("Raw/Labels")
RATING_FILES = (
    "Batch_2980374_batch_results.csv",
    "extreme_sentiment_results.csv",
    "pom_extra_sqa_mono_results.csv",
)
_FOLDERED = RATING_FILES[2]  # this one writes a folder before each video id
_META_COLUMNS = (
    *("HITId", "HITTypeId", "Title", "Description", "Keywords", "Reward", "CreationTime"),
    *("MaxAssignments", "RequesterAnnotation", "AssignmentDurationInSeconds"),
    *("AutoApprovalDelayInSeconds", "Expiration", "NumberOfSimilarHITs", "LifetimeInSeconds"),
    *("AssignmentId", "WorkerId", "AssignmentStatus", "AcceptTime", "SubmitTime"),
    *("AutoApprovalTime", "ApprovalTime", "RejectionTime", "RequesterFeedback"),
    *("WorkTimeInSeconds", "LifetimeApprovalRate", "Last30DaysApprovalRate"),
    "Last7DaysApprovalRate",
)
# The names of columns 32 and 35 to 37 of the real tables are not public; nothing reads them.
_ANSWER_COLUMNS = (
    *("Input.VIDEO_ID", "Input.CLIP", "Answer.anger", "Answer.disgust", "Answer.fear"),
    *("Answer.gender", "Answer.happiness", "Answer.sadness", "Answer.other1", "Answer.other2"),
    *("Answer.other3", "Answer.sentiment", "Answer.surprise", "Approve", "Reject"),
)
COLUMNS = (*_META_COLUMNS, *_ANSWER_COLUMNS)


def write_papers(plan: SamplePlan, folder: Path) -> None:
    """Write everything but the media into `folder`, each file whole."""
    for video in plan.videos:
        write_text(folder / TRANSCRIPTS / f"{video.id}.txt", transcript_text(video))
    for name in RATING_FILES:
        write_text(folder / LABELS / name, _rating_table(plan, name))
    write_text(folder / FOLD_FILE, _fold_text(plan))


def transcript_text(video: PlannedVideo) -> str:
    """The transcript file: `<id>___<clip>___<start>___<end>___<text>` per line.

    Its times are a little off the speech, and two segments may overlap, as in the corpus.
    """
    rng = np.random.default_rng([video.seed, 1])
    lines = []
    for utterance in video.utterances:
        start = utterance.start_seconds - rng.uniform(0.0, 0.15)
        end = utterance.end_seconds + rng.uniform(-0.05, 0.3)
        times = f"{start:.{rng.integers(2, 11)}f}___{end:.{rng.integers(2, 11)}f}"
        if utterance.is_transcribed:
            lines.append(f"{video.id}___{utterance.clip}___{times}___{utterance.text}\n")
    return "".join(lines)


def _fold_text(plan: SamplePlan) -> str:
    names = {Split.TRAIN: "train", Split.VALIDATION: "valid", Split.TEST: "test"}
    return "".join(f"standard_{name}_fold = {plan.fold(split)}\n" for split, name in names.items())


def _rating_table(plan: SamplePlan, name: str) -> str:
    """One table of ratings: every third video, one row per clip and rater."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for video in plan.videos[RATING_FILES.index(name) :: len(RATING_FILES)]:
        for utterance in video.utterances:
            writer.writerows(_rating_rows(video, utterance, is_foldered=name == _FOLDERED))
    return buffer.getvalue()


def _rating_rows(
    video: PlannedVideo, utterance: PlannedUtterance, *, is_foldered: bool
) -> Iterator[dict[str, str]]:
    rng = np.random.default_rng([video.seed, 2, utterance.clip])
    hit = f"3{rng.integers(16**12):012X}"
    for rating in utterance.ratings:
        glad = min(max(rating, 0), 3)
        low = min(max(-rating, 0), 3)
        is_angry = video.seed % 2 == 0
        row = dict.fromkeys(COLUMNS, "")
        row |= {
            "HITId": hit,
            "Title": "Rate the emotions in a short video",
            "Description": "Watch a clip, then tell what the speaker feels",
            "Keywords": "video, emotion, sentiment",
            "Reward": "$0.05",
            "WorkerId": f"A{rng.integers(16**10):010X}",
            "AssignmentStatus": "Approved",
            "Input.VIDEO_ID": f"extra/{video.id}" if is_foldered else video.id,
            "Input.CLIP": str(utterance.clip),
            "Answer.anger": str(low if is_angry else 0),
            "Answer.disgust": str(max(low - 2, 0)),
            "Answer.fear": "0",
            "Answer.happiness": str(glad),
            "Answer.sadness": str(0 if is_angry else low),
            "Answer.sentiment": str(rating),
            "Answer.surprise": str(int(rng.random() < 0.1)),
        }
        yield row
