"""How a stream goes on: from where it was, after a list, or after as long as the cluster asks for."""

from __future__ import annotations

import asyncio

import pytest

from archer.errors import ClusterUnavailable
from archer.watcher import stream
from tests.builders import row, rows
from tests.fakes.cluster import FakeCluster
from tests.loops.rig import going, until_watching
from tests.waiting import eventually


async def until_called(rig, operation: str, times: int) -> None:
    async def is_called() -> bool:
        return len(rig.calls(operation)) >= times

    await eventually(is_called)


async def test_a_watch_that_ends_in_good_order_goes_on_without_a_list(rig):
    job = await rig.dispatched()
    async with going(rig.watcher().run):
        await until_watching(rig)
        lists = len(rig.calls("list"))
        rig.fake.skip_events(1)
        rig.fake.run(f"{job}-1")  # it is told by the next watch, which begins before it
        rig.fake.end_watches()
        await rig.until(job, "running")
        await until_called(rig, "watch", 2)
        assert len(rig.calls("list")) == lists


@pytest.mark.parametrize("break_it", ["expire_watches", "break_watches"])
async def test_a_watch_that_ends_otherwise_is_followed_by_a_list(rig, break_it):
    async with going(rig.watcher().run):
        await until_watching(rig)
        lists = len(rig.calls("list"))
        getattr(rig.fake, break_it)()
        await until_called(rig, "list", lists + 1)


async def test_watches_that_end_in_good_order_do_not_put_off_the_list(rig):
    async with going(rig.watcher(relist_seconds=0.3).run):
        await until_watching(rig)
        lists = len(rig.calls("list"))
        async with asyncio.timeout(20):
            while len(rig.calls("list")) == lists:
                rig.fake.end_watches()
                await asyncio.sleep(0.01)


async def test_a_cluster_is_left_alone_for_as_long_as_it_asks(rig, monkeypatch):
    pauses: list[float] = []
    pause = stream._pause

    async def noted(stop: asyncio.Event, seconds: float) -> None:
        pauses.append(seconds)
        await pause(stop, min(seconds, 0.01))

    monkeypatch.setattr(stream, "_pause", noted)
    rig.fake.throttle("list", retry_after_seconds=123.0, times=1)
    async with going(rig.watcher().run):
        await until_watching(rig)
    assert pauses.count(123.0) == 1
    assert max(one for one in pauses if one != 123.0) < 1


async def test_a_list_is_recorded_page_by_page_and_nothing_is_missing_before_its_end(rig, monkeypatch):
    monkeypatch.setattr(rig.fake, "page_size", 2)
    jobs = [await rig.dispatched() for _ in range(5)]
    for job in jobs:
        rig.fake.run(f"{job}-1")
    gone = jobs[2]
    rig.fake.vanish(f"{gone}-1")
    pages, recorded = FakeCluster.pages, []

    async def broken_off(cluster: FakeCluster):
        async for page in pages(cluster):
            yield page
            recorded.append([(await row(rig.database, job))["state"] for job in jobs])
            if len(recorded) == 2:
                raise ClusterUnavailable("reset by peer")

    monkeypatch.setattr(FakeCluster, "pages", broken_off)
    watcher = rig.watcher()
    with pytest.raises(ClusterUnavailable):
        await watcher.relist()
    assert [states.count("running") for states in recorded] == [2, 4]
    assert await rig.state(gone) == "submitted"
    assert await rows(rig.database, "SELECT * FROM checkpoints") == []
    monkeypatch.undo()
    await watcher.relist()
    assert (await row(rig.database, gone))["reason"] == "application_deleted"


async def test_what_a_list_held_before_it_began_anew_may_be_missing(rig, monkeypatch):
    kept, gone = await rig.running(), await rig.running()
    pages = FakeCluster.pages

    async def twice(cluster: FakeCluster):
        async for page in pages(cluster):
            yield page
        rig.fake.vanish(f"{gone}-1")
        is_restart = True
        async for page in pages(cluster):
            yield type(page)(page.applications, page.resource_version, is_restart)
            is_restart = False

    monkeypatch.setattr(FakeCluster, "pages", twice)
    await rig.watcher().relist()
    assert (await rig.state(kept), await rig.state(gone)) == ("running", "failed")


async def test_many_deletions_at_once_are_each_confirmed(rig):
    jobs = [await rig.running() for _ in range(10)]
    async with going(rig.watcher().run):
        await until_watching(rig)
        for job in jobs:
            rig.fake.vanish(f"{job}-1")
        for job in jobs:
            assert (await rig.until(job, "failed"))["reason"] == "application_deleted"
