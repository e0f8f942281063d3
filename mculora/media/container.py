"""A media file as one clock: every track's frames at their seconds since the clip began.

PyAV reads the container. Time zero is the container's own start, so that a track that begins late
stays late against the others, and edit lists and rotation flags count.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.logging

from mculora.errors import MediaError

av.logging.set_level(None)  # what is wrong with a file stands in the MediaError

LONGEST_SECONDS = 3600.0
"""What is read of a clip at once: more is no utterance, but a broken clock or a whole film."""

_MEDIA_FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,dv,eac3,flac,flv,gif,"
    "h261,h263,h264,hevc,ivf,loas,m4v,matroska,mjpeg,mov,mp3,mpc,mpc8,mpeg,"
    "mpegts,mpegvideo,mxf,nistsphere,nut,obu,ogg,rm,tak,tta,voc,w64,wav,wtv,wv"
)
"""What a file may be by its content: sound and moving pictures.

Not playlists, which open other files and wait for them, and not stills: a download that went wrong
leaves a picture or a page under a video's name.
"""

_LARGEST_FRAME = 40_000_000  # pixels; 8K has 33 million
_MANY_PLANES = 8  # of sound; from so many on, PyAV reads past their end

_LENGTH_IS_GUESSED = ("aac", "ac3", "amr", "mp3")
"""Formats without a length in their header: FFmpeg's figure is the size over the bit rate."""

_LAST_STAMP = 2**62  # of what FFmpeg can hold
_A_DAY = 24 * 3600.0  # seconds; a header that claims more is not believed
MICROSECOND = 1e-6  # FFmpeg's unit for a container's start and duration


@dataclass(frozen=True)
class Window:
    """A half-open part of a clip.

    Attributes:
        start_seconds: Its first moment, since the clip began.
        end_seconds: The first moment after it; None for the end of the clip.
    """

    start_seconds: float = 0.0
    end_seconds: float | None = None

    def __post_init__(self) -> None:
        end = self.end_seconds
        if not self.start_seconds >= 0 or (end is not None and not end > self.start_seconds):
            raise ValueError(f"a window runs forward from 0 on, not {self.start_seconds} to {end}")


def decodable(codecs: Iterable[str]) -> list[str]:
    """Those codecs, by FFmpeg's names (`h264`, `aac`), that this FFmpeg can decode."""
    found = []
    for codec in codecs:
        with suppress(ValueError):  # how PyAV says that it does not know one
            found.append(av.Codec(codec, "r").name)
    return found


@contextmanager
def open_media(path: Path) -> Iterator[Any]:
    """Open a media file for reading and close it after the block.

    Raises:
        MediaError: It does not exist, is empty, or cannot be decoded (here or in the block).
        OSError: The block writes something, and the disk is full.
    """
    _check_file(path)
    options = {"format_whitelist": _MEDIA_FORMATS, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path}", metadata_errors="replace", options=options)
    except av.error.FFmpegError as error:
        is_other = error.errno == errno.EINVAL  # what FFmpeg says of a format that is not asked for
        reason = "neither sound nor video" if is_other else f"cannot be decoded: {error.strerror}"
        raise MediaError(path, reason) from None
    try:
        with container:
            yield container
    except av.error.FFmpegError as error:
        if error.errno == errno.ENOSPC:  # of what the block writes: no fault of this file
            raise OSError(errno.ENOSPC, error.strerror, error.filename) from None
        raise MediaError(path, f"cannot be decoded: {error.strerror}") from None


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise MediaError(path, "a folder, not a file")
        if not path.exists():
            raise MediaError(path, "no such file")
        if not path.is_file():
            raise MediaError(path, "a device or a pipe, not a file")
        if path.stat().st_size == 0:
            raise MediaError(path, "zero bytes")
    except OSError as error:
        raise MediaError(path, f"cannot be read: {error.strerror}") from None


def media_duration(path: Path) -> float:
    """Probe how long a clip is, in seconds.

    Raises:
        MediaError: The file cannot be read or has neither sound nor picture.
    """
    with open_media(path) as container:
        claimed = (container.duration or 0) * MICROSECOND
        if 0 < claimed < _A_DAY and container.format.name not in _LENGTH_IS_GUESSED:
            return float(claimed)
        packets = (p for p in read_packets(container, [*container.streams]) if p.pts is not None)
        ends = (float((p.pts + (p.duration or 0)) * p.time_base) for p in packets)
        end = max(ends, default=None)
        if end is None:
            raise MediaError(path, "neither sound nor picture")
        return end - time_zero(container)


def time_zero(container: Any) -> float:
    """The container's start in its own time stamps, in seconds."""
    return float((container.start_time or 0) * MICROSECOND)


def find_stream(path: Path, container: Any, kind: str) -> Any:
    """Choose the first `audio` or `video` track; a cover picture is not a video.

    It is decoded in the thread that asks: clips are read side by side, not in pieces.

    Raises:
        MediaError: There is none, or it cannot be decoded here.
    """
    cover = av.stream.Disposition.attached_pic
    tracks = [s for s in container.streams if s.type == kind and not s.disposition & cover]
    if not tracks:
        raise MediaError(path, f"no {kind} track")
    track = next((track for track in tracks if track.codec_context is not None), None)
    if track is None:
        raise MediaError(path, f"cannot be decoded: the {kind} track's codec is unknown")
    codec = track.codec_context
    if kind == "video":
        if codec.width * codec.height > _LARGEST_FRAME:
            raise MediaError(path, f"its frames of {codec.width}x{codec.height} are too large")
        codec.options = {"max_pixels": str(_LARGEST_FRAME)}
    codec.thread_count = 1
    return track


def jump(container: Any, stream: Any, seconds: float) -> None:
    """Go on reading from the last entry point before a moment, if the file has such points."""
    stamp = int((seconds + time_zero(container)) / stream.time_base)
    with suppress(av.error.FFmpegError):
        container.seek(min(stamp, _LAST_STAMP), stream=stream, backward=True)


def read_packets(container: Any, streams: Any) -> Iterator[Any]:
    """The packets of tracks from where the file stands; the last ones empty the decoders."""
    with suppress(IndexError):  # PyAV's at the end, if a track began that the header does not name
        yield from container.demux(streams)


def decode_packet(packet: Any) -> list[Any] | None:
    """Decode the whole frames that a packet brings out; None where its bytes are damaged."""
    try:
        return [frame for frame in packet.decode() if not frame.is_corrupt]
    except av.error.FFmpegError:
        return None


def sound_values(frame: Any) -> Any:
    """The samples of a frame of sound as they came: (S,) of each channel, (C, S).

    Raises:
        ValueError: PyAV cannot hand them on.
    """
    channels = frame.layout.nb_channels
    if frame.format.is_planar and channels >= _MANY_PLANES:
        if channels > _MANY_PLANES:
            raise ValueError(f"{channels} channels of sound")
        kind = frame.format.packed
        packer = av.AudioResampler(format=kind, layout=frame.layout, rate=frame.sample_rate)
        try:
            (frame,) = packer.resample(frame)
        except av.error.FFmpegError as error:
            raise ValueError(error.strerror) from None
    values = frame.to_ndarray()
    return values if frame.format.is_planar else values.reshape(-1, channels).T


def check_overlap(path: Path, window: Window, *, begins: float, ends: float) -> None:
    """Refuse a window in which a track has nothing.

    Args:
        path: The file.
        window: The window.
        begins: When the track begins, in seconds since the clip began.
        ends: When it ends; infinity if that is not known.

    Raises:
        MediaError: The window lies beyond the track's end or before its start.
    """
    start, end = window.start_seconds, window.end_seconds
    if start >= ends:
        late = f"the clip ends at {ends:.1f} s"
        raise MediaError(path, f"{late}, the utterance starts at {start:.1f} s")
    if end is not None and end <= begins:
        early = f"the track begins at {begins:.1f} s"
        raise MediaError(path, f"{early}, the utterance ends at {end:.1f} s")
