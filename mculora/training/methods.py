"""The methods of one harness: ours, ours without this or that, and what it is up against."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from mculora.modality import ModalityCombination
from mculora.model.network import NetworkConfig
from mculora.training.combination_sampling import DPFTForm
from mculora.training.data import TrainingConfig

MAIN = "mculora"


class Group(StrEnum):
    """Why a method is trained."""

    MAIN = "main"
    BASELINE = "baseline"
    ABLATION = "ablation"
    RANK = "rank"


@dataclass(frozen=True)
class Method:
    """A network and how it is trained.

    Attributes:
        name: As results and files call it.
        group: Why it is trained.
        network: Its dimensions and variant.
        training: How it learns.
        is_specialised: Whether it is seven networks, each trained on and judged by one combination.
    """

    name: str
    group: Group
    network: NetworkConfig
    training: TrainingConfig
    is_specialised: bool = False

    @property
    def specialists(self) -> dict[ModalityCombination, Method]:
        """The seven methods that a specialised one consists of; their names tell them apart."""
        return {
            c: replace(
                self,
                name=f"{self.name}-{c.word}",
                training=replace(self.training, shown=c, judged=(c,)),
                is_specialised=False,
            )
            for c in ModalityCombination
        }


Change = Callable[[Method], Method]


def _joint(main: Method) -> Method:
    return _plain(main, shown=ModalityCombination.ATV)


def _dropout(main: Method) -> Method:
    method = _plain(main, shown=None)
    return replace(method, training=replace(method.training, measure_conflict=True))


def _specialists(main: Method) -> Method:
    return replace(_plain(main, shown=None), is_specialised=True)


def _plain(main: Method, *, shown: ModalityCombination | None) -> Method:
    """The network without adapters; the same budget, and no DPFT."""
    training = replace(main.training, dpft=DPFTForm.OFF, shown=shown, measure_conflict=False)
    return replace(main, network=replace(main.network, adapters="none"), training=training)


def _without_specific(main: Method) -> Method:
    return replace(main, network=replace(main.network, specific="none"))


def _without_orthogonality(main: Method) -> Method:
    return replace(main, training=replace(main.training, separation_weight=0.0, keep_weight=0.0))


def _without_dpft(main: Method) -> Method:
    return replace(main, training=replace(main.training, dpft=DPFTForm.OFF))


def _without_weight_mlp(main: Method) -> Method:
    return replace(main, network=replace(main.network, weight_mlp=False))


def _without_stage_one(main: Method) -> Method:
    """Encoders start at random, so they must learn in stage two."""
    return replace(main, training=replace(main.training, encoder_epochs=0, freeze_encoders=False))


BASELINES: dict[str, Change] = {"joint": _joint, "dropout": _dropout, "specialists": _specialists}
"""joint: trained on everything available; dropout: on uniformly drawn combinations; specialists:
one network per combination. All without adapters; what is absent is zero."""

ABLATIONS: dict[str, Change] = {
    "specific": _without_specific,
    "orthogonality": _without_orthogonality,
    "dpft": _without_dpft,
    "weight_mlp": _without_weight_mlp,
    "stage_one": _without_stage_one,
}
"""What the main method is trained without."""


def main_method(network: NetworkConfig, training: TrainingConfig) -> Method:
    """MCULoRA itself."""
    return Method(MAIN, Group.MAIN, network, replace(training, measure_conflict=True))


def compared_methods(
    main: Method,
    *,
    baselines: Iterable[str] = (),
    ablations: Iterable[str] = (),
    ranks: Iterable[int] = (),
) -> list[Method]:
    """The main method first, then its baselines, ablations and other ranks.

    Args:
        main: Ours.
        baselines: Keys of `BASELINES`.
        ablations: Keys of `ABLATIONS`.
        ranks: R; the main one is not trained twice.
    """
    quiet = replace(main, training=replace(main.training, measure_conflict=False))
    compared = [main]
    for name in baselines:
        compared.append(replace(BASELINES[name](quiet), name=name, group=Group.BASELINE))
    for name in ablations:
        changed = ABLATIONS[name](quiet)
        compared.append(replace(changed, name=f"without_{name}", group=Group.ABLATION))
    for rank in sorted(set(ranks) - {main.network.rank}):
        network = replace(main.network, rank=rank)
        compared.append(replace(quiet, name=f"rank_{rank}", group=Group.RANK, network=network))
    return compared
