"""What every cluster promises about the drivers that it lists and watches, whatever it is made of."""

from __future__ import annotations

import asyncio

import pytest

from archer.clusters.port import DriverChange, DriverEvidence
from archer.errors import WatchExpired
from tests.cluster.rigs import PATIENCE_SECONDS, Rig, manifest, until, until_state


async def test_a_listed_driver_says_whose_it_is_and_when_it_began(rig: Rig):
    made = await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    (driver,) = (await rig.cluster.list_drivers()).drivers
    assert (driver.pod, driver.application, driver.namespace) == ("job-1-driver", "job-1", "default")
    assert (driver.job_id, driver.attempt, driver.application_uid) == ("job", 1, made.uid)
    assert driver.uid
    assert driver.phase == "running"
    assert driver.created_at
    assert driver.scheduled_at
    assert driver.started_at
    assert driver.scheduled_at <= driver.started_at


async def test_a_listed_driver_and_one_read_by_name_are_told_alike(rig: Rig):
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    assert (await rig.cluster.list_drivers()).drivers == [await rig.cluster.driver("default", "job-1")]


async def test_pages_hold_what_a_list_holds(rig: Rig):
    for number in (1, 2, 3):
        await rig.cluster.create(manifest(f"job-{number}"))
    await rig.run("job-1")
    listing = await rig.cluster.list()
    pages = [page async for page in rig.cluster.pages()]
    assert [one.name for page in pages for one in page.applications] == [
        one.name for one in listing.applications
    ]
    await anext(rig.cluster.watch(pages[-1].resource_version))
    told = [one for page in [page async for page in rig.cluster.driver_pages()] for one in page.drivers]
    assert "job-1" in [one.application for one in told]


async def test_a_watch_tells_a_driver_from_its_start_to_its_end(rig: Rig):
    watch = rig.cluster.watch_drivers((await rig.cluster.list_drivers()).resource_version)
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    running = await _until_phase(watch, "running")
    assert running.started_at
    assert running.exit_code is None
    await rig.end("job-1", exit_code=3)
    ended = await _until_phase(watch, "failed")
    assert (ended.exit_code, ended.uid, ended.started_at) == (3, running.uid, running.started_at)


async def test_a_watch_of_drivers_goes_on_from_any_version_it_gave(rig: Rig):
    before = (await rig.cluster.list_drivers()).resource_version
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    watch = rig.cluster.watch_drivers(before)
    version = before
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for change in watch:
            version = change.resource_version
            if change.driver is not None and change.driver.phase == "running":
                break
    await rig.end("job-1", exit_code=0)
    assert (await _until_phase(rig.cluster.watch_drivers(version), "succeeded")).job_id == "job"


async def test_a_driver_that_is_gone_is_told_as_deleted_and_listed_no_more(rig: Rig):
    made = await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    watch = rig.cluster.watch_drivers((await rig.cluster.list_drivers()).resource_version)
    await rig.cluster.delete("default", "job-1", made.uid)
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for change in watch:
            if change.kind == "deleted":
                assert change.driver is not None
                assert change.driver.job_id == "job"
                break

    async def none_is_listed() -> bool:
        return not (await rig.cluster.list_drivers()).drivers

    await until(none_is_listed)


async def test_drivers_of_strangers_are_not_told(rig: Rig):
    watch = rig.cluster.watch_drivers((await rig.cluster.list_drivers()).resource_version)
    await rig.cluster.create(manifest("stranger-1", job_id=""))
    await rig.run("stranger-1")
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    assert (await _until_phase(watch, "running")).job_id == "job"
    assert [one.job_id for one in (await rig.cluster.list_drivers()).drivers] == ["job"]
    await rig.end("stranger-1", exit_code=0)
    await until_state(rig.cluster, "stranger-1", "COMPLETED")


@pytest.mark.parametrize("version", ["", "0", "nonsense", "ffffffff.1"])
async def test_a_version_of_another_life_is_expired_for_drivers_too(rig: Rig, version: str):
    with pytest.raises(WatchExpired):
        await anext(rig.cluster.watch_drivers(version))


async def _until_phase(watch, phase: str) -> DriverEvidence:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for change in watch:
            assert isinstance(change, DriverChange)
            if change.driver is not None and change.driver.phase == phase:
                return change.driver
    raise AssertionError("the watch ended")
