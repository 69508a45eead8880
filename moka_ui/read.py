"""The only SQL of Moka UI: SELECT on the views ``ui_*``, as a role that can do nothing else.

Each statement stays within an index however many jobs there are, or counts to a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Executable, TextClause, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from archer.domain.states import FINAL, JobState
from archer.errors import StoreUnavailable
from moka_ui import listing
from moka_ui.cursor import Cursor
from moka_ui.filters import JobQuery

COUNT_TO: Final = 100_000
MOST_EVENTS: Final = 5_000
LIVE: Final = [state.value for state in JobState if state not in FINAL]
ALL: Final = [state.value for state in JobState]

JOB: Final = text("SELECT * FROM ui_jobs WHERE id = :id")
ATTEMPTS: Final = text("""
    SELECT number, cluster, namespace, application, application_state, spark_app_id, driver_pod,
           placement - 'layers' AS placement, manifest IS NOT NULL AS has_manifest, exit_code, reason, fault,
           message, evidence, executors_running, executors_failed, executors_completed, placed_at,
           submitted_at, scheduled_at, started_at, ended_at
      FROM ui_attempts WHERE job_id = :id ORDER BY number
""")
EVENTS: Final = text("""
    SELECT seq, at, attempt, kind, state, message FROM ui_events WHERE job_id = :id ORDER BY seq LIMIT :most
""")
MANIFEST: Final = text(
    "SELECT application, manifest, placement -> 'layers' AS layers"
    "  FROM ui_attempts WHERE job_id = :id AND number = :number"
)
BY_SPARK_APP: Final = text(
    "SELECT job_id FROM ui_attempts WHERE spark_app_id = :app ORDER BY job_id DESC LIMIT 1"
)
# One index range per state; the inner LIMIT bounds the work when millions wait.
COUNTS: Final = text("""
    SELECT state, (SELECT count(*) FROM (SELECT 1 FROM ui_jobs j WHERE j.state = s.state AND j.id >= :first
                                          LIMIT :bound) AS bounded) AS jobs
      FROM unnest(CAST(:states AS text[])) AS s(state)
""")
CLUSTERS: Final = text("""
    SELECT c.*, (SELECT count(*) FROM (SELECT 1 FROM ui_jobs j
                                        WHERE j.cluster = c.name
                                          AND j.state IN ('dispatching', 'submitted', 'running', 'cancelling')
                                        LIMIT :bound) AS bounded) AS live_jobs
      FROM ui_clusters c ORDER BY name
""")
QUEUES: Final = text("""
    SELECT q.*, coalesce(l.jobs, 0) AS live_jobs
      FROM ui_queues q
      LEFT JOIN (SELECT queue, count(*) AS jobs
                   FROM (SELECT queue FROM ui_jobs
                          WHERE state IN ('queued', 'dispatching', 'submitted', 'running', 'cancelling')
                          LIMIT :bound) AS live
                  GROUP BY queue) AS l ON l.queue = q.path
     ORDER BY q.path
""")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, and where the next page starts."""

    rows: Sequence[Row]
    next: Cursor | None


class Reader:
    """Asks the views. Every method raises StoreUnavailable when Postgres does not answer in time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    def connect(cls, database: str, *, connections: int, timeout: float) -> Reader:
        """Make a reader; it connects when it is first asked.

        Args:
            database: libpq URL or key words.
            connections: Most connections at once.
            timeout: Seconds that a statement may take.
        """
        own = conninfo_to_dict(database).get("options") or ""
        options = f"{own} -c statement_timeout={int(timeout * 1000)} -c default_transaction_read_only=on"

        async def connection() -> psycopg.AsyncConnection:
            return await psycopg.AsyncConnection.connect(
                database, options=options.strip(), connect_timeout=3, application_name="moka-ui"
            )

        engine = create_async_engine(
            "postgresql+psycopg://",
            hide_parameters=True,  # an error would quote them into the log, requests as a whole
            async_creator=connection,
            isolation_level="AUTOCOMMIT",  # one statement is one snapshot; BEGIN is a round trip more
            pool_size=connections,
            max_overflow=0,
            pool_timeout=timeout,
            pool_pre_ping=True,
        )
        return cls(engine)

    async def close(self) -> None:
        """Give the connections back."""
        await self._engine.dispose()

    async def check(self) -> None:
        """Answer whether the views can be read."""
        await self._all(text("SELECT 1 FROM ui_jobs LIMIT 1"))

    async def jobs(self, query: JobQuery, cursor: Cursor | None, now: datetime) -> Page:
        """One page of the list, in its order."""
        if query.sort == "newest":
            rows = await self._all(listing.newest(query, cursor))
            last = rows[query.limit - 1] if len(rows) > query.limit else None
            return Page(rows[: query.limit], Cursor("newest", last["id"]) if last else None)
        as_of = cursor.as_of if cursor and cursor.as_of else now
        rows = await self._all(listing.longest(query, cursor, as_of))
        last = rows[query.limit - 1] if len(rows) > query.limit else None
        return Page(
            rows[: query.limit], Cursor("longest", last["id"], as_of, last["duration"]) if last else None
        )

    async def job(self, job: str) -> Row | None:
        """One job, or None."""
        return await self._one(JOB, id=job)

    async def attempts(self, job: str) -> Sequence[Row]:
        """Every attempt of a job, the first first."""
        return await self._all(ATTEMPTS, id=job)

    async def events(self, job: str) -> Sequence[Row]:
        """What happened to a job, the first first; at most MOST_EVENTS."""
        return await self._all(EVENTS, id=job, most=MOST_EVENTS)

    async def manifest(self, job: str, number: int) -> Row | None:
        """Name and stored manifest of one attempt, with who set its lines, or None."""
        return await self._one(MANIFEST, id=job, number=number)

    async def job_of_spark_app(self, app: str) -> str | None:
        """The job whose attempt carries this Spark application id, or None."""
        row = await self._one(BY_SPARK_APP, app=app)
        return row["job_id"] if row else None

    async def counts(self, accepted_after: datetime) -> tuple[dict[str, int], dict[str, int]]:
        """Jobs by state: the live ones, and those accepted after a time. Each stops at COUNT_TO."""
        live = await self._all(COUNTS, states=LIVE, first="", bound=COUNT_TO)
        first = listing.first_id(accepted_after)
        recent = await self._all(COUNTS, states=ALL, first=first, bound=COUNT_TO)
        return {r["state"]: r["jobs"] for r in live}, {r["state"]: r["jobs"] for r in recent}

    async def clusters(self) -> Sequence[Row]:
        """Every cluster, with how many jobs it has under way."""
        return await self._all(CLUSTERS, bound=COUNT_TO)

    async def queues(self) -> Sequence[Row]:
        """Every queue, with how many jobs it has under way."""
        return await self._all(QUEUES, bound=COUNT_TO)

    async def _one(self, statement: TextClause, **values: Any) -> Row | None:
        rows = await self._all(statement, **values)
        return rows[0] if rows else None

    async def _all(self, statement: Executable, **values: Any) -> Sequence[Row]:
        try:
            async with self._engine.connect() as connection:
                result = await connection.execute(statement, values)
                return [dict(row) for row in result.mappings()]
        except (OperationalError, InterfaceError, PoolTimeout, psycopg.OperationalError) as error:
            raise StoreUnavailable("The database does not answer.") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StoreUnavailable("The database does not answer.") from error
            raise
