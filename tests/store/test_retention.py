"""What is removed with time, and what never is."""

from __future__ import annotations

import time

import pytest

from archer.domain.identifiers import job_id
from archer.store import retention
from archer.store.callers import audit
from tests.builders import insert, job_in, let_pass, new_id, new_job, rows

DAY_MS = 24 * 3600 * 1000
OLD_MS = 1_000_000_000_000


async def sweep(database, limit=100):
    horizon = job_id(time.time_ns() // 1_000_000 - 90 * DAY_MS, bytes(10))
    async with database.transaction() as tx:
        return await retention.sweep(tx, key_days=7, retain_days=90, horizon=horizon, limit=limit)


def old_id() -> str:
    return new_id(unix_ms=OLD_MS)


@pytest.mark.parametrize(("passed", "left"), [("89 days", 1), ("91 days", 0)])
async def test_an_ended_job_goes_with_all_its_rows(database, passed, left):
    await job_in(database, "succeeded", id=old_id())
    await let_pass(database, passed)
    assert await sweep(database) == 1 - left
    for table in ("jobs", "job_specs", "attempts"):
        assert len(await rows(database, f"SELECT 1 FROM {table}")) == left
    assert bool(await rows(database, "SELECT 1 FROM job_events")) == bool(left)


@pytest.mark.parametrize("state", ["queued", "dispatching", "submitted", "running"])
async def test_a_job_that_has_not_ended_stays_however_old_it_is(database, state):
    await job_in(database, state, id=old_id())
    await let_pass(database, "10 years")
    assert await sweep(database) == 0


async def test_the_oldest_go_first_and_only_so_many_at_once(database):
    ids = [await job_in(database, "failed", id=new_id(unix_ms=OLD_MS + number)) for number in range(5)]
    await let_pass(database, "91 days")
    assert await sweep(database, limit=3) == 3
    assert [found["id"] for found in await rows(database, "SELECT id FROM jobs ORDER BY id")] == ids[3:]
    assert await sweep(database, limit=3) == 2


@pytest.mark.parametrize(("passed", "is_same"), [("6 days 23 hours", True), ("7 days 1 hour", False)])
async def test_a_key_is_remembered_for_a_week(database, passed, is_same):
    first = await insert(database, new_job(key="k"))
    await let_pass(database, passed)
    await sweep(database)
    assert (await insert(database, new_job(key="k")) == first) is is_same


async def test_the_audit_outlives_the_job(database):
    await job_in(database, "succeeded", id=old_id())
    await let_pass(database, "91 days")
    await sweep(database)
    assert len(await rows(database, "SELECT 1 FROM audit")) == 1


async def test_the_audit_goes_after_its_own_time(database):
    for days in (399, 401):
        await rows(
            database,
            "INSERT INTO audit (at, principal, action, object, tenant, decision)"
            f" SELECT now() - {days} * interval '1 day', 'p', 'a', 'o', 't', 'allowed'",
        )
    async with database.transaction() as tx:
        assert await audit.expire(tx, retain_days=400, limit=10) == 1
    assert len(await rows(database, "SELECT 1 FROM audit")) == 1


async def test_one_janitor_at_a_time_is_elected(database):
    async with database.transaction() as one, database.transaction() as two:
        assert await retention.is_elected(one)
        assert not await retention.is_elected(two)
    async with database.transaction() as two:
        assert await retention.is_elected(two)
