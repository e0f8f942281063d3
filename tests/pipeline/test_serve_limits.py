"""`mculora serve` under load: so many, so large, so long, and nobody is hurt by anybody else."""

import io
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import soundfile
from running_service import Oracle, serving
from untrained_bundles import untrained_bundle

from pipeline.serving.upload import MAX_TRANSCRIPT_BYTES


@pytest.fixture(scope="module")
def bundle():
    return untrained_bundle()


@pytest.fixture
def oracle(bundle):
    found = Oracle(bundle)
    yield found
    found.gate.set()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(60) as threads:
        yield threads


def sound(number=1, seconds=0.1):
    """A small recording; its number is in its samples."""
    file = io.BytesIO()
    samples = [number / 100] * round(16_000 * seconds)
    soundfile.write(file, samples, 16_000, format="wav", subtype="PCM_16")
    return file.getvalue()


def head(length, boundary="b", more=""):
    return (
        f"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n"
        f"Content-Type: multipart/form-data; boundary={boundary}\r\n{more}\r\n"
    ).encode()


def part(content, name="clip", filename='; filename="a"'):
    return (
        f'--b\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'.encode() + content
    )


def fresh(service):
    """A client of its own, with a connection of its own."""
    return httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=30, trust_env=False)


def ask_alone(service, number):
    with fresh(service) as client:
        return client.post("/predict", files={"clip": ("a", sound(number))})


def test_fifty_at_once_are_all_served(oracle, tmp_path, pool):
    oracle.gate.clear()
    with serving(oracle, tmp_path / "s", workers=2) as service:
        answers = [pool.submit(ask_alone, service, number) for number in range(50)]
        service.wait_until(lambda: service.desk.num_waiting == 48)
        assert service.counted("mculora_queue_length") == 48
        assert service.counted("mculora_requests_in_flight") == 50
        assert service.counted("mculora_workers_busy") == 2
        oracle.gate.set()
        assert [answer.result().status_code for answer in answers] == [200] * 50
        assert {content for _, content, _ in oracle.seen} == {sound(number) for number in range(50)}
        service.wait_until(service.is_idle)


def test_whoever_finds_no_place_is_told_when_to_come_again(oracle, tmp_path, pool):
    oracle.gate.clear()
    with serving(oracle, tmp_path / "s", queue=2) as service:
        inside = [pool.submit(ask_alone, service, number) for number in range(3)]
        service.wait_until(lambda: service.desk.num_waiting == 2)
        refused = service.ask(b"x" * 3_000_000)  # larger than what the sockets hold
        assert refused.status_code == 503
        assert refused.json() == {"error": "too many requests at the moment"}
        assert int(refused.headers["Retry-After"]) > 0
        assert service.client.get("/health").json()["waiting"] == 2
        oracle.gate.set()
        assert [answer.result().status_code for answer in inside] == [200] * 3
        assert service.ask(transcript="now there is room").status_code == 200


@pytest.mark.parametrize("says", ["the truth", "less", "nothing"])
def test_too_much_is_refused_whatever_it_says_of_its_length(oracle, tmp_path, says):
    with serving(oracle, tmp_path / "s", max_megabytes=0.1) as service:
        form = part(b"x" * 400_000) + b"\r\n--b--\r\n"
        chunks = [form[i : i + 10_000] for i in range(0, len(form), 10_000)]
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        if says == "the truth":
            answer = service.client.post("/predict", content=form, headers=kind)
        elif says == "nothing":
            answer = service.client.post("/predict", content=iter(chunks), headers=kind)
        else:
            with service.connect() as wire:
                wire.sendall(head(1_000) + form[:1_000] + form[1_000:5_000])
                assert b"400 Bad Request" in wire.recv(1_000)
            assert service.ask(sound(seconds=3)).status_code == 200
            return
        assert answer.status_code == 413
        assert answer.json()["error"].startswith("more than 0.116 MB")
        assert service.ask(sound(seconds=3)).status_code == 200
        assert service.is_idle()


def test_a_long_transcript_is_too_much(oracle, tmp_path):
    with serving(oracle, tmp_path / "s") as service:
        assert service.ask(transcript="a" * MAX_TRANSCRIPT_BYTES).status_code == 200
        assert service.ask(transcript="a" * (MAX_TRANSCRIPT_BYTES + 1)).status_code == 413


def test_a_late_answer_is_a_time_out_and_its_worker_comes_back(oracle, tmp_path, pool):
    oracle.gate.clear()
    with serving(oracle, tmp_path / "s", max_seconds=0.5) as service:
        late = [pool.submit(ask_alone, service, number) for number in range(3)]
        assert [answer.result().status_code for answer in late] == [504] * 3
        assert late[0].result().json() == {"error": "no answer within 0.5 s"}
        assert service.desk.num_inside == 0 and service.desk.num_working == 1
        assert [*service.folder.iterdir()] == []
        oracle.gate.set()
        service.wait_until(service.is_idle)
        assert len(oracle.seen) == 1  # who still waited was never begun
        assert service.ask(transcript="as if nothing had been").status_code == 200


def test_a_slow_upload_loses_its_place(oracle, tmp_path):
    with serving(oracle, tmp_path / "s", max_seconds=0.4) as service, service.connect() as wire:
        wire.sendall(head(10_000) + part(b"some of it"))
        assert wire.recv(1_000).startswith(b"HTTP/1.1 408")
        assert service.is_idle()


def test_hanging_up_in_mid_upload_leaves_nothing(oracle, tmp_path):
    with serving(oracle, tmp_path / "s") as service:
        for _ in range(20):
            wire = service.connect()
            wire.sendall(head(1_000_000) + part(b"x" * 300_000))
            wire.close()
        service.wait_until(service.is_idle)
        assert service.ask(transcript="still there").status_code == 200
        assert oracle.seen[-1][2] == "still there" and len(oracle.seen) == 1


def test_whoever_hangs_up_while_waiting_is_not_predicted(oracle, tmp_path, pool):
    oracle.gate.clear()
    form = part(sound()) + b"\r\n--b--\r\n"
    with serving(oracle, tmp_path / "s") as service:
        first = pool.submit(ask_alone, service, 1)
        service.wait_until(lambda: service.desk.num_working == 1)
        wire = service.connect()
        wire.sendall(head(len(form)) + form)
        service.wait_until(lambda: service.desk.num_waiting == 1)
        wire.close()
        service.wait_until(lambda: service.desk.num_waiting == 0)
        oracle.gate.set()
        assert first.result().status_code == 200
        service.wait_until(service.is_idle)
        assert len(oracle.seen) == 1
        assert service.counted('mculora_requests_total{path="/predict",status="499"}') == 1


GARBAGE = {
    "no http": b"\x16\x03\x01\x02\x00garbage\r\n\r\n",
    "endless head": b"GET / HTTP/1.1\r\nA: " + b"a" * 200_000,
    "no form": head(5) + b"hello",
    "other boundary": head(10, "c") + b"--b\r\n\r\n--b",
    "no boundary": head(2).replace(b"; boundary=b", b"") + b"xx",
    "long boundary": head(2, "b" * 2_000) + b"xx",
    "unknown field": head(5_000) + part(b"x", "path", ""),
    "twice": head(5_000) + part(b"x") + b"\r\n" + part(b"y"),
    "many headers": head(50_000) + b"--b\r\n" + b"A: b\r\n" * 40,
    "long header": head(50_000) + b"--b\r\nA: " + b"b" * 20_000,
    "no disposition": head(5_000) + b"--b\r\n\r\nhello",
    "not utf-8": head(len(part(b"\xff\xfe", "transcript", "")) + 9)
    + part(b"\xff\xfe", "transcript", "")
    + b"\r\n--b--\r\n",
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_a_bad_request_and_hurts_nobody(oracle, tmp_path, kind):
    with serving(oracle, tmp_path / "s") as service:
        with service.connect() as wire:
            wire.sendall(GARBAGE[kind])
            assert wire.recv(1_000).startswith(b"HTTP/1.1 400")
        service.wait_until(service.is_idle)
        assert service.ask(transcript="hello").status_code == 200
        assert len(oracle.seen) == 1


def test_a_form_that_breaks_off_is_a_bad_request(oracle, tmp_path):
    with serving(oracle, tmp_path / "s") as service:
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = service.client.post("/predict", content=part(b"half"), headers=kind)
        assert answer.json() == {"error": "the form breaks off"}
        assert service.is_idle() and not oracle.seen


def test_the_silent_are_hung_up_on(oracle, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.serving.server._HEAD_SECONDS", 0.3)
    with serving(oracle, tmp_path / "s") as service, service.connect() as wire:
        wire.sendall(b"GET / HT")
        assert wire.recv(1_000) == b""


def test_no_room_on_the_disk_is_said_and_passes(oracle, tmp_path):
    with serving(oracle, tmp_path / "s") as service:
        service.folder.rmdir()
        assert service.ask(b"clip").status_code == 503
        service.folder.mkdir()
        assert service.ask(sound()).status_code == 200


def test_stopping_serves_who_is_inside_and_nobody_else(oracle, tmp_path, pool):
    oracle.gate.clear()
    with serving(oracle, tmp_path / "s") as service, fresh(service) as kept:
        assert kept.get("/health").status_code == 200
        inside = [pool.submit(ask_alone, service, number) for number in range(3)]
        service.wait_until(lambda: service.desk.num_waiting == 2)
        service.server.handle_exit(15, None)
        refused = service.ask(transcript="too late")
        assert (refused.status_code, refused.json()["error"]) == (503, "the service is stopping")
        health = kept.get("/health")
        assert (health.status_code, health.json()["ready"]) == (503, False)
        time.sleep(0.3)
        oracle.gate.set()
        assert [answer.result().status_code for answer in inside] == [200] * 3
        service.wait_until(lambda: not is_open(service.port))


def is_open(port):
    with socket.socket() as wire:
        return wire.connect_ex(("127.0.0.1", port)) == 0


def test_a_second_signal_waits_for_nobody(oracle, tmp_path, pool):
    oracle.gate.clear()
    with serving(oracle, tmp_path / "s") as service:
        inside = pool.submit(ask_alone, service, 1)
        service.wait_until(lambda: service.desk.num_working == 1)
        service.server.handle_exit(2, None)
        service.server.handle_exit(2, None)
        service.wait_until(lambda: not is_open(service.port))
        assert inside.exception() or inside.result().status_code == 500
        oracle.gate.set()
