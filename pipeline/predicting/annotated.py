"""The prediction as a band below each frame of a video: what it is, from what, and the words."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from mculora.inference.timeline import Moment, Timeline, mattered_most
from mculora.modality import Modality
from pipeline.predicting.wording import tell

Pixels = npt.NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PAPER, _INK, _FAINT, _MARK = (24, 24, 24), (240, 240, 240), (110, 110, 110), (255, 190, 80)
_SHARE, _LEAST = 6, 40  # the band has a sixth of the picture's height, at least so many pixels
_UNIT = 22.0  # OpenCV's letters are so many pixels high at a scale of 1


def band_painter(timeline: Timeline, *, with_label: bool) -> Callable[[Pixels, float], Pixels]:
    """What puts the band of a moment below a frame (H, W, 3) RGB.

    OpenCV's letters are those of ASCII: others lose their accents, or are left out.

    Args:
        timeline: What was predicted.
        with_label: Whether a score has a name.
    """
    moments = timeline.moments
    starts = [moment.start_seconds for moment in moments]
    bands: dict[tuple[int, int, int], Pixels] = {}

    def paint(pixels: Pixels, seconds: float) -> Pixels:
        number = bisect_right(starts, seconds) - 1
        end = moments[number].end_seconds if number >= 0 else 0.0
        if end is not None and seconds >= end:
            number = -1
        height, width = pixels.shape[:2]
        key = (number, height, width)
        if key not in bands:
            bands.clear()  # one at a time: a long video has many
            shown = moments[number] if number >= 0 else None
            bands[key] = _draw_band(shown, height, width, with_label=with_label)
        return np.concatenate([pixels, bands[key]])

    return paint


def _draw_band(moment: Moment | None, height: int, width: int, *, with_label: bool) -> Pixels:
    tall = max(height // _SHARE, _LEAST) // 2 * 2
    band = np.full((tall, width, 3), _PAPER, np.uint8)
    if moment is None:
        return band
    pad = max(4, tall // 10)
    line = (tall - 3 * pad) // 2
    presence = 4 * line  # what the three letters need on the right
    told = _ascii(tell(moment.prediction, with_label=with_label))
    room = width - presence - 3 * pad
    _write(band, told, at=(pad, pad + line), height=line, room=room, colour=_INK)
    _write_presence(band, moment, left=width - presence, baseline=pad + line, height=line)
    words = _ascii(moment.transcript)
    if words:
        place = (pad, tall - pad - line // 5)
        _write(band, words, at=place, height=line * 3 // 4, room=width - 2 * pad, colour=_INK)
    return band


def _write_presence(band: Pixels, moment: Moment, *, left: int, baseline: int, height: int) -> None:
    """The letters a, t and v: bright if used, and in colour the one that mattered most."""
    mattered = mattered_most(moment.prediction)
    for place, modality in enumerate(Modality):
        colour = _INK if modality in moment.prediction.used else _FAINT
        colour = _MARK if modality is mattered else colour
        at = (left + place * height * 5 // 4, baseline)
        _write(band, modality.letter, at=at, height=height, room=height, colour=colour)
        if modality not in moment.prediction.used:
            middle = baseline - height // 3
            cv2.line(band, (at[0], middle), (at[0] + height * 3 // 5, middle), _FAINT, 1)


def _write(
    band: Pixels,
    text: str,
    *,
    at: tuple[int, int],
    height: int,
    room: int,
    colour: tuple[int, int, int],
) -> None:
    """Write one line, cut where the room ends."""
    scale, thickness = height / _UNIT * 0.8, max(1, round(height / 14))

    def width_of(shown: str) -> int:
        return int(cv2.getTextSize(shown, _FONT, scale, thickness)[0][0])

    shown = text
    while len(shown) > 1 and width_of(shown) > room:
        shown = shown[: -4 if shown.endswith("...") else -1].rstrip() + "..."
        if shown == "...":
            break
    cv2.putText(band, shown, at, _FONT, scale, colour, thickness, cv2.LINE_AA)


def _ascii(text: str) -> str:
    plain = text.replace("±", "+/-").replace("·", "-")
    letters = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return " ".join(letters.split())
