"""Archer's API on a real database and a scripted cluster, and the way of a job told in one word each."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import text

from archer.api.app import create_app
from archer.api.auth.callers import Callers
from archer.api.auth.denials import Denials
from archer.api.changes import Changes
from archer.api.deps import Parts
from archer.api.incoming.cursors import Cursors
from archer.dispatcher.dispatcher import Dispatcher
from archer.domain.cluster import ClusterProfile
from archer.domain.tenancy.policy import Policy
from archer.limits.limits import Limits, Rates
from archer.service import Jobs
from archer.settings import DispatcherSettings, WatcherSettings
from archer.site.present import Site, Sites
from archer.store import inventory
from archer.store.engine import Database
from archer.watcher.cluster import Watcher
from tests.fakes.cluster import FakeCluster

QUEUES = {
    "root.default": (3, "for everybody"),
    "root.etl": (2, "nightly work"),
    "root.etl.tier1": (1, "what pages people"),
}
PROFILE = ClusterProfile(
    name="here",
    adapter="local",
    architectures=("amd64", "arm64"),
    spark_versions=("3.5.9",),
    spark_conf={"spark.eventLog.enabled": "true"},
)
TABLES = (
    "jobs",
    "job_specs",
    "attempts",
    "job_events",
    "clusters",
    "queues",
    "idempotency_keys",
    "checkpoints",
    "audit",
)
COUNTS = text("SELECT " + ", ".join(f"(SELECT count(*) FROM {name}) AS {name}" for name in TABLES))
DEADLINE_SECONDS = 10


def job(**fields: Any) -> dict[str, Any]:
    """A request that is accepted; *fields* replace or add."""
    return {"name": "pi", "type": "python", "main_application_file": "s3a://jobs/pi.py"} | fields


@dataclass(frozen=True)
class Rig:
    """The application, a client of it, and the ends that a test pulls."""

    app: FastAPI
    client: httpx2.AsyncClient
    parts: Parts
    database: Database
    cluster: FakeCluster

    async def submit(self, *, key: str | None = None, **fields: Any) -> dict[str, Any]:
        """Submit a job and read its answer."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        answer = await self.client.post("/v1/jobs", json=job(**fields), headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def dispatch(self) -> None:
        """Let a dispatcher create what is queued."""
        dispatcher = Dispatcher(
            self.database,
            {PROFILE.name: self.cluster},
            [PROFILE],
            settings=DispatcherSettings(),  # pyright: ignore[reportCallIssue]
            worker=uuid.uuid4(),
        )
        await dispatcher.run_once()

    async def observe(self) -> None:
        """Let a watcher record what the cluster shows."""
        settings = WatcherSettings()  # pyright: ignore[reportCallIssue]
        await Watcher(self.database, self.cluster, settings=settings).relist()

    async def running(self, **fields: Any) -> str:
        """Submit a job and let it run; its id."""
        made = await self.submit(**fields)
        await self.dispatch()
        self.cluster.run(f"{made['id']}-1")
        await self.observe()
        return made["id"]

    async def ended(self, job_id: str, *, exit_code: int = 0, log: bytes = b"") -> None:
        """Let the first attempt of a running job end."""
        self.cluster.end(f"{job_id}-1", exit_code=exit_code, log=log)
        await self.observe()

    async def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        async with self.database.transaction() as tx:
            return dict((await tx.execute(COUNTS)).mappings().one())

    async def denied(self, answer: httpx2.Response) -> list[str]:
        """Reasons of the denials that the audit has of the call that was answered so."""
        await self.parts.denials.flush()
        ours = "SELECT reason FROM audit WHERE request_id = :id AND decision = 'denied'"
        return [row.reason for row in await self.sql(ours, id=answer.headers["x-request-id"])]

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement as the database's owner."""
        async with self.database.transaction() as tx:
            rows = await tx.execute(text(statement), values)
            return list(rows) if rows.returns_rows else []


@asynccontextmanager
async def open_rig(
    database: Database,
    *,
    cursor_secret: str = "a secret",
    register: bool = True,
    callers: Callers | None = None,
    rates: Rates = Rates(),  # noqa: B008  (immutable)
    policy: Policy | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Rig]:
    """Open the application on *database*; without *callers*, everybody may do everything."""
    cluster = FakeCluster(PROFILE.name)
    queues = {q.path: (q.tier, q.description) for q in policy.queues} if policy else QUEUES
    if register:
        async with database.transaction() as tx:
            await inventory.register(tx, [PROFILE], queues)
    sites = Sites(Site({PROFILE.name: cluster}, (PROFILE,), queues, "root.default", policy))
    limits = Limits(database, rates)
    parts = Parts(
        jobs=Jobs(database, sites, limits),
        database=database,
        sites=sites,
        changes=Changes(),
        cursors=Cursors(cursor_secret),
        callers=callers or Callers(None),
        limits=limits,
        denials=Denials(database, clock=clock),
        ui_url="http://ui.test",
    )
    # a bug is to be seen as its callers see it: as a 500
    app = create_app(parts)
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield Rig(app, client, parts, database, cluster)
    await cluster.close()


def problem(answer: httpx2.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Check that *answer* is a problem document of that status, and read it."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    document = json.loads(answer.content)
    assert document["type"].startswith("https://moka.dev/docs/errors#")
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    if code is not None:
        assert document["type"].endswith(f"#{code}")
    for fault in document.get("errors", []):
        assert set(fault) == {"field", "rule", "message", "allowed"}
        assert fault["rule"]
        assert fault["message"]
    return document


def fields(document: dict[str, Any]) -> list[str]:
    """Fields that a problem names."""
    return [fault["field"] for fault in document.get("errors", [])]


async def eventually(check: Any, *, seconds: float = DEADLINE_SECONDS) -> Any:
    """Ask until the answer is true; fails after the deadline."""
    async with asyncio.timeout(seconds):
        while not (found := await check()):  # noqa: ASYNC110
            await asyncio.sleep(0.005)  # what is asked for happens in another process
        return found
