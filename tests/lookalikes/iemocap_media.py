"""Sound and picture of an invented corpus like IEMOCAP: two synthetic actors, side by side."""

from functools import lru_cache

import av
import cv2
import numpy as np
import soundfile

from mculora.corpora.sample.face import Expression, Face, Portrait
from mculora.corpora.sample.voice import SAMPLE_RATE, Voice, speak

FRAME_RATE = 4
WIDTH, HEIGHT = 720, 480
ROWS = slice(120, 360)
"""Between them the actors are seen; above and below is black."""
_MOODS = {"hap": 1.2, "exc": 2.0, "sad": -2.0, "neu": 0.0, "ang": 0.8, "fru": -0.8}
_SMILES = {"hap": 0.8, "exc": 1.0, "sad": -0.6, "neu": 0.0, "ang": -1.0, "fru": -0.4}


def write_wavs(session, turns, *, seed):
    """Write a wav per turn, 16 kHz and mono, and one of the dialogue: a channel per actor."""
    name = turns[0].dialogue
    whole = np.zeros((round((turns[-1].end + 2) * SAMPLE_RATE), 2), np.float32)
    folder = session / "sentences/wav" / name
    folder.mkdir(parents=True)
    for number, turn in enumerate(turns):
        first, last = round(turn.start * SAMPLE_RATE), round(turn.end * SAMPLE_RATE)
        rng = np.random.default_rng([seed, number])
        voice, mood = _voice(turn.speaker, seed), _MOODS.get(turn.emotion, 0.0)
        words = speak(voice, mood, last - first, rng=rng)
        soundfile.write(folder / f"{turn.id}.wav", words, SAMPLE_RATE, subtype="PCM_16")
        whole[first:last, "FM".index(turn.letter)] = words
    path = session / f"dialog/wav/{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, whole, SAMPLE_RATE, subtype="PCM_16")


def write_avi(session, turns, *, seconds, seed):
    """Write the video of a dialogue, MPEG-4 as DivX: the actor of its letter is on the left."""
    name = turns[0].dialogue
    path = session / f"dialog/avi/DivX/{name}.avi"
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.codec_tag = "DIVX"
        for number in range(round(seconds * FRAME_RATE)):
            image = _frame(turns, number / FRAME_RATE, seed)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


def actor(speaker, smile=0.0, mouth=0.0, *, seed):
    """Draw one actor's half of the picture: (240, 360, 3) blue, green, red."""
    return _actor(speaker, smile, mouth, seed)


def _frame(turns, moment, seed):
    left = turns[0].id[5]
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for place, letter in enumerate((left, "FM".replace(left, ""))):
        speaking = [t for t in turns if t.letter == letter and t.start <= moment < t.end]
        smile = _SMILES.get(speaking[-1].emotion, 0.0) if speaking else 0.0
        mouth = (0.6 if round(moment * FRAME_RATE) % 2 else 0.2) if speaking else 0.0
        half = slice(place * WIDTH // 2, (place + 1) * WIDTH // 2)
        image[ROWS, half] = _actor(turns[0].id[:5] + letter, smile, mouth, seed)
    return image


@lru_cache(maxsize=512)
def _actor(speaker, smile, mouth, seed):
    expression = Expression(smile, mouth, eyes=1.0, x=0, y=0, roll=0, is_turned=False)
    image = cv2.resize(_portrait(speaker, seed).frame(expression), (240, 240))
    return cv2.copyMakeBorder(image, 0, 0, 60, 60, cv2.BORDER_REPLICATE)


@lru_cache(maxsize=16)
def _portrait(speaker, seed):
    rng = np.random.default_rng([seed, *speaker.encode()])
    return Portrait(Face.draw(rng), rng)


@lru_cache(maxsize=16)
def _voice(speaker, seed):
    return Voice.draw(np.random.default_rng([seed, *speaker.encode(), 1]))
