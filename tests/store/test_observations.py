"""What was seen, in any order and any number of times, ends the same."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archer.store import cancels, claims, observations
from tests.builders import (
    attempt_row,
    claim,
    dispatch,
    ending,
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

STEPS = {
    "unseen": lambda job: seen(job, "submitted", application_state=""),
    "submitted": lambda job: seen(job, "submitted"),
    "running": lambda job: seen(job, "running", spark_app_id="spark-1"),
    "failing": lambda job: seen(job, "submitted", application_state="FAILING"),
    "failed": lambda job: ending(job, "failed", spark_app_id="spark-1"),
}


async def record(database, *seen_or_ended):
    for one in seen_or_ended:
        async with database.transaction() as tx:
            if isinstance(one, observations.Observation):
                await observations.record(tx, [one])
            else:
                await observations.end(tx, [one])


async def cancel(database, job, reason="cancelled"):
    async with database.transaction() as tx:
        return await cancels.request(tx, [job], principal="amara", reason=reason, message="")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(sorted(STEPS)), max_size=7), where=st.integers(0, 7))
async def test_any_order_with_any_repetition_ends_the_same(database, order, where):
    order.insert(where, "failed")
    job = await job_in(database, "dispatching")
    ranks = []
    for step in order:
        await record(database, STEPS[step](job))
        ranks.append((await attempt_row(database, job))["rank"])
    found, attempt = await row(database, job), await attempt_row(database, job)
    assert ranks == sorted(ranks)
    assert (found["state"], found["reason"], found["fault"]) == ("failed", "user_code", "user")
    assert found["ended_at"] is not None
    told = await states(database, job)
    assert told[-1] == "failed"
    assert len(set(told)) == len(told)
    assert found["version"] == len(told)
    assert (attempt["rank"], attempt["application_state"]) == (4, "FAILED")
    assert (attempt["spark_app_id"], attempt["executors_running"]) == ("spark-1", 0)


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["submitted", "running", "failing"])), ids=" ".join
)
async def test_the_state_of_a_job_under_way_never_falls(database, order):
    job = await job_in(database, "dispatching")
    await record(database, *(STEPS[step](job) for step in order))
    assert (await row(database, job))["state"] == "running"


@pytest.mark.parametrize("first", ["succeeded", "failed"])
@pytest.mark.parametrize("late", ["succeeded", "failed", "running", "submitted"])
async def test_a_final_state_is_never_left(database, first, late):
    job = await job_in(database, first)
    before, attempt = await row(database, job), await attempt_row(database, job)
    await record(database, ending(job, late) if late in ("succeeded", "failed") else seen(job, late))
    assert await row(database, job) == before
    assert await attempt_row(database, job) == attempt


async def test_what_is_seen_again_unchanged_writes_nothing(database):
    job = await job_in(database, "running")
    (before,) = await rows(database, "SELECT xmin::text, ctid::text FROM attempts")
    await record(database, seen(job))
    assert [before] == await rows(database, "SELECT xmin::text, ctid::text FROM attempts")


async def test_executor_counts_are_kept_without_a_new_version_of_the_job(database):
    job = await job_in(database, "running")
    version = (await row(database, job))["version"]
    await record(database, seen(job, executors_running=3, executors_failed=1))
    attempt = await attempt_row(database, job)
    assert (attempt["executors_running"], attempt["executors_failed"]) == (3, 1)
    assert (await row(database, job))["version"] == version


async def test_a_retry_queues_the_job_again_and_numbers_the_next_attempt(database):
    job = await job_in(database, "running")
    await record(database, ending(job, "failed", retry_seconds=30))
    found = await row(database, job)
    assert (found["state"], found["attempt"], found["reason"], found["ended_at"]) == ("queued", 1, None, None)
    assert found["waiting"] == "attempt 1 failed: user_code"
    assert await claim(database) == []
    await let_pass(database, "31 seconds")
    again = await dispatch(database, job)
    assert (again.number, again.application) == (2, f"{job}-2")
    assert [
        a["ended_at"] is None for a in await rows(database, "SELECT * FROM attempts ORDER BY number")
    ] == [
        False,
        True,
    ]


async def test_a_late_event_of_an_old_attempt_does_not_touch_the_job(database):
    job = await job_in(database, "running")
    await record(database, ending(job, "failed", retry_seconds=0))
    await dispatch(database, job)
    before = await row(database, job)
    await record(
        database, ending(job, "succeeded"), seen(job, "running", executors_running=9), ending(job, "failed")
    )
    assert await row(database, job) == before
    assert (await attempt_row(database, job, 1))["reason"] == "user_code"
    assert (await attempt_row(database, job, 2))["rank"] == 1


async def test_an_old_attempt_that_was_never_closed_closes_without_the_job(database):
    job = await job_in(database, "running")
    await rows(database, "UPDATE jobs SET attempt = 2, state = 'dispatching' WHERE id = :id", id=job)
    await record(database, ending(job, "succeeded"))
    assert (await row(database, job))["state"] == "dispatching"
    assert (await attempt_row(database, job))["rank"] == 4


@pytest.mark.parametrize(
    ("reason", "state", "fault"), [("cancelled", "cancelled", "user"), ("timeout", "failed", "policy")]
)
@pytest.mark.parametrize("late", ["succeeded", "failed"])
async def test_a_cancel_wins_over_a_late_end(database, reason, state, fault, late):
    job = await job_in(database, "running")
    await cancel(database, job, reason)
    await record(database, ending(job, late, **({"retry_seconds": 0} if late == "failed" else {})))
    found = await row(database, job)
    assert (found["state"], found["reason"], found["fault"]) == (state, reason, fault)


async def test_a_cancel_that_commits_while_a_success_is_being_written_waits_or_wins(database):
    job = await job_in(database, "running")
    async with database.engine.connect() as canceller:
        await cancels.request(canceller, [job], principal="amara", reason="cancelled", message="")
        ending_it = asyncio.create_task(record(database, ending(job, "succeeded")))
        await until_blocked(database)
        await canceller.commit()
    await ending_it
    assert (await row(database, job))["state"] == "cancelled"
    assert await states(database, job) == [
        "queued",
        "dispatching",
        "submitted",
        "running",
        "cancelling",
        "cancelled",
    ]


async def test_a_cancel_that_comes_while_a_success_is_being_written_finds_it_ended(database):
    job = await job_in(database, "running")
    async with database.engine.connect() as watcher:
        await observations.end(watcher, [ending(job, "succeeded")])
        cancelling = asyncio.create_task(cancel(database, job))
        await until_blocked(database)
        await watcher.commit()
    assert await cancelling == set()
    assert (await row(database, job))["state"] == "succeeded"


async def test_watcher_and_dispatcher_lock_in_the_same_order(database):
    jobs = [await job_in(database, "queued") for _ in range(40)]
    made = [placed(found) for found in await claim(database)]
    async with database.transaction() as tx:
        await claims.place(tx, made)

    async def finish():
        async with database.transaction() as tx:
            await claims.finish(tx, [(one.claim, f"uid-{one.claim.id}") for one in reversed(made)])

    async def watch():
        async with database.transaction() as tx:
            await observations.record(tx, [seen(job) for job in reversed(jobs)])

    await asyncio.gather(finish(), watch(), watch(), cancel_all(database, jobs[::-1]))
    left = await rows(database, "SELECT DISTINCT state, claimed_by FROM jobs")
    assert left == [{"state": "cancelling", "claimed_by": None}]


async def cancel_all(database, jobs):
    async with database.transaction() as tx:
        await cancels.request(tx, jobs, principal="amara", reason="cancelled", message="")


async def test_an_application_with_another_uid_is_not_the_attempts(database):
    job = await job_in(database, "submitted")
    await record(database, seen(job, "running", uid="uid-of-another"))
    assert (await row(database, job))["state"] == "submitted"
    assert (await attempt_row(database, job))["uid"] == f"uid-{job}"


async def test_clocks_of_clusters_do_not_bend_time(database):
    job = await job_in(database, "submitted")
    await record(database, seen(job, started_at="2199-01-01T00:00:00Z"))
    await record(database, ending(job, ended_at="1999-01-01T00:00:00Z"))
    found, attempt = await row(database, job), await attempt_row(database, job)
    assert found["created_at"] <= found["started_at"] <= found["ended_at"]
    assert attempt["placed_at"] <= attempt["started_at"] <= attempt["ended_at"]


async def test_a_job_whose_start_nobody_saw_has_the_start_that_the_evidence_tells(database):
    job = await job_in(database, "submitted")
    now = (await rows(database, "SELECT now() AS now"))[0]["now"]
    await let_pass(database, "10 minutes")
    await record(database, ending(job, started_at=now.isoformat()))
    found = await row(database, job)
    assert found["started_at"] == now
    assert (found["ended_at"] - found["started_at"]).total_seconds() > 500


async def test_live_attempts_are_those_under_way_in_the_cluster(database):
    wanted = {state: await job_in(database, state) for state in ("dispatching", "submitted", "running")}
    for state in ("queued", "succeeded", "failed"):
        await job_in(database, state)
    async with database.transaction() as tx:
        now = await observations.now(tx)
        live = await observations.live_attempts(tx, "fake", placed_until=now)
        assert {attempt.state: attempt.job_id for attempt in live} == wanted
        assert [attempt.job_id for attempt in live] == sorted(wanted.values())
        later = await observations.live_attempts(tx, "fake", placed_until=now, after=live[0].job_id, limit=1)
        assert later == live[1:2]
        before = now - timedelta(hours=1)
        assert await observations.live_attempts(tx, "fake", placed_until=before) == []
        (one,) = await observations.live_named(tx, "fake", [f"{wanted['running']}-1", "other-1"])
        assert one.job_id == wanted["running"]
        assert await observations.live_attempts(tx, "elsewhere", placed_until=now) == []
        assert await observations.live_named(tx, "elsewhere", [f"{wanted['running']}-1"]) == []


async def test_open_attempts_leave_out_those_that_ended(database):
    (unknown,) = await insert(database, new_job())
    running, ended = await job_in(database, "running"), await job_in(database, "failed")
    async with database.transaction() as tx:
        found = await observations.open_attempts(tx, [(running, 1), (ended, 1), (unknown, 1)])
        closed = await observations.closed_applications(tx, "fake", [(running, 1), (ended, 1), (unknown, 1)])
    assert set(found) == {(running, 1)}
    assert closed == {f"{ended}-1"}


async def test_a_checkpoint_that_rolls_back_takes_what_was_read_with_it(database):
    job = await job_in(database, "submitted")
    async with database.engine.connect() as tx:
        await observations.record(tx, [seen(job)])
        await observations.checkpoint(tx, "fake", "42")
        await tx.rollback()
    assert await rows(database, "SELECT * FROM checkpoints") == []
    assert (await row(database, job))["state"] == "submitted"


async def times_of(database, job):
    found = await attempt_row(database, job)
    return found["placed_at"], found["submitted_at"]


async def test_an_application_that_was_seen_before_its_create_was_answered_tells_when_it_was_made(database):
    job = await job_in(database, "dispatching")
    placed_at = (await attempt_row(database, job))["placed_at"]
    made_at = placed_at + timedelta(seconds=7)
    await let_pass(database, "10 minutes")
    await record(database, seen(job, "submitted", created_at=made_at.isoformat()))
    assert await times_of(database, job) == (placed_at, made_at)


@pytest.mark.parametrize("step", ["seen", "ended"])
async def test_a_late_answer_gives_way_to_the_objects_own_time_and_a_prompt_one_does_not(database, step):
    late, prompt = await job_in(database, "submitted"), await job_in(database, "submitted")
    await let_pass(database, "10 minutes")
    shift = "UPDATE attempts SET submitted_at = placed_at + CAST(:by AS interval) WHERE job_id = :job"
    await rows(database, shift, by="5 minutes", job=late)
    await rows(database, shift, by="1.4 seconds", job=prompt)
    for job in (late, prompt):
        placed_at, _ = await times_of(database, job)
        made_at = (placed_at + timedelta(seconds=1)).isoformat()  # a whole second, as the object tells it
        for _ in range(2):
            one = seen(job, created_at=made_at) if step == "seen" else ending(job, created_at=made_at)
            await record(database, one)
    placed_at, submitted_at = await times_of(database, late)
    assert submitted_at - placed_at == timedelta(seconds=1)
    placed_at, submitted_at = await times_of(database, prompt)
    assert submitted_at - placed_at == timedelta(seconds=1.4)
