"""Connections to Postgres: one pool per process, one transaction per call, one kind of failure.

Every statement has a deadline. A database that is away, full, read-only or too slow raises
``StoreUnavailable``; whatever else goes wrong is a bug and is raised as it came.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

import psycopg
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from archer.errors import StoreUnavailable

# Classes of SQLSTATE that mean "later", from Postgres' appendix A: connection, resources, shutdown, rollback.
LATER: Final = ("08", "53", "57", "40", "25006", "55P03", "58")

DURABILITY: Final = text("""
    SELECT current_setting('synchronous_commit') AS commits,
           current_setting('synchronous_standby_names') AS standbys
""")

Transaction = AsyncConnection  # what `transaction()` yields, for those who only pass it on


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many connections, and how long anything may take."""

    connections: int = 5
    wait_seconds: float = 2.0
    statement_timeout_ms: int = 10_000


class Database:
    """The pool of one process."""

    def __init__(self, dsn: str, *, application: str, limits: PoolLimits | None = None) -> None:
        limits = limits or PoolLimits()
        self.dsn = dsn
        self.engine: AsyncEngine = create_async_engine(
            "postgresql+psycopg://",
            hide_parameters=True,  # an error would quote them into the log, requests as a whole
            async_creator=lambda: _connected(dsn, application=application, limits=limits),
            pool_size=limits.connections,
            max_overflow=0,
            pool_timeout=limits.wait_seconds,
            pool_pre_ping=True,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction; commit at the end of the block, roll back when it raises.

        Raises:
            StoreUnavailable: Postgres cannot do it now. A commit may still have happened.
        """
        try:
            async with self.engine.begin() as connection:
                yield connection
        except PoolTimeout as error:
            raise StoreUnavailable("no free connection to Postgres in time") from error
        except (InterfaceError, OperationalError) as error:
            raise StoreUnavailable(f"Postgres: {first_line(error)}") from error
        except DBAPIError as error:
            if error.connection_invalidated or sqlstate(error).startswith(LATER):
                raise StoreUnavailable(f"Postgres: {first_line(error)}") from error
            raise
        except psycopg.OperationalError as error:
            raise StoreUnavailable(f"Postgres: {str(error).splitlines()[0]}") from error

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


async def _connected(dsn: str, *, application: str, limits: PoolLimits) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(
        dsn,  # libpq reads it itself: sockets, services and several hosts work as documented there
        application_name=application,
        connect_timeout=5,
        options=f"-c statement_timeout={limits.statement_timeout_ms} -c timezone=UTC",
    )
    # as text, every quote of every manifest in an array would be escaped
    connection.adapters.register_dumper(list, ListBinaryDumper)
    return connection


async def rpo(tx: AsyncConnection) -> Literal["zero", "async"]:
    """Whether a commit survives the loss of the primary: ``zero`` when a standby confirms each."""
    row = (await tx.execute(DURABILITY)).one()
    return "zero" if row.standbys and row.commits not in ("off", "local") else "async"


def sqlstate(error: DBAPIError) -> str:
    """SQLSTATE of a driver error, or nothing."""
    return getattr(error.orig, "sqlstate", None) or ""


def first_line(error: DBAPIError) -> str:
    """First line of a driver error: it never holds values of a row."""
    return str(error.orig).partition("\n")[0]
