"""From params.yaml to what the library is built with: one recipe per method that is compared."""

from __future__ import annotations

from mculora.model.network import NetworkConfig
from mculora.training.combination_sampling import DPFTForm
from mculora.training.data import TrainingConfig
from pipeline.params import Params

MAIN_METHOD = "mculora"
"""The method itself; a baseline is the same network without adapters and DPFT."""


def methods(params: Params) -> list[str]:
    """The methods that are trained, ours first."""
    return [MAIN_METHOD, *params.train.baselines]


def network_config(
    params: Params, method: str, *, widths: tuple[int, ...], outputs: int
) -> NetworkConfig:
    """The network of a method for features of these widths."""
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
        specific=model.specific,
        weight_mlp=model.weight_mlp,
        adapters=method == MAIN_METHOD,
    )


def training_config(params: Params, method: str) -> TrainingConfig:
    """How a method is trained."""
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
        separation_weight=train.separation_weight,
        keep_weight=train.keep_weight,
        freeze_encoders=params.model.freeze_encoders,
        dpft=DPFTForm(train.dpft) if method == MAIN_METHOD else DPFTForm.OFF,
        dpft_step=train.dpft_step,
        dpft_lowest=lowest,
        dpft_highest=highest,
    )
