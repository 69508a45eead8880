"""What is removed with time: old idempotency keys, and jobs that ended long ago with all their rows."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

JANITOR_LOCK: Final = 0x6A616E69  # "jani"; an arbitrary number that nothing else in the database uses

KEYS = text("""
    DELETE FROM idempotency_keys
     WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency_keys
                             WHERE created_at < archer_now() - :key_days * interval '1 day' LIMIT :limit))
""")
# ids sort by time, so the oldest jobs come first and the scan ends at the limit or at the first young ones
OLD = text("""
    SELECT id FROM jobs
     WHERE ended_at < archer_now() - :retain_days * interval '1 day'
       AND id < :horizon
     ORDER BY id LIMIT :limit
""")
REMOVE = (
    text("DELETE FROM job_events WHERE job_id = ANY(CAST(:ids AS text[]))"),
    text("DELETE FROM job_specs WHERE job_id = ANY(CAST(:ids AS text[]))"),
    text("DELETE FROM jobs WHERE id = ANY(CAST(:ids AS text[]))"),  # attempts follow
)


async def is_elected(tx: AsyncConnection) -> bool:
    """Whether this transaction holds the janitor's lock; another process holds it otherwise."""
    return bool(
        (await tx.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": JANITOR_LOCK})).scalar()
    )


async def sweep(tx: AsyncConnection, *, key_days: int, retain_days: int, horizon: str, limit: int) -> int:
    """Remove up to *limit* old keys and jobs; how many jobs.

    Args:
        tx: The transaction that holds the janitor's lock.
        key_days: Age at which an idempotency key is forgotten.
        retain_days: Age at which an ended job is removed.
        horizon: Smallest job id of that age: ids sort by time, so older rows need no look at the others.
        limit: Rows of each kind.
    """
    await tx.execute(KEYS, {"key_days": key_days, "limit": limit})
    rows = await tx.execute(OLD, {"retain_days": retain_days, "horizon": horizon, "limit": limit})
    ids = [row.id for row in rows]
    for statement in REMOVE if ids else ():
        await tx.execute(statement, {"ids": ids})
    return len(ids)
