"""Postgres away, cut off or crowded: an honest 503, and everything as before once it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from psycopg.conninfo import conninfo_to_dict

from archer.store.engine import Database, PoolLimits
from tests.api.gate import Gate, gated
from tests.api.rig import Rig, eventually, job, open_rig, problem

UNKNOWN = "j" + "0" * 26
END_WAITING = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'victim' AND wait_event_type = 'Lock'
"""
REQUESTS = [
    ("POST", "/v1/jobs"),
    ("POST", "/v1/jobs:render"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs?sort=longest"),
    ("GET", f"/v1/jobs/{UNKNOWN}"),
    ("GET", f"/v1/jobs/{UNKNOWN}?wait=60s&after=1"),
    ("GET", f"/v1/jobs/{UNKNOWN}/attempts"),
    ("GET", f"/v1/jobs/{UNKNOWN}/events"),
    ("GET", f"/v1/jobs/{UNKNOWN}/logs"),
    ("GET", f"/v1/jobs/{UNKNOWN}/manifest"),
    ("POST", f"/v1/jobs/{UNKNOWN}/cancel"),
    ("GET", "/v1/clusters"),
    ("GET", "/v1/queues"),
]


@pytest.fixture
async def gate(rig: Rig) -> AsyncIterator[Gate]:
    async with gated(rig.database.dsn) as opened:
        yield opened


@pytest.fixture
async def behind(gate: Gate) -> AsyncIterator[Rig]:
    """The API, with Postgres behind the gate."""
    limits = PoolLimits(connections=2, wait_seconds=0.2)
    database = Database(gate.dsn, application="behind", limits=limits)
    async with open_rig(database, register=False) as opened:
        yield opened
    await database.close()


def unavailable(answer: httpx2.Response) -> None:
    problem(answer, 503, "store-unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_every_route_answers_503_while_postgres_is_away_and_works_when_it_is_back(
    behind: Rig, gate: Gate
):
    await behind.submit()
    await gate.shut()
    for method, path in REQUESTS:
        unavailable(await behind.client.request(method, path, json=job() if method == "POST" else None))
    assert (await behind.client.get("/livez")).status_code == 200
    assert (await behind.client.get("/readyz")).status_code == 503
    assert (await behind.client.get("/metrics")).status_code == 200
    await gate.open()
    assert (await behind.client.get("/readyz")).status_code == 200
    for method, path in REQUESTS:
        answer = await behind.client.request(method, path, json=job() if method == "POST" else None)
        assert answer.status_code in (200, 201, 404)


async def test_a_batch_tells_for_each_job_that_it_is_not_known_to_be_stored(behind: Rig, gate: Gate):
    await gate.shut()
    answer = await behind.client.post("/v1/jobs:batch", json={"jobs": [job(), job(bad=1)]})
    assert [result["status"] for result in answer.json()["items"]] == [503, 422]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_submit_cut_off_at_its_commit_is_stored_once_or_not_at_all(
    rig: Rig, behind: Rig, gate: Gate, when
):
    await behind.submit(name="warm")
    gate.cut(b"COMMIT", when)
    unavailable(await behind.client.post("/v1/jobs", json=job(), headers={"Idempotency-Key": "k"}))
    assert gate.has_cut.is_set()
    stored = {"before": 0, "after": 1}[when]

    async def is_settled() -> bool:  # the server may still be ending what was cut off
        return not await rig.sql("SELECT 1 FROM pg_stat_activity WHERE application_name = 'behind'")

    await eventually(is_settled)
    assert await rig.sql("SELECT 1 FROM idempotency_keys") == [(1,)] * stored
    again = await behind.client.post("/v1/jobs", json=job(), headers={"Idempotency-Key": "k"})
    assert again.status_code == (200 if stored else 201)
    counts = await rig.counts()
    assert (counts["jobs"], counts["job_specs"], counts["job_events"]) == (2, 2, 2)
    assert counts["audit"] == 2 + stored  # the repeat that met the job is a call of its own


async def test_of_many_submits_cut_off_together_each_is_stored_once_after_its_repeat(
    rig: Rig, behind: Rig, gate: Gate
):
    gate.cut(b"COMMIT", "after")
    keys = [f"k{number}" for number in range(20)]
    wanted = [behind.client.post("/v1/jobs", json=job(), headers={"Idempotency-Key": key}) for key in keys]
    assert {answer.status_code for answer in await asyncio.gather(*wanted)} <= {201, 503}
    answers = [await behind.submit(key=key) for key in keys]
    assert len({answer["id"] for answer in answers}) == 20
    assert (await rig.counts())["jobs"] == 20


async def test_a_connection_that_postgres_ended_between_two_requests_is_not_noticed(rig: Rig):
    await rig.submit()
    async with open_rig(Database(rig.database.dsn, application="victim"), register=False) as victim:
        await victim.submit()
        await rig.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'"
        )
        await victim.submit()
        await victim.database.close()


async def test_a_connection_that_postgres_ends_within_a_request_is_a_503(rig: Rig):
    limits = PoolLimits(connections=1)
    async with open_rig(
        Database(rig.database.dsn, application="victim", limits=limits), register=False
    ) as victim:
        async with rig.database.transaction() as tx:
            await tx.exec_driver_sql("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
            waiting = asyncio.create_task(victim.client.get("/v1/jobs"))

            await eventually(lambda: rig.sql(END_WAITING))
            unavailable(await waiting)
        assert (await victim.client.get("/v1/jobs")).status_code == 200
        await victim.database.close()


async def test_no_free_connection_is_a_503(behind: Rig):
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(behind.database.transaction())
        unavailable(await behind.client.post("/v1/jobs", json=job()))
        unavailable(await behind.client.get("/v1/jobs"))
    assert (await behind.client.get("/v1/jobs")).status_code == 200
    assert (await behind.submit())["state"] == "queued"


async def test_a_postgres_that_only_reads_is_a_503(rig: Rig):
    name = conninfo_to_dict(rig.database.dsn)["dbname"]
    await rig.sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        async with open_rig(Database(rig.database.dsn, application="tests"), register=False) as reading:
            unavailable(await reading.client.post("/v1/jobs", json=job()))
            assert (await reading.client.get("/v1/jobs")).status_code == 200
            await reading.database.close()
    finally:
        async with rig.database.transaction() as tx:
            await tx.exec_driver_sql("SET TRANSACTION READ WRITE")  # this connection may be a new one
            await tx.exec_driver_sql(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


async def test_a_postgres_that_is_too_slow_is_a_503_and_nothing_is_stored(rig: Rig):
    limits = PoolLimits(statement_timeout_ms=50)
    async with open_rig(
        Database(rig.database.dsn, application="tests", limits=limits), register=False
    ) as slow:
        async with rig.database.transaction() as tx:
            await tx.exec_driver_sql("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
            unavailable(await slow.client.post("/v1/jobs", json=job()))
        assert (await rig.counts())["jobs"] == 0
        assert (await slow.submit())["state"] == "queued"
        await slow.database.close()


async def test_a_wait_that_is_cut_off_is_a_503(behind: Rig, gate: Gate):
    made = await behind.submit()
    waiting = asyncio.create_task(
        behind.client.get(made["links"]["self"], params={"wait": "60s", "after": 1})
    )

    async def is_waiting() -> bool:
        return made["id"] in behind.parts.changes._watches

    await eventually(is_waiting)
    await gate.shut()
    behind.parts.changes.hint(made["id"])
    unavailable(await waiting)
