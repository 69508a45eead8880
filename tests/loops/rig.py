"""The three loops over one database and fake clusters, each driven round by round."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from archer.clusters.port import Cluster
from archer.dispatcher.dispatcher import Dispatcher
from archer.domain.cluster import ClusterProfile
from archer.domain.tenancy.policy import Policy
from archer.janitor import Janitor
from archer.settings import DispatcherSettings, JanitorSettings, WatcherSettings
from archer.store import cancels
from archer.store.engine import Database
from archer.watcher.cluster import Watcher
from tests import builders
from tests.builders import row
from tests.fakes.cluster import FakeCluster
from tests.waiting import eventually


@dataclass
class Rig:
    """One cluster named ``fake``, and whatever others a test adds."""

    database: Database
    fake: FakeCluster
    profiles: list[ClusterProfile]
    clusters: dict[str, Cluster]

    def dispatcher(
        self, *, worker: UUID | None = None, policy: Policy | None = None, **settings: Any
    ) -> Dispatcher:
        return Dispatcher(
            self.database,
            self.clusters,
            self.profiles,
            settings=DispatcherSettings.model_validate({"poll_seconds": 0.05} | settings),
            worker=worker or uuid4(),
            policy=policy,
        )

    def watcher(self, **settings: Any) -> Watcher:
        wanted = WatcherSettings.model_validate({"flush_seconds": 0.005, "relist_seconds": 60} | settings)
        return Watcher(self.database, self.fake, settings=wanted)

    def janitor(self, **settings: Any) -> Janitor:
        wanted = JanitorSettings.model_validate({"period_seconds": 0.05} | settings)
        return Janitor(self.database, self.clusters, settings=wanted, worker=uuid4())

    async def submit(self, **fields: Any) -> str:
        """Store one job; its id. The name of its first application is that and ``-1``."""
        return (await builders.insert(self.database, builders.new_job(**fields)))[0]

    async def dispatched(self, **fields: Any) -> str:
        """Store one job and create its application."""
        job = await self.submit(**fields)
        await self.dispatcher().run_once()
        assert f"{job}-1" in self.fake.names()
        return job

    async def running(self, **fields: Any) -> str:
        """Store one job and let its driver run; the watcher has seen it."""
        job = await self.dispatched(**fields)
        self.fake.run(f"{job}-1")
        await self.watcher().relist()
        assert (await row(self.database, job))["state"] == "running"
        return job

    async def cancel(self, job: str) -> None:
        """Ask for the job's end."""
        async with self.database.transaction() as tx:
            await cancels.request(tx, [job], principal="amara", reason="cancelled", message="")

    async def state(self, job: str) -> str:
        return (await row(self.database, job))["state"]

    async def until(self, job: str, *states: str) -> dict[str, Any]:
        """Wait until the job is in one of *states*; its row."""

        async def is_there() -> dict[str, Any] | None:
            found = await row(self.database, job)
            return found if found["state"] in states else None

        return await eventually(is_there)  # pyright: ignore[reportReturnType]

    def calls(self, operation: str) -> list[str]:
        """Names that this operation was called with."""
        return [name for called, name in self.fake.calls if called == operation]


@asynccontextmanager
async def going(run: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Let a loop go while the block runs, and end as it does on a signal."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(stop))
    try:
        yield
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)


async def until_watching(rig: Rig) -> None:
    """Wait until a watcher has listed and opened its watch."""

    async def is_watching() -> bool:
        return bool(rig.calls("watch"))

    await eventually(is_watching)
