"""The service on a free port of this machine, in a thread, with whatever is to predict."""

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import torch

from mculora.inference.prediction import Prediction
from mculora.modality import Modality
from pipeline.serving.app import make_app
from pipeline.serving.desk import Desk
from pipeline.serving.limits import Limits
from pipeline.serving.server import Server, listen


@dataclass(frozen=True)
class Service:
    """A service that runs."""

    port: int
    folder: Path
    desk: Desk
    server: Server
    client: httpx.Client

    def ask(self, clip=None, transcript=None, name="clip.mp4"):
        """Post a clip, a transcript or both."""
        parts = {} if clip is None else {"clip": (name, clip)}
        if transcript is not None:
            parts["transcript"] = (None, transcript.encode())
        return self.client.post("/predict", files=parts)

    def connect(self):
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def counted(self, name):
        """A metric's value by its whole name, labels included; 0 before it is counted."""
        lines = self.client.get("/metrics").text.splitlines()
        return next((float(v) for k, v in (x.rsplit(" ", 1) for x in lines) if k == name), 0.0)

    def is_idle(self):
        """Whether nobody is inside, nobody computes, and no file lies about."""
        desk = self.desk
        return not (desk.num_inside or desk.num_working or [*self.folder.iterdir()])

    def wait_until(self, is_so, seconds=10.0):
        """Wait for something to become so; it must."""
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.01)


@contextmanager
def serving(predictor, folder, **limits):
    """Run a service for the length of the block."""
    allowed = Limits(**{"max_seconds": 30.0, "workers": 1, **limits})
    desk = Desk(allowed)
    folder.mkdir(exist_ok=True)
    with listen("127.0.0.1", 0) as door:
        server = Server(make_app(predictor, desk, allowed, folder), desk, allowed)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        port = door.getsockname()[1]
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False
        ) as client:
            try:
                yield Service(port, folder, desk, server, client)
            finally:
                server.should_exit = True
                thread.join(20)
                assert not thread.is_alive()


class Oracle:
    """Predicts the same of everything, after `gate` opens; notes what it was shown."""

    def __init__(self, bundle):
        self.bundle, self.gate, self.seen = bundle, threading.Event(), []
        self.gate.set()

    def predict_observations(self, observations):
        [observation] = observations
        path = observation.video_path
        self.seen.append((path, path.read_bytes() if path else None, observation.transcript))
        assert self.gate.wait(20)
        if observation.transcript == "fail":
            raise RuntimeError(f"this is a bug in {path} or {__file__}")
        return [Prediction(torch.tensor([1.0]), (), (Modality.TEXT,), {Modality.AUDIO: "silent"})]
