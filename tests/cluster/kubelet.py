"""A kubelet that does one thing: it answers the API server's question for a container's log."""

from __future__ import annotations

import ssl
from pathlib import Path

from aiohttp import web

from tests.cluster.administrator import Administrator


class Kubelet:
    """Logs of containers, by pod name; a test writes them."""

    def __init__(self) -> None:
        self.logs: dict[str, bytes] = {}
        self._runner: web.AppRunner | None = None

    async def start(self, pki: Path) -> int:
        """Serve on a free port of loopback."""
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._log)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        return self._runner.addresses[0][1]

    async def join(self, administrator: Administrator, port: int) -> None:
        """Make the API server know the node."""
        await administrator.post("/api/v1/nodes", {"metadata": {"name": "fake-node"}})
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        }
        await administrator.patch("/api/v1/nodes/fake-node/status", {"status": status})

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _log(self, request: web.Request) -> web.Response:
        text = self.logs.get(request.match_info["pod"])
        if text is None:
            raise web.HTTPNotFound(text="no such container")
        if (lines := request.query.get("tailLines")) is not None:
            text = b"".join(text.splitlines(keepends=True)[-int(lines) :])
        if (limit := request.query.get("limitBytes")) is not None:
            text = text[: int(limit)]
        return web.Response(body=text, content_type="text/plain")
