"""What several rooms' tests need."""

import math

import av
import cv2
import numpy as np
import pytest

from mculora.corpora.sample.face import FRAME, Expression, Face, Portrait

RATE = 12


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory):
    """An H.264 clip of a drawn person: two seconds of a moving face, then one of the bare wall."""
    path = tmp_path_factory.mktemp("faces") / "face.mp4"
    rng = np.random.default_rng(4)
    portrait = Portrait(Face.draw(rng), rng)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width = stream.height = FRAME
        stream.pix_fmt = "yuv420p"
        for number in range(3 * RATE):
            sway = math.sin(number / 4)
            expression = Expression(
                smile=sway, mouth=0.3, eyes=1.0, x=5 * sway, y=2 * sway, roll=0.0, is_turned=False
            )
            shown = portrait.frame(expression) if number < 2 * RATE else portrait.wall
            image = cv2.cvtColor(shown, cv2.COLOR_BGR2RGB)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path
