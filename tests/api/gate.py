"""A way to Postgres that a test can shut, cut and open again, without touching the server itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.api.serving import free_port

PIECE = 64 * 1024


class Gate:
    """Forwards connections of a port of loopback to the server of *dsn*."""

    def __init__(self, dsn: str) -> None:
        self._target = conninfo_to_dict(dsn)
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut: tuple[bytes, Literal["before", "after"]] | None = None
        self.has_cut = asyncio.Event()

    @property
    def dsn(self) -> str:
        """Connection string of the same database, through the gate."""
        here = {"host": "127.0.0.1", "port": str(self.port), "sslmode": "disable", "gssencmode": "disable"}
        return make_conninfo(**{**self._target, **here})

    async def open(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def shut(self) -> None:
        """Break every connection and take no new one, as a stopped server does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._break()

    def cut(self, marker: bytes, when: Literal["before", "after"]) -> None:
        """Break everything when *marker* is sent: before the server sees it, or after it has answered it."""
        self.has_cut.clear()
        self._cut = (marker, when)

    async def close(self) -> None:
        """Shut, and wait for what is under way."""
        await self.shut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _break(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = str(self._target["host"]), self._target.get("port") or "5432"
        try:
            if host.startswith("/"):
                upstream = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
            else:
                upstream = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        for one in (writer, upstream[1]):
            self._writers.add(one)
        for source, sink, is_request in ((reader, upstream[1], True), (upstream[0], writer, False)):
            task = asyncio.create_task(self._pump(source, sink, is_request=is_request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_request: bool
    ) -> None:
        try:
            while data := await source.read(PIECE):
                if is_request and self._cut is not None and self._cut[0] in data:
                    _, when = self._cut
                    if when == "before":
                        self._finish_cut()
                        return
                    self._cut = (b"\0the next answer", "after")  # matches no request
                elif not is_request and self._cut is not None and self._cut[0] == b"\0the next answer":
                    self._finish_cut()
                    return
                sink.write(data)
                await sink.drain()
        except OSError:
            return
        finally:
            sink.transport.abort()
            self._writers.discard(sink)

    def _finish_cut(self) -> None:
        self._cut = None
        self.has_cut.set()
        self._break()


@asynccontextmanager
async def gated(dsn: str) -> AsyncIterator[Gate]:
    """Open a gate to the server of *dsn*."""
    gate = Gate(dsn)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.close()
