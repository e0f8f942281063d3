"""What of the model hub is within reach: the site itself, and the files that are cached here."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from huggingface_hub import get_session, get_token, is_offline_mode, try_to_load_from_cache
from huggingface_hub.constants import ENDPOINT, HF_HUB_CACHE

from pipeline.health.probe import NoAnswer, probe

CACHE = Path(HF_HUB_CACHE)
"""Where models are kept once fetched."""

SITE = ENDPOINT
_PATIENCE = 2.0  # seconds
_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


@dataclass(frozen=True)
class Cache:
    """What lies in the cache folder.

    Attributes:
        num_models: Models of which something is there.
        num_bytes: What they take; a lower bound where counting was cut short.
        is_complete: Whether counting was not.
    """

    num_models: int
    num_bytes: int
    is_complete: bool


def has_token() -> bool:
    """Whether models that need a login can be asked for."""
    return get_token() is not None


@cache
def site_problem() -> str | None:
    """Why the hub cannot be asked; None where it gives a sign of life within two seconds."""
    if is_offline_mode():
        return "not asked: HF_HUB_OFFLINE is set"
    answer = probe(_ask_site, seconds=_PATIENCE)
    return f"not reachable ({answer.reason})" if isinstance(answer, NoAnswer) else None


def is_cached(model: str, revision: str) -> bool:
    """Whether a model's configuration and weights are here, at that revision."""

    def is_here(name: str) -> bool:
        return isinstance(try_to_load_from_cache(model, name, revision=revision), str)

    return is_here("config.json") and any(is_here(name) for name in _WEIGHTS)


def is_file_cached(model: str, name: str) -> bool:
    """Whether one file of a model is here."""
    return isinstance(try_to_load_from_cache(model, name), str)


def weigh_cache() -> Cache:
    """Count the cached models and their bytes; after two seconds, stop counting bytes."""
    models = sorted(CACHE.glob("models--*"))
    stop = time.monotonic() + _PATIENCE
    num_bytes = 0
    for size in (size for model in models for size in _sizes(model)):
        num_bytes += size
        if time.monotonic() > stop:
            return Cache(len(models), num_bytes, is_complete=False)
    return Cache(len(models), num_bytes, is_complete=True)


def _ask_site() -> None:
    """Ask as the hub's own client would: its proxies, its certificates."""
    get_session().head(SITE, timeout=_PATIENCE).raise_for_status()


def _sizes(folder: Path) -> Iterator[int]:
    """The size of each file; links point at files that are counted themselves."""
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if not path.is_symlink():
                yield path.stat().st_size
