"""With 100,000 jobs, the claim and each filtered list read an index and stop at their limit."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event

from archer.domain.identifiers import job_id
from archer.store import cancels, claims, jobs, observations, retention
from archer.store.engine import Database
from archer.store.jobs import Filters, Position

JOBS = 100_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STEP_SECONDS = 20
LATER = BEGIN + timedelta(days=365)
MOST = 3000  # rows looked at for a page of fifty where two columns have to agree: 3 % of the table
# As in a real table: nearly all ended, few under way, a queue of a thousand; values in shares of 2 to 20 %.
FILL = f"""
    INSERT INTO jobs (id, name, type, state, tenant, owner, queue, arch, spark_version, cluster, attempt,
                      priority, labels, run_after, created_at, started_at, ended_at, reason, deadline_at,
                      cancel_requested_at)
    SELECT id, 'job_' || n %% 997 || '_daily', 'python', state, 'tenant-' || h %% 20,
           'owner-' || h / 20 %% 50, 'root.q' || h / 1000 %% 10, 'amd64', '3.5.9',
           'cluster-' || h / 10000 %% 5, 1, n %% 3 * 25,
           CASE WHEN n %% 10 = 0 THEN jsonb_build_object('team', 'team-' || n %% 100) ELSE '{{}}' END,
           at, at, CASE WHEN state <> 'queued' THEN at END,
           CASE WHEN state IN ('failed', 'succeeded') THEN at + h %% 3600 * interval '1 s' END,
           CASE WHEN state = 'failed' THEN 'user_code' END,
           CASE WHEN n %% 7 = 0 THEN at + interval '30 days' END, CASE WHEN state = 'cancelling' THEN at END
      FROM (SELECT n, ids.id, abs(hashint8(n)) AS h,
                   timestamptz '{BEGIN}' + n * interval '{STEP_SECONDS} s' AS at,
                   CASE WHEN n > {JOBS - 1000} THEN 'queued' WHEN n %% 500 = 0 THEN 'running'
                        WHEN n %% 5000 = 1 THEN 'cancelling'
                        WHEN n %% 400 = 2 THEN 'dispatching' WHEN n %% 12 = 0 THEN 'failed'
                        ELSE 'succeeded' END AS state
              FROM unnest(CAST(%s AS text[])) WITH ORDINALITY AS ids (id, n)) AS numbered
"""
ATTEMPTS = """
    INSERT INTO attempts (job_id, number, cluster, namespace, application, placement, placed_at, ended_at)
    SELECT id, 1, cluster, 'default', id || '-1', '{}', created_at, ended_at FROM jobs WHERE state <> 'queued'
"""
SPECS = "INSERT INTO job_specs (job_id, request, fingerprint) SELECT id, '{}', '' FROM jobs"
FULL_SCANS = {"Seq Scan", "Parallel Seq Scan"}


def id_of(number: int) -> str:
    """The id of the job of that number, made when it was made."""
    return job_id(int(BEGIN.timestamp() + number * STEP_SECONDS) * 1000, number.to_bytes(10, "big"))


@pytest.fixture(scope="module")
def full(postgres, template) -> Iterator[str]:
    """A database with 100,000 jobs; read only, so that all tests share it."""
    name = f"{template}_full"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
        connection.execute(FILL, ([id_of(number) for number in range(1, JOBS + 1)],))  # pyright: ignore[reportArgumentType]
        for statement in (SPECS, ATTEMPTS, "VACUUM ANALYZE"):
            connection.execute(statement)  # pyright: ignore[reportArgumentType]
    yield postgres.dsn(name)
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def plan_of(dsn: str, read) -> dict:
    """Run *read*, each statement under EXPLAIN ANALYZE; the plan of the last. Everything is rolled back."""
    database = Database(dsn, application="tests")
    plans: list[dict] = []

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute", retval=True)
    def explain(conn, cursor, statement, parameters, context, executemany):
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {statement}", parameters)
        answer = cursor.fetchone()[0]
        plans.append((answer if isinstance(answer, list) else json.loads(answer))[0]["Plan"])
        return statement, parameters

    async with database.engine.connect() as tx:
        await read(tx)
        await tx.rollback()
    await database.close()
    return plans[-1]


def nodes(plan: dict) -> Iterator[dict]:
    yield plan
    yield from itertools.chain.from_iterable(nodes(child) for child in plan.get("Plans", []))


def visited(plan: dict) -> float:
    """Rows of `jobs` that were looked at: returned by a scan, or thrown away by its filter."""
    return sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in nodes(plan)
        if node.get("Relation Name") == "jobs" and "Scan" in node["Node Type"]
    )


def indexes(plan: dict) -> set[str]:
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}


def assert_no_full_scan(plan: dict) -> None:
    scans = {node.get("Relation Name") for node in nodes(plan) if node["Node Type"] in FULL_SCANS}
    assert not scans & {"jobs", "attempts", "job_specs"}


async def test_the_claim_reads_the_queue_in_its_order(full):
    plan = await plan_of(full, lambda tx: claims.claim(tx, worker=uuid4(), lease_seconds=30, limit=50))
    assert_no_full_scan(plan)
    assert "jobs_to_place" in indexes(plan)
    assert visited(plan) <= 150  # fifty from the queue, and fifty again to write them


async def test_a_lane_reads_what_is_placed_on_its_cluster_in_order(full):
    plan = await plan_of(
        full, lambda tx: claims.claim_placed(tx, "cluster-1", worker=uuid4(), lease_seconds=30, limit=50)
    )
    assert_no_full_scan(plan)
    assert visited(plan) <= 400  # the fifty that are placed there, found by whichever indexes are cheapest


async def test_backlogs_are_counted_in_their_own_index(full):
    plan = await plan_of(full, claims.backlogs)
    assert_no_full_scan(plan)
    assert "attempts_waiting" in indexes(plan)


async def test_cancels_are_claimed_by_their_own_index(full):
    plan = await plan_of(full, lambda tx: cancels.claim(tx, worker=uuid4(), lease_seconds=30, limit=10))
    assert_no_full_scan(plan)
    assert "jobs_to_cancel" in indexes(plan)


async def test_deadlines_are_read_in_their_order(full):
    plan = await plan_of(full, lambda tx: cancels.overdue(tx, limit=10))
    assert_no_full_scan(plan)
    assert "jobs_with_deadline" in indexes(plan)


async def test_live_attempts_are_found_by_cluster(full):
    plan = await plan_of(full, lambda tx: observations.live_attempts(tx, "cluster-0", placed_until=LATER))
    assert_no_full_scan(plan)


@pytest.mark.parametrize(
    ("filters", "most"),
    [
        pytest.param(Filters(), 51, id="all"),
        pytest.param(Filters(states=("queued",)), MOST, id="queued"),
        pytest.param(Filters(states=("cancelling",)), 51, id="a rare state"),
        pytest.param(Filters(states=("failed", "cancelled")), MOST, id="two states"),
        pytest.param(Filters(queue="root.q3"), MOST, id="queue"),
        pytest.param(Filters(tenant="tenant-3"), MOST, id="tenant"),
        pytest.param(Filters(owner="owner-3"), MOST, id="owner"),
        pytest.param(Filters(cluster="cluster-3"), MOST, id="cluster"),
        pytest.param(Filters(queue="root.none"), 0, id="a queue without jobs"),
        pytest.param(Filters(name_prefix="job_33_"), MOST, id="name"),
        pytest.param(Filters(labels=(("team", "team-30"),)), MOST, id="label"),
        pytest.param(Filters(created_after=BEGIN + timedelta(days=20)), MOST, id="created after"),
        pytest.param(Filters(created_before=BEGIN + timedelta(days=1)), MOST, id="created before"),
        pytest.param(Filters(queue="root.q3", states=("failed",)), 5 * MOST, id="queue and state"),
    ],
)
@pytest.mark.parametrize("after", [None, Position(id_of(60_000))], ids=["first page", "a later page"])
async def test_a_filtered_page_visits_few_rows(full, filters, most, after):
    plan = await plan_of(
        full, lambda tx: jobs.page(tx, filters, sort="newest", after=after, limit=51, tenants=None)
    )
    assert_no_full_scan(plan)
    assert visited(plan) <= most


@pytest.mark.parametrize(
    "after",
    [None, Position(id_of(5000), elapsed_us=1800 * 1_000_000, as_of=datetime(2026, 6, 1, tzinfo=UTC))],
    ids=["first page", "a later page"],
)
async def test_the_longest_are_read_from_two_indexes(full, after):
    plan = await plan_of(
        full, lambda tx: jobs.page(tx, Filters(), sort="longest", after=after, limit=51, tenants=None)
    )
    assert_no_full_scan(plan)
    assert {"jobs_longest_live", "jobs_longest_ended"} <= indexes(plan)
    assert visited(plan) <= 600


async def test_old_jobs_are_found_from_the_oldest_on(full):
    plan = await plan_of(
        full, lambda tx: retention.sweep(tx, key_days=7, retain_days=90, horizon=id_of(30_000), limit=100)
    )
    assert_no_full_scan(plan)
