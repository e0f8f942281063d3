"""What happens around every request: it is counted, and whoever still sends hears the answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.serving.metrics import Metrics
from pipeline.serving.refusal import CLIENT_GONE

_LINGER_SECONDS = 2.0
"""How long the rest of a refused upload is read and thrown away.

A connection that is closed on a client in the middle of its sending is reset, and the client never
reads why.
"""

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Exchange:
    """An ASGI application around another one.

    Args:
        app: What answers.
        metrics: Where answers are counted.
        paths: Those that are counted by name.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self._app, self._metrics, self._paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        start, status, is_received = time.perf_counter(), CLIENT_GONE, False

        async def receive_and_note() -> Message:
            nonlocal is_received
            message = await receive()
            is_received = is_received or not message.get("more_body")
            return message

        async def send_and_linger(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            elif not message.get("more_body") and not is_received:
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LINGER_SECONDS):
                        while not is_received:
                            await receive_and_note()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        try:
            await self._app(scope, receive_and_note, send_and_linger)
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.count_request(path, status, time.perf_counter() - start)
