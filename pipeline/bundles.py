"""What to predict with: the bundle in a folder, or the best network of the trained dataset."""

from __future__ import annotations

from pathlib import Path

from mculora.features.encoder import EncoderSpec
from mculora.inference.bundle import Bundle, load_bundle
from mculora.modality import Modality
from mculora.model.checkpoint import Checkpoint, load_checkpoint, read_provenance
from mculora.training.methods import MAIN
from pipeline.encoders import encoder_spec
from pipeline.layout import Layout, require
from pipeline.params import Params, read_params, what_counts


def find_bundle(folder: Path | None) -> Bundle:
    """The bundle in a folder, or else that of the project that is the current folder.

    Raises:
        InputError: The folder is no bundle, or nothing is trained here.
    """
    return trained_bundle(read_params()) if folder is None else load_bundle(folder)


def trained_bundle(params: Params, root: Path = Path()) -> Bundle:
    """The best network that was trained on the dataset of params.yaml.

    Raises:
        MissingInputError: Nothing is trained.
    """
    layout = Layout(params.dataset, root)
    require(layout.models, command="mculora train")
    checkpoint = best_checkpoint(layout)
    encoders: dict[Modality, EncoderSpec] = {}
    if params.features == "extracted":
        encoders = {m: encoder_spec(params, m) for m in Modality}
    return Bundle(checkpoint.network, encoders, checkpoint.provenance, what_counts(params))


def best_checkpoint(layout: Layout) -> Checkpoint:
    """The network of our method that did best on validation."""
    paths = sorted((layout.models / MAIN).glob("*.safetensors"))
    if not paths:
        require(layout.models / MAIN / "*.safetensors", command="mculora train")
    return load_checkpoint(max(paths, key=lambda p: float(read_provenance(p)["validation_mean"])))
