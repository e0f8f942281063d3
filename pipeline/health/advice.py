"""What to do before `mculora extract`, in plain words."""

from __future__ import annotations

from mculora.errors import InputError
from pipeline.encoders import face_settings
from pipeline.health.encoder_files import Readiness, State, look_at_params
from pipeline.health.machine import free_disk, write_size
from pipeline.health.model_hub import CACHE, site_problem
from pipeline.params import PARAMS, Params, read_params

_NO_PARAMS = "no params.yaml in this folder"
_LARGE = ("paper", "strong")


def find_params() -> Params | str:
    """The project's parameters, or why there are none."""
    if not PARAMS.exists():
        return _NO_PARAMS
    try:
        params = read_params()
        face_settings(params)
    except InputError as error:
        return str(error)
    return params


def advise() -> list[str]:
    """Say whether extract could start in this folder, and what to do if not."""
    params = find_params()
    if isinstance(params, str):
        when = "in the project's folder" if params == _NO_PARAMS else "again once that is mended"
        return [f"Run this {when} to see what extract needs."]
    looked = [] if params.features == "published" else look_at_params(params)
    wrong = [one for one in looked if one.state is State.WRONG]
    if wrong:
        return [
            f"Mend extract.{one.modality.word}.encoder in params.yaml: {one.encoder} is {one.note}."
            for one in wrong
        ]
    away = [one for one in looked if one.state is State.TO_FETCH]
    advice = _how_to_fetch(away) if away else ["Ready: everything that extract needs is here."]
    if looked and params.extract.preset in _LARGE and not _has_gpu():
        advice.append(
            "Without a GPU, a large corpus takes this preset many hours; small is made for that."
        )
    return advice


def _how_to_fetch(away: list[Readiness]) -> list[str]:
    names = ", ".join(one.encoder for one in away)
    num_bytes = sum(one.megabytes or 0 for one in away) * 10**6
    if site_problem():
        return [
            f"Not ready, and the hub is out of reach: {names}.",
            "Set HF_HOME to a folder that holds what is missing, give local folders as encoders,"
            " or set extract.preset to offline.",
        ]
    if num_bytes > free_disk(CACHE):
        return [f"Not ready, no room for {names}: set HF_HOME to a folder on a larger disk."]
    size = write_size(num_bytes) if all(one.megabytes for one in away) else "of unknown size"
    return [f"Ready: extract will first fetch {names}, {size}."]


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
