"""Words, voice and face: each follows its mood, by itself."""

import cv2
import numpy as np
import pytest

from mculora.corpora.sample.face import FRAME, Expression, Face, Portrait
from mculora.corpora.sample.voice import SAMPLE_RATE, Voice, room_noise, speak
from mculora.corpora.sample.words import NEGATIVE, POSITIVE, TOPICS, compose


def _leaning_words(lexicon):
    return {*lexicon.mild, *lexicon.strong, *lexicon.acts, *lexicon.asides}


def _contains(text, phrases):
    return any(f" {phrase} " in f" {text} " for phrase in phrases)


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    ("mood", "own", "other"), [(2.0, POSITIVE, NEGATIVE), (-2.0, NEGATIVE, POSITIVE)]
)
def test_words_lean_with_the_mood_only(topic, mood, own, other):
    rng = np.random.default_rng(0)
    for _ in range(50):
        text = compose(topic, mood, rng)
        assert _contains(text, _leaning_words(own))
        assert not _contains(text, _leaning_words(other))


def test_words_without_mood_are_neutral_and_varied():
    rng = np.random.default_rng(0)
    texts = [compose("film", 0.0, rng) for _ in range(60)]
    leaning = _leaning_words(POSITIVE) | _leaning_words(NEGATIVE)
    assert not any(_contains(text, leaning) for text in texts)
    assert len(set(texts)) > 40


def test_vocabularies_are_rich_and_disjoint():
    positive, negative = _leaning_words(POSITIVE), _leaning_words(NEGATIVE)
    assert len(positive) >= 40 and len(negative) >= 40
    assert positive.isdisjoint(negative)


def _pitch_hz(sound):
    """The middle pitch of short windows: the strongest echo after 2.5 to 14 ms of each."""
    windows = sound[: len(sound) // 800 * 800].reshape(-1, 800)
    loud = windows[windows.std(1) > np.median(windows.std(1))]
    correlation = np.fft.irfft(np.abs(np.fft.rfft(loud, 2048)) ** 2)
    lags = np.arange(SAMPLE_RATE // 400, SAMPLE_RATE // 70)
    return np.median(SAMPLE_RATE / lags[np.argmax(correlation[:, lags], axis=1)])


def _brightness_hz(sound):
    power = np.abs(np.fft.rfft(sound)) ** 2
    return np.sum(power * np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)) / power.sum()


def test_good_mood_is_higher_louder_and_brighter():
    voice = Voice(125.0, 1.0, 4.0, 0.03, 1.0)
    low, high = (
        speak(voice, mood, 3 * SAMPLE_RATE, rng=np.random.default_rng(1)) for mood in (-2, 2)
    )
    assert len(low) == len(high) == 3 * SAMPLE_RATE
    assert _pitch_hz(high) > 1.15 * _pitch_hz(low)
    assert high.std() > 1.5 * low.std()
    assert _brightness_hz(high) > 1.1 * _brightness_hz(low)


@pytest.mark.parametrize("seed", range(5))
def test_voice_is_finite_and_does_not_clip(seed):
    rng = np.random.default_rng(seed)
    for mood in (-5.0, 0.0, 5.0):
        sound = speak(Voice.draw(rng), mood, 30_000, rng=rng)
        assert sound.dtype == np.float32 and np.all(np.isfinite(sound))
        assert 0.02 < sound.std() < 0.2 and np.mean(np.abs(sound) > 0.9) < 0.001


def test_room_noise_has_the_level_asked_for():
    noise = room_noise(8000, level=0.002, rng=np.random.default_rng(0))
    assert noise.std() == pytest.approx(0.002, rel=1e-3)


def _expression(smile=0.0, mouth=0.3, *, roll=0.0, is_turned=False):
    return Expression(smile, mouth, 1.0, 0.0, 0.0, roll, is_turned)


def _num_faces(image):
    cascade = cv2.data.haarcascades + "haarcascade_frontalface_default.xml"
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return len(cv2.CascadeClassifier(cascade).detectMultiScale(grey, 1.1, 5, minSize=(48, 48)))


def test_faces_are_found_and_turned_heads_are_not():
    seen = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        portrait = Portrait(Face.draw(rng), rng)
        for smile in (-1.0, 0.0, 1.0):
            image = portrait.frame(_expression(smile, 0.6, roll=float(rng.normal(0, 2))))
            assert image.shape == (FRAME, FRAME, 3) and image.dtype == np.uint8
            seen.append(_num_faces(image) > 0)
        assert _num_faces(portrait.frame(_expression(is_turned=True))) == 0
        assert _num_faces(portrait.wall) == 0
    assert np.mean(seen) > 0.95


def test_a_frame_changes_with_its_expression_only():
    rng = np.random.default_rng(3)
    portrait = Portrait(Face.draw(rng), rng)
    first = portrait.frame(_expression(0.5))
    portrait.frame(_expression(-0.5))
    assert np.array_equal(first, portrait.frame(_expression(0.5)))
    difference = np.abs(first.astype(int) - portrait.frame(_expression(-0.5))).sum(2)
    rows = np.flatnonzero(difference.sum(1))
    assert difference.max() > 60 and rows.min() > 40 and rows.max() < 200
