"""Windows end where their media end; what is cut is listed, and what cannot be told stays."""

import random
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.media_ends import TOLERANCE_SECONDS, within_media
from mculora.corpora.mosei.corpus import read_mosei
from mculora.corpora.sample.papers import VIDEOS, write_papers
from mculora.corpora.sample.plan import plan_sample
from mculora.corpora.sample.video import write_video
from mculora.corpora.utterance import Utterance
from mculora.errors import MediaError
from mculora.features.audio import LogMel
from mculora.features.extraction import extract_utterances
from mculora.features.outcome import Absence
from mculora.media.container import media_duration
from mculora.modality import Modality

AUDIO, TEXT, VISUAL = Modality


def utterance(start, end, name="u", **more):
    """An utterance whose sound and picture are files of the whole dialogue, unless told."""
    facts = {"id": name, "dialogue": "d", "speaker": "", "split": None, "session": "", "label": 1.0}
    files = {"audio_path": "d.wav", "video_path": "d.mp4", "transcript": "words"}
    return Utterance(start_seconds=start, end_seconds=end, **facts | files | more)


def corpus_of(*utterances):
    paths = {path for u in utterances for path in (u.audio_path, u.video_path) if path}
    sizes = dict.fromkeys(paths, 1)
    return Corpus("x", Task.REGRESSION, (), utterances, media_bytes=sizes)


def cut(tmp_path, *utterances, **lengths):
    """Cut utterances to files of these lengths in seconds; `d_wav` is d.wav, others unreadable."""
    return within_media(corpus_of(*utterances), tmp_path, lambda path: length(path, lengths))


def length(path, lengths):
    seconds = lengths.get(path.name.replace(".", "_"))
    if seconds is None:
        raise MediaError(path, "cannot be decoded: no idea")
    return seconds


def listed(corpus):
    return [(dropped.id, dropped.reason) for dropped in corpus.dropped]


def listed_ends(corpus):
    return [dropped.reason.rpartition("s, ")[2] for dropped in corpus.dropped]


def test_a_window_ends_with_its_media_and_is_listed(tmp_path):
    corpus = cut(tmp_path, utterance(2.0, 6.0), utterance(0.0, 2.0, "w"), d_wav=5.0, d_mp4=5.0)
    assert corpus.utterances == (utterance(0.0, 2.0, "w"), utterance(2.0, 5.0))
    assert listed(corpus) == [
        ("u", "reaches beyond its media: 2.00 to 6.00 s, audio ends at 5.00 s"),
        ("u", "reaches beyond its media: 2.00 to 6.00 s, visual ends at 5.00 s"),
    ]
    assert {dropped.kind for dropped in corpus.dropped} == {"reaches beyond its media"}


@pytest.mark.parametrize(("end", "is_cut"), [(5.0, False), (5.1, False), (5.11, True)])
def test_a_little_beyond_is_no_defect(tmp_path, end, is_cut):
    corpus = cut(tmp_path, utterance(2.0, end), d_wav=5.0, d_mp4=5.0)
    assert corpus.utterances == (utterance(2.0, 5.0 if is_cut else end),)
    assert bool(corpus.dropped) == is_cut


def test_what_begins_after_its_media_has_its_words_left(tmp_path):
    corpus = cut(tmp_path, utterance(60.0, 62.0), d_wav=5.0, d_mp4=5.0)
    reason = "the clip ends at 5.0 s, the utterance starts at 60.0 s"
    absent = {AUDIO: reason, VISUAL: reason}
    assert corpus.utterances == (utterance(60.0, 62.0, absent=absent),)
    assert len(corpus.dropped) == 2


def test_an_absence_reads_as_extraction_would_say_it(tmp_path):
    soundfile.write(tmp_path / "d.wav", np.full(16_000, 0.1), 16_000)
    late = utterance(1.0, 2.0, video_path=None)
    (found,) = within_media(corpus_of(late), tmp_path, media_duration).utterances
    [extracted] = extract_utterances(LogMel(), [late], tmp_path)
    assert extracted.outcome == Absence(found.absent[AUDIO])


def test_a_window_lasts_as_long_as_one_of_its_media(tmp_path):
    corpus = cut(tmp_path, utterance(2.0, 12.0), d_wav=5.0, d_mp4=10.0)
    assert corpus.utterances == (utterance(2.0, 10.0),)
    assert listed_ends(corpus) == ["audio ends at 5.00 s", "visual ends at 10.00 s"]
    corpus = cut(tmp_path, utterance(2.0, 8.0), d_wav=5.0, d_mp4=10.0)
    assert corpus.utterances == (utterance(2.0, 8.0),)
    assert len(corpus.dropped) == 1


def test_a_sound_that_is_over_when_the_picture_goes_on(tmp_path):
    corpus = cut(tmp_path, utterance(6.0, 8.0), d_wav=5.0, d_mp4=10.0)
    absent = {AUDIO: "the clip ends at 5.0 s, the utterance starts at 6.0 s"}
    assert corpus.utterances == (utterance(6.0, 8.0, absent=absent),)
    assert len(corpus.dropped) == 1


def test_media_that_begin_later_end_later(tmp_path):
    """An utterance's own wav begins with it; a part of a film begins somewhere before."""
    own = utterance(10.0, 13.0, audio_begins_seconds=10.0, video_begins_seconds=4.0)
    kept = cut(tmp_path, own, d_wav=3.0, d_mp4=9.0)
    assert kept.utterances == (own,) and not kept.dropped
    corpus = cut(tmp_path, own, d_wav=2.0, d_mp4=7.5)
    assert corpus.utterances == (replace(own, end_seconds=12.0),)
    assert listed_ends(corpus) == ["audio ends at 12.00 s", "visual ends at 11.50 s"]


def test_media_that_cannot_be_read_change_nothing(tmp_path):
    both, one = utterance(2.0, 6.0), utterance(2.0, 6.0, "v", video_path="other.mp4")
    corpus = cut(tmp_path, both, one, other_mp4=7.0)
    assert corpus == corpus_of(both, one)
    corpus = cut(tmp_path, both, one, other_mp4=5.0)
    assert corpus.utterances == (replace(one, end_seconds=5.0), both)
    assert [id_ for id_, _ in listed(corpus)] == ["v"]


def test_what_is_absent_already_is_not_looked_at(tmp_path):
    known = utterance(2.0, 6.0, absent={VISUAL: "no face"})
    assert cut(tmp_path, known, d_wav=6.0, d_mp4=1.0) == corpus_of(known)
    silent = utterance(2.0, 6.0, audio_path=None, video_path=None)
    assert cut(tmp_path, silent) == corpus_of(silent)


def test_each_file_is_measured_once_and_their_order_is_irrelevant(tmp_path):
    rows = [utterance(k, k + 1.0, f"u{k}", audio_path=f"{k % 20}.wav") for k in range(60)]
    asked, draw = Counter(), random.Random(0)

    def seconds_of(path, wait=0.0):
        asked[path.name] += 1
        time.sleep(draw.random() * wait)
        return 30.0 + len(path.name)

    prompt = within_media(corpus_of(*rows), tmp_path, seconds_of)
    assert asked == Counter(prompt.media_bytes)
    late = within_media(corpus_of(*rows[::-1]), tmp_path, lambda path: seconds_of(path, 0.01))
    assert late == prompt
    assert prompt.dropped


times = st.floats(0, 100, allow_subnormal=False)


@st.composite
def any_utterances(draw):
    found = []
    for number in range(draw(st.integers(1, 4))):
        start = draw(times)
        known = draw(st.sets(st.sampled_from([AUDIO, VISUAL])))
        row = utterance(
            start,
            start + draw(st.floats(0.001, 50)),
            f"u{number}",
            audio_path=draw(st.sampled_from([None, "d.wav", "e.wav"])),
            video_path=draw(st.sampled_from([None, "d.mp4", "e.mp4"])),
            audio_begins_seconds=draw(st.sampled_from([0.0, start, start / 2])),
            video_begins_seconds=draw(st.sampled_from([0.0, start, start / 2])),
            absent=dict.fromkeys(known, "known"),
        )
        found.append(row)
    return found


lengths_of_files = st.fixed_dictionaries(
    dict.fromkeys(("d_wav", "d_mp4", "e_wav", "e_mp4"), st.one_of(st.none(), times))
)


@given(any_utterances(), lengths_of_files)
def test_a_window_never_grows_and_nothing_left_in_it_is_silent(rows, lengths):
    corpus = cut(Path(), *rows, **lengths)
    again = within_media(corpus, Path(), lambda path: length(path, lengths))
    assert again.utterances == corpus.utterances
    assert again.fingerprint == corpus.fingerprint
    before, after = ({u.id: u for u in c.utterances} for c in (corpus_of(*rows), corpus))
    assert before.keys() == after.keys()
    for name, old in before.items():
        new = after[name]
        assert old.end_seconds >= new.end_seconds > new.start_seconds
        assert replace(new, end_seconds=old.end_seconds, absent=old.absent) == old
        assert old.absent.items() <= new.absent.items()
        ends = media_ends(new, lengths)
        assert all(end > new.start_seconds for end in ends.values())
        assert new.end_seconds <= max(ends.values(), default=np.inf) + TOLERANCE_SECONDS + 1e-9
        assert new == old or name in {dropped.id for dropped in corpus.dropped}


def media_ends(u, lengths):
    """When what an utterance still offers ends, on the dialogue's clock."""
    files = {AUDIO: (u.audio_path, u.audio_begins_seconds)}
    files[VISUAL] = u.video_path, u.video_begins_seconds
    known = {m: lengths.get((path or "").replace(".", "_")) for m, (path, _) in files.items()}
    return {
        m: begins + known[m]
        for m, (_, begins) in files.items()
        if known[m] is not None and m not in u.absent
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The embedded corpus with the real media of its damaged videos, and of one that is whole."""
    folder, plan = tmp_path_factory.mktemp("sample"), plan_sample(11, 12)
    write_papers(plan, folder)
    whole = next(v for v in plan.available if v.has_sound and v.has_picture and ends_whole(v))
    damaged = [v for v in plan.available if not (v.has_sound and v.has_picture and ends_whole(v))]
    for video in (whole, *damaged):
        (folder / VIDEOS).mkdir(parents=True, exist_ok=True)
        write_video(video, folder / VIDEOS / f"{video.id}.mp4")
    return folder, [v for v in damaged if not ends_whole(v)]


def ends_whole(video):
    return video.media_seconds > video.utterances[-1].end_seconds


def test_the_sample_loses_only_what_was_planned(sample):
    folder, (trapped,) = sample
    before = read_mosei(folder, "sample")
    after = within_media(before, folder, media_duration)
    pairs = zip(before.utterances, after.utterances, strict=True)
    ((old, new),) = [(old, new) for old, new in pairs if old != new]
    assert old.id == f"{trapped.id}_{trapped.utterances[-1].clip}"
    assert new.end_seconds == pytest.approx(trapped.media_seconds, abs=TOLERANCE_SECONDS)
    assert replace(new, end_seconds=old.end_seconds) == old
    assert {d.id for d in set(after.dropped) - set(before.dropped)} == {old.id}
    assert set(before.dropped) < set(after.dropped)
