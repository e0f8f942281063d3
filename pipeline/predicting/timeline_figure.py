"""A recording's predictions over time as a picture: score or classes, and what each rests on."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from mculora.inference.prediction import Prediction
from mculora.inference.timeline import Moment, Timeline, mattered_most
from mculora.modality import Modality
from pipeline.page.svg import Element, add
from pipeline.predicting.wording import SENTIMENT_RANGE, clock, tell

SUFFIXES = (".svg", ".pdf")

_WIDTH, _LEFT, _RIGHT, _TOP = 960.0, 110.0, 20.0, 60.0
_SCORE_HEIGHT, _ROW, _GAP, _FOOT = 180.0, 22.0, 14.0, 56.0
_FONT = "Helvetica, Arial, sans-serif"
_INK, _PALE, _SCORE = "#222222", "#d8d8d8", "#1f5f99"
_COLOURS = {Modality.AUDIO: "#c25e00", Modality.TEXT: "#1f5f99", Modality.VISUAL: "#3b7d3b"}
_MOST_TICKS = 10
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)  # seconds


def to_svg(timeline: Timeline, *, is_sentiment: bool) -> str:
    """Draw a timeline as an SVG file that needs nothing else.

    Args:
        timeline: What was predicted.
        is_sentiment: Whether scores run from -3 to 3.
    """
    return ElementTree.tostring(_Figure(timeline, is_sentiment).draw(), encoding="unicode") + "\n"


def to_pdf(svg: str) -> bytes:
    """The same picture as PDF."""
    from reportlab.graphics.renderPDF import drawToString
    from svglib.svglib import svg2rlg

    return bytes(drawToString(svg2rlg(io.StringIO(svg))))


@dataclass(frozen=True)
class _Figure:
    """Where everything goes; y grows downwards."""

    timeline: Timeline
    is_sentiment: bool

    @property
    def moments(self) -> list[Moment]:
        return [m for m in self.timeline.moments if m.end_seconds is not None]

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        return self.timeline.moments[0].prediction.class_names

    @cached_property
    def seconds(self) -> float:
        ends = (m.end_seconds or 0.0 for m in self.moments)
        return max([self.timeline.recording.seconds or 0.0, *ends, 0.1])

    @property
    def strips_top(self) -> float:
        rows = len(self.class_names) * _ROW if self.class_names else _SCORE_HEIGHT
        return _TOP + rows + _GAP

    @property
    def bottom(self) -> float:
        return self.strips_top + len(Modality) * _ROW

    def x(self, seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(seconds / self.seconds, 0.0), 1.0)

    def draw(self) -> Element:
        height = self.bottom + _FOOT
        size = {"width": f"{_WIDTH:g}", "height": f"{height:g}"}
        title = f"Predictions of {Path(self.timeline.recording.name).name} over time"
        svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
        svg.attrib |= {"viewBox": f"0 0 {_WIDTH:g} {height:g}", "aria-label": title}
        _box(svg, (0, 0), (_WIDTH, height), {"fill": "#ffffff"})
        _text(svg, title, (_LEFT, 24), {"font-size": "16", "font-weight": "bold"})
        recording = self.timeline.recording
        told = f"{len(recording.utterances)} utterances, cut {recording.cut}"
        _text(svg, told, (_LEFT, 44), {"font-size": "12", "fill": "#555555"})
        if self.class_names:
            self._draw_classes(svg)
        else:
            self._draw_scores(svg)
        self._draw_strips(svg)
        self._draw_clock(svg)
        return svg

    def _draw_scores(self, svg: Element) -> None:
        low, high = self._score_range()

        def y(score: float) -> float:
            return _TOP + _SCORE_HEIGHT * (high - min(max(score, low), high)) / (high - low)

        for score in _marks(low, high):
            _line(svg, (_LEFT, y(score)), (_WIDTH - _RIGHT, y(score)), _PALE, 1)
            self._name_row(svg, f"{score:+g}" if score else "0", y(score) + 4)
        for moment in self.moments:
            prediction = moment.prediction
            if not prediction.used:
                continue
            start, end = self._span(moment)
            if prediction.interval:
                top, foot = y(prediction.interval.high), y(prediction.interval.low)
                bar = {"fill": _SCORE, "fill-opacity": "0.15"}
                _box(svg, (start, top), (end - start, foot - top), bar)
            place = y(float(prediction.values[0]))
            group = add(svg, "g", {})
            add(group, "title", {}, self._hover(moment))
            _line(group, (start, place), (end, place), _SCORE, 4)

    def _score_range(self) -> tuple[float, float]:
        if self.is_sentiment:
            return SENTIMENT_RANGE
        predictions = [m.prediction for m in self.moments if m.prediction.used]
        values = [v for p in predictions for v in (float(p.values[0]), *(p.interval or ()))] or [0]
        low, high = min(values), max(values)
        return (low, high) if high - low > 1e-6 else (low - 1, high + 1)

    def _draw_classes(self, svg: Element) -> None:
        for row, name in enumerate(self.class_names):
            top = _TOP + row * _ROW
            self._name_row(svg, name, top + 15)
            for moment in self.moments:
                if not moment.prediction.used:
                    continue
                start, end = self._span(moment)
                share = float(moment.prediction.values[row])
                look = {"fill": _SCORE, "fill-opacity": f"{share:.3f}"}
                if name == moment.prediction.label:
                    look |= {"stroke": _INK, "stroke-width": "1.5"}
                group = add(svg, "g", {})
                add(group, "title", {}, f"{self._hover(moment)}: {name} {share:.2f}")
                _box(group, (start, top + 2), (end - start, _ROW - 4), look)

    def _draw_strips(self, svg: Element) -> None:
        for row, modality in enumerate(Modality):
            top = self.strips_top + row * _ROW
            self._name_row(svg, modality.word, top + 15)
            for moment in self.moments:
                self._draw_presence(svg, moment, modality, top + 4)

    def _draw_presence(self, svg: Element, moment: Moment, modality: Modality, top: float) -> None:
        start, end = self._span(moment)
        is_used = modality in moment.prediction.used
        colour = _COLOURS[modality]
        look = {"fill": colour if is_used else "#ffffff", "stroke": colour if is_used else _PALE}
        reason = "used" if is_used else moment.prediction.absent.get(modality, "not used")
        group = add(svg, "g", {})
        add(group, "title", {}, f"{modality.word}: {reason}")
        _box(group, (start, top), (end - start, _ROW - 8), look)
        if mattered_most(moment.prediction) is modality:
            middle = {"cx": f"{(start + end) / 2:.1f}", "cy": f"{top + (_ROW - 8) / 2:.1f}"}
            add(group, "circle", {**middle, "r": "4", "fill": "#ffffff", "stroke": _INK})

    def _draw_clock(self, svg: Element) -> None:
        step = next((s for s in _STEPS if self.seconds / s <= _MOST_TICKS), self.seconds)
        _line(svg, (_LEFT, self.bottom + 4), (_WIDTH - _RIGHT, self.bottom + 4), _INK, 1)
        for number in range(int(self.seconds / step) + 1):
            place = self.x(number * step)
            _line(svg, (place, self.bottom + 4), (place, self.bottom + 9), _INK, 1)
            told = clock(number * step).removesuffix(".0")
            _text(svg, told, (place, self.bottom + 22), {"text-anchor": "middle"})
        key = (
            f"{self._explained()} Filled strip: modality used; circle: the one that mattered most."
        )
        _text(svg, key, (_LEFT, self.bottom + 42), {"fill": "#555555"})

    def _explained(self) -> str:
        if self.class_names:
            return "The stronger the likelier; the likeliest class has a frame."
        has_band = any(moment.prediction.interval for moment in self.moments)
        return "Line: score; band: where it is 9 times in 10." if has_band else "Line: score."

    def _span(self, moment: Moment) -> tuple[float, float]:
        """From where to where; a hair's breadth stays between neighbours."""
        start, end = self.x(moment.start_seconds), self.x(moment.end_seconds or self.seconds)
        return start, max(end - 1, start + 1)

    def _name_row(self, svg: Element, name: str, place: float) -> None:
        shown = name if len(name) <= 14 else name[:13] + "…"
        _text(svg, shown, (_LEFT - 8, place), {"text-anchor": "end"})

    def _hover(self, moment: Moment) -> str:
        return f"{clock(moment.start_seconds)}: {_short(moment.prediction, self.is_sentiment)}"


def _short(prediction: Prediction, is_sentiment: bool) -> str:
    return tell(prediction, with_label=is_sentiment)


def _marks(low: float, high: float) -> list[float]:
    """The scores at which a line is drawn."""
    if (low, high) == SENTIMENT_RANGE:
        return [-3, -2, -1, 0, 1, 2, 3]
    return [round(low + (high - low) * number / 4, 2) for number in range(5)]


def _text(
    parent: Element, text: str, at: tuple[float, float], look: dict[str, str] | None = None
) -> None:
    place = {"x": f"{at[0]:.1f}", "y": f"{at[1]:.1f}"}
    defaults = {"font-family": _FONT, "font-size": "12", "fill": _INK}
    add(parent, "text", {**place, **defaults, **(look or {})}, text)


def _box(
    parent: Element, at: tuple[float, float], size: tuple[float, float], look: dict[str, str]
) -> None:
    place = {"x": f"{at[0]:.1f}", "y": f"{at[1]:.1f}"}
    extent = {"width": f"{max(size[0], 0):.1f}", "height": f"{max(size[1], 0):.1f}"}
    add(parent, "rect", {**place, **extent, **look})


def _line(
    parent: Element,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    width: float,
) -> None:
    places = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    look = {"stroke": colour, "stroke-width": f"{width:g}"}
    add(parent, "line", {**{key: f"{place:.1f}" for key, place in places.items()}, **look})
