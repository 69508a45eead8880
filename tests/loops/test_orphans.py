"""An application under way whose attempt has ended is removed; every other one is left alone."""

from __future__ import annotations

import asyncio

from archer.translate import names
from tests.builders import let_pass, new_id, row
from tests.fakes.cluster import FakeCluster
from tests.loops.rig import going
from tests.waiting import eventually


async def zombie(rig, monkeypatch):
    """Let a dispatcher sleep in its create call until its job's absence was proven and it is cancelled."""
    job = await rig.submit()
    begun, wake = asyncio.Event(), asyncio.Event()

    async def create(manifest):
        begun.set()
        await wake.wait()
        return await FakeCluster.create(rig.fake, manifest)

    monkeypatch.setattr(rig.fake, "create", create)
    sleeper = asyncio.create_task(rig.dispatcher().run_once())
    await begun.wait()
    await rig.cancel(job)
    await let_pass(rig.database, "31 seconds")
    await rig.janitor().run_once()
    assert await rig.state(job) == "cancelled"
    wake.set()
    await sleeper
    return job


async def test_a_create_that_lands_after_the_cancel_was_proven_is_removed(rig, monkeypatch):
    job = await zombie(rig, monkeypatch)
    assert rig.fake.names() == [f"{job}-1"]
    before = await row(rig.database, job)
    rig.fake.run(f"{job}-1")
    await rig.watcher().relist()
    assert await rig.janitor().remove_orphans() == 1
    assert rig.fake.names() == []
    assert await row(rig.database, job) == before


async def test_the_janitors_loop_looks_for_orphans(rig, monkeypatch):
    await zombie(rig, monkeypatch)

    async def is_gone() -> bool:
        return rig.fake.names() == []

    async with going(rig.janitor().run):
        await eventually(is_gone)


async def test_applications_under_way_and_ended_ones_are_no_orphans(rig):
    running, ended = await rig.running(), await rig.running()
    rig.fake.end(f"{ended}-1", exit_code=0)
    await rig.watcher().relist()
    rig.fake.put_stranger("unknown-1", labels={names.JOB_ID: new_id(), names.ATTEMPT: "1"})
    rig.fake.put_stranger("strangers")
    assert await rig.janitor().remove_orphans() == 0
    assert {f"{running}-1", f"{ended}-1", "unknown-1", "strangers"} == set(rig.fake.names())


async def test_a_list_from_before_the_end_removes_nothing(rig):
    job = await rig.running()
    rig.fake.freeze_listing()
    rig.fake.end(f"{job}-1", exit_code=0)
    rig.fake.thaw_listing()
    await rig.watcher().relist()
    rig.fake.move(f"{job}-1", "RUNNING")
    rig.fake.freeze_listing()
    rig.fake.move(f"{job}-1", "COMPLETED")
    assert await rig.janitor().remove_orphans() == 0
    assert rig.fake.names() == [f"{job}-1"]


async def test_a_copy_of_a_deleted_application_is_removed(rig):
    job = await rig.running()
    rig.fake.vanish(f"{job}-1")
    await rig.watcher().relist()
    rig.fake.put_stranger(f"{job}-1", labels={names.JOB_ID: job, names.ATTEMPT: "1"})
    assert await rig.janitor().remove_orphans() == 1


async def test_a_cluster_that_cannot_be_listed_keeps_its_orphans_and_not_the_others(rig, monkeypatch):
    await zombie(rig, monkeypatch)
    away = FakeCluster("away")
    away.go_down()
    rig.clusters = {"away": away, "fake": rig.fake}
    assert await rig.janitor().remove_orphans() == 1
