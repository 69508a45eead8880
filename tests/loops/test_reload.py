"""The processes follow the clusters file: jobs go to what it says now, and none that runs is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from archer import processes
from archer.clusters.port import Cluster
from archer.errors import ClusterUnavailable
from archer.settings import DispatcherSettings, JanitorSettings, Settings, WatcherSettings, load_inventory
from archer.site import files as module
from archer.site.files import SiteFiles
from archer.store import inventory
from archer.store.engine import Database
from tests import builders
from tests.builders import attempt_row, row
from tests.fakes.cluster import FakeCluster
from tests.loops.rig import Rig
from tests.waiting import eventually


class Running:
    """Dispatcher, watcher and janitor on fake clusters, by a file that a test writes."""

    def __init__(self, database: Database, path: Path) -> None:
        self.database = database
        self.path = path
        self.fakes: list[FakeCluster] = []

    def write(self, **clusters: dict[str, Any]) -> None:
        entries = [{"name": name, "adapter": "kubernetes"} | more for name, more in clusters.items()]
        fresh = self.path.with_suffix(".new")
        fresh.write_text(yaml.safe_dump({"clusters": entries, "queues": [{"path": "root.default"}]}))
        fresh.replace(self.path)

    def open(self, config: object) -> Cluster:
        self.fakes.append(FakeCluster(getattr(config, "name", ""), bookmark_seconds=0.05))
        return self.fakes[-1]

    def fake(self, name: str) -> FakeCluster:
        """The present connection of a cluster."""
        return [fake for fake in self.fakes if fake.name == name][-1]

    @asynccontextmanager
    async def going(self) -> AsyncIterator[SiteFiles]:
        settings = Settings(  # pyright: ignore[reportCallIssue]  (the other fields have defaults)
            database=self.database.dsn,
            cursor_secret="tests",  # pyright: ignore[reportArgumentType]
            reload_seconds=0.01,
            dispatcher=DispatcherSettings.model_validate({"poll_seconds": 0.05}),
            watcher=WatcherSettings.model_validate({"flush_seconds": 0.005}),
            janitor=JanitorSettings.model_validate({"period_seconds": 0.05}),
        )
        file = SiteFiles(
            load_inventory(self.path),
            configure=processes.connection_config,
            open_cluster=self.open,
            path=self.path,
        )
        stop = asyncio.Event()
        roles = (processes.run_dispatcher, processes.run_watcher, processes.run_janitor)
        tasks = [asyncio.ensure_future(run(settings, self.database, file.sites, stop=stop)) for run in roles]
        tasks.append(asyncio.ensure_future(processes.follow_file(settings, self.database, file, stop=stop)))
        try:
            yield file
        finally:
            stop.set()
            await asyncio.wait_for(asyncio.gather(*tasks), 20)
            await file.close()

    async def submit(self, **fields: Any) -> str:
        return (await builders.insert(self.database, builders.new_job(**fields)))[0]

    async def until(self, job: str, state: str) -> dict[str, Any]:
        async def is_there() -> dict[str, Any] | None:
            found = await row(self.database, job)
            return found if found["state"] == state else None

        return await eventually(is_there)  # pyright: ignore[reportReturnType]

    async def shown(self, name: str) -> dict[str, Any] | None:
        async with self.database.transaction() as tx:
            return await inventory.cluster(tx, name)


@pytest.fixture
def running(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_rest: None) -> Running:
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.0)
    return Running(database, tmp_path / "clusters.yaml")


async def test_an_added_cluster_takes_jobs_without_a_restart(running: Running):
    running.write(a={"weight": 0})
    async with running.going():
        job = await running.submit()

        async def waits() -> bool:
            return (await row(running.database, job))["waiting"] is not None

        await eventually(waits)
        running.write(a={"weight": 0}, b={})
        found = await running.until(job, "submitted")
        assert found["cluster"] == "b"
        running.fake("b").run(f"{job}-1")
        await running.until(job, "running")
    assert [fake.name for fake in running.fakes] == ["a", "b"]
    found = await running.shown("b")
    assert found is not None
    assert found["version"] == "fake cluster 1"


async def test_a_removed_cluster_gets_no_job_and_is_followed_until_its_own_have_ended(running: Running):
    running.write(a={})
    async with running.going() as file:
        old = await running.submit()
        await running.until(old, "submitted")
        running.write(b={})

        async def is_removed() -> bool:
            found = await running.shown("a")
            return found is not None and found["removed_at"] is not None

        await eventually(is_removed)
        new = await running.submit()
        assert (await running.until(new, "submitted"))["cluster"] == "b"
        for job in (old, new):
            fake = running.fake((await row(running.database, job))["cluster"])
            fake.run(f"{job}-1")
            await running.until(job, "running")
        assert set(file.sites.current.clusters) == {"a", "b"}
        for job in (old, new):
            running.fake((await row(running.database, job))["cluster"]).end(f"{job}-1", exit_code=0)
            await running.until(job, "succeeded")

        async def is_let_go() -> bool:
            return set(file.sites.current.clusters) == {"b"}

        await eventually(is_let_go)
    found = await running.shown("a")
    assert found is not None  # jobs refer to it
    assert found["live_jobs"] == 0


async def test_a_changed_connection_is_watched_anew_and_the_others_go_on(running: Running):
    running.write(a={}, b={"weight": 0})
    async with running.going():
        job = await running.submit()
        await running.until(job, "submitted")
        running.write(a={}, b={"kubeconfig": "/elsewhere", "weight": 0})

        async def is_watched_anew() -> bool:
            return len(running.fakes) == 3 and any(call == "watch" for call, _ in running.fakes[2].calls)

        await eventually(is_watched_anew)
        running.fake("a").run(f"{job}-1")
        await running.until(job, "running")
        assert [call for call, _ in running.fake("a").calls].count("watch") == 1
    assert [fake.name for fake in running.fakes] == ["a", "b", "b"]


async def test_a_cancel_on_a_removed_cluster_is_carried_out(running: Running):
    running.write(a={})
    async with running.going():
        job = await running.submit()
        await running.until(job, "submitted")
        running.write(b={})

        async def is_removed() -> bool:
            found = await running.shown("a")
            return found is not None and found["removed_at"] is not None

        await eventually(is_removed)
        await builders.rows(
            running.database,
            "UPDATE jobs SET state = 'cancelling', cancel_requested_at = now(), cancel_reason = 'cancelled'"
            " WHERE id = :id",
            id=job,
        )
        await running.until(job, "cancelled")
        assert running.fake("a").names() == []


async def test_the_attempt_remembers_the_namespace_of_its_tenant(running: Running):
    running.write(a={"namespace": "spark", "namespaces": {"ads": "spark-ads"}})
    async with running.going():
        for tenant, namespace in (("ads", "spark-ads"), ("default", "spark")):
            job = await running.submit(tenant=tenant)
            await running.until(job, "submitted")
            assert (await attempt_row(running.database, job))["namespace"] == namespace
            assert running.fake("a").manifest(f"{job}-1")["metadata"]["namespace"] == namespace


async def test_a_job_over_the_limit_waits_until_another_has_ended(running: Running):
    running.write(a={"max_live_jobs": 1})
    async with running.going():
        first = await running.submit()
        await running.until(first, "submitted")
        second = await running.submit()

        async def waits() -> bool:
            return (await row(running.database, second))["waiting"] == (
                "no cluster takes it: a: the cluster is full: max_live_jobs is 1"
            )

        await eventually(waits)
        running.fake("a").end(f"{first}-1", exit_code=0)
        await running.until(first, "succeeded")
        await running.until(second, "submitted")


async def test_a_placed_job_keeps_its_namespace_when_its_tenant_gets_another(rig: Rig, no_rest: None):
    rig.profiles[:] = [builders.profile(namespace="spark")]
    job = await rig.submit(tenant="ads")
    rig.fake.fail("create", ClusterUnavailable("refused"))
    await rig.dispatcher().run_once()
    rig.profiles[:] = [builders.profile(namespace="spark", namespaces={"ads": "spark-ads"})]
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "submitted"
    assert rig.fake.manifest(f"{job}-1")["metadata"]["namespace"] == "spark"
