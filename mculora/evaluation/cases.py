"""Test utterances whose common prediction the specific one corrected or hurt, picked by a rule.

What is judged is the mean over the seeds, of scores or of class probabilities: the very numbers
that stand beside a case. An utterance counts under a combination that it offers all of; a score is
right where its sign is, and neutral labels are not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.corpora.manifest import Task
from mculora.evaluation.predicted import PredictedTest
from mculora.modality import ModalityCombination, presence_table

_SMALLEST = 1e-12  # probability; its logarithm is finite


@dataclass(frozen=True)
class Told:
    """What is predicted of one utterance under one combination: the mean over the seeds.

    Attributes:
        common: Y^com alone: a score, or the K class probabilities that it means.
        whole: Y^com + w Y^spe, likewise.
        weight: w, in [0, 1].
    """

    common: tuple[float, ...]
    whole: tuple[float, ...]
    weight: float


@dataclass(frozen=True)
class Case:
    """An utterance that the specific prediction turned from wrong to right, or the other way.

    Attributes:
        id: Of the utterance.
        label: Its score or class index.
        combination: Under which of those that it offers the loss changed most.
        change: What the specific prediction added to the loss there: squared error, or nats of
            cross-entropy; below 0 where it helped.
        told: Its predictions under every combination that it offers.
    """

    id: str
    label: float
    combination: ModalityCombination
    change: float
    told: Mapping[ModalityCombination, Told]


@dataclass(frozen=True)
class Effect:
    """How often the specific prediction turned the common one under a combination.

    Attributes:
        combination: Which one.
        num_utterances: How many were judged.
        corrected: Wrong without and right with the specific prediction, by the mean of the seeds.
        hurt: Right without and wrong with it.
        corrected_alone: As `corrected`, by one seed's network: the mean of such counts.
        hurt_alone: Likewise.
        weight: Mean of w over these utterances and the seeds; None where there are none.
    """

    combination: ModalityCombination
    num_utterances: int
    corrected: int
    hurt: int
    corrected_alone: float
    hurt_alone: float
    weight: float | None


@dataclass(frozen=True)
class Cases:
    """Both lists, the largest change first, and all that they were picked from as counts."""

    corrected: tuple[Case, ...]
    hurt: tuple[Case, ...]
    effects: tuple[Effect, ...]


def find_cases(record: PredictedTest, dialogues: Mapping[str, str], *, num_cases: int) -> Cases:
    """Count what the specific prediction turned and pick the clearest cases.

    Each list has those whose loss changed most in its direction, one of a dialogue, ties by id and
    then by combination. A list is shorter only where there are no more.

    Args:
        record: What was predicted.
        dialogues: The dialogue of each utterance, by id.
        num_cases: Length of each list at most.
    """
    seen = _Seen(record)
    return Cases(
        corrected=_pick(seen, seen.corrected, dialogues, num_cases=num_cases, sign=-1),
        hurt=_pick(seen, seen.hurt, dialogues, num_cases=num_cases, sign=1),
        effects=tuple(seen.effect(combination) for combination in ModalityCombination),
    )


class _Seen:
    """The main method's predictions as cases are judged by: C combinations, N utterances."""

    def __init__(self, record: PredictedTest) -> None:
        self.record = record
        whole = [record.of(record.main, c.word) for c in ModalityCombination]
        said = [_readable(said, record.task) for said in (record.common, torch.stack(whole, 1))]
        self.common, self.whole = (of_seeds.mean(0) for of_seeds in said)  # (C, N, K)
        self.weight = record.weight.double().mean(0)  # (C, N)
        left = torch.stack([record.left[c.word] for c in ModalityCombination])  # (C, N, M)
        self.offered = (left == presence_table()[:, None]).all(2)  # (C, N)
        self.judged = self.offered
        if record.task is Task.REGRESSION:
            self.judged = self.offered & (record.labels != 0)
        self.corrected, self.hurt = self._turned(self.common, self.whole)
        self.corrected_alone, self.hurt_alone = self._turned(*said)  # (S, C, N)

    def _turned(self, common: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
        """Where wrong became right, and where right became wrong: (…, C, N) bool each."""
        before, after = (_is_right(said, self.record) for said in (common, whole))
        return self.judged & ~before & after, self.judged & before & ~after

    def change(self) -> Tensor:
        """What the specific prediction added to the loss, (C, N)."""
        return _loss(self.whole, self.record) - _loss(self.common, self.record)

    def told(self, row: int) -> dict[ModalityCombination, Told]:
        """What is predicted of one utterance."""
        return {
            c: Told(
                common=tuple(self.common[c, row].tolist()),
                whole=tuple(self.whole[c, row].tolist()),
                weight=float(self.weight[c, row]),
            )
            for c in ModalityCombination
            if self.offered[c, row]
        }

    def effect(self, combination: ModalityCombination) -> Effect:
        """The counts under one combination."""
        judged, num_seeds = self.judged[combination], len(self.record.seeds)
        weight = self.weight[combination][judged]
        return Effect(
            combination,
            num_utterances=int(judged.sum()),
            corrected=int(self.corrected[combination].sum()),
            hurt=int(self.hurt[combination].sum()),
            corrected_alone=int(self.corrected_alone[:, combination].sum()) / num_seeds,
            hurt_alone=int(self.hurt_alone[:, combination].sum()) / num_seeds,
            weight=float(weight.mean()) if len(weight) else None,
        )


def _pick(
    seen: _Seen, turned: Tensor, dialogues: Mapping[str, str], *, num_cases: int, sign: int
) -> tuple[Case, ...]:
    """The clearest of those that turned; the loss changed in the direction of `sign`."""
    ids, change = seen.record.ids, seen.change()
    places = [(int(c), int(row)) for c, row in turned.nonzero().tolist()]
    places.sort(key=lambda place: (-sign * float(change[place]), ids[place[1]], place[0]))
    picked: dict[str, tuple[int, int]] = {}
    for place in places:
        picked.setdefault(dialogues[ids[place[1]]], place)
    return tuple(
        Case(
            id=ids[row],
            label=float(seen.record.labels[row]),
            combination=ModalityCombination(combination),
            change=float(change[combination, row]),
            told=seen.told(row),
        )
        for combination, row in list(picked.values())[:num_cases]
    )


def _readable(said: Tensor, task: Task) -> Tensor:
    """Scores as they are, logits as probabilities."""
    return said.double() if task is Task.REGRESSION else said.double().softmax(-1)


def _is_right(said: Tensor, record: PredictedTest) -> Tensor:
    """Whether scores have the label's sign, or the likeliest class is the label: (…, C, N)."""
    if record.task is Task.REGRESSION:
        return (said[..., 0] > 0) == (record.labels > 0)
    return said.argmax(-1) == record.labels


def _loss(said: Tensor, record: PredictedTest) -> Tensor:
    """Squared error of scores, cross-entropy of probabilities: (C, N)."""
    if record.task is Task.REGRESSION:
        return (said[..., 0] - record.labels).square()
    truth = record.labels.long().expand(said.shape[:-1])[..., None]
    return -said.gather(-1, truth)[..., 0].clamp_min(_SMALLEST).log()
