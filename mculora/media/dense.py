"""Most frames of a whole clip at once: there decord is the faster reader of the same pixels.

decord is asked only where it was found exact: of plain files, upright, in a container and codec
whose clock it shares. Of others it drops leading frames, returns wrong ones, or keeps another
clock, without an error. Where few frames are wanted, leaving out the rest is faster (`stretch`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mculora.media.stretch import Stretch
from mculora.media.track import Track, decode_from

_READS = {"mov,mp4,m4a,3gp,3g2,mj2": ("h264", "hevc"), "matroska,webm": ("h264", "vp9")}
_SHARE = 0.7  # of a clip's frames: from here on decord was faster on every file tried
_CLOCK_TOLERANCE_SECONDS = 0.002  # Matroska rounds to milliseconds


def read_densely(
    track: Track, stretch: Stretch, wanted: Mapping[int, float]
) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield frames by their stamps, (H, W, 3) RGB, from the first on, as far as decord can be used.

    Args:
        track: The track that was surveyed.
        stretch: What was found.
        wanted: The seconds of each wanted frame by its stamp, rising.
    """
    decord = _import_decord()
    if decord is None or not _is_plain(track, stretch, wanted):
        return
    stamps = np.sort(stretch.stamps)
    try:
        reader = decord.VideoReader(str(track.path), num_threads=1)
        clock = np.asarray(reader.get_frame_timestamp(list(range(len(reader)))))[:, 0]
        if not _agree(clock, stamps * track.tick):
            return
        is_wanted = np.isin(stamps, list(wanted))
        for index in range(int(np.flatnonzero(is_wanted)[-1]) + 1):
            frame = reader.next()  # in order: after a jump decord may land on a neighbour
            if is_wanted[index]:
                yield frame.asnumpy()
    except (RuntimeError, decord.DECORDError):
        return  # the caller goes on where this ends


def _is_plain(track: Track, stretch: Stretch, wanted: Mapping[int, float]) -> bool:
    """Whether decord may read this file, and whether that pays."""
    codecs = _READS.get(track.container.format.name, ())
    is_whole = stretch.entry_seconds is None and stretch.reaches_end and stretch.is_shown.all()
    is_known = stretch.is_exact and track.stream.codec_context.name in codecs
    if not (is_whole and is_known and len(wanted) >= _SHARE * len(stretch.stamps)):
        return False
    first = next(decode_from(track.path, "video", 0.0), None)
    return first is not None and not first.frame.rotation


def _agree(clock: Any, seconds: Any) -> bool:
    """Whether two clocks tell as many moments, at equal distances."""
    return len(clock) == len(seconds) and np.ptp(clock - seconds) <= _CLOCK_TOLERANCE_SECONDS


@lru_cache(maxsize=1)
def _import_decord() -> Any:
    """The decord package, or None on machines that it has no build for."""
    try:
        import decord
    except (ImportError, OSError, RuntimeError):
        return None
    decord.logging.set_level(decord.logging.QUIET)
    return decord
