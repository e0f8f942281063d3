"""`mculora serve` the command: what it says, how it stops, and what it leaves behind."""

import os
import re
import signal
import subprocess
import sys
import threading

import httpx
import pytest
from untrained_bundles import untrained_bundle

from mculora.inference.bundle import save_bundle
from pipeline import serve
from pipeline.serving.limits import Limits
from pipeline.serving.server import listen


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_bundle(folder, untrained_bundle())
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as Unix does")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_when_all_are_served(tmp_path, model, number):
    project = os.path.dirname(os.path.dirname(serve.__file__))
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "serve", "--model", str(model), "--port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": project, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        said = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", said).group()
        assert "trained on sample" in said
        assert httpx.get(f"{url}/health").json()["ready"]
        has_begun, answers = threading.Event(), []

        def slow_form():
            yield b'--b\r\nContent-Disposition: form-data; name="transcript"\r\n\r\nlove'
            has_begun.set()
            for _ in range(3):
                threading.Event().wait(0.2)
                yield b"ly"
            yield b"\r\n--b--\r\n"

        def ask():
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
            answers.append(httpx.post(f"{url}/predict", content=slow_form(), headers=kind))

        client = threading.Thread(target=ask)
        client.start()
        has_begun.wait(10)
        threading.Event().wait(0.1)
        process.send_signal(number)
        client.join(20)
        out, err = process.communicate(timeout=30)
    assert [answer.status_code for answer in answers] == [200]
    assert (process.returncode, out, err) == (0, "serve: stopped\n", "")
    assert [*tmp_path.glob("mculora-*")] == []


def test_without_its_packages_it_says_which_extra(run, monkeypatch):
    find = serve.find_spec
    monkeypatch.setattr(serve, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    done = run("serve")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: mculora serve: found no package uvicorn, expected the extra `serve`; "
        "pip install 'mculora[serve]'\n"
    )


def test_a_port_that_is_taken_is_one_line(run, model):
    with listen("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        done = run(f"serve --model {model} --port {port}")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error: --host 127.0.0.1 --port {port}: found address already in")


def test_no_model_is_one_line(run, tmp_path):
    done = run(f"serve --port 0 --model {tmp_path}")
    assert done.code == 1 and len(done.err.splitlines()) == 1
    assert "expected a folder that `mculora export` wrote" in done.err


def test_limits_are_checked(run):
    assert run("serve --max-seconds 0").code == 2
    assert run("serve --queue -1").code == 2
    assert run("serve --port 70000").code == 2


def test_by_default_fifty_find_a_place():
    assert Limits().places >= 50
