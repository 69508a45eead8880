"""What each login may do, found by trying."""

from __future__ import annotations

from typing import LiteralString, cast

import psycopg
import pytest
from psycopg import errors, sql

from tests.builders import job_in

TABLES = (
    "jobs",
    "job_specs",
    "attempts",
    "job_events",
    "clusters",
    "queues",
    "idempotency_keys",
    "checkpoints",
)
VIEWS = ("ui_jobs", "ui_attempts", "ui_events", "ui_clusters", "ui_queues")


@pytest.fixture
def as_role(postgres, template):
    """Run one statement as a role, in a transaction that is rolled back: so the template itself will do."""

    def run(role: str, statement: str) -> None:
        with psycopg.connect(postgres.dsn(template)) as connection:
            connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
            connection.execute(cast("LiteralString", statement))
            connection.rollback()

    return run


@pytest.mark.parametrize("table", TABLES)
def test_archer_reads_and_writes_its_tables(as_role, table):
    as_role("archer_rw", f"SELECT * FROM {table}")
    as_role("archer_rw", f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE extra (x int)",
        "ALTER TABLE jobs ADD COLUMN extra int",
        "DROP TABLE jobs",
        "TRUNCATE jobs",
        "CREATE ROLE extra",
        "CREATE OR REPLACE FUNCTION archer_now() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()'",
        "SELECT * FROM audit",
        "UPDATE audit SET decision = 'denied'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "SELECT count(*) FROM audit",
        "UPDATE audit SET times = 1 RETURNING seq",
        "COPY audit TO STDOUT",
        "DROP FUNCTION audit_expire(integer, integer)",
    ],
)
def test_archer_changes_no_schema_and_no_audit(as_role, statement):
    with pytest.raises((errors.InsufficientPrivilege, errors.InvalidObjectDefinition)):
        as_role("archer_rw", statement)


def test_archer_adds_to_the_audit(as_role):
    as_role(
        "archer_rw",
        "INSERT INTO audit (at, principal, action, object, tenant, decision)"
        " VALUES (now(), 'a', 'b', 'c', 'd', 'e')",
    )


def test_the_ui_removes_nothing_of_the_audit(as_role):
    with pytest.raises(errors.InsufficientPrivilege):
        as_role("moka_ui_ro", "SELECT audit_expire(400, 1)")


OLD_ROWS = """
    INSERT INTO audit (at, principal, action, object, tenant, decision)
    SELECT now() - {} * interval '1 day', 'p', 'a', 'o', 't', 'allowed'
"""


def test_archer_removes_what_is_old_of_the_audit_and_nothing_else(dsn):
    with psycopg.connect(dsn) as connection:
        for days in (399, 401, 500):
            connection.execute(cast("LiteralString", OLD_ROWS.format(days)))
        connection.execute("SET ROLE archer_rw")
        # time as Archer may set it is not what counts
        connection.execute("SET archer.fake_now = '2100-01-01T00:00:00Z'")
        removed = [connection.execute("SELECT audit_expire(400, 1)").fetchone() for _ in range(3)]
        assert removed == [(1,), (1,), (0,)]
        connection.execute("RESET ROLE")
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (1,)
        connection.rollback()


@pytest.mark.parametrize("days", ["399", "0", "-1", "NULL"])
def test_archer_cannot_ask_for_younger_rows_to_go(as_role, days):
    with pytest.raises((errors.InvalidParameterValue, errors.NullValueNotAllowed)):
        as_role("archer_rw", f"SELECT audit_expire({days}, 1)")


def test_a_function_of_ones_own_does_not_get_between_the_audit_and_its_clock(as_role):
    with pytest.raises(errors.InvalidParameterValue):
        as_role("archer_rw", "SET search_path = pg_temp, public; SELECT public.audit_expire(1, 1)")


@pytest.mark.parametrize("view", VIEWS)
def test_the_ui_reads_its_views(as_role, view):
    as_role("moka_ui_ro", f"SELECT * FROM {view}")


@pytest.mark.parametrize("table", [*TABLES, "audit", "alembic_version"])
def test_the_ui_reads_no_table(as_role, table):
    with pytest.raises(errors.InsufficientPrivilege):
        as_role("moka_ui_ro", f"SELECT * FROM {table}")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("verb", ["DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "TRUNCATE {}"])
def test_the_ui_writes_nothing(as_role, view, verb):
    with pytest.raises((errors.InsufficientPrivilege, errors.WrongObjectType)):
        as_role("moka_ui_ro", verb.format(view))


async def test_no_view_shows_a_request(dsn, database):
    await job_in(database, "running", request={"env": {"PASS": "hunter2"}})
    with psycopg.connect(dsn) as connection:
        connection.execute("SET ROLE moka_ui_ro")
        for view in VIEWS:
            found = connection.execute(
                sql.SQL("SELECT {0}::text FROM {0}").format(sql.Identifier(view))
            ).fetchall()
            assert "hunter2" not in str(found)
