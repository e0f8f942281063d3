"""Where a model's files are: a local folder, or the hub's cache, which is filled once."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.modality import Modality

PATIENCE_SECONDS = 5.0
"""How long a server may stay silent; the hub's own client tries for minutes."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SAFE_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
_OTHER_WEIGHTS = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin")
_SMALL_FILES = re.compile(r"[^/]+\.(json|txt|model)")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_INPUT_FILES = {
    Modality.AUDIO: ("preprocessor_config.json", "processor_config.json"),
    Modality.TEXT: ("tokenizer.json", "vocab.*", "*.model"),
    Modality.VISUAL: ("preprocessor_config.json", "processor_config.json"),
}
"""What says how input is prepared: one of them is needed, for a guess would change the numbers."""

_NOT_OF_THE_MODEL = (".md", ".txt.lock", ".gitattributes")
_NO_ANSWER: tuple[Any, ...] = (
    OSError,
    *HfHubHTTPError.__bases__,
)  # with the root of the HTTP client's own errors


@dataclass(frozen=True)
class ModelFolder:
    """A model's files on this machine.

    Attributes:
        path: The folder.
        name: The hub id, or the last name of a local folder: no path of a machine.
        revision: The commit of a hub model, or a digest of a local folder's files.
        where: What errors call it.
    """

    path: Path
    name: str
    revision: str
    where: str


def find_model(spec: EncoderSpec) -> ModelFolder:
    """Find a model's files; what the hub's cache lacks is fetched.

    A commit that the cache has whole needs no network; without a network the cache is used as it
    is.

    Raises:
        InputError: Some of them are neither on this machine nor to be had.
    """
    local = Path(spec.encoder).expanduser()
    if not local.is_dir():
        path = _find_on_hub(spec)
        return ModelFolder(path, spec.encoder, path.name, _describe(spec))
    missing = _missing_part(local, spec.modality)
    if missing:
        raise InputError(
            spec.encoder,
            found=f"a folder that does not load (no {missing} in it)",
            expected="a model with its processor, as save_pretrained writes them",
        )
    return ModelFolder(local, local.resolve().name, f"files {_digest(local)}", spec.encoder)


def first_sentence(error: object) -> str:
    """What an error says, on one line and no longer than needed."""
    return " ".join(str(error).split()).split(". ")[0][:160].rstrip(".")


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Keep the hub's progress bars off the terminal."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    was_off = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not was_off:
            enable_progress_bars()


def _describe(spec: EncoderSpec) -> str:
    return f"model {spec.encoder}, revision {spec.revision}"


def _find_on_hub(spec: EncoderSpec) -> Path:
    try:
        cached = try_to_load_from_cache(spec.encoder, "config.json", revision=spec.revision)
    except HFValidationError as error:
        raise InputError(
            f"extract.{spec.modality.word}.encoder",
            found=repr(spec.encoder),
            expected="a hub id (owner/name) or a local folder",
        ) from error
    folder = Path(cached).parent if isinstance(cached, str) else None
    missing = _missing_part(folder, spec.modality) if folder else "config.json"
    if folder and not missing and _COMMIT.fullmatch(spec.revision):
        return folder
    try:
        names = _ask_for_names(spec)
    except _NO_ANSWER as error:
        if folder and not missing:
            return folder
        raise _unavailable(spec, error, missing if folder else "") from error
    return _fetch(spec, names)


def _ask_for_names(spec: EncoderSpec) -> list[str]:
    """The files that the hub has of a model; the first that is asked of it, and answered soon."""
    info = HfApi().model_info(spec.encoder, revision=spec.revision, timeout=PATIENCE_SECONDS)
    return [sibling.rfilename for sibling in info.siblings or ()]


def _fetch(spec: EncoderSpec, names: Iterable[str]) -> Path:
    """Fetch what is needed of a model into the cache: one kind of weights, its small files."""
    names = list(names)
    weights = [name for name in names if _SAFE_WEIGHTS.fullmatch(name)]
    weights = weights or [name for name in names if _OTHER_WEIGHTS.fullmatch(name)]
    wanted = weights + [name for name in names if _SMALL_FILES.fullmatch(name)]
    try:
        with without_progress_bars():
            folder = Path(
                snapshot_download(spec.encoder, revision=spec.revision, allow_patterns=wanted)
            )
    except _NO_ANSWER as error:
        raise _unavailable(spec, error, "") from error
    missing = _missing_part(folder, spec.modality)
    if missing:
        raise InputError(
            _describe(spec),
            found=f"no {missing} in it",
            expected=f"a transformers model for {spec.modality.word}, with what prepares its input",
        )
    return folder


def _unavailable(spec: EncoderSpec, error: BaseException, missing: str) -> InputError:
    """Say in one line why a hub model is not to be had, and the ways out."""
    cache, reason = constants.HF_HUB_CACHE, first_sentence(error)
    remedy = "set HF_HOME to a folder that holds it, or give its local folder as the encoder"
    if isinstance(error, RevisionNotFoundError):
        found = f"no such revision of it on the hub, and no files of it in {cache}"
    elif isinstance(error, GatedRepoError):
        found = f"a gated model, and no files of it in {cache}"
        page = f"{constants.ENDPOINT}/{spec.encoder}"
        remedy = f"accept its terms at {page} and run `hf auth login`, or {remedy}"
    elif isinstance(error, RepositoryNotFoundError):
        found = f"no such model on the hub, or a private one, and no files of it in {cache}"
    elif missing:
        found = f"no {missing} of it in {cache} and no way to fetch it ({reason})"
    else:
        found = f"no files of it in {cache} and no way to fetch them ({reason})"
    expected = "a model on the hub or in that cache"
    return InputError(_describe(spec), found=found, expected=expected, remedy=remedy)


def _missing_part(folder: Path, modality: Modality) -> str:
    """The first thing that a model's folder lacks; `""` if it is whole."""
    if not (folder / "config.json").is_file():
        return "config.json"
    weights = _missing_weights(folder)
    if weights:
        return weights
    known = _INPUT_FILES[modality]
    if not any(path.is_file() for pattern in known for path in folder.glob(pattern)):
        return "tokenizer" if modality is Modality.TEXT else known[0]
    return ""


def _missing_weights(folder: Path) -> str:
    for whole in _WEIGHTS:
        if (folder / whole).is_file():
            return ""
        index = folder / f"{whole}.index.json"
        if index.is_file():
            return next((s for s in _shards(index) if not (folder / s).is_file()), "")
    return " or ".join(_WEIGHTS)


def _shards(index: Path) -> list[str]:
    """The weight files that an index names."""
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            index, found="a damaged file", expected="the names of the model's weight files"
        ) from error


def _digest(folder: Path) -> str:
    """SHA-256 over a folder's files, wherever it lies."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in relative.parts)
        if path.name.endswith(_NOT_OF_THE_MODEL) or is_hidden:
            continue
        digest.update(f"{relative.as_posix()}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
