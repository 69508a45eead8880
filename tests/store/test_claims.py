"""A claim is a lease: nobody else has the job while it lasts, and nothing is lost when it runs out."""

from __future__ import annotations

import asyncio

import pytest

from archer.domain.states import Reason
from archer.store import cancels, claims, observations
from tests.builders import (
    SECOND_WORKER,
    WORKER,
    attempt_row,
    claim,
    dispatch,
    insert,
    job_in,
    let_pass,
    new_job,
    placed,
    row,
    rows,
    seen,
    states,
)
from tests.store.blocking import until_blocked


async def _place(database, *made):
    async with database.transaction() as tx:
        return await claims.place(tx, made)


async def _finish(database, made, uid="uid-1"):
    async with database.transaction() as tx:
        return await claims.finish(tx, [(made.claim, uid)])


async def _cancel(database, job, reason="cancelled"):
    async with database.transaction() as tx:
        await cancels.request(tx, [job], principal="amara", reason=reason, message="")


async def test_no_job_is_claimed_twice(database):
    ids = await insert(database, *(new_job() for _ in range(120)))
    workers = [
        claim(database, worker=worker, limit=20) for worker in (WORKER, SECOND_WORKER) for _ in range(3)
    ]
    claimed = [found.id for batch in await asyncio.gather(*workers) for found in batch]
    assert sorted(claimed) == sorted(ids)


async def test_a_claim_does_not_wait_for_rows_that_another_is_claiming(database):
    first, second = await insert(database, new_job(), new_job())
    async with database.engine.connect() as other:
        held = await claims.claim(other, worker=SECOND_WORKER, lease_seconds=30, limit=1)
        assert [found.id for found in held] == [first]
        assert [found.id for found in await claim(database)] == [second]
        await other.rollback()
    assert [found.id for found in await claim(database)] == [first]


async def test_the_highest_priority_goes_first_and_then_the_oldest(database):
    low, old, young = await insert(database, new_job(priority=10), new_job(priority=90), new_job(priority=90))
    order = [(await claim(database, limit=1))[0].id for _ in range(3)]
    assert order == [old, young, low]


async def test_a_claimed_job_is_claimable_again_when_its_lease_has_run_out(database):
    (job,) = await insert(database, new_job())
    (first,) = await claim(database)
    assert await claim(database, worker=SECOND_WORKER) == []
    await let_pass(database, "31 seconds")
    (second,) = await claim(database, worker=SECOND_WORKER)
    assert (second.id, second.epoch) == (job, first.epoch + 1)


async def test_a_lost_lease_changes_nothing(database):
    (job,) = await insert(database, new_job())
    (lost,) = await claim(database)
    await let_pass(database, "31 seconds")
    await claim(database, worker=SECOND_WORKER)
    before = await row(database, job)
    assert await _place(database, placed(lost)) == set()
    assert await _finish(database, placed(lost)) == set()
    async with database.transaction() as tx:
        await claims.give_back(tx, lost, pause_seconds=1, waiting="")
        assert not await claims.reject(tx, lost, reason=Reason.POISON, message="")
    assert await row(database, job) == before
    assert await rows(database, "SELECT * FROM attempts") == []


async def test_a_zombie_that_wakes_after_its_successor_finished_changes_nothing(database):
    (job,) = await insert(database, new_job())
    zombie = await dispatch(database, job)
    await let_pass(database, "31 seconds")
    (again,) = await claim(database, worker=SECOND_WORKER)
    assert (again.state, again.attempt, again.cluster) == ("dispatching", 1, "fake")
    await _finish(database, placed(again, number=1), uid="uid-of-successor")
    before = await row(database, job)
    assert await _finish(database, zombie, uid="uid-of-zombie") == set()
    assert await row(database, job) == before
    assert (await attempt_row(database, job))["uid"] == "uid-of-successor"


async def test_placing_commits_cluster_attempt_and_name_before_anything_is_created(database):
    (job,) = await insert(database, new_job())
    await dispatch(database, job)
    found, attempt = await row(database, job), await attempt_row(database, job)
    assert (found["state"], found["cluster"], found["attempt"]) == ("dispatching", "fake", 1)
    assert (attempt["application"], attempt["rank"], attempt["uid"]) == (f"{job}-1", 1, None)
    assert await states(database, job) == ["queued", "dispatching"]


async def test_a_cancel_between_claim_and_place_wins(database):
    (job,) = await insert(database, new_job())
    (mine,) = await claim(database)
    await _cancel(database, job)
    assert await _place(database, placed(mine)) == set()
    assert (await row(database, job))["state"] == "cancelled"


async def test_a_cancel_between_place_and_finish_keeps_cancelling_and_ends_the_lease(database):
    (job,) = await insert(database, new_job())
    made = await dispatch(database, job)
    await _cancel(database, job)
    assert await _finish(database, made) == {job}
    found = await row(database, job)
    assert (found["state"], found["claimed_by"]) == ("cancelling", None)
    assert (await attempt_row(database, job))["uid"] == "uid-1"


async def test_finishing_takes_back_what_the_job_was_said_to_wait_for(database):
    (job,) = await insert(database, new_job())
    made = await dispatch(database, job)
    async with database.transaction() as tx:
        await claims.give_back(tx, made.claim, pause_seconds=0, waiting="cluster fake does not answer")
    assert (await row(database, job))["waiting"] == "cluster fake does not answer"
    (again,) = await claim(database)
    await _finish(database, placed(again, number=1))
    assert (await row(database, job))["waiting"] is None


async def test_new_words_about_waiting_are_a_new_version_and_the_same_words_are_not(database):
    (job,) = await insert(database, new_job())
    versions = []
    for words in ("no cluster", "no cluster", "another reason"):
        (mine,) = await claim(database)
        async with database.transaction() as tx:
            await claims.give_back(tx, mine, pause_seconds=0, waiting=words)
        versions.append((await row(database, job))["version"])
    assert versions == [2, 2, 3]


async def test_a_job_that_was_given_back_rests_before_it_is_claimed_again(database):
    await insert(database, new_job())
    (mine,) = await claim(database)
    async with database.transaction() as tx:
        await claims.give_back(tx, mine, pause_seconds=60, waiting="")
    assert await claim(database) == []
    await let_pass(database, "61 seconds")
    assert len(await claim(database)) == 1


async def test_finishing_after_the_watcher_saw_it_run_only_ends_the_lease(database):
    (job,) = await insert(database, new_job())
    made = await dispatch(database, job)
    async with database.transaction() as tx:
        await observations.record(tx, [seen(job, uid="uid-1")])
    version = (await row(database, job))["version"]
    await _finish(database, made)
    found = await row(database, job)
    assert (found["state"], found["version"], found["claimed_by"]) == ("running", version, None)


async def test_events_tell_the_truth_when_finish_and_watcher_meet(database):
    (job,) = await insert(database, new_job())
    made = await dispatch(database, job)
    async with database.engine.connect() as watcher:
        await observations.record(watcher, [seen(job, uid="uid-1")])
        finishing = asyncio.create_task(_finish(database, made))
        await until_blocked(database)
        await watcher.commit()
    await finishing
    assert await states(database, job) == ["queued", "dispatching", "running"]
    assert (await row(database, job))["state"] == "running"


@pytest.mark.parametrize(
    ("cancel_reason", "state", "reason", "fault"),
    [
        pytest.param(None, "failed", "submit_invalid", "user", id="not cancelled"),
        pytest.param("cancelled", "cancelled", "cancelled", "user", id="cancelled by its owner"),
        pytest.param("timeout", "failed", "timeout", "policy", id="past its deadline"),
    ],
)
async def test_a_rejected_job_ends_as_it_should(database, cancel_reason, state, reason, fault):
    (job,) = await insert(database, new_job())
    made = await dispatch(database, job)
    if cancel_reason:
        await _cancel(database, job, cancel_reason)
    async with database.transaction() as tx:
        assert await claims.reject(tx, made.claim, reason=Reason.SUBMIT_INVALID, message="no such type")
    found, attempt = await row(database, job), await attempt_row(database, job)
    assert (found["state"], found["reason"], found["fault"], found["claimed_by"]) == (
        state,
        reason,
        fault,
        None,
    )
    assert (attempt["reason"], attempt["message"], attempt["rank"]) == ("submit_invalid", "no such type", 4)
    assert attempt["ended_at"] is not None


async def test_a_stopping_worker_releases_what_it_has_not_begun(database):
    begun, other = await insert(database, new_job(), new_job())
    mine = await claim(database)
    await _place(database, next(placed(found) for found in mine if found.id == begun))
    async with database.transaction() as tx:
        await claims.release(tx, WORKER)
    assert [found.id for found in await claim(database, worker=SECOND_WORKER)] == [other]


@pytest.mark.parametrize("state", ["submitted", "running", "succeeded", "failed"])
async def test_only_jobs_that_have_to_be_dispatched_are_claimed(database, state):
    await job_in(database, state)
    await let_pass(database, "1 hour")
    assert await claim(database) == []


async def test_the_database_refuses_half_a_claim_and_an_end_without_a_time(database):
    (job,) = await insert(database, new_job())
    for change in (
        "claimed_by = gen_random_uuid()",
        "state = 'failed'",
        "state = 'flying'",
        "state = 'running'",
    ):
        with pytest.raises(Exception, match="violates check constraint"):
            await rows(database, f"UPDATE jobs SET {change} WHERE id = :id", id=job)
