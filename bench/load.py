"""A closed-loop HTTP client, as thin as it can be: the generator must not be what is measured.

Runs as a process of its own: ``python -m bench.load FILE`` reads its orders from standard input as JSON and
writes what it saw into the file. Each connection sends its next request when the last one was answered.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop


@dataclass(slots=True)
class Orders:
    """What to send: *total* requests over *connections*, *repeat_share* of them a second time."""

    ports: list[int]
    connections: int
    total: int
    method: str = "POST"
    path: str = "/v1/jobs"
    body: str = ""
    repeat_share: float = 0.0
    keyed: bool = True
    token: str = "moka_bench"  # of a caller that may do everything: bench/servers.py lets it in


@dataclass(slots=True)
class Seen:
    """What came back. Latencies in milliseconds."""

    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends the next request of its iterator after each answer."""

    def __init__(self, requests: Any, seen: Seen, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._seen = seen
        self._done = done
        self._buffer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._seen.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
        status = head[9:12].decode()
        self._seen.statuses[status] = self._seen.statuses.get(status, 0) + 1
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("closed by the server"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self._done.done():
                self._done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


def requests_of(orders: Orders) -> list[bytes]:
    """Every request, made before the clock starts; repeats come some requests after their first."""
    made: list[bytes] = []
    again = int(orders.total * orders.repeat_share)
    head = f"{orders.method} {orders.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += f"Authorization: Bearer {orders.token}\r\n"
    body = orders.body.encode()
    for _ in range(orders.total - again):
        key = f"Idempotency-Key: {uuid.uuid4()}\r\n" if orders.keyed else ""
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        made.append(f"{head}{key}{kind}\r\n".encode() + body)
    step = max(1, len(made) // again) if again else 0
    repeats = made[::step][:again] if again else []
    for index, repeat in enumerate(repeats):
        made.insert(index * (step + 1) + step, repeat)
    return made


async def run(orders: Orders) -> Seen:
    """Send everything; returns when all was answered."""
    seen = Seen()
    requests = iter(requests_of(orders))
    loop = asyncio.get_running_loop()
    cpu, begun = time.process_time(), time.perf_counter()
    waits = []
    for number in range(orders.connections):
        port = orders.ports[number % len(orders.ports)]
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(lambda done=done: Connection(requests, seen, done), "127.0.0.1", port)
        waits.append(done)
    await asyncio.gather(*waits)
    seen.seconds = time.perf_counter() - begun
    seen.cpu_seconds = time.process_time() - cpu
    return seen


if __name__ == "__main__":
    given = Orders(**json.loads(sys.stdin.read()))
    Path(sys.argv[1]).write_text(json.dumps(asdict(uvloop.run(run(given)))))
