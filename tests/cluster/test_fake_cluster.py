"""The faults that the fake cluster can show, so that tests which lean on them lean on something."""

from __future__ import annotations

import asyncio

import pytest

from archer.errors import AlreadyExists, ClusterUnavailable, ManifestRejected, WatchExpired
from tests.cluster.rigs import manifest
from tests.fakes.cluster import FakeCluster


async def test_a_lost_answer_took_effect():
    cluster = FakeCluster()
    cluster.lose_answer("create")
    with pytest.raises(ClusterUnavailable):
        await cluster.create(manifest("job-1"))
    with pytest.raises(AlreadyExists):
        await cluster.create(manifest("job-1"))
    cluster.lose_answer("delete")
    found = await cluster.get("default", "job-1")
    assert found is not None
    with pytest.raises(ClusterUnavailable):
        await cluster.delete("default", "job-1", found.uid)
    assert cluster.names() == []
    assert [call for call in cluster.calls if call[0] == "create"] == [("create", "job-1")] * 2


async def test_a_failed_call_took_no_effect():
    cluster = FakeCluster()
    cluster.throttle("create", retry_after_seconds=3, times=2)
    for _ in range(2):
        with pytest.raises(ClusterUnavailable) as caught:
            await cluster.create(manifest("job-1"))
        assert caught.value.retry_after_seconds == 3
    cluster.fail("create", ManifestRejected("no"))
    with pytest.raises(ManifestRejected):
        await cluster.create(manifest("job-1"))
    assert cluster.names() == []
    await cluster.create(manifest("job-1"))


async def test_a_strangers_name_is_taken():
    cluster = FakeCluster()
    cluster.put_stranger("job-1")
    with pytest.raises(AlreadyExists):
        await cluster.create(manifest("job-1"))
    found = await cluster.get("default", "job-1")
    assert found is not None
    assert found.job_id is None


async def test_when_it_is_down_nothing_is_said():
    cluster = FakeCluster()
    watch = cluster.watch((await cluster.list()).resource_version)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    cluster.go_down()
    with pytest.raises(ClusterUnavailable):
        await waiting
    for question in (cluster.probe(), cluster.list(), cluster.get("default", "job-1")):
        with pytest.raises(ClusterUnavailable):
            await question
    cluster.come_back()
    await cluster.probe()


async def test_an_expired_watch_and_its_version_are_of_no_use():
    cluster = FakeCluster()
    version = (await cluster.list()).resource_version
    await cluster.create(manifest("job-1"))
    watch = cluster.watch((await cluster.list()).resource_version)
    waiting = asyncio.ensure_future(anext(watch))
    await asyncio.sleep(0)
    cluster.expire_watches()
    with pytest.raises(WatchExpired):
        await waiting
    with pytest.raises(WatchExpired):
        await anext(cluster.watch(version))


async def test_events_can_be_skipped_said_twice_or_kept_back():
    cluster = FakeCluster(bookmark_seconds=0.05)
    await cluster.create(manifest("job-1"))
    watch = cluster.watch((await cluster.list()).resource_version)
    assert (await anext(watch)).kind == "bookmark"
    cluster.skip_events(1)
    cluster.move("job-1", "SUBMITTED")
    cluster.duplicate_events(1)
    cluster.run("job-1")
    said = [await anext(watch), await anext(watch)]
    assert [one.application and one.application.application_state for one in said] == ["RUNNING", "RUNNING"]
    cluster.silence_watches()
    cluster.end("job-1", exit_code=0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(watch), 0.2)


async def test_a_listing_can_be_stale():
    cluster = FakeCluster()
    cluster.freeze_listing()
    await cluster.create(manifest("job-1"))
    assert (await cluster.list()).applications == []
    cluster.thaw_listing()
    assert len((await cluster.list()).applications) == 1


async def test_a_deletion_can_be_held():
    cluster = FakeCluster()
    made = await cluster.create(manifest("job-1"))
    cluster.holds_deletions = True
    await cluster.delete("default", "job-1", made.uid)
    assert await cluster.get("default", "job-1") is not None
    cluster.finish_deletion("job-1")
    assert await cluster.get("default", "job-1") is None
