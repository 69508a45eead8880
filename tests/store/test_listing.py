"""Lists: each filter means what it says, and pages cover every job exactly once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from archer.store import jobs
from archer.store.jobs import Filters, Position
from tests.builders import insert, job_in, new_id, new_job, rows

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def page(database, filters=None, *, sort: Any = "newest", after=None, limit=100):
    async with database.transaction() as tx:
        return await jobs.page(tx, filters or Filters(), sort=sort, after=after, limit=limit, tenants=None)


async def walk(database, *, sort, limit, between=None):
    """Ids of all pages, in order; *between* runs after each page."""
    found, after = [], None
    while batch := await page(database, sort=sort, after=after, limit=limit):
        found += [row["id"] for row in batch]
        last = batch[-1]
        after = Position(last["id"])
        if sort == "longest":
            after = replace(after, elapsed_us=last["elapsed_us"], as_of=last["as_of"])
        if between is not None:
            await between()
    return found


async def set_times(database, job, *, started=None, ended=None, created=None):
    """Give a job its times, in minutes from noon."""
    await rows(
        database,
        """
        UPDATE jobs SET created_at = coalesce(CAST(:created AS timestamptz), created_at),
               started_at = CAST(:started AS timestamptz), ended_at = CAST(:ended AS timestamptz),
               state = CASE WHEN CAST(:ended AS timestamptz) IS NULL THEN 'queued' ELSE 'succeeded' END
         WHERE id = :id
        """,
        id=job,
        **{
            name: None if minutes is None else NOON + timedelta(minutes=minutes)
            for name, minutes in (("created", created), ("started", started), ("ended", ended))
        },
    )


@pytest.mark.parametrize(
    ("wanted", "other", "filters"),
    [
        pytest.param(
            {"queue": "root.etl"}, {"queue": "root.etl.hourly"}, Filters(queue="root.etl"), id="queue"
        ),
        pytest.param({"tenant": "ads"}, {"tenant": "ad"}, Filters(tenant="ads"), id="tenant"),
        pytest.param({"owner": "bo"}, {"owner": "bob"}, Filters(owner="bo"), id="owner"),
        pytest.param(
            {"name": "a_b 1"}, {"name": "aXb 1"}, Filters(name_prefix="a_b"), id="a name is not a pattern"
        ),
        pytest.param(
            {"name": "50% off"}, {"name": "500 off"}, Filters(name_prefix="50%"), id="nor is a percent sign"
        ),
        pytest.param({"name": "abc"}, {"name": "Abc"}, Filters(name_prefix="ab"), id="names keep their case"),
        pytest.param(
            {"labels": '{"team": "ads", "x": "1"}'},
            {"labels": '{"team": "seo"}'},
            Filters(labels=(("team", "ads"),)),
            id="label",
        ),
        pytest.param(
            {"labels": '{"team": "ads", "x": "1"}'},
            {"labels": '{"team": "ads"}'},
            Filters(labels=(("team", "ads"), ("x", "1"))),
            id="both labels",
        ),
    ],
)
async def test_each_filter_lists_only_what_it_says(database, wanted, other, filters):
    job, _, _ = await insert(database, new_job(**wanted), new_job(**other), new_job())
    assert [row["id"] for row in await page(database, filters)] == [job]


async def test_states_and_cluster_filter_too(database):
    job, ended, _ = await insert(database, new_job(), new_job(), new_job())
    await rows(database, "UPDATE jobs SET cluster = 'a' WHERE id = ANY(:ids)", ids=[job, ended])
    await set_times(database, ended, started=0, ended=1)
    assert [row["id"] for row in await page(database, Filters(states=("succeeded", "failed")))] == [ended]
    assert [row["id"] for row in await page(database, Filters(cluster="a"))] == [ended, job]
    assert [row["id"] for row in await page(database, Filters(cluster="a", states=("queued",)))] == [job]


async def test_a_range_of_creation_holds_its_beginning_and_not_its_end(database):
    noon_ms = int(NOON.timestamp() * 1000)
    ids = await insert(database, *(new_job(id=new_id(unix_ms=noon_ms + n * 60_000)) for n in range(4)))
    for minutes, job in enumerate(ids):
        await set_times(database, job, created=minutes)
    filters = Filters(created_after=NOON + timedelta(minutes=1), created_before=NOON + timedelta(minutes=3))
    assert [row["id"] for row in await page(database, filters)] == ids[2:0:-1]


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_pages_of_the_newest_cover_every_job_once_while_others_come(database, limit):
    ids = await insert(database, *(new_job() for _ in range(20)))

    async def more() -> None:
        await insert(database, new_job())

    assert await walk(database, sort="newest", limit=limit, between=more) == ids[::-1]


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_pages_of_the_longest_cover_every_started_job_once_while_others_come(database, limit):
    ids = await insert(database, *(new_job() for _ in range(24)))
    for number, job in enumerate(ids):
        if number % 3 == 0:
            await set_times(database, job, started=number)  # under way; many days by now
        elif number % 3 == 1:
            await set_times(database, job, started=0, ended=(number % 4) * 10)  # with equal durations
    begun = [job for number, job in enumerate(ids) if number % 3 != 2]

    async def more() -> None:
        await insert(database, new_job())

    found = await walk(database, sort="longest", limit=limit, between=more)
    assert sorted(found) == sorted(begun)
    assert found[:8] == [job for number, job in enumerate(ids) if number % 3 == 0]


async def test_the_longest_merge_jobs_under_way_and_ended_ones(database):
    short, long, live = await insert(database, new_job(), new_job(), new_job())
    await rows(database, "SELECT set_config('archer.fake_now', '2026-06-01 13:00Z', false)")
    await set_times(database, short, started=0, ended=10)
    await set_times(database, long, started=0, ended=90)
    await set_times(database, live, started=30)
    async with database.engine.connect() as tx:
        await tx.exec_driver_sql("SET LOCAL archer.fake_now = '2026-06-01 13:00Z'")
        found = await jobs.page(tx, Filters(), sort="longest", after=None, limit=10, tenants=None)
    assert [(row["id"], row["elapsed_us"] // 60_000_000) for row in found] == [
        (long, 90),
        (live, 30),
        (short, 10),
    ]


async def test_jobs_of_the_same_millisecond_are_all_listed(database):
    ids = [new_id(number, unix_ms=1_790_000_000_000) for number in range(10)]
    await insert(database, *(new_job(id=job) for job in ids))
    assert await walk(database, sort="newest", limit=3) == sorted(ids, reverse=True)


async def test_events_are_read_in_order_after_a_sequence_number(database):
    (job,) = await insert(database, new_job())
    await rows(
        database,
        "INSERT INTO job_events (job_id, at, attempt, kind, state) SELECT :id, now(), 0, 'k' || n, 'queued'"
        " FROM generate_series(1, 5) n",
        id=job,
    )
    async with database.transaction() as tx:
        first = await jobs.events_of(tx, job, after=0, limit=4, tenants=None)
        rest = await jobs.events_of(tx, job, after=first[-1]["seq"], limit=4, tenants=None)
    assert [event["kind"] for event in [*first, *rest]] == ["accepted", "k1", "k2", "k3", "k4", "k5"]


async def test_what_is_not_there_reads_as_none(database):
    async with database.transaction() as tx:
        assert await jobs.one(tx, "jnone", tenants=None) is None
        assert await jobs.version(tx, "jnone", tenants=None) is None
        assert await jobs.attempt(tx, "jnone", None, tenants=None) is None
        assert await jobs.many(tx, ["jnone"], tenants=None) == {}
        assert await jobs.attempts_of(tx, "jnone", tenants=None) == []


async def test_what_belongs_to_a_job_is_read_by_those_who_may_see_its_tenant(database):
    job = await job_in(database, "running", tenant="ads")
    for tenants, is_seen in (
        (None, True),
        (frozenset({"ads"}), True),
        (frozenset({"ads", "b"}), True),
        (frozenset({"b"}), False),
        (frozenset({"a", "b"}), False),
        (frozenset(), False),
    ):
        async with database.transaction() as tx:
            found = [
                await jobs.one(tx, job, tenants=tenants),
                await jobs.version(tx, job, tenants=tenants),
                await jobs.many(tx, [job], tenants=tenants),
                await jobs.attempt(tx, job, None, tenants=tenants),
                await jobs.attempt(tx, job, 1, tenants=tenants),
                await jobs.attempts_of(tx, job, tenants=tenants),
                await jobs.events_of(tx, job, after=0, limit=9, tenants=tenants),
                await jobs.page(tx, Filters(), sort="newest", after=None, limit=9, tenants=tenants),
                await jobs.page(tx, Filters(), sort="longest", after=None, limit=9, tenants=tenants),
                await jobs.page(
                    tx, Filters(tenant="ads"), sort="newest", after=None, limit=9, tenants=tenants
                ),
            ]
        assert [bool(one) for one in found] == [is_seen] * len(found)
