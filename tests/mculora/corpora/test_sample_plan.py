"""The plan: the same seed gives the same corpus, splits are disjoint, every trap is set."""

import re
from collections import Counter

import numpy as np
import pytest

from mculora.corpora.sample.face import Face
from mculora.corpora.sample.plan import View, plan_sample
from mculora.corpora.utterance import Split
from mculora.errors import InputError

SEEDS = (0, 7, 20260101)


@pytest.mark.parametrize("num_videos", [12, 60])
@pytest.mark.parametrize("seed", SEEDS)
def test_plan_is_a_function_of_its_arguments(seed, num_videos):
    assert plan_sample(seed, num_videos) == plan_sample(seed, num_videos)
    ids = {video.id for video in plan_sample(seed, num_videos).videos}
    assert ids.isdisjoint(video.id for video in plan_sample(seed + 1, num_videos).videos)


@pytest.mark.parametrize("seed", SEEDS)
def test_full_size(seed):
    plan = plan_sample(seed, 60)
    count = Counter[Split]()
    for video in plan.videos:
        count[video.split] += len(video.utterances)
    assert [len(plan.fold(split)) for split in Split] == [34, 10, 16]
    assert 300 <= count.total() <= 360
    assert count[Split.VALIDATION] >= 40 and count[Split.TEST] >= 75
    assert len({video.id.lower() for video in plan.videos}) == 60


@pytest.mark.parametrize("seed", SEEDS)
def test_ids_look_like_the_corpus(seed):
    ids = [video.id for video in plan_sample(seed, 60).videos]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{11}|[0-9]{4,6}", identifier) for identifier in ids)
    assert not any("___" in identifier or identifier[-1] in "_-" for identifier in ids)
    starts = {identifier[0] for identifier in ids}
    assert {"-", "_", "7"} <= starts
    assert any(identifier.isdigit() for identifier in ids)


@pytest.mark.parametrize("seed", SEEDS)
def test_labels_lean_to_the_positive_and_some_are_zero(seed):
    videos = plan_sample(seed, 60).videos
    ratings = [u.ratings for video in videos for u in video.utterances if u.ratings]
    means = np.array([np.mean(r) for r in ratings])
    assert 0.45 < np.mean(means > 0) < 0.65
    assert 0.25 < np.mean(means < 0) < 0.42
    assert np.any(means == 0)
    assert min(len(r) for r in ratings) == 3 and max(len(r) for r in ratings) == 4
    assert means.min() >= -3 and means.max() <= 3


@pytest.mark.parametrize("num_videos", [12, 60])
def test_nobody_speaks_in_two_splits(num_videos):
    faces: dict[Split, set[Face]] = {split: set() for split in Split}
    for video in plan_sample(3, num_videos).videos:
        faces[video.split].add(video.face)
    assert len(set.union(*faces.values())) == sum(len(people) for people in faces.values())


@pytest.mark.parametrize("num_videos", [12, 60])
def test_every_trap_is_set_and_they_stay_few(num_videos):
    videos = plan_sample(5, num_videos).videos
    spoken = [u for video in videos for u in video.utterances]
    assert sum(not video.has_sound for video in videos) == 1
    assert sum(not video.has_picture for video in videos) == 1
    assert sum(not video.is_available for video in videos) == 1
    assert sum(v.media_seconds < v.utterances[-1].end_seconds for v in videos) == 1
    assert {u.view for u in spoken} == set(View)
    assert sum(u.ratings == () for u in spoken) == 1
    assert sum(not u.is_transcribed for u in spoken) == 1
    assert {"", "(laughs)"} <= {u.text for u in spoken}
    broken = [v for v in videos if not (v.has_sound and v.has_picture and v.is_available)]
    assert sum(len(video.utterances) for video in broken) <= 12


def test_modalities_err_independently():
    """Given the sentiment, what voice and face make of it has nothing in common."""
    videos = [video for seed in range(8) for video in plan_sample(seed, 60).videos]
    spoken = [u for video in videos for u in video.utterances]
    sentiment = np.tanh([u.sentiment for u in spoken])
    moods = np.array([[u.voice_mood, u.face_mood] for u in spoken])
    slopes = moods.T @ sentiment / (sentiment @ sentiment)
    assert np.all(slopes > 0.4)
    residuals = moods - sentiment[:, None] * slopes
    assert abs(np.corrcoef(residuals.T)[0, 1]) < 0.08


def test_too_few_videos_are_rejected():
    with pytest.raises(InputError, match=r"sample\.num_videos: found 11, expected 12 or more"):
        plan_sample(0, 11)
