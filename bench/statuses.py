"""Writes of an operator, as an open loop: each at its time, whether or not those before it were answered.

Runs as a process of its own: ``python -m bench.statuses FILE`` reads its orders from standard input as JSON
and writes into the file when each write was answered.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from archer.translate import names
from tests.cluster.administrator import Administrator

CONNECTIONS = 64


@dataclass(slots=True)
class Orders:
    """Which applications get a status, and how many a second."""

    server: str
    pki: str
    names: list[str]
    per_second: float


@dataclass(slots=True)
class Written:
    """When each write was answered, by the machine's clock, and how late the last one was sent."""

    answered_at: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0


async def run(orders: Orders) -> Written:
    """Write everything; returns when all was answered."""
    administrator = Administrator(orders.server, Path(orders.pki))
    written, places = Written(), asyncio.Semaphore(CONNECTIONS)
    loop, cpu = asyncio.get_running_loop(), time.process_time()

    async def write(name: str) -> None:
        async with places:
            await administrator.set_status(name, **status(name))
            written.answered_at[name] = time.time()

    try:
        begun = loop.time()
        tasks = []
        for number, name in enumerate(orders.names):
            await asyncio.sleep(max(0.0, begun + number / orders.per_second - loop.time()))
            tasks.append(asyncio.create_task(write(name)))
        await asyncio.gather(*tasks)
        written.seconds = loop.time() - begun
    finally:
        await administrator.close()
    written.cpu_seconds = time.process_time() - cpu
    return written


def status(name: str) -> dict[str, Any]:
    """What the operator writes when the driver runs."""
    return {
        "applicationState": {"state": "RUNNING"},
        "driverInfo": {"podName": name + names.DRIVER_SUFFIX, "webUIPort": 4040},
        "sparkApplicationId": f"spark-{name}",
        "lastSubmissionAttemptTime": "2026-01-01T00:00:00Z",
        "terminationTime": None,
        "executionAttempts": 1,
        "submissionAttempts": 1,
    }


if __name__ == "__main__":
    given = Orders(**json.loads(sys.stdin.read()))
    Path(sys.argv[1]).write_text(json.dumps(asdict(uvloop.run(run(given)))))
