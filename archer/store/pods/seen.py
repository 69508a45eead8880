"""What was seen of driver pods, written so that any order and any repetition ends the same.

Times only become known, or better known; words of waiting count until the driver runs. Nothing here ends an
attempt: that is the application's to say, or the janitor's once an image's time is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from archer.store.observations import held, unnested, write


@dataclass(frozen=True, slots=True)
class DriverSeen:
    """A driver pod, as its cluster shows it; *waiting* says in words what one that is pending waits for."""

    job_id: str
    number: int
    application_uid: str
    pod: str
    phase: str
    scheduled_at: str | None
    started_at: str | None
    waiting: str | None
    image_failure: str | None
    is_hopeless: bool


TYPES: Final = {
    "job_id": "text",
    "number": "smallint",
    "application_uid": "text",
    "pod": "text",
    "phase": "text",
    "scheduled_at": "timestamptz",
    "started_at": "timestamptz",
    "waiting": "text",
    "image_failure": "text",
    "is_hopeless": "boolean",
}


SCHEDULED: Final = (
    f"CASE WHEN i.scheduled_at IS NOT NULL THEN greatest({held('i.scheduled_at')}, a.submitted_at) END"
)
# A time to come only shows that the cluster's clock is ahead: it must not be moved with every look.
STARTED: Final = f"""
    CASE WHEN i.started_at IS NULL THEN a.started_at
         ELSE greatest(CASE WHEN i.started_at > archer_now() AND a.started_at IS NOT NULL THEN a.started_at
                            ELSE {held("i.started_at")} END,
                       a.submitted_at, coalesce(a.scheduled_at, {SCHEDULED})) END
"""

# What *l* tells that *a* and *j* do not tell yet; asked before the job is locked, and again by each update.
ATTEMPT_DIFFERS: Final = """
    a.ended_at IS NULL AND (NOT l.is_pending OR a.started_at IS NULL)
    AND (a.driver_pod IS NULL OR (a.scheduled_at IS NULL AND l.scheduled IS NOT NULL)
         OR coalesce(l.started, a.started_at) IS DISTINCT FROM a.started_at
         OR (a.image_failure IS NULL) <> (l.image_failure IS NULL)
         OR length(l.image_failure) > length(a.image_failure))
"""
JOB_DIFFERS: Final = """
    j.attempt = l.number
    AND CASE WHEN l.is_pending
             THEN j.state = 'submitted' AND j.waiting IS DISTINCT FROM l.waiting
                  AND NOT coalesce(starts_with(j.waiting, l.waiting), false)
             ELSE (j.state IN ('dispatching', 'submitted') AND l.phase = 'running')
                  OR (j.state IN ('submitted', 'running')
                      AND (j.waiting IS NOT NULL
                           OR (j.started_at = l.assumed_start AND l.started <> j.started_at))) END
"""

# Locks the job first, as every writer does. The operator's own start of an attempt is only that of its try,
# and gives way to the container's. Words that say less than those before them change nothing, since the
# kubelet tells a failed pull in turns with and without its cause; of its texts the longest is kept.
SEEN = text(f"""
    WITH input AS ({unnested(TYPES)}),
    locked AS (
        SELECT l.*, j.state AS left_state
          FROM input i JOIN attempts a ON a.job_id = i.job_id AND a.number = i.number
                       JOIN jobs j ON j.id = i.job_id,
               LATERAL (SELECT i.*, i.phase = 'pending' AND i.started_at IS NULL AS is_pending,
                               a.started_at AS assumed_start,
                               {SCHEDULED} AS scheduled, {STARTED} AS started) AS l
         WHERE a.ended_at IS NULL
           AND i.application_uid IN ('', coalesce(nullif(a.uid, ''), i.application_uid))
           AND (({ATTEMPT_DIFFERS}) OR ({JOB_DIFFERS}))
         ORDER BY j.id
           FOR UPDATE OF j
    ),
    known AS (
        UPDATE attempts a
           SET scheduled_at = coalesce(a.scheduled_at, l.scheduled),
               started_at = coalesce(l.started, a.started_at), driver_pod = coalesce(a.driver_pod, l.pod),
               image_failure = CASE WHEN length(l.image_failure) < length(a.image_failure)
                                         OR l.left_state = 'cancelling'  -- a pod that goes says less
                                    THEN a.image_failure ELSE l.image_failure END,
               image_deadline_at = CASE WHEN l.image_failure IS NULL THEN NULL
                                        WHEN l.is_hopeless THEN least(a.image_deadline_at, archer_now())
                                        ELSE coalesce(a.image_deadline_at, archer_now()
                                                      + :image_seconds * interval '1 second') END
          FROM locked l
         WHERE a.job_id = l.job_id AND a.number = l.number AND {ATTEMPT_DIFFERS}
    ),
    moved AS (
        UPDATE jobs j
           SET state = CASE WHEN l.phase = 'running' AND j.state IN ('dispatching', 'submitted')
                            THEN 'running' ELSE j.state END,
               waiting = CASE WHEN l.is_pending THEN l.waiting END, version = j.version + 1,
               started_at = CASE WHEN j.started_at IS NULL OR j.started_at = l.assumed_start
                                 THEN coalesce(l.started, j.started_at) ELSE j.started_at END
          FROM locked l
         WHERE j.id = l.job_id AND {JOB_DIFFERS}
        RETURNING j.id, j.attempt, j.state, l.left_state
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state)
        SELECT id, archer_now(), attempt, state, state FROM moved WHERE state <> left_state
    )
    SELECT id, pg_notify('archer_changes', id) FROM moved
""")  # noqa: S608  (only names of this module are formatted in)


async def record(tx: AsyncConnection, seen: Sequence[DriverSeen], *, image_seconds: float) -> set[str]:
    """Write what driver pods show; ids of the jobs that changed.

    Args:
        tx: A transaction.
        seen: At most one pod of each attempt.
        image_seconds: How long from now an image may go on failing, of a driver whose image fails now.
    """
    return await write(tx, SEEN, TYPES, seen, image_seconds=image_seconds)
