"""What is trained: an encoder per modality, then a network per method, for every fold and seed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from mculora.modality import Modality, ModalityCombination
from mculora.training.methods import Method


@dataclass(frozen=True)
class EncoderJob:
    """Stage one of one modality; every method starts from it.

    Attributes:
        fold: The fold's name.
        seed: Draws all that is drawn.
        modality: What is encoded.
        method: Tells the encoder's dimensions and how it learns.
    """

    fold: str
    seed: int
    modality: Modality
    method: Method

    @property
    def name(self) -> str:
        """Where it is kept while others are unfinished."""
        return f"encoders/seed-{self.seed}-{self.fold}-{self.modality.word}"


@dataclass(frozen=True)
class NetworkJob:
    """Stage two of one network.

    Attributes:
        fold: The fold's name.
        seed: Draws all that is drawn.
        method: Whose network it is.
        combination: Which of a specialised method's seven; None for any other method.
        keeps_epochs: Whether the judged weights of every epoch are kept, too.
    """

    fold: str
    seed: int
    method: Method
    combination: ModalityCombination | None = None
    keeps_epochs: bool = False

    @property
    def name(self) -> str:
        """Where it is kept while others are unfinished."""
        return f"{self.trained.name}/seed-{self.seed}-{self.fold}"

    @property
    def trained(self) -> Method:
        """What is trained: the method, or one of its specialists."""
        if self.combination is None:
            return self.method
        return self.method.specialists[self.combination]


Job = EncoderJob | NetworkJob


@dataclass(frozen=True)
class Plan:
    """All that is to be trained, fold by fold and seed by seed; networks need the encoders."""

    encoders: tuple[EncoderJob, ...]
    networks: tuple[NetworkJob, ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Both phases."""
        return (*self.encoders, *self.networks)


def plan_jobs(
    methods: Sequence[Method],
    *,
    folds: Iterable[str],
    seeds: Iterable[int],
    keeping: Container[str] = (),
) -> Plan:
    """List what is to be trained.

    Args:
        methods: The main one first.
        folds: Their names.
        seeds: Of all that is drawn.
        keeping: The names of the methods whose every epoch is kept.
    """
    runs = [(fold, seed) for fold in folds for seed in seeds]
    encoders = [EncoderJob(*run, modality, methods[0]) for run in runs for modality in Modality]
    networks = [
        NetworkJob(*run, method, combination, keeps_epochs=method.name in keeping)
        for run in runs
        for method in methods
        for combination in networks_of(method)
    ]
    return Plan(tuple(encoders), tuple(networks))


def networks_of(method: Method) -> Sequence[ModalityCombination | None]:
    """What tells a method's networks apart: the seven combinations, or nothing for a single one."""
    return tuple(ModalityCombination) if method.is_specialised else (None,)
