"""A cancel is a wish on the row until the cluster has proven that nothing runs."""

from __future__ import annotations

import pytest

from archer.store import cancels
from tests.builders import (
    SECOND_WORKER,
    WORKER,
    claim,
    dispatch,
    insert,
    job_in,
    let_pass,
    new_job,
    row,
    rows,
    states,
)


async def request(database, job, reason="cancelled"):
    async with database.transaction() as tx:
        return await cancels.request(tx, [job], principal="amara", reason=reason, message="by amara")


async def take(database, worker=WORKER):
    async with database.transaction() as tx:
        return await cancels.claim(tx, worker=worker, lease_seconds=30, limit=10)


@pytest.mark.parametrize(
    ("reason", "state", "fault"), [("cancelled", "cancelled", "user"), ("timeout", "failed", "policy")]
)
async def test_a_queued_job_ends_at_once(database, reason, state, fault):
    job = await job_in(database, "queued")
    assert await request(database, job, reason) == {job}
    found = await row(database, job)
    assert (found["state"], found["reason"], found["fault"]) == (state, reason, fault)
    assert found["ended_at"] == found["cancel_requested_at"]
    assert await states(database, job) == ["queued", state]


@pytest.mark.parametrize("state", ["dispatching", "submitted", "running"])
async def test_a_job_that_may_be_in_a_cluster_is_only_cancelling(database, state):
    job = await job_in(database, state)
    await request(database, job)
    found = await row(database, job)
    assert (found["state"], found["reason"], found["ended_at"]) == ("cancelling", None, None)


@pytest.mark.parametrize("state", ["succeeded", "failed"])
async def test_an_ended_job_stays_as_it_ended(database, state):
    job = await job_in(database, state)
    before = await row(database, job)
    assert await request(database, job) == set()
    assert await row(database, job) == before


async def test_a_second_cancel_changes_nothing_but_is_audited(database):
    job = await job_in(database, "running")
    await request(database, job)
    before = await row(database, job)
    assert await request(database, job) == set()
    assert await row(database, job) == before
    assert (
        len(await rows(database, "SELECT * FROM audit WHERE action = 'cancel' AND object = :id", id=job)) == 2
    )


async def test_a_deadline_does_not_turn_a_cancel_into_a_failure(database):
    job = await job_in(database, "running")
    await request(database, job)
    await request(database, job, "timeout")
    assert (await row(database, job))["cancel_reason"] == "cancelled"


async def test_a_cancel_says_no_more_what_the_job_waited_for(database):
    job = await job_in(database, "queued")
    await rows(database, "UPDATE jobs SET waiting = 'no cluster takes it'")
    await request(database, job)
    assert (await row(database, job))["waiting"] is None


async def test_a_cancel_waits_for_the_lease_of_a_dispatch_under_way(database):
    (job,) = await insert(database, new_job())
    await dispatch(database, job)
    await request(database, job)
    assert await take(database) == []
    await let_pass(database, "31 seconds")
    (wish,) = await take(database)
    assert (wish.id, wish.application, wish.namespace, wish.reason) == (
        job,
        f"{job}-1",
        "default",
        "cancelled",
    )


async def test_a_wish_is_leased_to_one_worker(database):
    job = await job_in(database, "running")
    await request(database, job)
    assert [wish.id for wish in await take(database)] == [job]
    assert await take(database, SECOND_WORKER) == []
    await let_pass(database, "31 seconds")
    assert [wish.id for wish in await take(database, SECOND_WORKER)] == [job]


async def test_a_wish_that_was_put_off_comes_again_after_its_pause(database):
    job = await job_in(database, "running")
    await request(database, job)
    (wish,) = await take(database)
    async with database.transaction() as tx:
        await cancels.put_off(tx, wish, pause_seconds=5)
    assert await take(database) == []
    await let_pass(database, "6 seconds")
    assert len(await take(database)) == 1


async def test_no_dispatcher_claims_a_job_that_is_being_cancelled(database):
    job = await job_in(database, "submitted")
    await request(database, job)
    await let_pass(database, "1 hour")
    assert await claim(database) == []


async def test_jobs_past_their_deadline_are_found_the_most_overdue_first(database):
    late, later = await insert(database, new_job(timeout_seconds=20), new_job(timeout_seconds=10))
    await insert(database, new_job(), new_job(timeout_seconds=1000))
    async with database.transaction() as tx:
        assert await cancels.overdue(tx, limit=10) == []
    await let_pass(database, "21 seconds")
    async with database.transaction() as tx:
        assert await cancels.overdue(tx, limit=10) == [later, late]
        assert await cancels.overdue(tx, limit=1) == [later]
