"""The gate before every route: only GET and HEAD, only known hosts, and headers that keep the page to itself.

It stands outside the router, so that a route which forgets the rule cannot break it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from archer.errors import ArcherError, MethodNotAllowed, RequestError
from moka_ui.api.problems import problem

DIRECTIVES: Final = (
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",  # Mantine sets sizes of single elements inline
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
HEADERS: Final = (
    (b"content-security-policy", "; ".join(DIRECTIVES).encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


log = logging.getLogger(__name__)


class UnknownHost(RequestError):
    """The request names a host that Moka UI does not answer for."""

    code = "unknown-host"


class Gate:
    """ASGI middleware; refuses what only reads may not do."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse or pass on one request."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":  # a websocket could carry anything
            return await send({"type": "websocket.close", "code": 1008})

        started = False

        async def sealed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
            await send(message)

        try:
            await self._answer(scope, receive, sealed)
        except Exception:
            if started:  # too late for another answer: the connection breaks off, which a client sees
                raise
            log.exception("%s broke", scope["path"])
            mistake = problem(ArcherError("Moka UI made a mistake; its own log says which."))
            await mistake(scope, receive, sealed)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._hosts and _host(scope) not in self._hosts:
            refusal = problem(UnknownHost("This host name is not one that Moka UI answers for."))
            return await refusal(scope, receive, send)
        if scope["method"] == "HEAD":
            return await self._head(scope, receive, send)
        if scope["method"] != "GET":
            refusal = problem(MethodNotAllowed("Moka UI only reads: it answers GET and HEAD."))
            refusal.headers["allow"] = "GET, HEAD"
            return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer HEAD as GET without the body; a stream is ended once its headers are known."""
        started = asyncio.Event()

        async def headers_only(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                started.set()

        answer = asyncio.ensure_future(self._app({**scope, "method": "GET"}, receive, headers_only))
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait({answer, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if started.is_set():
            answer.cancel()
        with suppress(asyncio.CancelledError):
            await answer


def _host(scope: Scope) -> str:
    value = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
    return value.rsplit(":", 1)[0].strip("[]") if not value.endswith("]") else value.strip("[]")
