"""Tiny models of every family, each built once, and a hub that is not there."""

import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Build a model by its name in `tiny_models`; gives its folder."""
    import tiny_models

    root, built = tmp_path_factory.mktemp("models"), {}

    def build(name):
        if name not in built:
            save = {**tiny_models.AUDIO, **tiny_models.TEXT, **tiny_models.VISUAL}[name]
            built[name] = save(root / name)
        return built[name]

    return build


@pytest.fixture
def no_hub(monkeypatch):
    """As HF_HUB_OFFLINE=1 at the start."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
