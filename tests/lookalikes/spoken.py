"""Recordings with speech in known places: the sample corpus's synthetic voice between silences."""

import numpy as np
import soundfile

from mculora.corpora.sample.voice import SAMPLE_RATE, Voice, room_noise, speak

PAUSE_SECONDS = 2.0


def speech(seconds):
    """Somebody speaks without a rest, in a voice that is taken for one: (S,) samples."""
    rng = np.random.default_rng(3)
    voice = Voice.draw(rng)
    parts = [speak(voice, 1.5, 4 * SAMPLE_RATE, rng=rng) for _ in range(int(seconds) // 4 + 1)]
    return np.concatenate(parts)[: round(seconds * SAMPLE_RATE)]


def conversation(lengths):
    """Stretches of speech of these seconds in silence: samples, and where the speech is."""
    rng = np.random.default_rng(0)
    total = sum(lengths) + PAUSE_SECONDS * (len(lengths) + 1)
    sound, place, places = room_noise(round(total * SAMPLE_RATE), level=0.002, rng=rng), 0.0, []
    for seconds in lengths:
        place += PAUSE_SECONDS
        first = round(place * SAMPLE_RATE)
        words = speech(seconds)
        sound[first : first + len(words)] += words
        places.append((place, place + seconds))
        place += seconds
    return sound, places


def spoken_recording(path, lengths):
    """Write a conversation as a sound file; give its path and where the speech is."""
    sound, places = conversation(lengths)
    soundfile.write(path, sound, SAMPLE_RATE)
    return path, places
