"""From params.yaml to what the library is built with: the methods that are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mculora.model.network import NetworkConfig
from mculora.training.combination_sampling import DPFTForm
from mculora.training.data import TrainingConfig
from mculora.training.methods import Group, Method, compared_methods, main_method
from pipeline.params import Params


@dataclass(frozen=True)
class Comparison:
    """What stands side by side.

    Attributes:
        methods: What is trained and tested, ours first.
        same_as_main: The names of those that params.yaml asks for and that are the main method
            itself, as where it lacks a part already that they are without: not trained twice.
    """

    methods: tuple[Method, ...]
    same_as_main: tuple[str, ...]


def comparison(params: Params, *, widths: tuple[int, ...], outputs: int) -> Comparison:
    """The main method and all that params.yaml names beside it.

    Args:
        params: The parameters.
        widths: D_m of the features.
        outputs: K.
    """
    network = network_config(params, widths=widths, outputs=outputs)
    train = params.train
    main, *others = compared_methods(
        main_method(network, training_config(params)),
        baselines=train.baselines,
        ablations=train.ablations,
        ranks=train.ranks,
    )
    same = tuple(method.name for method in others if _is_same(method, main))
    return Comparison((main, *(m for m in others if m.name not in same)), same)


def keeps_epochs(params: Params, method: Method) -> bool:
    """Whether the weights of a method's every epoch are kept: of ours if params.yaml says so.

    Where the test split selects, it selects for all of them.
    """
    is_ours = method.group is Group.MAIN
    return params.selection == "test" or (is_ours and params.train.keep_epochs)


def network_config(params: Params, *, widths: tuple[int, ...], outputs: int) -> NetworkConfig:
    """The main network for features of these widths."""
    model = params.model
    return NetworkConfig(
        widths=widths,
        outputs=outputs,
        hidden=model.hidden,
        depth=model.depth,
        heads=model.heads,
        dropout=model.dropout,
        rank=params.rank,
        adapter_alpha=model.adapter_alpha,
        adapters=model.adapters,
        specific=model.specific,
        weight_mlp=model.weight_mlp,
    )


def training_config(params: Params) -> TrainingConfig:
    """How the main network is trained."""
    train = params.train
    lowest, highest = sorted(train.dpft_range)
    return TrainingConfig(
        encoder_epochs=train.encoder_epochs,
        encoder_learning_rate=train.encoder_learning_rate,
        epochs=train.epochs,
        patience=train.patience,
        batch_dialogues=train.batch_dialogues,
        learning_rate=train.learning_rate,
        weight_decay=train.weight_decay,
        average_decay=train.average_decay,
        smoothing_epochs=train.smoothing_epochs,
        separation_weight=train.separation_weight,
        keep_weight=train.keep_weight,
        freeze_encoders=params.model.freeze_encoders,
        dpft=DPFTForm(train.dpft),
        dpft_step=train.dpft_step,
        dpft_lowest=lowest,
        dpft_highest=highest,
    )


def _is_same(method: Method, main: Method) -> bool:
    """Whether a method would train the very network that the main one trains."""
    training = replace(method.training, measure_conflict=main.training.measure_conflict)
    same = method.network == main.network and training == main.training
    return same and not method.is_specialised
