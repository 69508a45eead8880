"""Archer's API for each test, and one that all refusals share, since they store nothing."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest
import structlog
from psycopg import sql
from sqlalchemy import text

from archer.store.engine import Database, PoolLimits
from tests.api.rig import TABLES, Rig, open_rig
from tests.conftest import Server
from tests.policies import policy


def a_second_each() -> Callable[[], float]:
    """A clock that goes on by a second each time, so that every denial has a row of its own in the audit."""
    seconds = itertools.count()
    return lambda: float(next(seconds))


EMPTY = text("TRUNCATE " + ", ".join(TABLES))


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> Iterator[None]:
    """Write a traceback as Python does: drawing it with all its values takes seconds."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
async def one_database(postgres: Server, template: str) -> AsyncIterator[Database]:
    """One database for all tests of the API: to empty it is ten times faster than to copy it."""
    name = f"{template}_api"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copy.format(sql.Identifier(name), sql.Identifier(template)))
    limits = PoolLimits(connections=8, wait_seconds=5)
    database = Database(postgres.dsn(name), application="tests", limits=limits)
    yield database
    await database.close()
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def rig(one_database: Database) -> AsyncIterator[Rig]:
    """The API on an empty database."""
    async with one_database.transaction() as tx:
        await tx.execute(EMPTY)
    async with open_rig(one_database) as opened:
        yield opened


@pytest.fixture(scope="session")
async def shared(one_database: Database) -> AsyncIterator[Rig]:
    """The API for tests that do not mind what others stored: most of these store nothing."""
    async with open_rig(one_database, clock=a_second_each()) as opened:
        yield opened


@pytest.fixture(scope="session")
async def governed(one_database: Database) -> AsyncIterator[Rig]:
    """The same with a policy file of three tenants."""
    async with open_rig(one_database, policy=policy(), clock=a_second_each()) as opened:
        yield opened
