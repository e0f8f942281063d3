"""What `mculora predict` shows: a card for one utterance, a table for several."""

from __future__ import annotations

import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from mculora.inference.bundle import Bundle
from mculora.inference.prediction import Prediction
from mculora.inference.timeline import Moment, Timeline, mattered_most
from mculora.modality import Modality
from pipeline.console import say
from pipeline.predicting.wording import (
    clock,
    is_sentiment,
    printable,
    tell,
    tell_mattered,
    tell_used,
)

_NARROWEST = 80  # columns: what a table has where nothing tells how many there are
_MOST_LETTERS = 120  # of an utterance's words in a table


def show(timelines: Sequence[Timeline], bundle: Bundle) -> None:
    """Write everything that was predicted on standard output."""
    if len(timelines) == 1 and len(timelines[0].moments) == 1:
        _show_card(timelines[0], bundle)
    else:
        _show_tables(timelines, bundle)
    provenance = bundle.provenance
    say(
        f"  network:  {provenance['method']} trained on {bundle.corpus}, seed "
        f"{provenance['seed']}, chosen on validation ({provenance['validation_mean']:.3f})"
    )
    if bundle.corpus == "sample":
        say("  the sample corpus is synthetic: this shows that the road works, not what is felt")


def _show_card(timeline: Timeline, bundle: Bundle) -> None:
    (moment,) = timeline.moments
    prediction = moment.prediction
    say(f"{timeline.recording.name}: {_sentence(prediction, bundle)}")
    if moment.transcript:
        say(f"  words:    {printable(moment.transcript)}")
    say(f"  used:     {', '.join(m.word for m in prediction.used)}")
    for modality, reason in prediction.absent.items():
        say(f"  not used: {modality.word} ({reason})")
    mattered = mattered_most(prediction)
    for modality, values in prediction.without.items():
        most = "   <- mattered most" if modality is mattered else ""
        shown = _values(values.tolist(), prediction.class_names)
        say(f"  {'without ' + modality.word:16}{shown}{most}")
    for line in timeline.recording.left_out:
        say(f"  left out: {line}")


def _sentence(prediction: Prediction, bundle: Bundle) -> str:
    if prediction.class_names:
        return _values(prediction.values.tolist(), prediction.class_names)
    score = f"{float(prediction.values[0]):+.2f}"
    if is_sentiment(bundle):
        score = f"{prediction.label}, sentiment {score} in [-3, 3]"
    if prediction.interval:
        low, high = prediction.interval
        score += f"; 9 times in 10 it is {low:+.2f} to {high:+.2f}"
    return score


def _values(values: Sequence[float], class_names: Sequence[str]) -> str:
    """The score, or every class with its probability, the likeliest first."""
    if not class_names:
        return f"{values[0]:+.2f}"
    pairs = sorted(zip(values, class_names, strict=True), key=lambda pair: -pair[0])
    return ", ".join(f"{name} {value:.2f}" for value, name in pairs)


def _show_tables(timelines: Sequence[Timeline], bundle: Bundle) -> None:
    """A table for each recording of several utterances, and one for all the others."""
    for timeline in timelines:
        if len(timeline.moments) > 1:
            cut = f"{len(timeline.moments)} utterances, cut {timeline.recording.cut}"
            say(f"{printable(timeline.recording.name)}: {cut}")
            _show_table([timeline], bundle)
    others = [timeline for timeline in timelines if len(timeline.moments) == 1]
    if others:
        folder = _shared_folder([timeline.recording.name for timeline in others])
        if folder:
            say(f"recordings in {printable(folder)}")
        _show_table(others, bundle, folder)
    for line in _notes(timelines):
        say(f"  {line}")


def _show_table(timelines: Sequence[Timeline], bundle: Bundle, folder: str = "") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    columns = _columns(timelines)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in ("File", "Words"))
    for timeline in timelines:
        for moment in timeline.moments:
            cells = _cells(moment, bundle) | {"File": _name(timeline, folder)}
            table.add_row(*(Text(printable(cells[column])) for column in columns))
    is_terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if is_terminal else _NARROWEST, highlight=False).print(
        table
    )


def _columns(timelines: Sequence[Timeline]) -> list[str]:
    """The columns that have something to say."""
    moments = [moment for timeline in timelines for moment in timeline.moments]
    is_one = len(moments) > len(timelines)
    has_words = any(moment.transcript for moment in moments)
    return [
        "Time" if is_one else "File",
        *("Prediction", "From", "Mattered most"),
        *(["Words"] if has_words else []),
    ]


def _shared_folder(names: Sequence[str]) -> str:
    """The folder that several recordings lie in; `""` for one, or where there is none."""
    parents = [str(Path(name).parent) for name in names]
    if len(names) < 2 or len({Path(name).is_absolute() for name in names}) > 1:
        return ""
    folder = os.path.commonpath(parents)
    return "" if folder in (".", os.sep) else folder


def _name(timeline: Timeline, folder: str) -> str:
    name = timeline.recording.name
    return os.path.relpath(name, folder) if folder else name


def _time(moment: Moment) -> str:
    return f"{clock(moment.start_seconds)} - {clock(moment.end_seconds)}"


def _cells(moment: Moment, bundle: Bundle) -> dict[str, str]:
    prediction = moment.prediction
    return {
        "Time": _time(moment),
        "Prediction": tell(prediction, with_label=is_sentiment(bundle)),
        "From": tell_used(prediction),
        "Mattered most": tell_mattered(prediction),
        "Words": textwrap.shorten(moment.transcript, _MOST_LETTERS, placeholder=" …"),
    }


def _notes(timelines: Sequence[Timeline]) -> Iterator[str]:
    """Why modalities were not used, each reason with its count; and what was left out."""
    moments = [moment for timeline in timelines for moment in timeline.moments]
    for modality in Modality:
        reasons = Counter(
            moment.prediction.absent[modality]
            for moment in moments
            if modality in moment.prediction.absent
        )
        for reason, count in reasons.most_common():
            yield f"not used: {modality.word} in {count} of {len(moments)} ({reason})"
    for timeline in timelines:
        for line in timeline.recording.left_out:
            yield f"left out: {line}"
