"""Who computes an extraction: this process, or the workers of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from mculora.corpora.utterance import Utterance
from mculora.features.encoder import Encoder, identify
from mculora.features.extraction import extract_utterances
from mculora.features.identity import FeatureIdentity
from mculora.features.meter import Meter
from mculora.features.outcome import Extracted
from mculora.media.audio import SAMPLE_RATE
from mculora.modality import Modality
from pipeline.console import say
from pipeline.encoders import encoder_spec, make_encoder
from pipeline.params import Params


@dataclass(frozen=True)
class Computing:
    """What changes the wait and no number.

    Attributes:
        device: Where a pretrained model runs; `auto` takes the first GPU if there is one.
        workers: Threads that read and decode, or Ray's processes; None for as many as fit.
        budget: The most that a batch may cost, in seconds of sound, tokens or frames; None for
            what suits the device.
        engine: This process alone, or Ray.
        address: Of the Ray cluster: `local` makes one for the occasion.
        is_retrying: Whether utterances that failed before are tried again.
    """

    device: str = "auto"
    workers: int | None = None
    budget: int | None = None
    engine: Literal["local", "ray"] = "local"
    address: str = "local"
    is_retrying: bool = False


class Engine(Protocol):
    """Makes vectors of utterances."""

    def identify(self, *, corpus: str, corpus_fingerprint: str) -> FeatureIdentity:
        """Say what the vectors of a corpus will be."""
        ...

    def extract(
        self, utterances: Sequence[Utterance], raw_folder: Path, meter: Meter
    ) -> Iterator[Extracted]:
        """Encode utterances and yield each in the given order, counted by the meter."""
        ...


@dataclass(frozen=True)
class ThisProcess:
    """An encoder in this process; see `Engine`."""

    encoder: Encoder
    computing: Computing

    def identify(self, *, corpus: str, corpus_fingerprint: str) -> FeatureIdentity:
        """See `Engine.identify`."""
        return identify(self.encoder, corpus=corpus, corpus_fingerprint=corpus_fingerprint)

    def extract(
        self, utterances: Sequence[Utterance], raw_folder: Path, meter: Meter
    ) -> Iterator[Extracted]:
        """See `Engine.extract`."""
        return extract_utterances(
            self.encoder,
            utterances,
            raw_folder,
            num_workers=self.computing.workers,
            budget=_in_lengths(self.computing.budget, self.encoder.modality),
            meter=meter,
        )


@contextmanager
def open_engine(params: Params, modality: Modality, computing: Computing) -> Iterator[Engine]:
    """Load the encoder of params.yaml here or on a cluster, for the block.

    Raises:
        InputError: There is no such encoder, device or cluster.
    """
    spec = encoder_spec(params, modality)
    if "/" in spec.encoder and not Path(spec.encoder).expanduser().exists():
        say(f"encoder {spec.encoder}: taken from the model cache, or fetched into it once")
    if computing.engine == "local":
        encoder = make_encoder(params, modality, device=computing.device)
        yield ThisProcess(encoder, computing)
        return
    from mculora.features.on_ray import RayExtraction

    with RayExtraction(
        spec,
        address=computing.address,
        num_workers=computing.workers,
        device=computing.device,
        budget=_in_lengths(computing.budget, modality),
    ) as extraction:
        yield extraction


def _in_lengths(budget: int | None, modality: Modality) -> int | None:
    """A budget in what encoders count: samples of sound, tokens, frames."""
    return budget * SAMPLE_RATE if budget and modality is Modality.AUDIO else budget
