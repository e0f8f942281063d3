"""Fetching one file over HTTP until it is whole and right, however often the line is cut."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from mculora.acquire.answer import OTHER_WAYS, Answer, printable
from mculora.acquire.arrival import Arrival, Interrupted
from mculora.acquire.checksums import Progress
from mculora.acquire.magic import HEAD_BYTES
from mculora.acquire.patience import PATIENCE, Patience
from mculora.acquire.record import is_finished
from mculora.acquire.remote import Credentials, Remote
from mculora.errors import InputError

CHUNK_BYTES = 2**18
"""At most so many bytes are written at a time; fewer, when fewer have come."""
PAGE_BYTES = 2**16
"""How much of a web page is read for its title."""


def fetch(remote: Remote, target: Path, *, patience: Patience = PATIENCE) -> Iterator[Progress]:
    """Bring a remote file to `target`, unless it is there already.

    What an earlier run received is kept and continued. The file appears whole: once its size, its
    kind (as far as its name promises one) and its checksum (as far as one is known) are right.
    May run in several threads or processes at once, even for the same target.

    Args:
        remote: What to fetch.
        target: The file to make; its name promises its kind.
        patience: How long to wait, and how often to try.

    Yields:
        How far it is, many times a second while bytes come.

    Raises:
        InputError: The server, the file or the disk is not as needed; says what to do.
    """
    arrival = Arrival(remote, target)
    yield from arrival.take_turn(patience.sleep)
    try:
        if not is_finished(target, remote):
            if target.exists() or arrival.kept.exists():
                yield from arrival.check_again()
            else:
                yield from arrival.take_up()
                yield from _receive_all(arrival, patience)
                arrival.land()
        num_bytes = target.stat().st_size
        yield Progress(num_bytes, num_bytes)
    finally:
        arrival.leave_turn()


def _receive_all(arrival: Arrival, patience: Patience) -> Iterator[Progress]:
    started_with = most = arrival.num_bytes
    arrival.check_room(arrival.remote.num_bytes)
    yield arrival.progress

    def is_enough(state: RetryCallState) -> bool:
        is_midway = most > started_with
        return state.attempt_number >= (patience.tries_midway if is_midway else patience.tries)

    def wait_seconds(state: RetryCallState) -> float:
        error = state.outcome and state.outcome.exception()
        asked = error.retry_after_seconds if isinstance(error, Interrupted) else 0.0
        return patience.wait_seconds(state, asked)

    tries = Retrying(
        stop=is_enough,
        wait=wait_seconds,
        retry=retry_if_exception_type(Interrupted),
        sleep=patience.sleep,
        reraise=True,
    )
    try:
        with _session(arrival.remote) as session:
            for attempt in tries:
                with attempt:
                    yield from _receive(session, arrival, patience)
                if arrival.num_bytes > most:
                    most = arrival.num_bytes
                    attempt.retry_state.attempt_number = 1  # as if nothing had failed before
                cause = attempt.retry_state.outcome and attempt.retry_state.outcome.exception()
                if isinstance(cause, Interrupted):
                    yield replace(arrival.progress, note=f"{cause}; trying again")
    except Interrupted as error:
        raise _given_up(arrival, error) from error


def _given_up(arrival: Arrival, error: Interrupted) -> InputError:
    kept = f"run again later: the {arrival.num_bytes:,} bytes that are here are kept"
    return InputError(
        arrival.remote.url,
        found=str(error),
        expected="the rest of the file" if arrival.num_bytes else "the file",
        remedy=f"{kept}, or {OTHER_WAYS}"
        if arrival.num_bytes
        else f"run again later, or {OTHER_WAYS}",
    )


def _receive(session: requests.Session, arrival: Arrival, patience: Patience) -> Iterator[Progress]:
    """One request, and what it brings."""
    if arrival.is_whole:
        return
    with _mishaps(arrival.remote.url), _ask(session, arrival, patience) as response:
        answer = _answer(response, arrival)
        answer.check_status()
        if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            answer.check_size()
            arrival.end(answer.origin.total_bytes or 0)
            return
        chunks = _chunks(response)
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            answer.check_size()
            answer.check_range()
            answer.check_encoding(b"", arrival.target.name)
            arrival.go_on(answer.origin)
        else:
            head = _head(answer, chunks, arrival.target.name)
            answer.check_beginning(head, arrival.target.name)
            answer.check_size()
            chunks = chain([head], chunks)
            if arrival.origin and arrival.origin.is_surely(answer.origin):
                chunks = yield from _pass_over(chunks, arrival)
            else:
                arrival.begin(answer.origin)
        yield from arrival.append(_up_to(answer.end or arrival.total_bytes, chunks, arrival))
    arrival.end(None)


def _ask(session: requests.Session, arrival: Arrival, patience: Patience) -> requests.Response:
    headers = {"Accept-Encoding": "identity"}
    if arrival.num_bytes:
        headers["Range"] = f"bytes={arrival.num_bytes}-"
    if arrival.num_bytes and arrival.origin and arrival.origin.if_range:
        headers["If-Range"] = arrival.origin.if_range
    return session.get(
        arrival.remote.url,
        headers=headers,
        stream=True,
        timeout=(patience.connect_seconds, patience.read_seconds),
    )


def _answer(response: requests.Response, arrival: Arrival) -> Answer:
    return Answer(
        remote=arrival.remote,
        first_byte=arrival.num_bytes,
        status=response.status_code,
        headers=response.headers,
        host=urlsplit(response.url).netloc,
        was_signed="Authorization" in response.request.headers,
    )


def _head(answer: Answer, chunks: Iterator[bytes], name: str) -> bytes:
    """The first bytes: enough to tell what it is, and of a web page enough to read its title."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= (PAGE_BYTES if answer.is_page(head, name) else HEAD_BYTES):
            break
    return head


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The body as it was sent, each part as soon as it is here."""
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
        yield chunk


def _pass_over(
    chunks: Iterator[bytes], arrival: Arrival
) -> Generator[Progress, None, Iterator[bytes]]:
    """Drop the bytes that are here: a cut on the way costs none of them, as truncating would."""
    num_left = arrival.num_bytes
    for chunk in chunks:
        if len(chunk) >= num_left:
            return chain([chunk[num_left:]], chunks)
        num_left -= len(chunk)
        yield replace(arrival.progress, note="the server begins anew and repeats what is here")
    return iter(())


def _up_to(end: int | None, chunks: Iterator[bytes], arrival: Arrival) -> Iterator[bytes]:
    for chunk in chunks:
        if end is not None and arrival.num_bytes + len(chunk) > end:
            arrival.forget()
            raise InputError(
                arrival.remote.url,
                found="more bytes than were announced",
                expected=f"{end:,} bytes",
                remedy="correct the expected size if the file was published anew",
            )
        yield chunk


@contextmanager
def _mishaps(url: str) -> Iterator[None]:
    """What may go wrong on the line, as what it means: another try, or a dead end."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.LocationValueError) as error:
        reason = _innermost(error)
        is_passing = isinstance(error, requests.ConnectionError | requests.Timeout)
        if is_passing and "CERTIFICATE_VERIFY_FAILED" not in reason:
            raise Interrupted(f"no connection ({reason})") from error
        raise InputError(
            url,
            found=f"no way to the file ({reason})",
            expected="an address that leads to one",
            remedy=f"correct the address, or {OTHER_WAYS}",
        ) from error
    except urllib3.exceptions.HTTPError as error:
        raise Interrupted(f"a broken connection ({_innermost(error)})") from error


def _innermost(error: BaseException) -> str:
    while inner := error.__cause__ or error.__context__:
        error = inner
    return printable(str(error)) or type(error).__name__


def _session(remote: Remote) -> requests.Session:
    session = _Session()
    session.auth = _signer(remote.credentials)
    return session


def _signer(
    credentials: Credentials | None,
) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """What signs a request; without credentials too, since requests would ask ~/.netrc then."""

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if credentials:
            pair = f"{credentials.user}:{credentials.password}".encode()
            request.headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        return request

    return sign


class _Session(requests.Session):
    """Follows redirects, but neither out of the encrypted, nor with the credentials elsewhere."""

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        before, after = response.request.url or "", prepared_request.url or ""
        if before.startswith("https:") and not after.startswith("https:"):
            raise InputError(
                before,
                found="a redirect to an unencrypted address",
                expected="https all the way",
                remedy=f"correct the address, or {OTHER_WAYS}",
            )
        if self.should_strip_auth(before, after):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("Authorization", None)
