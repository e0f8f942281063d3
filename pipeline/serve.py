"""Stage `serve`: a model and a port -> predictions for whoever asks."""

from __future__ import annotations

import tempfile
import wave
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mculora.errors import InputError
from pipeline.bundles import find_bundle
from pipeline.console import say
from pipeline.device import pick_device
from pipeline.serving.limits import Limits

if TYPE_CHECKING:
    from mculora.inference.predictor import Predictor

_NEEDS = ("fastapi", "prometheus_client", "python_multipart", "uvicorn")
_LOCAL = ("127.0.0.1", "::1", "localhost")


def run(model: Path | None, *, device: str, host: str, port: int, limits: Limits) -> None:
    """Serve until a signal says stop; whoever is inside then is served to the end."""
    _check_packages()
    from mculora.inference.predictor import Predictor
    from pipeline.serving.app import make_app
    from pipeline.serving.desk import Desk
    from pipeline.serving.server import Server, listen

    with listen(host, port) as door, tempfile.TemporaryDirectory(prefix="mculora-") as folder:
        predictor = Predictor(find_bundle(model), pick_device(device))
        _warm_up(predictor, Path(folder))
        desk = Desk(limits)
        app = make_app(predictor, desk, limits, Path(folder))
        _tell(host, door.getsockname()[1], predictor.bundle.corpus)
        Server(app, desk, limits).run(sockets=[door])
    say("serve: stopped")


def _check_packages() -> None:
    """Refuse to begin without the packages of the extra.

    Raises:
        InputError: One is missing.
    """
    missing = [package for package in _NEEDS if find_spec(package) is None]
    if missing:
        raise InputError(
            "mculora serve",
            found=f"no package {', '.join(missing)}",
            expected="the extra `serve`",
            remedy="pip install 'mculora[serve]'",
        )


def _warm_up(predictor: Predictor, folder: Path) -> None:
    """Load all there is to load, by a prediction that nobody asked for: a second of silence."""
    predictor.warm_up()
    clip = folder / "silence.wav"
    with wave.open(str(clip), "wb") as file:
        file.setparams((1, 2, 16_000, 16_000, "NONE", ""))
        file.writeframes(bytes(2 * 16_000))
    predictor.predict(clip, transcript="good morning")
    clip.unlink()


def _tell(host: str, port: int, corpus: str) -> None:
    shown = f"[{host}]" if ":" in host else host
    say(f"serve: http://{shown}:{port} (trained on {corpus}; Ctrl-C stops it)")
    if host not in _LOCAL:
        say("serve: whoever reaches this address can use it; nothing here asks for a password")
