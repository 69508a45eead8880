"""What was seen in the clusters, written so that any order and any repetition ends the same.

Each write names the attempt and the rank it saw. A rank never falls, a final state is never left, and an
attempt that is no longer the job's present one changes only its own row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Observation:
    """An attempt that has not ended, as its cluster shows it."""

    job_id: str
    number: int
    rank: int
    seen_state: str
    application_state: str
    uid: str
    spark_app_id: str | None
    driver_pod: str | None
    executors_running: int
    executors_failed: int
    executors_completed: int
    started_at: str | None
    created_at: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended: ``succeeded`` or ``failed``. *retry_seconds* asks for another attempt."""

    job_id: str
    number: int
    final_state: str
    application_state: str
    reason: str | None = None
    fault: str | None = None
    message: str = ""
    evidence: str = "[]"
    exit_code: int | None = None
    uid: str | None = None
    spark_app_id: str | None = None
    executors_failed: int = 0
    executors_completed: int = 0
    created_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    retry_seconds: int | None = None


SEEN_TYPES: Final = {
    "job_id": "text",
    "number": "smallint",
    "rank": "smallint",
    "seen_state": "text",
    "application_state": "text",
    "uid": "text",
    "spark_app_id": "text",
    "driver_pod": "text",
    "executors_running": "integer",
    "executors_failed": "integer",
    "executors_completed": "integer",
    "created_at": "timestamptz",
    "started_at": "timestamptz",
}
ENDED_TYPES: Final = {
    "job_id": "text",
    "number": "smallint",
    "final_state": "text",
    "application_state": "text",
    "reason": "text",
    "fault": "text",
    "message": "text",
    "evidence": "text",
    "exit_code": "integer",
    "uid": "text",
    "spark_app_id": "text",
    "executors_failed": "integer",
    "executors_completed": "integer",
    "created_at": "timestamptz",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
    "retry_seconds": "integer",
}


def held(time: str) -> str:
    """Hold a time of a cluster between the attempt's placing and now, since its clock may be wrong."""
    return (
        f"least(greatest(coalesce({time}, archer_now()), a.placed_at), greatest(archer_now(), a.placed_at))"
    )


def _created(time: str) -> str:
    """When the application was made: as the object tells, in whole seconds, where Archer knew late."""
    is_late = f"a.submitted_at > {time} + interval '1 second'"
    return f"CASE WHEN a.submitted_at IS NULL OR {is_late} THEN {held(time)} ELSE a.submitted_at END"


def unnested(types: dict[str, str]) -> str:
    """Select the rows of the parameter arrays that *types* names."""
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in types.items())
    # in the order of ids, so that two writers lock rows in the same order
    return f"SELECT * FROM unnest({arrays}) AS t ({', '.join(types)}) ORDER BY job_id"  # noqa: S608


# Both lock the job before they read its state, in the order in which dispatchers and cancels lock too: what
# another transaction commits meanwhile is seen, and two writers never wait for each other.
SEEN = text(f"""
    WITH input AS ({unnested(SEEN_TYPES)}),
    locked AS (
        SELECT j.id, j.state, j.attempt, i.*
          FROM input i JOIN attempts a ON a.job_id = i.job_id AND a.number = i.number
                       JOIN jobs j ON j.id = i.job_id
         WHERE a.ended_at IS NULL AND i.rank >= a.rank AND coalesce(nullif(a.uid, ''), i.uid) = i.uid
           AND (a.uid, a.rank, a.application_state, a.executors_running, a.executors_failed,
                a.executors_completed, a.spark_app_id, a.driver_pod)
               IS DISTINCT FROM (i.uid, i.rank, i.application_state, i.executors_running, i.executors_failed,
                                 i.executors_completed, coalesce(i.spark_app_id, a.spark_app_id),
                                 coalesce(i.driver_pod, a.driver_pod))
         ORDER BY j.id
           FOR UPDATE OF j
    ),
    known AS (
        UPDATE attempts a
           SET rank = l.rank, application_state = l.application_state, uid = l.uid,
               spark_app_id = coalesce(l.spark_app_id, a.spark_app_id),
               driver_pod = coalesce(l.driver_pod, a.driver_pod),
               executors_running = l.executors_running, executors_failed = l.executors_failed,
               executors_completed = l.executors_completed,
               submitted_at = {_created("l.created_at")},
               started_at = CASE WHEN l.seen_state = 'running' AND a.started_at IS NULL
                                 THEN {held("l.started_at")} ELSE a.started_at END
          FROM locked l
         WHERE a.job_id = l.job_id AND a.number = l.number AND a.ended_at IS NULL AND l.rank >= a.rank
           AND coalesce(nullif(a.uid, ''), l.uid) = l.uid
        RETURNING a.job_id, a.number, l.seen_state, a.started_at
    ),
    moved AS (
        UPDATE jobs j
           SET state = k.seen_state, version = j.version + 1, waiting = NULL,
               started_at = coalesce(j.started_at, k.started_at)
          FROM known k
         WHERE j.id = k.job_id AND j.attempt = k.number
           AND array_position(ARRAY['dispatching', 'submitted', 'running'], j.state)
               < array_position(ARRAY['dispatching', 'submitted', 'running'], k.seen_state)
        RETURNING j.id, j.attempt, j.state
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state)
        SELECT id, archer_now(), attempt, state, state FROM moved
    )
    SELECT id, pg_notify('archer_changes', id) FROM moved
""")  # noqa: S608  (only names of this module are formatted in)

# A cancel that was answered wins: the job ends cancelled, or failed when a deadline asked; it is not retried.
ENDED = text(f"""
    WITH input AS ({unnested(ENDED_TYPES)}),
    locked AS (
        SELECT j.state, j.attempt, j.cancel_reason, i.*
          FROM input i JOIN attempts a ON a.job_id = i.job_id AND a.number = i.number
                       JOIN jobs j ON j.id = i.job_id
         WHERE a.ended_at IS NULL
         ORDER BY j.id
           FOR UPDATE OF j
    ),
    closed AS (
        UPDATE attempts a
           SET rank = 4, application_state = l.application_state, reason = l.reason, fault = l.fault,
               message = l.message, evidence = CAST(l.evidence AS jsonb), exit_code = l.exit_code,
               uid = coalesce(nullif(a.uid, ''), l.uid),
               spark_app_id = coalesce(l.spark_app_id, a.spark_app_id), executors_running = 0,
               executors_failed = l.executors_failed, executors_completed = l.executors_completed,
               submitted_at = {_created("l.created_at")},
               started_at = coalesce(a.started_at, CASE WHEN l.started_at IS NOT NULL
                                                        THEN {held("l.started_at")} END),
               ended_at = greatest({held("l.ended_at")}, a.started_at,
                                   CASE WHEN l.started_at IS NOT NULL THEN {held("l.started_at")} END)
          FROM locked l
         WHERE a.job_id = l.job_id AND a.number = l.number AND a.ended_at IS NULL
        RETURNING a.job_id, a.number, a.started_at, l.final_state, l.reason, l.fault, l.message,
                  l.retry_seconds, l.state, l.cancel_reason
    ),
    judged AS (
        SELECT job_id, number, started_at, message, retry_seconds,
               CASE WHEN state = 'cancelling' AND cancel_reason <> 'cancelled' THEN 'failed'
                    WHEN state = 'cancelling' THEN 'cancelled'
                    WHEN final_state = 'failed' AND retry_seconds IS NOT NULL THEN 'queued'
                    ELSE final_state END AS state,
               CASE WHEN state = 'cancelling' THEN cancel_reason ELSE reason END AS reason,
               CASE WHEN state <> 'cancelling' THEN fault
                    WHEN cancel_reason = 'timeout' THEN 'policy'
                    WHEN cancel_reason = 'image' THEN 'platform' ELSE 'user' END AS fault
          FROM closed
    ),
    moved AS (
        UPDATE jobs j
           SET state = v.state, version = j.version + 1,
               reason = CASE WHEN v.state IN ('failed', 'cancelled') THEN v.reason END,
               fault = CASE WHEN v.state IN ('failed', 'cancelled') THEN v.fault END,
               started_at = coalesce(j.started_at, v.started_at),
               claimed_by = NULL, claim_expires_at = NULL,
               run_after = CASE WHEN v.state = 'queued'
                                THEN archer_now() + v.retry_seconds * interval '1 second'
                                ELSE j.run_after END,
               waiting = CASE WHEN v.state = 'queued'
                              THEN 'attempt ' || v.number || ' failed: ' || v.reason END,
               ended_at = CASE WHEN v.state <> 'queued' THEN archer_now() END
          FROM judged v
         WHERE j.id = v.job_id AND j.attempt = v.number
           AND j.state IN ('dispatching', 'submitted', 'running', 'cancelling')
        RETURNING j.id, j.attempt, j.state, v.reason, v.message
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state, message)
        SELECT id, archer_now(), attempt, CASE WHEN state = 'queued' THEN 'retrying' ELSE state END, state,
               concat_ws(': ', CASE WHEN state <> 'succeeded' THEN reason END, nullif(message, ''))
          FROM moved
    )
    SELECT id, state, pg_notify('archer_changes', id), pg_notify('archer_work', '') FROM moved
""")  # noqa: S608

CHECKPOINT = text("""
    INSERT INTO checkpoints (cluster, resource_version, recorded_at)
    VALUES (:cluster, :resource_version, archer_now())
        ON CONFLICT (cluster) DO UPDATE SET resource_version = excluded.resource_version,
                                            recorded_at = excluded.recorded_at
""")

NOW = text("SELECT archer_now()")

LIVE = text("""
    SELECT j.id AS job_id, j.attempt AS number, j.state, a.application, a.namespace, a.uid, j.version
      FROM jobs j JOIN attempts a ON a.job_id = j.id AND a.number = j.attempt
     WHERE j.cluster = :cluster AND j.state IN ('dispatching', 'submitted', 'running', 'cancelling')
       AND a.ended_at IS NULL AND j.id > :after AND a.placed_at <= :placed_until
     ORDER BY j.id
     LIMIT :limit
""")

LIVE_BY_NAME = text("""
    SELECT j.id AS job_id, j.attempt AS number, j.state, a.application, a.namespace, a.uid, j.version
      FROM jobs j JOIN attempts a ON a.job_id = j.id AND a.number = j.attempt
     WHERE a.application = ANY(CAST(:applications AS text[])) AND a.cluster = :cluster AND a.ended_at IS NULL
       AND j.state IN ('dispatching', 'submitted', 'running', 'cancelling')
""")

OPEN = text("""
    SELECT a.job_id, a.number, a.uid, s.request,
           a.number - (SELECT count(*) FROM attempts m
                        WHERE m.job_id = a.job_id AND m.reason = 'moved') AS tries
      FROM unnest(CAST(:job_ids AS text[]), CAST(:numbers AS smallint[])) AS i (job_id, number)
      JOIN attempts a USING (job_id, number)
      JOIN job_specs s USING (job_id)
     WHERE a.ended_at IS NULL
""")

CLOSED = text("""
    SELECT a.application
      FROM unnest(CAST(:job_ids AS text[]), CAST(:numbers AS smallint[])) AS i (job_id, number)
      JOIN attempts a USING (job_id, number)
     WHERE a.ended_at IS NOT NULL AND a.cluster = :cluster
""")


@dataclass(frozen=True, slots=True)
class LiveAttempt:
    """An attempt that Archer believes to be under way in a cluster."""

    job_id: str
    number: int
    state: str
    application: str
    namespace: str
    uid: str | None
    version: int


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """An attempt that has not ended, with its job's request; *tries* counts what was created so far."""

    job_id: str
    number: int
    uid: str | None
    request: str
    tries: int


async def record(tx: AsyncConnection, seen: Sequence[Observation]) -> set[str]:
    """Write attempts that are under way; ids of the jobs whose state changed."""
    return await write(tx, SEEN, SEEN_TYPES, seen)


async def end(tx: AsyncConnection, endings: Sequence[Ending]) -> set[str]:
    """Write attempts that ended; ids of the jobs whose state changed."""
    return await write(tx, ENDED, ENDED_TYPES, endings)


async def write(
    tx: AsyncConnection, statement: Any, types: dict[str, str], rows: Sequence[Any], **values: Any
) -> set[str]:
    """Run a statement over *rows*; the ids that it returns."""
    if not rows:
        return set()
    arrays = {name: [getattr(row, name) for row in rows] for name in types}
    result = await tx.execute(statement, arrays | values)
    return {row.id for row in result}


async def now(tx: AsyncConnection) -> datetime:
    """The time as the database sees it."""
    return (await tx.execute(NOW)).scalar_one()


async def live_attempts(
    tx: AsyncConnection, cluster: str, *, placed_until: datetime, after: str = "", limit: int = 1000
) -> list[LiveAttempt]:
    """A page of the attempts that are believed to be under way in *cluster*: of jobs later than *after*."""
    values = {"cluster": cluster, "placed_until": placed_until, "after": after, "limit": limit}
    return [LiveAttempt(**row) for row in (await tx.execute(LIVE, values)).mappings()]


async def live_named(tx: AsyncConnection, cluster: str, applications: Sequence[str]) -> list[LiveAttempt]:
    """Attempts that are believed to be under way in *cluster*, of the named applications."""
    rows = await tx.execute(LIVE_BY_NAME, {"cluster": cluster, "applications": list(applications)})
    return [LiveAttempt(**row) for row in rows.mappings()]


async def open_attempts(
    tx: AsyncConnection, pairs: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], OpenAttempt]:
    """Those of the named attempts that have not ended, by job id and number."""
    rows = await tx.execute(OPEN, {"job_ids": [job for job, _ in pairs], "numbers": [n for _, n in pairs]})
    return {(row["job_id"], row["number"]): OpenAttempt(**row) for row in rows.mappings()}


async def closed_applications(
    tx: AsyncConnection, cluster: str, pairs: Sequence[tuple[str, int]]
) -> set[str]:
    """Names of the applications in *cluster* whose attempts have ended, among the named attempts."""
    rows = await tx.execute(
        CLOSED, {"cluster": cluster, "job_ids": [job for job, _ in pairs], "numbers": [n for _, n in pairs]}
    )
    return {row.application for row in rows}


async def checkpoint(tx: AsyncConnection, cluster: str, resource_version: str) -> None:
    """Remember how far *cluster* has been read, in the transaction that wrote what was read."""
    await tx.execute(CHECKPOINT, {"cluster": cluster, "resource_version": resource_version})
