"""The migrations make exactly what the code names, once, whoever runs them."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql

from archer.domain.states import JobState
from archer.store import migrations
from archer.store.migrations import SCRIPTS, migrate
from archer.store.tables import metadata
from tests.builders import rows

COLUMNS = """
    SELECT c.relname AS table_name, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
       AND c.relname <> 'alembic_version'
     ORDER BY c.relname, a.attnum
"""
KEYS = """
    SELECT t.relname AS table_name, a.attname AS name
      FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey)
     WHERE i.indisprimary AND t.relnamespace = 'public'::regnamespace AND t.relname <> 'alembic_version'
"""


async def test_the_tables_in_the_code_are_those_of_the_database(database):
    migrated = [(c["table_name"], c["name"], c["type"]) for c in await rows(database, COLUMNS)]
    named = [
        (table.name, column.name, column.type.compile(postgresql.dialect()).lower())
        for table in sorted(metadata.tables.values(), key=lambda t: t.name)
        for column in table.c
    ]
    assert migrated == named


async def test_the_primary_keys_in_the_code_are_those_of_the_database(database):
    migrated = {(key["table_name"], key["name"]) for key in await rows(database, KEYS)}
    named = {(table.name, column.name) for table in metadata.tables.values() for column in table.primary_key}
    assert migrated == named


async def test_the_check_constraint_holds_the_states_of_the_code(database):
    (found,) = await rows(
        database, "SELECT pg_get_constraintdef(oid) AS rule FROM pg_constraint WHERE conname = 'state_known'"
    )
    assert set(re.findall(r"'(\w+)'", found["rule"])) == {state.value for state in JobState}


def test_there_is_one_head_and_every_revision_has_its_sql():
    assert _head()
    python = {path.stem for path in (SCRIPTS / "versions").glob("*.py")}
    assert python == {path.stem for path in (SCRIPTS / "versions").glob("*.sql")}
    assert all(re.fullmatch(r"\d{4}_(pre|post)_[a-z0-9_]+", name) for name in python)


def test_migrating_again_changes_nothing(dsn):
    before = _dump(dsn)
    migrate(dsn)
    assert _dump(dsn) == before


@pytest.fixture
def empty(postgres):
    """A database that nobody has migrated."""
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
    yield postgres.dsn("empty")
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE empty WITH (FORCE)")


def test_two_migrators_at_once_migrate_once(empty, dsn):
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(migrate, empty) for _ in range(2)]:
            done.result(timeout=60)
    assert _dump(empty) == _dump(dsn)


def test_a_migrator_waits_longer_for_another_than_it_waits_for_a_table(dsn, monkeypatch):
    monkeypatch.setattr(migrations, "TABLE_LOCK_TIMEOUT", "10ms")
    with psycopg.connect(dsn) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT pg_advisory_lock(%s)", (migrations.MIGRATION_LOCK,))
        waiting = pool.submit(migrate, dsn)
        _wait_for_a_waiter(dsn, milliseconds=100)
        other.execute("SELECT pg_advisory_unlock(%s)", (migrations.MIGRATION_LOCK,))
        waiting.result(timeout=60)


def test_a_migration_that_fails_leaves_the_schema_as_it_was(empty, monkeypatch):
    whole = migrations.statements("0001_pre_jobs")
    monkeypatch.setattr(migrations, "statements", lambda name: [*whole[:20], "SELECT 1 / 0"])
    with pytest.raises(Exception, match="division by zero"):
        migrate(empty)
    assert _dump(empty) == []
    monkeypatch.undo()
    migrate(empty)
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (_head(),)


def test_what_people_asked_of_a_cluster_and_whether_it_answers_come_apart(empty):
    before = {"a": "active", "b": "unreachable", "c": "cordoned", "d": "drained"}
    with psycopg.connect(empty) as connection:
        for statement in migrations.statements("0001_pre_jobs"):
            connection.execute(statement.encode())
        for name, state in before.items():
            connection.execute(
                "INSERT INTO clusters (name, adapter, state) VALUES (%s, 'local', %s)", (name, state)
            )
        for statement in migrations.statements("0003_pre_cluster_wishes"):
            connection.execute(statement.encode())
        found = connection.execute("SELECT name, wanted_state, is_reachable FROM clusters ORDER BY name")
        assert found.fetchall() == [
            ("a", "active", True),
            ("b", "active", False),
            ("c", "cordoned", True),
            ("d", "drained", True),
        ]
        assert dict(connection.execute("SELECT name, state FROM ui_clusters").fetchall()) == before


def _head() -> str | None:
    """The newest revision; fails when there are several."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return ScriptDirectory.from_config(config).get_current_head()


def _wait_for_a_waiter(dsn: str, *, milliseconds: int) -> None:
    """Return when somebody has waited so long for an advisory lock."""
    query = """
        SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
           AND clock_timestamp() - waitstart > %s * interval '1 ms'
    """
    deadline = time.monotonic() + 30
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute(query, (milliseconds,)).fetchone() is None:
            assert time.monotonic() < deadline


def _dump(dsn: str) -> list[tuple]:
    """Everything that a schema is made of, as text."""
    with psycopg.connect(dsn) as connection:
        return connection.execute("""
            SELECT 'column' AS kind, table_name || '.' || column_name, data_type || is_nullable
              FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT 'check', conname, pg_get_constraintdef(oid) FROM pg_constraint
                       WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
            UNION ALL SELECT 'grant', grantee || ' ' || table_name, privilege_type
                        FROM information_schema.role_table_grants WHERE table_schema = 'public'
             ORDER BY 1, 2, 3
        """).fetchall()
