"""Predictions as subtitles, to be shown by any player above the recording."""

from __future__ import annotations

from mculora.inference.timeline import Timeline
from pipeline.predicting.wording import tell, tell_used

SUFFIXES = (".srt", ".vtt", ".ass")


def to_subtitles(timeline: Timeline, suffix: str, *, with_label: bool) -> str:
    """One subtitle per utterance with a prediction: what it is, from what, and the words.

    Args:
        timeline: What was predicted.
        suffix: One of `SUFFIXES`: the format.
        with_label: Whether a score has a name.
    """
    import pysubs2

    subtitles = pysubs2.SSAFile()
    for moment in timeline.moments:
        if moment.end_seconds is None or not moment.prediction.used:
            continue
        told = f"{tell(moment.prediction, with_label=with_label)} ({tell_used(moment.prediction)})"
        lines = [told, moment.transcript] if moment.transcript else [told]
        start, end = round(1000 * moment.start_seconds), round(1000 * moment.end_seconds)
        event = pysubs2.SSAEvent(start=start, end=end)
        event.plaintext = "\n".join(lines)
        subtitles.append(event)
    return subtitles.to_string(suffix.removeprefix("."))
