"""The cases (the paper's Figure 5): utterances that the specific prediction corrected or hurt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mculora.corpora.manifest import Corpus
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.evaluation.cases import Case, Cases, Told, find_cases
from mculora.evaluation.predicted import PredictedTest
from mculora.modality import ModalityCombination
from pipeline.page.case_media import CaseMedia
from pipeline.page.svg import add, figure, line, markup
from pipeline.page.table import Cell, Row, Table, count_cell
from pipeline.page.wording import UNDEFINED

LICENSED = ("mosei", "mosi", "iemocap4", "iemocap6")
"""Datasets that show real people, by their publishers' leave."""
_WIDTH, _HEIGHT, _EDGE = 128.0, 20.0, 6.0
_SCORE_LIMIT = 3.0

Look = Callable[[Utterance], CaseMedia]
"""How an utterance's media are read."""


@dataclass(frozen=True)
class CaseRow:
    """What was predicted under one combination, as it is read.

    Attributes:
        combination: Its word.
        is_picked: Whether the case was picked for it.
        common: The common prediction alone.
        weight: w.
        whole: The prediction.
        strip: From the one to the other, as a drawing.
    """

    combination: str
    is_picked: bool
    common: str
    weight: str
    whole: str
    strip: Markup


@dataclass(frozen=True)
class CaseCard:
    """One case.

    Attributes:
        id: The utterance's.
        seconds: How long it lasts.
        transcript: Its words, or `""`.
        label: What is true.
        combination: The word of the one that it was picked for.
        change: By how much the loss changed there.
        media: Frames and sound.
        rows: A row per combination that the utterance offers.
    """

    id: str
    seconds: str
    transcript: str
    label: str
    combination: str
    change: str
    media: CaseMedia
    rows: tuple[CaseRow, ...]


@dataclass(frozen=True)
class CaseSection:
    """The section.

    Attributes:
        corrected: Cases in which the specific prediction helped.
        hurt: Cases in which it harmed.
        counts: How often each happened, a row per combination.
        scale: What the drawings' axis shows.
        measure: What `change` is a change of.
        licensed: What is shown by its publishers' leave, or `""`.
    """

    corrected: tuple[CaseCard, ...]
    hurt: tuple[CaseCard, ...]
    counts: Table
    scale: str
    measure: str
    licensed: str


def case_section(
    record: PredictedTest, corpus: Corpus, look: Look, *, num_cases: int
) -> CaseSection:
    """Pick the cases and put together what the page shows of them.

    Args:
        record: What was predicted of the test utterances.
        corpus: Where they come from.
        look: Reads the media of one utterance; asked for the picked ones only.
        num_cases: At most so many of each kind.

    Raises:
        InputError: The corpus does not know an utterance that was predicted.
    """
    utterances = {utterance.id: utterance for utterance in corpus.utterances}
    if unknown := [name for name in record.ids if name not in utterances]:
        raise InputError(
            "predictions",
            found=f"utterance {unknown[0]}, which the corpus does not have",
            expected="utterances of the corpus",
            remedy="run `mculora evaluate`",
        )
    dialogues = {name: utterances[name].dialogue for name in record.ids}
    cases = find_cases(record, dialogues, num_cases=num_cases)
    writer = _Writer(record.class_names, utterances, look)
    is_score = not record.class_names
    corrected, hurt = (tuple(map(writer.card, told)) for told in (cases.corrected, cases.hurt))
    return CaseSection(
        corrected=corrected,
        hurt=hurt,
        counts=counts_table(cases),
        scale="the score, from −3 to 3" if is_score else "the true class's probability, 0 to 1",
        measure="squared error" if is_score else "cross-entropy",
        licensed=_licensed(corpus.name, [*corrected, *hurt]),
    )


def _licensed(dataset: str, cards: Sequence[CaseCard]) -> str:
    """What of a licensed corpus the cards show."""
    if dataset not in LICENSED or not cards:
        return ""
    has_media = any(card.media.frames or card.media.waveform for card in cards)
    return f"{'faces, voices and words' if has_media else 'words'} of {dataset}"


def counts_table(cases: Cases) -> Table:
    """How often the specific prediction corrected and hurt, per combination."""
    rows = tuple(
        Row(
            effect.combination.word,
            (
                count_cell(effect.num_utterances),
                count_cell(effect.corrected),
                count_cell(effect.hurt),
                _mean_cell(effect.corrected_alone, 1),
                _mean_cell(effect.hurt_alone, 1),
                _mean_cell(effect.weight, 2),
            ),
        )
        for effect in cases.effects
    )
    header = ("Combination", "Utterances", "Corrected", "Hurt", "Corrected, one network")
    return Table(
        "How often the specific prediction turned the common one",
        (*header, "Hurt, one network", "Mean w"),
        rows,
        name="cases",
        note="Of utterances that offer all of the combination and, where labels are scores, are "
        "not neutral (a score is right where its sign is). Corrected and hurt by the mean of the "
        "seeds' scores or class probabilities, and by one network, mean over the seeds.",
        kind="narrow",
    )


def _mean_cell(value: float | None, decimals: int) -> Cell:
    return Cell(UNDEFINED if value is None else f"{value:.{decimals}f}", values={"": value})


class _Writer:
    """Writes cases down: in scores, or in the names of classes."""

    def __init__(
        self, class_names: Sequence[str], utterances: Mapping[str, Utterance], look: Look
    ) -> None:
        self.class_names, self.utterances, self.look = class_names, utterances, look

    def card(self, case: Case) -> CaseCard:
        """One case as it is read."""
        utterance = self.utterances[case.id]
        return CaseCard(
            id=case.id,
            seconds=f"{utterance.end_seconds - utterance.start_seconds:.1f} s",
            transcript=utterance.transcript,
            label=self.class_names[int(case.label)] if self.class_names else _signed(case.label),
            combination=case.combination.word,
            change=_signed(case.change),
            media=self.look(utterance),
            rows=tuple(self._row(case, c, told) for c, told in case.told.items()),
        )

    def _row(self, case: Case, combination: ModalityCombination, told: Told) -> CaseRow:
        return CaseRow(
            combination=combination.word,
            is_picked=combination == case.combination,
            common=self._said(told.common, case.label),
            weight=f"{told.weight:.2f}",
            whole=self._said(told.whole, case.label),
            strip=self._strip(told, case.label),
        )

    def _said(self, said: Sequence[float], label: float) -> str:
        """A prediction and whether it is right, as cases are judged."""
        if not self.class_names:
            is_right = (said[0] > 0) == (label > 0)
            return f"{_signed(said[0])}{_tick(is_right)}"
        likeliest = max(range(len(said)), key=said.__getitem__)
        name = self.class_names[likeliest]
        return f"{name} {said[likeliest]:.2f}{_tick(likeliest == label)}"

    def _strip(self, told: Told, label: float) -> Markup:
        if self.class_names:
            at = int(label)
            return _draw_strip(told.common[at], told.whole[at], low=0.0, high=1.0, truth=1.0)
        return _draw_strip(
            told.common[0], told.whole[0], low=-_SCORE_LIMIT, high=_SCORE_LIMIT, truth=label
        )


def _draw_strip(before: float, after: float, *, low: float, high: float, truth: float) -> Markup:
    """From the common prediction (a ring) to the whole one (a dot), and the truth (a bar)."""

    def across(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return _EDGE + (_WIDTH - 2 * _EDGE) * share

    svg = figure("", _WIDTH, _HEIGHT)
    svg.attrib = {"viewBox": svg.attrib["viewBox"], "aria-hidden": "true", "class": "strip s0"}
    middle, half = _HEIGHT / 2, (low + high) / 2
    line(svg, "grid", start=(_EDGE, middle), end=(_WIDTH - _EDGE, middle))
    line(svg, "grid", start=(across(half), 2), end=(across(half), _HEIGHT - 2))
    line(svg, "truth", start=(across(truth), 1), end=(across(truth), _HEIGHT - 1))
    line(svg, "line", start=(across(before), middle), end=(across(after), middle))
    places = {"ring": before, "dot": after}
    for kind, value in places.items():
        place = {"cx": f"{across(value):.1f}", "cy": f"{middle:g}", "r": "4"}
        add(svg, "circle", {"class": kind, **place})
    return markup(svg)


def _signed(value: float) -> str:
    return f"{value:+z.2f}".replace("-", "−")


def _tick(is_right: bool) -> str:
    """A mark that stays beside its number."""
    return "\u00a0✓" if is_right else "\u00a0✗"
