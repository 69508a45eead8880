"""The application on a real socket, with the settings of the real process, and Postgres' notifications."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from archer.processes import serve
from archer.store import notifications
from tests.api.rig import DEADLINE_SECONDS, Rig


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def serving(rig: Rig) -> AsyncIterator[int]:
    """Serve the application of *rig*; its port."""
    port, stop = free_port(), asyncio.Event()
    server = asyncio.create_task(serve(rig.app, host="127.0.0.1", port=port, stop=stop))
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await _answers(port):
                assert not server.done(), "the server ended before it was up"
                await asyncio.sleep(0.01)
        yield port
    finally:
        stop.set()
        await server


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@asynccontextmanager
async def listening(rig: Rig) -> AsyncIterator[None]:
    """Pass Postgres' notifications on to those who wait, as the real process does."""
    is_on, stop = asyncio.Event(), asyncio.Event()

    def hint(job: str) -> None:
        is_on.set()
        rig.parts.changes.hint(job)

    task = asyncio.create_task(notifications.listen(rig.database.dsn, notifications.CHANGES, hint, stop=stop))
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await is_on.wait()
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def said(port: int, request: bytes) -> bytes:
    """Write raw bytes to the server and read until it closes, or has answered one request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            return head + await reader.read(64 * 1024)
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


@asynccontextmanager
async def streamed(
    port: int, path: str, **headers: str
) -> AsyncIterator[AsyncIterator[tuple[str, str, dict[str, Any]]]]:
    """Open a stream of events: (event, id, data) each, comments as ("", "", {})."""
    async with (
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_SECONDS) as client,
        client.stream("GET", path, headers={"accept": "text/event-stream", **headers}) as answer,
    ):
        assert answer.status_code == 200, (await answer.aread()).decode()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _events(answer)


async def _events(answer: httpx2.Response) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
    found: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            found[name] = value.removeprefix(" ")
        elif found:
            yield found.get("event", ""), found.get("id", ""), json.loads(found.get("data", "{}"))
            found = {}
