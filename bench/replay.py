"""An API server that only plays: lists of applications, and then their events at a steady rate.

A real one cannot be made to send hundreds of events a second on a small machine; it is busy with the writes
that cause them. The events have the form and the size of real ones. Run as ``python -m bench.replay``, it
reads what to play from standard input, and writes when it sent what to the file it is told.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import uvloop
import yaml
from aiohttp import web

from archer.translate import names

PAGE: Final = 500
BOOKMARK_SECONDS: Final = 20.0
FIRST_VERSION: Final = 1000
KUBECONFIG: Final = """
apiVersion: v1
kind: Config
current-context: played
clusters: [{{name: played, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: nobody, user: {{}}}}]
contexts: [{{name: played, context: {{cluster: played, user: nobody}}}}]
"""
GOLDEN: Final = Path(__file__).parent.parent / "tests" / "unit" / "goldens" / "python.yaml"


@dataclass(frozen=True, slots=True)
class Play:
    """What is played: one event for each of *applications*, once somebody has watched for a while."""

    port: int
    applications: list[str]
    per_second: int
    after_seconds: float
    sent_file: str


class Player:
    """Answers as an API server does, as far as a watcher asks."""

    def __init__(self, play: Play) -> None:
        self._play = play
        golden = yaml.safe_load(GOLDEN.read_text())
        self._listed = [_object(golden, name, FIRST_VERSION, state="") for name in play.applications]
        self._events = [
            b'{"type":"MODIFIED","object":%s}\n'
            % _object(golden, name, FIRST_VERSION + number, state="RUNNING")
            for number, name in enumerate(play.applications, 1)
        ]

    def application(self) -> web.Application:
        """The routes."""
        made = web.Application()
        made.router.add_get("/version", self._version)
        made.router.add_get("/apis/sparkoperator.k8s.io/v1beta2/{_:.*}sparkapplications", self._applications)
        made.router.add_get("/api/v1/{_:.*}pods", self._pods)
        return made

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"gitVersion": "v0.0.0-played"})

    async def _applications(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await self._send_events(await _opened(request))
        begin = int(request.query.get("continue", "0"))
        end = begin + PAGE
        more = str(end) if end < len(self._listed) else ""
        metadata = json.dumps({"resourceVersion": str(FIRST_VERSION), "continue": more}).encode()
        items = b",".join(self._listed[begin:end])
        body = b'{"kind":"SparkApplicationList","metadata":%s,"items":[%s]}' % (metadata, items)
        return web.Response(body=body, content_type="application/json")

    async def _pods(self, request: web.Request) -> web.StreamResponse:
        if "watch" in request.query:
            return await _idle(await _opened(request), "Pod", FIRST_VERSION)
        metadata = {"resourceVersion": str(FIRST_VERSION)}
        return web.json_response({"kind": "PodList", "metadata": metadata, "items": []})

    async def _send_events(self, stream: web.StreamResponse) -> web.StreamResponse:
        await asyncio.sleep(self._play.after_seconds)
        sent_at: dict[str, float] = {}
        begun = time.perf_counter()
        for number, (name, event) in enumerate(zip(self._play.applications, self._events, strict=True)):
            wait = begun + number / self._play.per_second - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            sent_at[name] = time.time()
            await stream.write(event)
        seconds = time.perf_counter() - begun
        told = json.dumps({"sent_at": sent_at, "seconds": seconds})
        await asyncio.to_thread(Path(self._play.sent_file).write_text, told)
        return await _idle(stream, names.KIND, FIRST_VERSION + len(self._events))


def _object(golden: dict[str, Any], name: str, version: int, *, state: str) -> bytes:
    metadata = golden["metadata"] | {
        "name": name,
        "namespace": "default",
        "uid": f"00000000-0000-0000-0000-{abs(hash(name)) % 10**12:012d}",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "resourceVersion": str(version),
        "generation": 1,
        "labels": golden["metadata"]["labels"] | {names.JOB_ID: name.rpartition("-")[0], names.ATTEMPT: "1"},
        "managedFields": [
            {
                "manager": "moka-archer",
                "operation": "Update",
                "fieldsType": "FieldsV1",
                "fieldsV1": _owned(golden),
            }
        ],
    }
    status: dict[str, Any] = {"applicationState": {"state": state}} if state else {}
    if state:
        status |= {"sparkApplicationId": f"spark-{name}", "driverInfo": {"podName": f"{name}-driver"}}
    return json.dumps(golden | {"metadata": metadata, "status": status}, separators=(",", ":")).encode()


def _owned(tree: Any) -> dict[str, Any]:
    """Which fields a writer owns, as API servers keep it beside each object."""
    return {f"f:{key}": _owned(value) for key, value in tree.items()} if isinstance(tree, dict) else {}


async def _opened(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(headers={"Content-Type": "application/json"})
    stream.enable_chunked_encoding()
    await stream.prepare(request)
    return stream


async def _idle(stream: web.StreamResponse, kind: str, version: int) -> web.StreamResponse:
    bookmark = {"type": "BOOKMARK", "object": {"kind": kind, "metadata": {"resourceVersion": str(version)}}}
    while True:
        await asyncio.sleep(BOOKMARK_SECONDS)
        await stream.write(json.dumps(bookmark).encode() + b"\n")


async def _serve(play: Play) -> None:
    runner = web.AppRunner(Player(play).application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", play.port).start()
    await asyncio.Event().wait()


@contextmanager
def playing(play: Play, folder: Path) -> Iterator[Path]:
    """Run a player as a process of its own; a kubeconfig of it."""
    process = subprocess.Popen([sys.executable, "-m", "bench.replay"], stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(play)).encode())
        process.stdin.close()
        kubeconfig = folder / "played.yaml"
        kubeconfig.write_text(KUBECONFIG.format(port=play.port))
        yield kubeconfig
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    uvloop.run(_serve(Play(**json.load(sys.stdin))))
