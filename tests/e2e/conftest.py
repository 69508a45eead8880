"""The real stack, a database for a module of tests, and what plays the operator on fake nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Server
from tests.stack import kubectl, lifecycle
from tests.stack.layout import MOKA_ARM, MOKA_X86
from tests.stack.parts import proxies
from tests.stack.parts.order import part


@pytest.fixture(scope="session")
def stack() -> Iterator[None]:
    """The running stack. Brought up, and taken down again, where it was down."""
    was_up = lifecycle.is_up()
    lifecycle.up()
    yield
    if not was_up:
        lifecycle.down()


@pytest.fixture(scope="session")
def new_database(postgres: Server, template: str) -> Callable[[str], str]:
    """Make a migrated database of that name; its dsn."""

    def new(name: str) -> str:
        unique = f"{template}_{name}"
        with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
            copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(copy.format(sql.Identifier(unique), sql.Identifier(template)))
        return postgres.dsn(unique)

    return new


@pytest.fixture(scope="module")
def fake_operators(stack: None) -> Iterator[None]:
    """Let kwok play the Spark operator in both clusters of fake nodes; afterwards nothing is left there."""
    parts = [part(f"fake-operator-{cluster.name}") for cluster in (MOKA_ARM, MOKA_X86)]
    for one in parts:
        one.start()
    yield
    proxies.reset()
    for one in parts:
        one.stop()
    for cluster in (MOKA_ARM, MOKA_X86):
        kubectl.delete_applications(cluster, "default")
