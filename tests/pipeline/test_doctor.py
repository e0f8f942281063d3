"""`mculora doctor` on one screen: in any folder, without a network, with broken packages."""

import http.server
import itertools
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mculora.features.presets import PRESETS
from mculora.modality import Modality
from pipeline import doctor

PROJECT = Path(__file__).parents[2]
LABELS = ["system", "devices", "media", "faces", "hub", "presets", "extract", "packages"]
SECRET = "hf_neverShownAnywhere"
FROM_THE_HUB = ("HF_", "HUGGING_FACE", "TRANSFORMERS_")


def examine(folder, **more):
    """Run the command as a user does; give its lines."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(FROM_THE_HUB)}
    env = clean | {"HF_HOME": str(folder / "hub")} | more
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "doctor"],
        cwd=folder,
        env=env | {"PYTHONPATH": f"{more.get('PYTHONPATH', '')}{os.pathsep}{PROJECT}"},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - start < 30  # 3 s on a quiet machine
    lines = done.stdout.splitlines()
    assert len(lines) <= 35
    assert max(map(len, lines)) <= 100
    groups = lines[: lines.index("")]
    assert [line.split()[0] for line in groups if not line.startswith(" ")] == LABELS
    return lines


def verdict(lines):
    return " ".join(lines[lines.index("") + 1 :])


def group(lines, label):
    """What one group says, wherever its lines were broken."""
    first = next(i for i, line in enumerate(lines) if line.startswith(label))
    rest = itertools.takewhile(lambda line: line.startswith(" "), lines[first + 1 :])
    return " ".join(" ".join((lines[first].removeprefix(label), *rest)).split())


def project(folder, **replaced):
    text = (PROJECT / "params.yaml").read_text(encoding="utf-8")
    for key, value in replaced.items():
        text, count = re.subn(rf"(?m)^( *{key}: )\S+", rf"\g<1>{value}", text, count=1)
        assert count == 1
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    return folder


def cache(folder, defaults):
    """Lay a model into the cache as the hub's client does."""
    model = folder / "hub" / "hub" / f"models--{defaults.encoder.replace('/', '--')}"
    snapshot = model / "snapshots" / defaults.revision
    snapshot.mkdir(parents=True)
    (model / "blobs").mkdir()
    for name in ("config.json", "model.safetensors"):
        (model / "blobs" / name).write_bytes(bytes(600_000))
        (snapshot / name).symlink_to(model / "blobs" / name)


@pytest.fixture
def site():
    """A hub on this machine that answers."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_the_project_as_it_comes_is_ready_offline(tmp_path):
    lines = examine(project(tmp_path), HF_HUB_OFFLINE="1", HF_TOKEN=SECRET)
    assert "HF_HUB_OFFLINE is set" in group(lines, "hub")
    assert "token set" in group(lines, "hub")
    assert "no models" in group(lines, "hub")
    assert "egemaps: built in" in group(lines, "extract")
    assert re.search(r"bfloat16 [\d.]+x.* auto is (bfloat16|float32)", group(lines, "devices"))
    assert "H.264" in group(lines, "media")
    assert "failed" not in "".join(lines)
    assert verdict(lines) == "Ready: everything that extract needs is here."
    assert SECRET not in "".join(lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["params.yaml"]


def test_what_is_cached_and_what_is_not(tmp_path):
    for defaults in (PRESETS["small"][Modality.AUDIO], PRESETS["small"][Modality.TEXT]):
        cache(tmp_path, defaults)
    lines = examine(project(tmp_path, preset="small"), HF_HUB_OFFLINE="1")
    assert "2 models, 2 MB" in group(lines, "hub")
    assert "small audio, text here; to fetch: visual 605 MB" in group(lines, "presets")
    assert "whisper-base: cached" in group(lines, "extract")
    assert "clip-vit-base-patch32: to fetch, 605 MB" in group(lines, "extract")
    assert "out of reach: openai/clip-vit-base-patch32." in verdict(lines)
    assert "Set HF_HOME" in verdict(lines)


def test_a_hub_that_answers_will_be_asked_for_what_is_missing(tmp_path, site):
    lines = examine(project(tmp_path, preset="small"), HF_ENDPOINT=site)
    assert f"{site} answers; token not set" in group(lines, "hub")
    assert "Ready: extract will first fetch openai/whisper-base, BAAI/" in verdict(lines)
    assert "1.0 GB" in verdict(lines)


def test_anywhere_and_with_a_hub_that_hangs(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        lines = examine(tmp_path, HF_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert "not reachable" in group(lines, "hub")
    assert group(lines, "extract") == "no params.yaml in this folder"
    assert "project's folder" in verdict(lines)


def test_what_is_broken_says_so_and_the_rest_goes_on(tmp_path):
    for package, error in {
        "torch": "OSError: libcudart.so.13: cannot",
        "av": "RuntimeError",
    }.items():
        (tmp_path / "broken" / package).mkdir(parents=True)
        code = f"raise {error.split(':')[0]}('{error.split(': ', 1)[-1]}')\n"
        (tmp_path / "broken" / package / "__init__.py").write_text(code, encoding="utf-8")
    lines = examine(project(tmp_path), PYTHONPATH=str(tmp_path / "broken"), HF_HUB_OFFLINE="1")
    assert group(lines, "devices") == "failed: libcudart.so.13: cannot"
    assert group(lines, "media") == "failed: RuntimeError"
    assert "memory free" in group(lines, "system")
    assert "transformers " in group(lines, "packages")
    assert verdict(lines) == "Mend what failed, then run this again."


def test_an_encoder_that_is_none_is_named(tmp_path, monkeypatch):
    from pipeline.health.advice import advise

    monkeypatch.chdir(project(tmp_path, encoder="magic"))
    assert advise() == [
        "Mend extract.audio.encoder in params.yaml: magic is neither built in, a hub id nor a"
        " folder."
    ]
    (tmp_path / "magic").mkdir()
    assert "a folder without config.json" in advise()[0]
    (tmp_path / "magic" / "config.json").touch()
    assert advise() == ["Ready: everything that extract needs is here."]


def test_wrong_params_are_shown_as_every_stage_shows_them(tmp_path, monkeypatch):
    from pipeline.health.advice import advise, find_params

    monkeypatch.chdir(project(tmp_path, rank="-1"))
    assert "key rank: found -1" in find_params()
    assert "mended" in advise()[0]


def test_faces_may_need_a_file_too(tmp_path, monkeypatch):
    from pipeline.health.advice import advise, find_params

    monkeypatch.setattr("pipeline.health.advice.site_problem", lambda: None)
    monkeypatch.chdir(project(tmp_path, detector="yunet"))
    assert advise() == ["Ready: extract will first fetch opencv/face_detection_yunet, 1 MB."]
    project(tmp_path, detector="haar", align="true")
    assert "extract.visual.align" in find_params()
    assert "mended" in advise()[0]


def test_gpus_of_one_kind_share_a_line(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_name", ["A", "B", "A"].__getitem__)
    memory = [(30 * 10**9, 80 * 10**9), (5 * 10**9, 9 * 10**9), (20 * 10**9, 80 * 10**9)]
    monkeypatch.setattr(torch.cuda, "mem_get_info", memory.__getitem__)
    monkeypatch.setattr(doctor, "_speeds", lambda device: f"as {device} does")
    assert doctor._devices()[1:] == [
        "cuda     2 x A, 20.0 GB of 80.0 GB free",
        "         as cuda:0 does",
        "cuda     B, 5.0 GB of 9.0 GB free",
        "         as cuda:1 does",
    ]
