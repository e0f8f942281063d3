"""uvicorn with patience at its end and none with the silent: it stops when everybody is served."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from mculora.errors import InputError
from pipeline.serving.desk import Desk
from pipeline.serving.limits import Limits

_HEAD_SECONDS = 10.0  # until a request's headers are here
_IDLE_SECONDS = 5  # a connection is kept between two requests
_CONNECTIONS_PER_PLACE = 8  # beyond that uvicorn itself answers 503


def listen(host: str, port: int) -> socket.socket:
    """Open the port.

    Raises:
        InputError: It cannot be opened.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"--host {host} --port {port}",
            found=str(why).lower(),
            expected="an address of this machine and a free port",
        ) from None


class Impatient(H11Protocol):
    """Hangs up on a client that opens a connection and does not say what it wants."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        self.loop.call_later(_HEAD_SECONDS, self._hang_up_on_silence)

    def _hang_up_on_silence(self) -> None:
        if getattr(self, "cycle", None) is None:  # no request has begun
            self.transport.close()


class Server(uvicorn.Server):
    """A server whose first signal shuts the door, and which ends when the last client is served."""

    def __init__(self, app: ASGIApp, desk: Desk, limits: Limits) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Impatient,
                ws="none",
                lifespan="off",
                log_level="error",  # what strangers send is not worth a line
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_CONNECTIONS_PER_PLACE * limits.places,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_IDLE_SECONDS,
            )
        )
        self._desk = desk

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let nobody in any more at the first signal; leave at once at the second."""
        if self._desk.is_closed:
            self.should_exit = self.force_exit = True
        self._desk.close()

    async def on_tick(self, counter: int) -> bool:
        """Whether it is time to end; asked ten times a second."""
        is_over = await super().on_tick(counter)
        return is_over or (self._desk.is_closed and self._desk.num_inside == 0)
