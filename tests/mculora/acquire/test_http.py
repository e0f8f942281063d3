"""A file arrives right or not at all, whatever the server does: all against a real one."""

import datetime
import gzip
import hashlib
import ipaddress
import json
import logging
import random
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
from http_server import Reply, Server
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mculora.acquire.arrival import Arrival
from mculora.acquire.http import fetch
from mculora.acquire.patience import Patience
from mculora.acquire.record import is_finished
from mculora.acquire.remote import Credentials, Remote
from mculora.errors import InputError

SECRET = "pa55-wörd-of-nobody"
CONTENT = b"PK\x03\x04" + random.Random(3).randbytes(300_000)
OTHER = b"PK\x03\x04" + random.Random(4).randbytes(300_000)
MD5 = (hashlib.md5(CONTENT).hexdigest(),)
SHA256 = (hashlib.sha256(CONTENT).hexdigest(),)
PAGE = b"<!DOCTYPE html><html><head><title>Please\n sign &amp; return\x1b[31m</title></head></html>"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def waits():
    """The seconds that were waited for, without waiting."""
    return []


@pytest.fixture
def bring(tmp_path, waits):
    """Fetch to a target below a folder that does not exist yet, without waiting."""

    def bring(url, name="corpus.zip", **facts):
        target = tmp_path / "raw" / name
        return target, list(
            fetch(Remote(url, **facts), target, patience=Patience(sleep=waits.append))
        )

    return bring


def files_of(folder):
    """Every file but the locks, which stay."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


# A good server


def test_whole_file_with_progress_and_record(server, bring):
    url, _ = server.serve("corpus.zip", CONTENT)
    target, progress = bring(url, num_bytes=len(CONTENT), md5=(MD5[0].upper(),), sha256=SHA256)
    assert target.read_bytes() == CONTENT
    done = [p.done_bytes for p in progress]
    assert done == sorted(done)
    assert done[0] == 0
    assert done[-1] == len(CONTENT)
    assert {p.total_bytes for p in progress} == {len(CONTENT)}
    assert files_of(target.parent) == ["corpus.zip", "corpus.zip.fetched.json"]
    assert json.loads(target.with_name("corpus.zip.fetched.json").read_text()) == {
        "url": url,
        "num_bytes": len(CONTENT),
        "sums": {"md5": MD5[0], "sha256": SHA256[0]},
    }


@pytest.mark.parametrize("facts", [{}, {"num_bytes": len(CONTENT)}, {"md5": MD5}])
def test_finished_file_is_never_fetched_again(server, bring, facts):
    url, served = server.serve("corpus.zip", CONTENT)
    target, _ = bring(url, **facts)
    assert is_finished(target, Remote(url, **facts))
    served.content = OTHER
    bring(url, **facts)
    target.with_name("corpus.zip.fetched.json").unlink()
    assert not is_finished(target, Remote(url, **facts))
    bring(url, **facts)
    assert is_finished(target, Remote(url, **facts))
    assert target.read_bytes() == CONTENT
    assert len(server.asked) == 1


def test_checksum_that_becomes_known_later_is_checked_on_disk(server, bring):
    url, _ = server.serve("corpus.zip", CONTENT)
    target, _ = bring(url)
    assert not is_finished(target, Remote(url, md5=MD5))
    bring(url, md5=MD5)
    assert is_finished(target, Remote(url, md5=MD5))
    assert not is_finished(target, Remote(url, num_bytes=5))
    with pytest.raises(InputError, match="expected 5 bytes"):
        bring(url, num_bytes=5)
    assert len(server.asked) == 1


def test_changed_target_is_noticed(server, bring):
    url, _ = server.serve("corpus.zip", CONTENT)
    target, _ = bring(url, md5=MD5)
    target.write_bytes(CONTENT[:-1])
    assert not is_finished(target, Remote(url, md5=MD5))
    with pytest.raises(InputError, match="remove it and run again to fetch it anew"):
        bring(url, md5=MD5)
    target.unlink()
    bring(url, md5=MD5)
    assert target.read_bytes() == CONTENT


def test_killed_between_name_and_record(server, bring):
    url, _ = server.serve("corpus.zip", CONTENT)
    target, _ = bring(url)
    target.with_name("corpus.zip.fetched.json").rename(target.with_name("corpus.zip.partial.json"))
    bring(url)
    assert files_of(target.parent) == ["corpus.zip", "corpus.zip.fetched.json"]
    assert len(server.asked) == 1


def test_file_of_another_address_is_not_taken_for_this_one(server, bring):
    first, _ = server.serve("a/corpus.zip", CONTENT)
    second, _ = server.serve("b/corpus.zip", OTHER)
    target, _ = bring(first)
    with pytest.raises(InputError, match=r"the file of .*/a/corpus\.zip"):
        bring(second)
    bring(second, md5=MD5)  # a mirror of the same bytes
    assert target.read_bytes() == CONTENT
    assert len(server.asked) == 1


@pytest.mark.parametrize("faults", [{"is_chunked": True}, {"says_length": -1}])
def test_size_may_be_unsaid(server, bring, faults):
    url, _ = server.serve("corpus.zip", CONTENT, **faults)
    target, progress = bring(url)
    assert target.read_bytes() == CONTENT
    assert progress[1].total_bytes is None
    assert progress[-1].total_bytes == len(CONTENT)


@pytest.mark.parametrize(
    ("etag", "last_modified", "asked"),
    [
        ('"v1"', "Mon, 01 Jan 2018 10:00:00 GMT", '"v1"'),
        ('W/"v1"', "Mon, 01 Jan 2018 10:00:00 GMT", "Mon, 01 Jan 2018 10:00:00 GMT"),
        ('W/"v1"', "", None),
        ("", "", None),
    ],
)
def test_rest_is_asked_for_on_condition(server, bring, etag, last_modified, asked):
    facts = {"etag": etag, "last_modified": last_modified}
    url, _ = server.serve("corpus.zip", CONTENT, cuts=[1000], **facts)
    bring(url)
    assert server.asked[1].headers["Range"] == "bytes=1000-"
    assert server.asked[1].headers.get("If-Range") == asked


def test_what_is_done_is_on_disk(server, tmp_path):
    url, _ = server.serve("corpus.zip", CONTENT, cuts=[700, 800, 900])
    patience = Patience(sleep=lambda _: None)
    for progress in fetch(Remote(url), tmp_path / "corpus.zip", patience=patience):
        here = [p for p in tmp_path.glob("corpus.zip*") if p.suffix in (".zip", ".partial")]
        assert sum(path.stat().st_size for path in here) == progress.done_bytes


def test_identity_is_asked_for(server, bring):
    url, _ = server.serve("corpus.zip", CONTENT)
    bring(url)
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


# A line that is cut


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("faults", [{}, {"is_chunked": True}, {"etag": "", "last_modified": ""}])
def test_cut_at_twenty_random_points(server, bring, waits, seed, faults):
    rng = random.Random(seed)
    cuts = [rng.choice((1, -1)) * rng.randrange(600, len(CONTENT) // 20) for _ in range(20)]
    url, _ = server.serve("corpus.zip", CONTENT, cuts=cuts, **faults)
    target, progress = bring(url, num_bytes=len(CONTENT), md5=MD5)
    assert target.read_bytes() == CONTENT
    assert len(server.asked) == 21
    assert len(waits) == 20
    assert sum("trying again" in p.note for p in progress) == 20
    assert files_of(target.parent) == ["corpus.zip", "corpus.zip.fetched.json"]


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    size=st.integers(1, 3000),
    cuts=st.lists(st.integers(-3000, 3000), max_size=6),
    ignores_range=st.booleans(),
    is_chunked=st.booleans(),
    etag=st.sampled_from(['"strong"', 'W/"weak"', ""]),
)
def test_any_cuts_give_the_right_bytes_or_an_error(server, tmp_path, size, cuts, **faults):
    content = random.Random(size).randbytes(size)
    url, _ = server.serve("notes.bin", content, cuts=cuts, **faults)
    folder = tmp_path / str(time.monotonic_ns())
    target = folder / "notes.bin"
    fetch_it = fetch(Remote(url), target, patience=Patience(sleep=lambda _: None))
    try:
        list(fetch_it)
    except InputError:
        assert not target.exists()
    else:
        assert target.read_bytes() == content


def test_progress_forgives_failures_and_only_progress_does(server, bring, waits):
    url, served = server.serve("corpus.zip", CONTENT)
    served.replies = [Reply(500) for _ in range(4)]
    served.cuts = [1000]
    bring(url)
    waits.clear()
    served.replies = [Reply(503) for _ in range(99)]
    with pytest.raises(InputError, match="status 503 Service Unavailable"):
        bring(url, "again.zip")
    assert len(waits) == 4
    assert all(2**n <= wait <= 2**n + 1 for n, wait in enumerate(waits))
    assert any(wait != 2**n for n, wait in enumerate(waits))


def test_more_patience_midway(server, bring, waits):
    url, served = server.serve("corpus.zip", CONTENT, cuts=[5000] + [0] * 99)
    with pytest.raises(InputError, match="5,000 bytes that are here are kept"):
        bring(url)
    assert len(waits) == 11
    assert 60 <= max(waits) <= 61
    served.cuts = []
    target, _ = bring(url)
    assert target.read_bytes() == CONTENT
    assert server.asked[-1].headers["Range"] == "bytes=5000-"


def test_silent_server_is_left(tmp_path):
    patience = Patience(tries=2, read_seconds=0.05, sleep=lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/corpus.zip"
        with pytest.raises(InputError, match="timed out"):
            list(fetch(Remote(url), tmp_path / "corpus.zip", patience=patience))


def test_server_that_falls_silent_again_and_again(server, tmp_path):
    url, _ = server.serve("corpus.zip", CONTENT[:100_000], bytes_per_second=200_000)
    patience = Patience(read_seconds=0.04, sleep=lambda _: None)
    list(fetch(Remote(url), tmp_path / "corpus.zip", patience=patience))
    assert (tmp_path / "corpus.zip").read_bytes() == CONTENT[:100_000]
    assert len(server.asked) > 1


def test_nobody_there(bring, waits):
    with pytest.raises(InputError, match=r"no connection \(.*refused") as caught:
        bring("http://127.0.0.1:9/corpus.zip")
    assert "bring the file by other ways" in str(caught.value)
    assert len(waits) == 4


def test_closed_generator_leaves_what_it_has(server, tmp_path, bring):
    url, _ = server.serve("corpus.zip", CONTENT)
    running = fetch(Remote(url), tmp_path / "raw/corpus.zip")
    received = next(p.done_bytes for p in running if p.done_bytes > 0)
    running.close()
    target, _ = bring(url)
    assert target.read_bytes() == CONTENT
    assert server.asked[1].headers["Range"] == f"bytes={received}-"


# Servers that answer oddly


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', ""])
def test_server_that_ignores_range(server, bring, etag):
    cuts = [200_000, 100_000, 9]
    url, _ = server.serve("corpus.zip", CONTENT, ignores_range=True, cuts=cuts, etag=etag)
    target, _ = bring(url, md5=MD5)
    assert target.read_bytes() == CONTENT


def test_server_that_ignores_range_for_once_costs_no_byte(server, bring):
    url, served = server.serve("corpus.zip", CONTENT, ignores_range=True, cuts=[200_000, 5000] * 9)
    with pytest.raises(InputError, match="200,000 bytes that are here are kept"):
        bring(url)
    served.ignores_range, served.cuts = False, []
    assert bring(url, md5=MD5)[0].read_bytes() == CONTENT
    assert server.asked[-1].num_sent == len(CONTENT) - 200_000


def test_server_that_ignores_range_and_always_cuts_is_left(server, bring, waits):
    url, _ = server.serve("corpus.zip", CONTENT, ignores_range=True, cuts=[200_000, 10_000] * 99)
    with pytest.raises(InputError, match="broken connection"):
        bring(url)
    assert len(waits) == 11


@pytest.mark.parametrize("says_range", ["bytes 0-9/10", "bytes 7-300003/300004", "?", "bytes */9"])
def test_another_part_than_asked_for_is_never_written(server, bring, says_range):
    url, served = server.serve("corpus.zip", CONTENT, cuts=[1000], says_range=says_range)
    with pytest.raises(InputError, match=r"another part|has changed"):
        bring(url)
    served.says_range, served.cuts = "", []
    target, _ = bring(url, md5=MD5)
    assert target.read_bytes() == CONTENT


def test_complete_partial_needs_no_byte_more(server, bring):
    url, served = server.serve("corpus.zip", CONTENT, says_length=-1, cuts=[len(CONTENT)])
    folder = bring(url)[0].parent
    shutil.move(folder / "corpus.zip", folder / "corpus.zip.partial")
    (folder / "corpus.zip.fetched.json").unlink()
    origin = {"url": url, "etag": served.etag, "last_modified": "", "total_bytes": None}
    (folder / "corpus.zip.partial.json").write_text(json.dumps(origin))
    target, _ = bring(url)  # is answered by 416
    assert target.read_bytes() == CONTENT
    assert server.asked[-1].num_sent == 0
    assert server.asked[-1].headers["Range"] == f"bytes={len(CONTENT)}-"


@pytest.mark.parametrize("total", [len(CONTENT), None])
def test_killed_between_last_byte_and_name(server, bring, total):
    """Whether or not the size is known: the former needs no request at all."""
    url, served = server.serve("corpus.zip", CONTENT)
    target, _ = bring(url)
    target.with_name("corpus.zip.fetched.json").unlink()
    target.rename(target.with_name("corpus.zip.partial"))
    origin = {"url": url, "etag": served.etag, "last_modified": "", "total_bytes": total}
    target.with_name("corpus.zip.partial.json").write_text(json.dumps(origin))
    bring(url)
    assert target.read_bytes() == CONTENT
    assert len(server.asked) == (1 if total else 2)
    assert server.num_sent == len(CONTENT)


def test_partial_that_is_too_long_starts_anew(server, bring):
    url, served = server.serve("corpus.zip", CONTENT, cuts=[1000] + [0] * 99)
    with pytest.raises(InputError):
        bring(url)
    served.cuts, served.content = [], CONTENT[:600]
    served.etag = ""
    target, _ = bring(url)
    assert target.read_bytes() == CONTENT[:600]


@pytest.mark.parametrize(
    "stored", [b"", b"\xff", b"[" * 100_000, b"[1]", b'{"url": 3}', b'{"x": 1}']
)
def test_bytes_of_unknown_origin_are_not_used(server, bring, tmp_path, stored):
    url, _ = server.serve("corpus.zip", CONTENT)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/corpus.zip.partial").write_bytes(OTHER[:5000])
    (tmp_path / "raw/corpus.zip.partial.json").write_bytes(stored)
    target, _ = bring(url)
    assert target.read_bytes() == CONTENT
    assert "Range" not in server.asked[0].headers


def test_partial_of_another_address_starts_anew(server, bring):
    first, _ = server.serve("a/corpus.zip", OTHER, cuts=[1000] + [0] * 99)
    second, _ = server.serve("b/corpus.zip", CONTENT)
    with pytest.raises(InputError):
        bring(first)
    target, _ = bring(second)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"etag": '"v1"'}, {"etag": '"v2"'}),
        ({"etag": '"v1"', "ignores_if_range": True}, {"etag": '"v2"', "ignores_if_range": True}),
        ({"etag": 'W/"v1"'}, {"etag": 'W/"v2"'}),
        (
            {"etag": "", "last_modified": "Mon, 01 Jan 2018 10:00:00 GMT"},
            {"etag": "", "last_modified": "Tue, 02 Jan 2018 10:00:00 GMT"},
        ),
    ],
)
def test_file_that_changes_meanwhile_is_not_mixed(server, bring, before, after):
    url, _ = server.serve("corpus.zip", OTHER, cuts=[150_000] + [0] * 99, **before)
    with pytest.raises(InputError):
        bring(url)
    server.serve("corpus.zip", CONTENT, **after)
    target, _ = bring(url)
    assert target.read_bytes() == CONTENT


def test_file_that_only_changes_its_length_is_noticed(server, bring):
    url, served = server.serve("corpus.zip", OTHER, cuts=[150_000] + [0] * 99, etag="")
    with pytest.raises(InputError):
        bring(url)
    served.content, served.cuts = CONTENT + b"more", []
    target, _ = bring(url)
    assert target.read_bytes() == CONTENT + b"more"


# Lengths that lie


def test_length_that_is_too_great_is_noticed(server, bring):
    """The body ends early: the rest is asked for, and the server then says that there is none."""
    url, served = server.serve("corpus.zip", CONTENT, says_length=len(CONTENT) + 77)
    assert bring(url)[0].read_bytes() == CONTENT
    assert [asked.num_sent for asked in server.asked] == [len(CONTENT), 0]
    with pytest.raises(InputError, match="300,081 bytes, expected 300,004 bytes"):
        bring(url, "known.zip", num_bytes=len(CONTENT))
    served.ignores_range = True
    with pytest.raises(InputError, match=r"broken connection .*IncompleteRead"):
        bring(url, "stubborn.zip")


def test_length_that_is_too_small_is_noticed(server, bring):
    url, _ = server.serve("corpus.zip", CONTENT, says_length=1000)
    with pytest.raises(InputError, match="1,000 bytes, expected 300,004 bytes"):
        bring(url, num_bytes=len(CONTENT))
    with pytest.raises(InputError, match="expected MD5"):
        bring(url, md5=MD5)


@pytest.mark.parametrize("faults", [{"is_chunked": True}, {"says_length": -1}])
def test_unannounced_bytes_are_an_error(server, bring, tmp_path, faults):
    url, _ = server.serve("corpus.zip", CONTENT, **faults)
    for _ in range(2):
        with pytest.raises(InputError, match="more bytes than were announced, expected 299,904"):
            bring(url, num_bytes=len(CONTENT) - 100)
    assert not (tmp_path / "raw/corpus.zip").exists()


@pytest.mark.parametrize("faults", [{"is_chunked": True}, {"says_length": -1}])
def test_missing_bytes_are_asked_for(server, bring, faults):
    url, _ = server.serve("corpus.zip", CONTENT, cuts=[100_000], **faults)
    target, _ = bring(url, num_bytes=len(CONTENT))
    assert target.read_bytes() == CONTENT


def test_empty_answer(server, bring):
    url, _ = server.serve("notes.txt", b"")
    with pytest.raises(InputError, match="empty answer"):
        bring(url, "notes.txt")


# What is not the file


@pytest.mark.parametrize("name", ["corpus.zip", "labels.csd", "folds.py", "iemocap"])
@pytest.mark.parametrize("length", [len(PAGE), 50_000])
def test_page_with_status_200_is_refused(server, bring, tmp_path, name, length):
    url, _ = server.serve(name, PAGE.ljust(length), content_type="text/html; charset=utf-8")
    with pytest.raises(InputError, match="HTML page “Please sign & return") as caught:
        bring(url, name)
    assert str(caught.value).isprintable()
    assert files_of(tmp_path) == []


def test_page_by_its_type_alone(server, bring):
    url, served = server.serve("folds.csv", b"<p>gone</p>" * 99, content_type="text/html")
    with pytest.raises(InputError, match=r"an HTML page with status 200, expected the file folds"):
        bring(url, "folds.csv")
    served.content = b"<html></html>"
    assert bring(url, "index.html")[0].exists()
    archive, _ = server.serve("corpus.zip", CONTENT, content_type="text/html")
    assert bring(archive)[0].exists()


def test_nonsense_is_left_at_its_first_bytes(server, bring):
    url, _ = server.serve("corpus.zip", bytes(3_000_000), bytes_per_second=1_000_000)
    with pytest.raises(InputError, match="a file of another kind, expected a zip archive"):
        bring(url)
    assert server.num_sent < 2_000_000


def test_page_does_not_cost_the_bytes_that_are_here(server, bring):
    url, served = server.serve("corpus.zip", CONTENT, cuts=[200_000] + [0] * 99)
    with pytest.raises(InputError, match="kept"):
        bring(url)
    served.cuts, served.replies = [], [Reply(200, {"Content-Type": "text/html"}, PAGE)]
    with pytest.raises(InputError, match="HTML page"):
        bring(url)
    bring(url)
    assert server.asked[-1].headers["Range"] == "bytes=200000-"


@pytest.mark.parametrize("encoding", ["gzip", "br", "x-gzip"])
def test_packed_answer_is_refused(server, bring, encoding):
    url, _ = server.serve("corpus.zip", CONTENT, encoding=encoding)
    with pytest.raises(InputError, match=f"in the encoding '{encoding}'"):
        bring(url)


def test_gz_that_its_server_calls_an_encoding_is_kept_as_it_is(server, bring):
    content = gzip.compress(CONTENT)
    url, served = server.serve("corpus.tar.gz", content, encoding="x-gzip", cuts=[1000])
    target, _ = bring(url, "corpus.tar.gz")
    assert target.read_bytes() == content
    served.content = gzip.compress(content)
    with pytest.raises(InputError, match="in the encoding"):
        bring(url, "twice.tar.gz")


@pytest.mark.parametrize("known", [{"md5": ("0" * 32,)}, {"sha256": ("A" * 64, "b" * 64)}])
def test_wrong_checksum_keeps_the_file(server, bring, tmp_path, known):
    url, _ = server.serve("corpus.zip", CONTENT)
    kept = tmp_path / "raw/corpus.zip.wrong-checksum"
    for _ in range(2):  # the second time from disk: nothing is fetched until a person decides
        with pytest.raises(InputError) as caught:
            bring(url, **known)
        assert str(kept) in str(caught.value)
        assert (MD5 if "md5" in known else SHA256)[0] in str(caught.value)
        assert next(iter(known.values()))[-1].lower() in str(caught.value)
        assert kept.read_bytes() == CONTENT
    assert files_of(tmp_path) == ["corpus.zip.wrong-checksum"]
    target, _ = bring(url, md5=("f" * 32, *MD5))  # the person has corrected the sum
    assert target.read_bytes() == CONTENT
    assert not kept.exists()
    assert len(server.asked) == 1


def test_any_one_of_several_sums_will_do(server, bring):
    url, _ = server.serve("corpus.zip", CONTENT, cuts=[1000])
    assert bring(url, md5=("0" * 32, MD5[0]), sha256=("1" * 64,))[0].read_bytes() == CONTENT


# Who may have it, and when


def test_basic_authentication(server, bring, tmp_path):
    url, _ = server.serve("corpus.zip", CONTENT, user="nobody", password=SECRET, cuts=[1000])
    target, _ = bring(url, credentials=Credentials("nobody", SECRET))
    assert target.read_bytes() == CONTENT


def test_wrong_or_no_password_is_told_apart(server, bring, waits):
    url, served = server.serve("corpus.zip", CONTENT, user="nobody", password=SECRET)
    hint = "set X_USER and X_PASSWORD"
    with pytest.raises(InputError, match=f"401 Unauthorized without user.*for Corpus; {hint}"):
        bring(url, how_to_sign_in=hint)
    with pytest.raises(InputError, match=r"401 .* may be wrong or no longer valid"):
        bring(url, credentials=Credentials("nobody", "old"))
    served.replies = [Reply(403)]
    with pytest.raises(InputError, match="403 Forbidden without user"):
        bring(url)
    assert waits == []


def test_password_that_expires_midway_costs_nothing(server, tmp_path):
    url, served = server.serve("corpus.zip", CONTENT, user="nobody", password="old", cuts=[9000])
    target = tmp_path / "corpus.zip"

    def run(password):
        remote = Remote(url, credentials=Credentials("nobody", password))
        for progress in fetch(remote, target, patience=Patience(sleep=lambda _: None)):
            if "trying again" in progress.note:
                served.password = SECRET

    with pytest.raises(InputError, match=r"401 .* no longer valid"):
        run("old")
    run(SECRET)
    assert target.read_bytes() == CONTENT
    assert server.num_sent == len(CONTENT)


@pytest.mark.parametrize("is_right", [True, False])
def test_password_is_written_nowhere(server, bring, tmp_path, caplog, is_right):
    caplog.set_level(logging.DEBUG)
    url, served = server.serve("corpus.zip", CONTENT, user="nobody", password=SECRET, cuts=[1000])
    served.replies = [Reply(503, {"Retry-After": "1"}), Reply(302, {"Location": "/moved.zip?a=1"})]
    server.serve("moved.zip", CONTENT, user="nobody", password=SECRET, cuts=[9000])
    remote = Remote(url, credentials=Credentials("nobody", SECRET + "x" * (not is_right)))
    said = [repr(remote), str(remote), repr(remote.credentials)]
    target = tmp_path / "raw/corpus.zip"
    try:
        said += map(str, fetch(remote, target, patience=Patience(sleep=lambda _: None)))
    except InputError as error:
        assert not is_right
        while error:
            said += [str(error), repr(error), repr(vars(error))]
            error = error.__cause__ or error.__context__
    said += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    everything = "\n".join([*said, caplog.text])
    assert target.exists() is is_right
    assert SECRET not in everything
    assert "nobody" not in everything.replace(SECRET, "")


def test_netrc_is_not_asked(server, bring, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login nobody password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    url, served = server.serve("corpus.zip", CONTENT)
    served.replies = [Reply(302, {"Location": "/corpus.zip?again"})]
    bring(url)
    assert len(server.asked) == 2
    assert all("Authorization" not in asked.headers for asked in server.asked)


def test_redirect_keeps_credentials_on_the_host(server, bring):
    url, served = server.serve("corpus.zip", CONTENT, user="nobody", password=SECRET)
    served.replies = [Reply(307, {"Location": "/moved/corpus.zip"})]
    server.serve("moved/corpus.zip", CONTENT, user="nobody", password=SECRET)
    assert bring(url, credentials=Credentials("nobody", SECRET))[0].exists()


def test_redirect_shows_no_credentials_to_another_host(server, bring):
    other = Server()
    moved, served = other.serve("corpus.zip", CONTENT, cuts=[1000])
    url, here = server.serve("corpus.zip", CONTENT)
    here.replies = [Reply(302, {"Location": moved}) for _ in range(9)]
    facts = {"credentials": Credentials("nobody", SECRET)}
    target, _ = bring(url, **facts)
    assert target.read_bytes() == CONTENT
    assert [asked.headers.get("Range") for asked in other.asked] == [None, "bytes=1000-"]
    served.user, served.password = "nobody", SECRET
    with pytest.raises(InputError, match="which is not shown the user and password of another"):
        bring(url, "other.zip", **facts)
    assert all("Authorization" in asked.headers for asked in server.asked)
    assert not any("Authorization" in asked.headers for asked in other.asked)
    other.close()


@pytest.mark.parametrize(
    "place", ["ftp://127.0.0.1/corpus.zip", "file:///etc/hosts", "/corpus.zip"]
)
def test_redirect_to_nowhere(server, bring, place, waits):
    url, served = server.serve("corpus.zip", CONTENT)
    served.replies = [Reply(302, {"Location": place}) for _ in range(99)]
    with pytest.raises(InputError, match="no way to the file"):
        bring(url)
    assert waits == []


@pytest.mark.parametrize("status", [404, 410, 400, 304, 204])
def test_dead_ends(server, bring, waits, status):
    url, _ = server.serve("corpus.zip", CONTENT, replies=[Reply(status)])
    with pytest.raises(InputError, match=f"status {status} "):
        bring(url)
    assert waits == []


@pytest.mark.parametrize("status", [500, 502, 503, 599, 429, 408])
def test_passing_troubles(server, bring, waits, status):
    url, _ = server.serve("corpus.zip", CONTENT, replies=[Reply(status, body=b"later")])
    assert bring(url)[0].read_bytes() == CONTENT
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("7", 7, 7),
        ("99999999999", 300, 300),
        ("soon", 1, 2),
        ("-5", 1, 2),
        ("Mon", 1, 2),
        ("", 1, 2),
    ],
)
def test_retry_after(server, bring, waits, asked, least, most):
    url, _ = server.serve("corpus.zip", CONTENT, replies=[Reply(429, {"Retry-After": asked})])
    bring(url)
    assert least <= waits[0] <= most


def test_retry_after_a_moment(server, bring, waits):
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    date = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    url, _ = server.serve("corpus.zip", CONTENT, replies=[Reply(503, {"Retry-After": date})])
    bring(url)
    assert 80 < waits[0] <= 90


@pytest.fixture
def certificate(tmp_path):
    """A self-signed certificate for the loopback address."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, *plain))
    return path


@pytest.fixture
def tls_server(certificate, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Server(context)
    yield server
    server.close()


def test_redirect_out_of_the_encrypted_is_refused(
    server, tls_server, bring, certificate, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    url, served = tls_server.serve("corpus.zip", CONTENT, cuts=[5000])
    assert bring(url)[0].read_bytes() == CONTENT
    plain, _ = server.serve("corpus.zip", CONTENT)
    served.replies = [Reply(301, {"Location": plain})]
    with pytest.raises(InputError, match="redirect to an unencrypted address"):
        bring(url, "again.zip", credentials=Credentials("nobody", SECRET))
    assert server.asked == []


def test_untrusted_certificate_is_a_dead_end(tls_server, bring, waits):
    url, _ = tls_server.serve("corpus.zip", CONTENT)
    with pytest.raises(InputError, match=r"no way to the file \(.*CERTIFICATE_VERIFY_FAILED"):
        bring(url)
    assert waits == []


# Disk


def test_free_disk_is_checked_before_anything(server, bring, tmp_path, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=2_500_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    url, _ = server.serve("corpus.zip", CONTENT)
    with pytest.raises(InputError, match=r"2\.50 GB free, expected room for the 126\.08 GB"):
        bring(url, num_bytes=126_081_363_749)
    assert server.asked == []
    usage = usage._replace(free=100_000)
    with pytest.raises(InputError, match=r"0\.00 GB free, expected room for the 0\.00 GB"):
        bring(url)
    assert files_of(tmp_path) == []


def test_what_is_here_needs_no_room(server, bring, monkeypatch):
    url, served = server.serve("corpus.zip", CONTENT, cuts=[250_000] + [0] * 99)
    with pytest.raises(InputError):
        bring(url)
    usage = shutil.disk_usage("/")._replace(free=60_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    served.cuts = []
    assert bring(url, num_bytes=len(CONTENT))[0].exists()


def test_disk_that_fills_up_midway(server, bring, tmp_path):
    url, _ = server.serve("corpus.zip", CONTENT)
    resource = pytest.importorskip("resource", reason="file size limits are POSIX")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(InputError, match="no space to write it"):
            bring(url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert bring(url, md5=MD5)[0].read_bytes() == CONTENT
    assert server.asked[1].headers["Range"].startswith("bytes=")


# Processes and threads

FETCHES = """
import sys
from pathlib import Path
from mculora.acquire.http import fetch
from mculora.acquire.remote import Remote
for progress in fetch(Remote(sys.argv[1], md5=(sys.argv[3],)), Path(sys.argv[2])):
    pass
"""


def start(url, target, md5=MD5[0]):
    return subprocess.Popen([sys.executable, "-c", FETCHES, url, str(target), md5])


def test_killed_at_random_moments(server, tmp_path):
    rng = random.Random(9)
    content = b"PK\x03\x04" + rng.randbytes(4_000_000)
    url, _ = server.serve("corpus.zip", content, bytes_per_second=8_000_000)
    target, md5 = tmp_path / "corpus.zip", hashlib.md5(content).hexdigest()
    for _ in range(10):
        aim = server.num_sent + rng.randrange(350_000)
        child = start(url, target, md5)
        while server.num_sent < aim and child.poll() is None:
            time.sleep(0.001)
        child.kill()
        child.wait()
        assert not target.exists()
    assert start(url, target, md5).wait() == 0
    assert target.read_bytes() == content
    assert sum("Range" in asked.headers for asked in server.asked) >= 5
    assert server.num_sent - len(content) < 10 * 100_000
    assert files_of(tmp_path) == ["corpus.zip", "corpus.zip.fetched.json"]


def test_processes_take_turns(server, tmp_path):
    url, _ = server.serve("corpus.zip", CONTENT, bytes_per_second=600_000)
    children = [start(url, tmp_path / "corpus.zip") for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    assert (tmp_path / "corpus.zip").read_bytes() == CONTENT
    assert server.num_sent == len(CONTENT)


def test_threads_take_turns_and_wait_visibly(server, tmp_path):
    url, _ = server.serve("corpus.zip", CONTENT, bytes_per_second=600_000)
    notes = []

    def run():
        notes.extend(p.note for p in fetch(Remote(url, md5=MD5), tmp_path / "corpus.zip"))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "corpus.zip").read_bytes() == CONTENT
    assert server.num_sent == len(CONTENT)
    assert any("waiting" in note for note in notes)


def test_threads_fetch_different_files_at_once(server, tmp_path):
    contents = {f"part{n}.zip": CONTENT[: 4 + n * 20_000] for n in range(1, 9)}
    for name, content in contents.items():
        server.serve(name, content, cuts=[9_000, -9_000])
    threads = [
        threading.Thread(
            target=lambda name: list(
                fetch(
                    Remote(f"{server.root}/{name}"),
                    tmp_path / name,
                    patience=Patience(first_wait_seconds=0.01),
                )
            ),
            args=(name,),
        )
        for name in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: (tmp_path / name).read_bytes() for name in contents} == contents


@pytest.mark.parametrize("url", ["http://.h.invalid/a.zip", f"http://{'a' * 70}/", "http://*/a"])
def test_impossible_hosts(bring, url):
    with pytest.raises(InputError, match=r"no way to the file|no connection"):
        bring(url)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(
    st.binary()
    | st.text().map(lambda t: json.dumps({"url": t, "sums": t, "num_bytes": 5}).encode())
)
@example(b'{"url": "http://h/a", "total_bytes": -1, "etag": "\\ud800"}')
@example(b'{"url": "http://h/a", "num_bytes": 5, "sums": {"md5": []}}')
def test_any_small_file_is_survived(tmp_path, stored):
    remote, target = Remote("http://h/a", md5=MD5), tmp_path / "a"
    target.write_bytes(b"12345")
    for name in ("a.fetched.json", "a.partial.json", "a.partial"):
        (tmp_path / name).write_bytes(stored)
    assert not is_finished(target, remote)
    arrival = Arrival(remote, target)
    list(arrival.take_up())
    assert arrival.num_bytes in (0, len(stored))


def test_record_holds_what_the_docs_promise(server, bring):
    url, _ = server.serve("corpus.zip", CONTENT)
    target, _ = bring(url)
    record = json.loads(target.with_name("corpus.zip.fetched.json").read_text())
    assert record["sums"] == {"sha256": SHA256[0]}, "a fingerprint, when no sum is known"
