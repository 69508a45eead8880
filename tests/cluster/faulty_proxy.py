"""Stands between the adapter and a real API server, and does to its answers what networks and proxies do."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path

import aiohttp
from aiohttp import web

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: faulty
clusters: [{{name: faulty, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: nobody, user: {{}}}}]
contexts: [{{name: faulty, context: {{cluster: faulty, user: nobody}}}}]
"""


class FaultyProxy:
    """Forwards everything with the administrator's certificate; a test turns faults on."""

    def __init__(self, server: str, pki: Path) -> None:
        self._server = server
        self._context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self._context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self.requests: list[tuple[float, str]] = []
        self.refusals = 0  # so many requests are answered 429
        self.retry_after = "1"
        self.piece_bytes = 0  # forwards no more at once than this
        self.cut_after_bytes: int | None = None  # then the stream ends, in whatever it was
        self._flows = asyncio.Event()
        self._flows.set()
        self._stalled: list[asyncio.Event] = []

    async def start(self, directory: Path) -> Path:
        """Serve on loopback; returns a kubeconfig that leads here."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context, limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        path = directory / "faulty.yaml"
        path.write_text(KUBECONFIG.format(port=self._runner.addresses[0][1]))
        return path

    def stall(self) -> None:
        """Say nothing any more on open streams, and close none."""
        self._flows.clear()
        self._stalled.append(self._flows)

    def heal(self) -> None:
        """Let new streams flow; what stalled stays so."""
        self._flows = asyncio.Event()
        self._flows.set()

    async def close(self) -> None:
        for flows in self._stalled:
            flows.set()
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((asyncio.get_running_loop().time(), request.path))
        if self.refusals > 0:
            self.refusals -= 1
            raise web.HTTPTooManyRequests(headers={"Retry-After": self.retry_after}, text="too many")
        assert self._session is not None
        kept = {
            k: v for k, v in request.headers.items() if k in ("Accept", "Content-Type", "Accept-Encoding")
        }
        async with self._session.request(
            request.method, self._server + request.path_qs, headers=kept, data=await request.read()
        ) as upstream:
            answer = web.StreamResponse(status=upstream.status)
            answer.content_type = upstream.content_type
            await answer.prepare(request)
            with contextlib.suppress(ConnectionError):  # the adapter may go first
                await self._pass(upstream, answer)
            return answer

    async def _pass(self, upstream: aiohttp.ClientResponse, answer: web.StreamResponse) -> None:
        left = self.cut_after_bytes
        flows = self._flows
        while chunk := await upstream.content.readany():
            if left is not None:
                chunk, left = chunk[:left], left - len(chunk)
            size = self.piece_bytes or len(chunk)
            for start in range(0, len(chunk), size):
                await flows.wait()
                await answer.write(chunk[start : start + size])
            if left is not None and left <= 0:
                return
