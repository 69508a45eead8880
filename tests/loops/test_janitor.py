"""What has to end ends: cancels by proof, deadlines by the database's clock, orphans by their attempt."""

from __future__ import annotations

import asyncio

import pytest

from archer.errors import ClusterUnavailable
from archer.store import cancels
from tests.builders import attempt_row, let_pass, new_id, row, rows, states
from tests.fakes.cluster import FakeCluster
from tests.loops.rig import going


async def test_cancelling_a_queued_job_asks_no_cluster(rig):
    job = await rig.submit()
    await rig.cancel(job)
    assert await rig.janitor().run_once() == 0
    assert await rig.state(job) == "cancelled"
    assert rig.fake.calls == []


@pytest.mark.parametrize("state", ["submitted", "running"])
async def test_cancelling_a_job_in_a_cluster_ends_it_there_first(rig, state):
    job = await (rig.running() if state == "running" else rig.dispatched())
    await rig.cancel(job)
    assert await rig.state(job) == "cancelling"
    await rig.janitor().run_once()
    found, attempt = await row(rig.database, job), await attempt_row(rig.database, job)
    assert (found["state"], found["reason"], found["fault"]) == ("cancelled", "cancelled", "user")
    assert (attempt["reason"], attempt["rank"]) == ("cancelled", 4)
    assert rig.fake.names() == []
    assert (await states(rig.database, job))[-2:] == ["cancelling", "cancelled"]


async def test_cancelling_a_job_that_waits_for_its_cluster_ends_it_once_the_cluster_says_there_is_none(rig):
    job = await rig.submit()
    rig.fake.fail("create", ClusterUnavailable("connection refused"))
    await rig.dispatcher().run_once()
    await rig.cancel(job)
    await rig.janitor().run_once()
    assert await rig.state(job) == "cancelled"


async def test_a_cancel_during_the_create_call_waits_for_it_and_then_removes_what_it_made(rig, monkeypatch):
    job = await rig.submit()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def create(manifest):
        begun.set()
        await go_on.wait()
        return await FakeCluster.create(rig.fake, manifest)

    monkeypatch.setattr(rig.fake, "create", create)
    dispatching = asyncio.create_task(rig.dispatcher().run_once())
    await begun.wait()
    await rig.cancel(job)
    await rig.janitor().run_once()
    assert await rig.state(job) == "cancelling"
    go_on.set()
    await dispatching
    assert (await rig.state(job), rig.fake.names()) == ("cancelling", [f"{job}-1"])
    await rig.janitor().run_once()
    assert (await rig.state(job), rig.fake.names()) == ("cancelled", [])


async def test_a_driver_that_lingers_keeps_the_job_cancelling(rig):
    job = await rig.running()
    rig.fake.holds_deletions = True
    await rig.cancel(job)
    async with going(rig.janitor().run):
        await rig.until(job, "cancelling")
        assert rig.fake.names() == [f"{job}-1"]
        rig.fake.finish_deletion(f"{job}-1")
        rig.fake.give_evidence(f"{job}-1", phase="running")  # the pod outlives its application
        for _ in range(3):
            await rig.janitor().run_once()
        assert await rig.state(job) == "cancelling"
        rig.fake.forget_driver(f"{job}-1")
        await rig.until(job, "cancelled")


async def test_a_cluster_that_is_away_keeps_the_job_cancelling(rig, no_rest):
    job = await rig.running()
    rig.fake.go_down()
    await rig.cancel(job)
    assert await rig.janitor().run_once() == 1
    assert await rig.state(job) == "cancelling"
    rig.fake.come_back()
    await rig.janitor().run_once()
    assert await rig.state(job) == "cancelled"


@pytest.mark.parametrize("operation", ["get", "delete", "driver"])
async def test_an_answer_that_was_lost_is_asked_for_again(rig, no_rest, operation):
    job = await rig.running()
    await rig.cancel(job)
    rig.fake.lose_answer(operation)
    await rig.janitor().run_once()
    assert await rig.state(job) == "cancelling"
    await rig.janitor().run_once()
    assert (await rig.state(job), rig.fake.names()) == ("cancelled", [])


async def test_a_strangers_application_is_not_deleted_for_a_cancel(rig):
    job = await rig.submit()
    rig.fake.fail("create", ClusterUnavailable("connection refused"))
    await rig.dispatcher().run_once()
    rig.fake.put_stranger(f"{job}-1")
    await rig.cancel(job)
    await rig.janitor().run_once()
    assert (await rig.state(job), rig.fake.names()) == ("cancelled", [f"{job}-1"])


async def test_a_success_that_comes_after_the_cancel_does_not_count(rig):
    job = await rig.running()
    await rig.cancel(job)
    rig.fake.end(f"{job}-1", exit_code=0)
    await rig.watcher().relist()
    assert await rig.state(job) == "cancelled"


async def test_the_watcher_leaves_the_proof_of_absence_to_the_janitor(rig):
    job = await rig.running()
    await rig.cancel(job)
    rig.fake.finish_deletion(f"{job}-1")
    rig.fake.give_evidence(f"{job}-1", phase="running")
    await rig.watcher().relist()
    assert await rig.state(job) == "cancelling"


async def test_one_cancel_that_breaks_does_not_keep_the_others(rig, monkeypatch):
    bad, good = await rig.running(), await rig.running()

    async def get(namespace, name):
        if name == f"{bad}-1":
            raise RuntimeError("a bug")
        return await FakeCluster.get(rig.fake, namespace, name)

    monkeypatch.setattr(rig.fake, "get", get)
    for job in (bad, good):
        await rig.cancel(job)
    await rig.janitor().run_once()
    assert (await rig.state(bad), await rig.state(good)) == ("cancelling", "cancelled")


async def test_two_janitors_end_each_job_once(rig):
    jobs = [await rig.running() for _ in range(8)]
    for job in jobs:
        await rig.cancel(job)
    await asyncio.gather(rig.janitor().run_once(), rig.janitor().run_once())
    for job in jobs:
        assert (await states(rig.database, job)).count("cancelled") == 1


async def test_a_cluster_that_left_the_configuration_keeps_its_job_cancelling(rig, no_rest):
    job = await rig.running()
    await rig.cancel(job)
    rig.clusters.clear()
    assert await rig.janitor().run_once() == 1
    assert await rig.state(job) == "cancelling"


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_a_job_past_its_deadline_fails_as_timeout(rig, state):
    fields = {"timeout_seconds": 60}
    job = await (rig.running(**fields) if state == "running" else rig.submit(**fields))
    await rig.janitor().run_once()
    assert await rig.state(job) == state
    await let_pass(rig.database, "61 seconds")
    await rig.janitor().run_once()
    found = await row(rig.database, job)
    assert (found["state"], found["reason"], found["fault"]) == ("failed", "timeout", "policy")
    assert rig.fake.names() == []
    if state == "running":
        assert (await attempt_row(rig.database, job))["reason"] == "timeout"


async def test_a_deadline_is_not_tried_again(rig):
    job = await rig.running(
        timeout_seconds=60, request={"retry": {"max_attempts": 5, "on": ["policy", "user", "platform"]}}
    )
    await let_pass(rig.database, "61 seconds")
    await rig.janitor().run_once()
    assert await rig.state(job) == "failed"


async def test_a_job_that_waits_for_its_next_attempt_ends_at_its_deadline_too(rig):
    job = await rig.running(timeout_seconds=60, request={"retry": {"max_attempts": 5, "on": ["user"]}})
    rig.fake.end(f"{job}-1", exit_code=1)
    await rig.watcher().relist()
    assert await rig.state(job) == "queued"
    await let_pass(rig.database, "61 seconds")
    await rig.janitor().run_once()
    assert (await row(rig.database, job))["reason"] == "timeout"


async def test_old_jobs_are_removed_in_the_round(rig):
    job = await rig.submit(id=new_id(unix_ms=1_000_000_000_000))
    async with rig.database.transaction() as tx:
        await cancels.request(tx, [job], principal="amara", reason="cancelled", message="")
    await let_pass(rig.database, "2 days")
    await rig.janitor(retain_days=1).run_once()
    assert await rows(rig.database, "SELECT * FROM jobs") == []


async def test_the_loop_survives_a_bug(rig, monkeypatch):
    job = await rig.running()
    await rig.cancel(job)
    janitor, rounds = rig.janitor(), []
    run_once = janitor.run_once

    async def sometimes():
        rounds.append(1)
        if len(rounds) < 3:
            raise RuntimeError("a bug")
        return await run_once()

    monkeypatch.setattr(janitor, "run_once", sometimes)
    async with going(janitor.run):
        await rig.until(job, "cancelled")
