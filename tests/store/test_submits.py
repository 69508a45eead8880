"""Accepting jobs: once for each key, whoever comes first."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from archer.store import submits
from tests.builders import insert, job_in, new_id, new_job, rows
from tests.store.blocking import until_blocked


async def test_a_submit_stores_job_spec_event_and_audit_row_together(database):
    new = new_job(labels='{"team": "ads"}', timeout_seconds=60)
    assert await insert(database, new) == [new.id]
    (job,) = await rows(database, "SELECT *, deadline_at - created_at AS allowed FROM jobs")
    assert (job["state"], job["version"], job["attempt"], job["labels"]) == ("queued", 1, 0, {"team": "ads"})
    assert job["allowed"].total_seconds() == 60
    (spec,) = await rows(database, "SELECT * FROM job_specs")
    assert (spec["request"], bytes(spec["fingerprint"])) == (new.request, new.fingerprint)
    (event,) = await rows(database, "SELECT * FROM job_events")
    assert (event["kind"], event["state"], event["at"]) == ("accepted", "queued", job["created_at"])
    (audit,) = await rows(database, "SELECT * FROM audit")
    assert (audit["principal"], audit["action"], audit["object"]) == ("amara", "submit", new.id)


async def test_jobs_without_a_key_are_all_stored(database):
    assert len(set(await insert(database, *(new_job() for _ in range(3))))) == 3


async def test_the_same_key_meets_the_first_job(database):
    first, again = new_job(key="k"), new_job(key="k")
    await insert(database, first)
    async with database.transaction() as tx:
        (met,) = await submits.insert(tx, [again])
    assert met is not None
    assert (met.job_id, met.created, met.fingerprint) == (first.id, False, first.fingerprint)
    assert len(await rows(database, "SELECT id FROM jobs")) == 1


async def test_another_body_under_the_same_key_shows_by_the_first_fingerprint(database):
    first, other = new_job(key="k"), new_job(key="k", request={"name": "others"})
    await insert(database, first)
    async with database.transaction() as tx:
        (met,) = await submits.insert(tx, [other])
    assert met is not None
    assert met.fingerprint == first.fingerprint != other.fingerprint


async def test_the_same_key_of_another_tenant_is_another_key(database):
    await insert(database, new_job(key="k"), new_job(key="k", tenant="search"))
    assert len(await rows(database, "SELECT id FROM jobs")) == 2


async def test_a_batch_with_the_same_key_twice_stores_one_job_and_answers_both(database):
    jobs = [new_job(key="a"), new_job(key="b"), new_job(key="a"), new_job()]
    async with database.transaction() as tx:
        answers = await submits.insert(tx, jobs)
    ids = [answer.job_id for answer in answers if answer]
    assert ids[0] == ids[2]
    assert [answer.created for answer in answers if answer].count(True) == 3
    assert (
        len(await rows(database, "SELECT id FROM jobs"))
        == len(await rows(database, "SELECT * FROM job_specs"))
        == 3
    )


async def test_one_key_sent_by_many_connections_at_once_is_one_job(database):
    async def send() -> str:
        return (await insert(database, new_job(key="k")))[0]

    assert len(set(await asyncio.gather(*(send() for _ in range(24))))) == 1
    assert len(await rows(database, "SELECT id FROM jobs")) == 1


async def test_batches_with_the_same_keys_in_opposite_order_do_not_block_each_other_for_good(database):
    async def send(keys: list[str]) -> list[str]:
        return await insert(database, *(new_job(key=key) for key in keys))

    keys = [f"k{number}" for number in range(50)]
    one, two = await asyncio.gather(send(keys), send(keys[::-1]))
    assert one == two[::-1]


async def test_a_key_is_free_again_when_its_first_holder_rolled_back(database):
    first, second = new_job(key="k", correlation_id="c"), new_job(key="k", correlation_id="c")
    async with database.engine.connect() as holder:
        await submits.insert(holder, [first])
        waiting = asyncio.create_task(insert(database, second))
        await until_blocked(database)
        await holder.rollback()
    assert await waiting == [second.id]
    (key,) = await rows(database, "SELECT job_id FROM idempotency_keys")
    assert key["job_id"] == second.id


async def test_the_loser_of_a_race_meets_the_job_that_its_winner_committed(database):
    first, second = new_job(key="k"), new_job(key="k")
    async with database.engine.connect() as winner:
        await submits.insert(winner, [first])
        waiting = asyncio.create_task(insert(database, second))
        await until_blocked(database)
        await winner.commit()
    assert await waiting == [first.id]


@pytest.mark.parametrize("state", ["queued", "dispatching", "submitted", "running"])
async def test_a_correlation_id_meets_the_job_that_is_under_way(database, state):
    job = await job_in(database, state, correlation_id="dag/run/task/-1")
    async with database.transaction() as tx:
        (met,) = await submits.insert(tx, [new_job(correlation_id="dag/run/task/-1")])
    assert met is not None
    assert (met.job_id, met.created) == (job, False)


@pytest.mark.parametrize("state", ["succeeded", "failed"])
async def test_a_correlation_id_of_an_ended_job_starts_a_new_one(database, state):
    job = await job_in(database, state, correlation_id="dag/run/task/-1")
    assert await insert(database, new_job(correlation_id="dag/run/task/-1")) != [job]


async def test_a_new_key_whose_job_is_correlated_leads_to_that_job_from_then_on(database):
    first = new_job(correlation_id="c")
    await insert(database, first)
    again = new_job(correlation_id="c", key="k")
    assert await insert(database, again) == [first.id]
    assert await insert(database, replace(again, id=new_id())) == [first.id]
    assert len(await rows(database, "SELECT id FROM jobs")) == 1


async def test_a_refused_correlation_stays_refused_under_its_key(database):
    first = new_job(correlation_id="c")
    await insert(database, first)
    other = new_job(correlation_id="c", key="k", request={"name": "others"})
    async with database.transaction() as tx:
        (refused,) = await submits.insert(tx, [other])
    assert refused is not None
    assert refused.fingerprint == first.fingerprint
    async with database.transaction() as tx:
        (again,) = await submits.insert(tx, [replace(other, id=new_id())])
    assert again is not None
    assert again.fingerprint == first.fingerprint


async def test_a_batch_with_the_same_correlation_id_twice_stores_one_job(database):
    one, two = await insert(database, new_job(correlation_id="c"), new_job(correlation_id="c"))
    assert one == two


async def test_a_submit_that_rolls_back_leaves_nothing(database):
    async with database.engine.connect() as connection:
        await submits.insert(connection, [new_job(key="k")])
        await connection.rollback()
    for table in ("jobs", "job_specs", "job_events", "idempotency_keys", "audit"):
        assert await rows(database, f"SELECT * FROM {table}") == []
