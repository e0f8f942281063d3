"""The files that are asked for: checked before anything is predicted, and written whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from mculora.errors import InputError
from mculora.files import whole_file, write_text
from mculora.inference.bundle import Bundle
from mculora.inference.recording import Recording
from mculora.inference.timeline import Timeline
from mculora.inference.transcripts import TRANSCRIPT_SUFFIXES
from mculora.media.container import media_duration
from mculora.media.repaint import repaint
from mculora.media.track import open_track
from pipeline.console import progress
from pipeline.predicting import subtitles, timeline_figure
from pipeline.predicting.annotated import band_painter
from pipeline.predicting.sources import Skipped, Source
from pipeline.predicting.tables import to_csv, to_json
from pipeline.predicting.wording import is_sentiment

STDOUT = Path("-")
"""Standard output, where a file of text is asked for."""

_SUFFIXES = {
    "timeline": timeline_figure.SUFFIXES,
    "subtitles": subtitles.SUFFIXES,
    "annotated": (".mp4",),
}


@dataclass(frozen=True)
class Predicted:
    """All that was predicted, and by what."""

    timelines: Sequence[Timeline]
    skipped: Sequence[Skipped]
    bundle: Bundle
    speech_recognition: str | None


@dataclass(frozen=True)
class Outputs:
    """The files that are asked for, each under its option's name; None for no.

    Attributes:
        json: Everything, for programs; `STDOUT` for standard output.
        csv: A line per utterance; likewise.
        timeline: One recording's predictions over time, a picture.
        subtitles: The same as subtitles.
        annotated: The same below its picture, a video.
    """

    json: Path | None = None
    csv: Path | None = None
    timeline: Path | None = None
    subtitles: Path | None = None
    annotated: Path | None = None

    @property
    def takes_stdout(self) -> bool:
        """Whether standard output belongs to a file."""
        return STDOUT in (self.json, self.csv)

    def check(self, sources: Sequence[Source | Skipped]) -> None:
        """Refuse what cannot be written, or would be written over what is read.

        Raises:
            InputError: An option says so.
        """
        inputs = {f.resolve() for s in sources if isinstance(s, Source) for f in s.files}
        seen: set[Path] = set()
        for option, path in self._asked():
            _check_suffix(option, path, inputs)
            if path.is_dir():
                raise InputError(f"--{option}", found=f"{path}, a folder", expected="a file")
            place = path if path == STDOUT else path.resolve()
            if place in inputs:
                raise _refusal(option, f"{path}, which is read", "another file")
            if place in seen:
                raise _refusal(option, f"{path} for the second time", "a file of its own")
            seen.add(place)
            if option in _SUFFIXES and len(sources) != 1:
                raise _refusal(option, f"{len(sources)} recordings", "one recording")

    def check_recording(self, recording: Recording) -> None:
        """Refuse an annotated video of what has no picture, or several.

        Raises:
            InputError: `annotated` is asked for and cannot be.
            MediaError: The picture cannot be decoded.
        """
        if self.annotated is None:
            return
        files = {utterance.video_path for utterance in recording.utterances} - {None}
        if len(files) != 1:
            raise _refusal("annotated", f"{recording.name} of {len(files)} files", "one video")
        with open_track(Path(str(*files)), "video"):
            pass

    def write(self, predicted: Predicted) -> Iterator[Path]:
        """Write everything that is asked for; yields each file that is done."""
        bundle, with_label = predicted.bundle, is_sentiment(predicted.bundle)
        (first, *_) = predicted.timelines
        texts: dict[str, Callable[[Path], str]] = {
            "json": lambda _: to_json(
                predicted.timelines,
                predicted.skipped,
                bundle,
                speech_recognition=predicted.speech_recognition,
            ),
            "csv": lambda _: to_csv(predicted.timelines, bundle),
            "subtitles": lambda path: subtitles.to_subtitles(
                first, path.suffix.lower(), with_label=with_label
            ),
        }
        for option, path in self._asked():
            if option in texts:
                _write_text(path, texts[option](path))
            elif option == "timeline":
                _write_figure(path, timeline_figure.to_svg(first, is_sentiment=with_label))
            else:
                _write_video(path, first, with_label=with_label)
            if path != STDOUT:
                yield path

    def _asked(self) -> Iterator[tuple[str, Path]]:
        for field in fields(self):
            path = getattr(self, field.name)
            if path is not None:
                yield field.name, path


def _check_suffix(option: str, path: Path, inputs: Iterable[Path]) -> None:
    suffixes = _SUFFIXES.get(option, ())
    if suffixes and path.suffix.lower() not in suffixes:
        raise _refusal(option, str(path), f"a name that ends in {' or '.join(suffixes)}")
    if path.suffix.lower() in TRANSCRIPT_SUFFIXES and any(
        path.resolve().with_suffix("") == file.with_suffix("") for file in inputs
    ):
        found = f"{path}, which would be read as the recording's transcript the next time"
        raise _refusal(option, found, "another name")


def _refusal(option: str, found: str, expected: str) -> InputError:
    return InputError(f"--{option}", found=found, expected=expected)


def _write_text(path: Path, text: str) -> None:
    if path == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_text(path, text)


def _write_figure(path: Path, svg: str) -> None:
    if path.suffix.lower() == ".svg":
        write_text(path, svg)
        return
    with whole_file(path) as temporary:
        temporary.write_bytes(timeline_figure.to_pdf(svg))


def _write_video(path: Path, timeline: Timeline, *, with_label: bool) -> None:
    source = Path(timeline.moments[0].file)
    paint = band_painter(timeline, with_label=with_label)
    with whole_file(path) as temporary:
        seconds = _whole_seconds(repaint(source, temporary, paint))
        for _ in progress(seconds, label="annotate", total=int(media_duration(source))):
            pass


def _whole_seconds(moments: Iterable[float]) -> Iterator[int]:
    """Each second once, when it is past."""
    told = 0
    for seconds in moments:
        while told < int(seconds):
            told += 1
            yield told
