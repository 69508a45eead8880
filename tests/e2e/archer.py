"""Archer itself on the stack: every loop and the API, in the process of the tests."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from archer import processes
from archer.settings import ClusterEntry, Inventory, QueueEntry, Settings
from archer.store.engine import Database, PoolLimits
from tests.builders import rows
from tests.stack.layout import (
    CLUSTERS,
    METASTORE_ADDRESS,
    MOKA_A,
    S3_BUCKET,
    S3_ENDPOINT,
    SPARK_IMAGE,
    Cluster,
)
from tests.stack.s3 import REGION

SPARK_CONF = {
    "spark.sql.warehouse.dir": f"s3a://{S3_BUCKET}/warehouse",
    "spark.kubernetes.executor.deleteOnTermination": "false",
}
#: Spark versions by which a test says where its jobs go: to containers, or to fake nodes.
REAL, FAKE = "3.5.9", "3.4.4"
SMALL = {
    "driver": {"cores": 1, "memory": "512m"},
    "executor": {"cores": 1, "memory": "512m", "instances": 1},
    "queue": "root.tier1.ads",
}


class Client:
    """What a caller does with Archer."""

    def __init__(self, http: httpx2.AsyncClient, database: Database) -> None:
        self._http = http
        self.database = database

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """What the database holds, for what a test counts over thousands of jobs."""
        return await rows(self.database, statement, **values)

    async def submit_many(self, number: int, **request: Any) -> list[str]:
        """Submit that many jobs, some at once."""
        gate = asyncio.Semaphore(16)

        async def one() -> str:
            async with gate:
                return await self.submit(**request)

        return await asyncio.gather(*(one() for _ in range(number)))

    async def all_end(self, jobs: Sequence[str], *, seconds: float) -> dict[str, int]:
        """Wait until all of *jobs* have ended; how many ended in which state."""
        count = "SELECT state, count(*) AS number FROM jobs WHERE id = ANY(:ids) GROUP BY state"
        deadline = time.monotonic() + seconds
        while True:
            states = {row["state"]: row["number"] for row in await self.rows(count, ids=list(jobs))}
            if not set(states) - {"succeeded", "failed", "cancelled"}:
                return states
            assert time.monotonic() < deadline, states
            await asyncio.sleep(0.2)

    async def submit(self, **request: Any) -> str:
        answer = await self._http.post("/v1/jobs", json={"type": "python", **SMALL, **request})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def job(self, job: str) -> dict[str, Any]:
        return (await self._http.get(f"/v1/jobs/{job}")).json()

    async def cancel(self, job: str) -> None:
        assert (await self._http.post(f"/v1/jobs/{job}/cancel")).status_code == 202

    async def clusters(self) -> dict[str, dict[str, Any]]:
        """What Archer says of each cluster."""
        items = (await self._http.get("/v1/clusters")).json()["items"]
        return {item["name"]: item for item in items}

    async def log(self, job: str) -> str:
        answer = await self._http.get(f"/v1/jobs/{job}/logs", params={"limit": 1024 * 1024})
        return answer.json().get("text", answer.text)

    async def reach(
        self, job: str, reached: Callable[[dict[str, Any]], Any], *, seconds: float
    ) -> dict[str, Any]:
        """Wait until the job is as *reached* says."""
        deadline = time.monotonic() + seconds
        while not reached(found := await self.job(job)):
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.2)
        return found

    async def end(self, job: str, *, seconds: float = 600) -> dict[str, Any]:
        """Wait until the job has ended."""
        return await self.reach(job, lambda found: found["ended_at"] is not None, seconds=seconds)


def entry(cluster: Cluster, **fields: Any) -> ClusterEntry:
    given = {
        "name": cluster.name,
        "adapter": "kubernetes",
        "kubeconfig": cluster.proxied_kubeconfig,
        "image": SPARK_IMAGE,
        "image_pull_policy": "Never",
        "secrets": ("moka-s3",),
        "millicores_per_core": 200,
        "architectures": (cluster.fake_architecture or "amd64",),
        # the fake nodes run nothing; only jobs that ask for this version go there
        "spark_versions": (REAL,) if cluster is MOKA_A else (FAKE,),
        "s3": {"endpoint": S3_ENDPOINT, "region": REGION},
        "event_log": f"s3a://{S3_BUCKET}/events",
        "event_log_rolling": False,  # the history server of the stack is asked right after the end
        "metastore": METASTORE_ADDRESS,
        "spark_conf": SPARK_CONF,
    }
    return ClusterEntry.model_validate(given | fields)


@asynccontextmanager
async def running_archer(dsn: str, *more: ClusterEntry) -> AsyncIterator[Client]:
    """Run Archer on the database at *dsn*, the clusters of the stack, and *more* entries for them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    queues = [QueueEntry(path=path) for path in ("root.tier1.ads", "root.tier2.etl", "root.tier3.adhoc")]
    inventory = Inventory(
        clusters=[*(entry(cluster) for cluster in CLUSTERS), *more],
        queues=queues,
        default_queue="root.tier3.adhoc",
    )
    settings = Settings.model_validate(
        {
            "database": dsn,
            "cursor_secret": "tests",
            "api": {"port": port},
            "watcher": {"image_seconds": 20},
        }
    )
    stop = asyncio.Event()
    clusters = processes.open_clusters(inventory)
    database = Database(dsn, application="archer", limits=PoolLimits(connections=10))
    await processes.register(database, clusters.sites.current)
    tasks = [
        asyncio.ensure_future(run(settings, database, clusters.sites, stop=stop))
        for run in processes.ROLES.values()
    ]
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            while not await _answers(http):
                assert not any(task.done() for task in tasks), [task for task in tasks if task.done()]
                await asyncio.sleep(0.1)
            yield Client(http, database)
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await clusters.close()
        await database.close()


async def _answers(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx2.TransportError:
        return False
