"""The picture around a window, told by its packets: what is shown when, and what must be decoded.

A packet's stamp says when its frame is shown. So the packets of a window tell which frames are
looked at before any is decoded, and the decoder gets only what those stand on. The pixels are the
same as if all were decoded.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mculora.errors import MediaError
from mculora.media.container import LONGEST_SECONDS, Window, decode_packet, jump, read_packets
from mculora.media.track import Decoded, Track, decode_from

_HAS_EXACT_STAMPS = {
    "mov,mp4,m4a,3gp,3g2,mj2": ("h264", "hevc", "mpeg4", "mjpeg", "vp9", "av1"),
    "matroska,webm": ("h264", "hevc", "mpeg4", "mjpeg", "vp8", "vp9", "av1"),
}
"""Where a packet's stamp is its frame's, by format and codec: there, frames can be left out."""

_LONG_BEFORE = -LONGEST_SECONDS  # a jump to there ends at the first entry point
_LATENESS_SECONDS = 1.0  # how much later than in its turn a packet may be found


@dataclass(frozen=True)
class Stretch:
    """What packets tell of a track's picture without decoding it, in decoding order.

    Attributes:
        entry_seconds: What was jumped to before the first; None for the file's beginning.
        stamps: (P,) when each is shown, in ticks of the track.
        is_key: (P,) whether decoding can begin there.
        is_shown: (P,) whether no edit list cuts it off.
        is_exact: Whether the stamps can be relied on to find the frames.
        reaches_end: Whether the track ends with the last one.
    """

    entry_seconds: float | None
    stamps: npt.NDArray[np.int64]  # (P,)
    is_key: npt.NDArray[np.bool_]  # (P,)
    is_shown: npt.NDArray[np.bool_]  # (P,)
    is_exact: bool
    reaches_end: bool


def survey(track: Track, window: Window, *, may_jump: bool) -> Stretch | None:
    """Look at the packets around a window of a track that was opened just now.

    Args:
        track: The track.
        window: The part of the clip.
        may_jump: Whether to jump to the window; else the file is read from its beginning.

    Returns:
        What they tell; None if no jump ended before the window.

    Raises:
        MediaError: There is no picture, or more than an utterance has.
    """
    start = window.start_seconds
    if not may_jump or start == 0:
        return _checked(track, window, _read_stamps(track, None, _stop(window)))
    for entry in track.entries_before(start):
        found = _read_stamps(track, entry, _stop(window))
        if found.stamps.size and found.stamps[0] * track.tick - track.zero <= start:
            return _checked(track, window, found)
    return None


def _stop(window: Window) -> float:
    """When enough packets were looked at, in seconds."""
    stop = min(window.end_seconds or math.inf, window.start_seconds + LONGEST_SECONDS)
    return stop + _LATENESS_SECONDS


def _checked(track: Track, window: Window, stretch: Stretch) -> Stretch:
    if not stretch.is_shown.any():
        raise MediaError(track.path, "cannot be decoded: no frame in the video track")
    length = (window.end_seconds or math.inf) - window.start_seconds
    if not stretch.reaches_end and length > LONGEST_SECONDS:
        raise MediaError(track.path, f"more than {LONGEST_SECONDS:.0f} s of picture at once")
    return stretch


def _read_stamps(track: Track, entry: float | None, stop: float) -> Stretch:
    """Read on from an entry until `stop` (seconds) or the end of the track."""
    rows, reaches_end, num_guessed = list[tuple[int, bool, bool]](), True, 0
    for packet in _packets(track, entry):
        stamp = packet.dts if packet.pts is None else packet.pts
        num_guessed += packet.pts is None
        if stamp is not None:
            rows.append((stamp, packet.is_keyframe, not packet.is_discard))
        if packet.dts is not None and packet.dts * track.tick - track.zero >= stop:
            reaches_end = False
            break
    stamps, is_key, is_shown = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    codecs = _HAS_EXACT_STAMPS.get(track.container.format.name, ())
    is_exact = track.stream.codec_context.name in codecs and num_guessed == 0
    return Stretch(
        entry,
        stamps,
        is_key.astype(bool),
        is_shown.astype(bool),
        is_exact=is_exact and len(np.unique(stamps)) == len(stamps),
        reaches_end=reaches_end,
    )


def _packets(track: Track, entry: float | None) -> Iterator[Any]:
    """The packets from where the file stands; from the first entry point after a jump."""
    packets = (p for p in read_packets(track.container, track.stream) if p.size)
    if entry is None:
        return packets
    return itertools.dropwhile(lambda packet: not packet.is_keyframe, packets)


def decode_wanted(track: Track, stretch: Stretch, wanted: Mapping[int, float]) -> Iterator[Any]:
    """Decode the frames with these stamps, or the last ones before where those are damaged.

    Args:
        track: The track that was surveyed.
        stretch: What was found.
        wanted: The seconds of each wanted frame by its stamp, rising.

    Raises:
        MediaError: The picture cannot be decoded up to there.
    """
    left = deque(wanted.items())
    if stretch.is_exact:
        for frame in _decode_needed(track, stretch, wanted):
            if frame.pts != left[0][0]:
                break  # one is lost
            left.popleft()
            yield frame
    if left:
        yield from _decode_all(track.path, deque(seconds for _, seconds in left))


def _decode_needed(track: Track, stretch: Stretch, wanted: Mapping[int, float]) -> Iterator[Any]:
    """Decode what the wanted frames stand on; ends early where packets are damaged."""
    codec, is_decoding = track.stream.codec_context, False
    start = _LONG_BEFORE if stretch.entry_seconds is None else stretch.entry_seconds
    jump(track.container, track.stream, start)
    needed, packets = _needed(stretch, wanted), _packets(track, stretch.entry_seconds)
    for is_needed, stamp, packet in zip(needed, stretch.stamps, packets, strict=False):
        frames: list[Any] | None = []
        if packet.pts != stamp:
            return
        if is_needed:
            codec.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
            frames = decode_packet(packet)
        elif is_decoding:
            frames = codec.decode(None)
            codec.flush_buffers()
        if frames is None:
            return
        is_decoding = is_needed
        yield from (frame for frame in frames if frame.pts in wanted)
    yield from (frame for frame in codec.decode(None) if frame.pts in wanted)


def _needed(stretch: Stretch, wanted: Mapping[int, float]) -> npt.NDArray[np.bool_]:
    """Tell the packets from the entry point before each wanted one up to it, until the last."""
    needed = np.zeros(len(stretch.stamps), dtype=bool)
    keys = np.flatnonzero(stretch.is_key)
    places = np.flatnonzero(np.isin(stretch.stamps, list(wanted)))
    for place in places:
        nearest = keys[: np.searchsorted(keys, place, side="right")][-3:]
        before = nearest[stretch.stamps[nearest] <= stretch.stamps[place]]
        needed[before[-1] if before.size else 0 : place + 1] = True
    return needed[: places[-1] + 1]


def _decode_all(path: Path, moments: deque[float]) -> Iterator[Any]:
    """Decode all that is shown up to the last moment, and keep the frame shown at each."""
    latest: Decoded | None = None
    for decoded in decode_from(path, "video", moments[0]):
        while moments and latest is not None and moments[0] < decoded.seconds - 1e-6:
            yield latest.frame
            moments.popleft()
        if not moments:
            return
        latest = decoded
    if latest is None:
        raise MediaError(path, "cannot be decoded: no frame in this window")
    if len(moments) > 1:
        raise MediaError(path, f"cannot be decoded from {moments[1]:.1f} s on")
    yield latest.frame
