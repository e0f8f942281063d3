"""Presets: complete, loadable by what transformers knows, and honest about their cost."""

import re
import subprocess
import sys
from itertools import product

import pytest

from mculora.features.encoder import EncoderSpec
from mculora.features.loading import load_encoder
from mculora.features.presets import PRESETS
from mculora.modality import Modality

EVERY = [(name, modality) for name, modality in product(PRESETS, Modality)]


def test_presets_go_from_light_to_heavy_and_cover_every_modality():
    assert list(PRESETS) == ["offline", "small", "paper", "strong"]
    assert all(set(preset) == set(Modality) for preset in PRESETS.values())
    weights = [sum(d.download_megabytes for d in p.values()) for p in PRESETS.values()]
    assert weights == sorted(weights)
    assert weights[0] == 0


@pytest.mark.parametrize("modality", Modality)
def test_offline_needs_nothing(modality):
    defaults = PRESETS["offline"][modality]
    assert defaults.is_built_in
    assert defaults.parameters_millions == 0
    encoder = load_encoder(EncoderSpec(modality, defaults.encoder))
    assert encoder.width == defaults.width


@pytest.mark.parametrize(("name", "modality"), EVERY)
def test_defaults_fit_a_spec(name, modality):
    defaults = PRESETS[name][modality]
    EncoderSpec(
        modality,
        defaults.encoder,
        revision=defaults.revision,
        layers=defaults.layers,
        combine=defaults.combine,
        pooling=defaults.pooling,
    )
    assert defaults.layers
    assert len(set(defaults.layers)) == len(defaults.layers)
    assert (defaults.detector is not None) == (modality is Modality.VISUAL)
    assert defaults.pooling != "words" or modality is Modality.TEXT


@pytest.mark.parametrize(("name", "modality"), [e for e in EVERY if e[0] != "offline"])
def test_a_model_is_a_hub_id_with_a_commit_or_a_branch_that_has_safetensors(name, modality):
    defaults = PRESETS[name][modality]
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", defaults.encoder)
    assert re.fullmatch(r"[0-9a-f]{40}|refs/pr/\d+", defaults.revision)
    # float32 weights: at least the part that runs, at most with a decoder or a text tower
    assert 0.98 < defaults.download_megabytes / (4 * defaults.parameters_millions) < 4


def test_the_paper_s_text_is_the_rivals_recipe():
    text = PRESETS["paper"][Modality.TEXT]
    assert (text.layers, text.combine, text.pooling) == ((-4, -3, -2, -1), "sum", "words")


def test_presets_are_read_without_torch():
    code = "import sys, mculora.features.presets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
