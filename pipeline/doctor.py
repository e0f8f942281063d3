"""`mculora doctor`: one screen that tells what this machine can do, and what extract would need."""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from pipeline.console import say
from pipeline.health.machine import free_disk, usable_cores, usable_memory, write_size
from pipeline.health.probe import NoAnswer, probe

_WIDTH = 100
_LABEL = 10
_PATIENCE = 20.0  # seconds for one group; importing torch from a cold disk takes most of them
_CODECS = {
    **{"h264": "H.264", "hevc": "HEVC", "vp8": "VP8", "vp9": "VP9", "av1": "AV1"},
    **{"mpeg4": "MPEG-4", "mpeg2video": "MPEG-2", "mjpeg": "MJPEG"},
    **{"aac": "AAC", "mp3": "MP3", "opus": "Opus"},
}
_PACKAGES = (
    ("torch", "torchaudio", "torchvision", "transformers"),
    ("huggingface-hub", "dvc", "ray"),
)
_MEND = "Mend what failed, then run this again."


def run() -> None:
    """Show the machine, the media, the model hub and the project, and say what to do.

    Every group stands alone: one that fails or hangs says so. Nothing is written, nothing fetched.
    """
    groups: dict[str, Callable[[], list[str]]] = {
        "system": _system,
        "devices": _devices,
        "media": _media,
        "faces": _faces,
        "hub": _hub,
        "presets": _presets,
        "extract": _extract,
        "packages": _packages,
    }
    for label, ask in groups.items():
        answer = probe(ask, seconds=_PATIENCE)
        _show(label, [f"failed: {answer.reason}"] if isinstance(answer, NoAnswer) else answer)
    verdict = probe(_verdict, seconds=_PATIENCE)
    say("")
    _show("", [_MEND] if isinstance(verdict, NoAnswer) else verdict)


def _show(label: str, lines: list[str]) -> None:
    """Write a group, its label before the first line; the verdict stands at the margin."""
    rest = " " * _LABEL if label else ""
    wrapper = textwrap.TextWrapper(_WIDTH, subsequent_indent=rest, break_on_hyphens=False)
    for number, line in enumerate(lines):
        wrapper.initial_indent = f"{label:<{_LABEL}}" if label and number == 0 else rest
        for part in wrapper.wrap(line):
            say(part)


def _system() -> list[str]:
    from pipeline.health.model_hub import CACHE

    cores, memory = usable_cores(), usable_memory()
    facts = [
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        f"{cores} core{'s' if cores > 1 else ''}",
        f"{write_size(memory.free)} of {write_size(memory.total)} memory free",
    ]
    here, there = free_disk(Path()), free_disk(CACHE)
    return [
        ", ".join(facts),
        f"{write_size(here)} of disk free here, {write_size(there)} at the model cache",
    ]


def _devices() -> list[str]:
    """Each kind of device, its dtypes, and which of them `dtype: auto` takes."""
    import torch

    from mculora.features.dtypes import cpu_bfloat16_unit

    lines = [_row("cpu", f"{_speeds('cpu')} ({cpu_bfloat16_unit() or 'no unit for bfloat16'})")]
    kinds: dict[str, list[int]] = {}
    for index in range(torch.cuda.device_count()):
        kinds.setdefault(torch.cuda.get_device_name(index), []).append(index)
    for kind, indices in kinds.items():
        free, total = min(torch.cuda.mem_get_info(index) for index in indices)
        many = f"{len(indices)} x " if len(indices) > 1 else ""
        lines.append(_row("cuda", f"{many}{kind}, {write_size(free)} of {write_size(total)} free"))
        lines.append(_row("", _speeds(f"cuda:{indices[0]}")))
    if torch.backends.mps.is_available():
        lines.append(_row("mps", _speeds("mps")))
    return lines if len(lines) > 1 else [*lines, "no GPU"]


def _speeds(device: str) -> str:
    """How fast a device is in its dtypes."""
    import torch

    from mculora.features.dtypes import fastest_dtype, measure_dtypes

    measured = measure_dtypes(device).items()
    ratios = [f"{_word(dtype)} {_ratio(r)}" for dtype, r in measured if dtype != torch.float32]
    speed = f"{', '.join(ratios)} as fast as float32" if ratios else "no memory to measure in"
    return f"{speed}; auto is {_word(fastest_dtype(device))}"


def _media() -> list[str]:
    """What can be decoded, and by what."""
    from mculora.media.container import decodable

    able = decodable(_CODECS)
    lacking = [name for codec, name in _CODECS.items() if codec not in able]
    line = f"PyAV {_version('av')} decodes {', '.join(_CODECS[codec] for codec in able)}"
    decord = "decord: not here; PyAV reads all, slower where most frames are wanted"
    if find_spec("decord"):
        decord = f"decord {_version('decord')} where most frames are wanted"
    opensmile = "openSMILE: not here, and with it no egemaps"
    if find_spec("opensmile"):
        opensmile = f"openSMILE {_version('opensmile')} for egemaps"
    return [f"{line}; not {', '.join(lacking)}" if lacking else line, f"{decord}; {opensmile}"]


def _faces() -> list[str]:
    """Which face detectors work here, and which of them `detector: auto` takes."""
    import numpy as np

    from mculora.features.faces import YUNET_FILE, YUNET_MODEL
    from mculora.media.faces.haar import HaarDetector
    from pipeline.health.model_hub import is_file_cached, site_problem

    HaarDetector().detect(np.zeros((64, 64, 3), np.uint8))
    yunet = "YuNet to fetch, auto does" if not site_problem() else "no YuNet, auto takes Haar"
    if is_file_cached(YUNET_MODEL, YUNET_FILE):
        yunet = "YuNet cached, auto takes it"
    return [f"Haar works (OpenCV {_version('opencv-python-headless')}); {yunet}"]


def _hub() -> list[str]:
    """Whether models can be fetched, and what is here already."""
    from pipeline.health.model_hub import CACHE, SITE, has_token, site_problem, weigh_cache

    kept = weigh_cache()
    more = "" if kept.is_complete else "more than "
    models = f"{kept.num_models} models, {more}{write_size(kept.num_bytes)}"
    return [
        f"{SITE} {site_problem() or 'answers'}; token {'set' if has_token() else 'not set'}",
        f"cache {_short(CACHE)}: {models if kept.num_models else 'no models'}",
    ]


def _presets() -> list[str]:
    """What of each preset is here."""
    from mculora.features.presets import PRESETS
    from pipeline.health.encoder_files import State, look_at_preset

    lines = []
    for name in PRESETS:
        looked = look_at_preset(name)
        here = [r.modality.word for r in looked if r.state is State.READY]
        away = [f"{r.modality.word} {r.size}" for r in looked if r.state is State.TO_FETCH]
        parts = [", ".join(here) + " here"] if here else []
        parts += [f"to fetch: {', '.join(away)}"] if away else []
        lines.append(_row(name, "; ".join(parts) if away else "ready"))
    return lines


def _extract() -> list[str]:
    """What params.yaml asks for."""
    from pipeline.health.advice import find_params
    from pipeline.health.encoder_files import look_at_params

    params = find_params()
    if isinstance(params, str):
        return [params]
    if params.features == "published":
        return [f"{params.dataset}: published features, no encoder"]
    rows = [_row(r.modality.word, f"{r.encoder}: {r.note}") for r in look_at_params(params)]
    return [f"{params.dataset}, preset {params.extract.preset}", *rows]


def _packages() -> list[str]:
    return [", ".join(f"{name} {_version(name)}" for name in names) for names in _PACKAGES]


def _verdict() -> list[str]:
    from pipeline.health.advice import advise

    return advise()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _row(name: str, text: str) -> str:
    return f"{name:<8} {text}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio < 0.1 else f"{ratio:.1f}x"


def _word(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")


def _short(path: Path) -> str:
    """A path as users write it, their home as ~."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)
