"""A double of Archer's HTTP contract: a real server that answers what a test wrote down."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

TYPE = "https://moka.dev/docs/errors#"
JOB_ID = "j0123456789abcdefghjkmnpqrs"


def job(state: str = "queued", **fields: Any) -> dict[str, Any]:
    """A job as the contract has it."""
    ended = "2026-11-22T06:00:12.500Z" if state in ("succeeded", "failed", "cancelled") else None
    return {
        "id": JOB_ID,
        "name": "pi",
        "type": "python",
        "state": state,
        "reason": None,
        "fault": None,
        "tenant": "default",
        "owner": "ann",
        "queue": "root.default",
        "tier": 2,
        "cluster": None if state == "queued" else "local",
        "attempt": 0 if state == "queued" else 1,
        "version": {"queued": 1, "running": 2, "cancelling": 3}.get(state, 9),
        "labels": {"team": "ads"},
        "correlation_id": None,
        "created_at": "2026-11-22T06:00:00.000Z",
        "started_at": None if state == "queued" else "2026-11-22T06:00:02.000Z",
        "ended_at": ended,
        "links": {"self": f"/v1/jobs/{JOB_ID}", "ui": f"http://127.0.0.1:8090/jobs/{JOB_ID}"},
        **fields,
    }


def ended(state: str, **fields: Any) -> dict[str, Any]:
    """An ended job in detail."""
    return job(state, attempts=[{"number": 1, "message": None, "evidence": []}], **fields)


def chunk(text: str, offset: int, attempt: int = 1, size: int | None = None) -> dict[str, Any]:
    """A part of a log."""
    after = offset + len(text.encode())
    return {
        "text": text,
        "offset": offset,
        "next_offset": after,
        "size": after if size is None else size,
        "complete": False,
        "attempt": attempt,
        "role": "driver",
    }


@dataclass
class Reply:
    """One answer; *cut* breaks the connection after the body."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def problem(
    status: int, code: str, detail: str, errors: list[dict[str, Any]] | None = None, **headers: str
) -> Reply:
    """A refusal as RFC 9457 has it."""
    body = {"type": TYPE + code, "title": code, "status": status, "detail": detail, "errors": errors or []}
    return Reply(
        json.dumps(body).encode(),
        status,
        {"content-type": "application/problem+json; charset=utf-8", **headers},
    )


def events(*chunks: dict[str, Any], end: bool = True) -> Reply:
    """A followed log; without *end* the connection breaks."""
    text = "".join(f"event: chunk\nid: {c['next_offset']}\ndata: {json.dumps(c)}\n\n" for c in chunks)
    text += "event: end\ndata: {}\n\n" if end else ": still here\n\n"
    return Reply(text.encode(), 200, {"content-type": "text/event-stream"}, cut=not end)


@dataclass
class Asked:
    """A request that came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


class Double:
    """Answers by method and path; the last answer written down for a path is given again and again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._replies: dict[tuple[str, str], list[Reply]] = {}
        with socket.socket() as finder:
            finder.bind(("127.0.0.1", 0))
            self.port: int = finder.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Begin anew."""
        self.asked.clear()
        self._replies.clear()

    def answer(self, method: str, path: str, *replies: Reply | dict[str, Any]) -> None:
        """Write down what to answer, one reply for each time."""
        self._replies[method, path] = [
            one
            if isinstance(one, Reply)
            else Reply(json.dumps(one).encode(), 200, {"content-type": "application/json"})
            for one in replies
        ]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append(
            Asked(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)
        )
        replies = self._replies.get((scope["method"], scope["path"]))
        if replies is None:
            reply = problem(404, "not-found", "There is no such job.")
        else:
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in reply.headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": named})
        await send({"type": "http.response.body", "body": reply.body, "more_body": reply.cut})
        if reply.cut:
            raise ConnectionAbortedError

    @contextmanager
    def serving(self) -> Iterator[Double]:
        """Serve in a thread until the block ends."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        """Listen; returns when requests are taken."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        config = uvicorn.Config(
            self, lifespan="off", ws="none", log_config=None, log_level=100, timeout_graceful_shutdown=1
        )
        self._server = Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve([listener])), name="double", daemon=True
        )
        self._thread.start()
        assert self._server.up.wait(10)

    def stop(self) -> None:
        """Stop listening; returns when the port refuses."""
        self._server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.up.set()
