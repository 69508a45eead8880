"""Jobs whose drivers do not come: no operator takes up their application, or their image cannot be pulled."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# One statement writes the words and takes them back, so that they cannot outlive what they say.
UNACKNOWLEDGED = text("""
    WITH told AS (
        SELECT j.id, a.application_state = '' AS is_unacknowledged
          FROM jobs j JOIN attempts a ON a.job_id = j.id AND a.number = j.attempt
         WHERE j.cluster = :cluster AND j.state = 'submitted' AND a.ended_at IS NULL
           AND CASE WHEN a.application_state = ''
                    THEN j.waiting IS NULL AND a.driver_pod IS NULL
                         AND a.submitted_at <= archer_now() - :seconds * interval '1 second'
                    ELSE j.waiting = :words END
         ORDER BY j.id
           FOR UPDATE OF j SKIP LOCKED
    ),
    moved AS (
        UPDATE jobs j
           SET waiting = CASE WHEN t.is_unacknowledged THEN :words END, version = j.version + 1
          FROM told t
         WHERE j.id = t.id AND j.state = 'submitted'
        RETURNING j.id
    )
    SELECT id, pg_notify('archer_changes', id) FROM moved
""")

# Both rows are locked: a driver that starts meanwhile is not taken for one that waits.
WITHOUT_IMAGE = text("""
    SELECT j.id, a.image_failure
      FROM attempts a JOIN jobs j ON j.id = a.job_id AND j.attempt = a.number
     WHERE a.image_deadline_at <= archer_now() AND a.image_deadline_at IS NOT NULL AND a.ended_at IS NULL
       AND a.started_at IS NULL AND j.state IN ('dispatching', 'submitted')
     ORDER BY a.image_deadline_at
     LIMIT :limit
       FOR UPDATE OF j, a SKIP LOCKED
""")


@dataclass(frozen=True, slots=True)
class WithoutImage:
    """A job whose driver has waited for its image for too long, and what the kubelet says."""

    id: str
    image_failure: str


async def tell_unacknowledged(tx: AsyncConnection, cluster: str, *, words: str, seconds: float) -> set[str]:
    """Let jobs say that no operator has taken them up within *seconds*; ids of those that changed."""
    rows = await tx.execute(UNACKNOWLEDGED, {"cluster": cluster, "words": words, "seconds": seconds})
    return {row.id for row in rows}


async def without_image(tx: AsyncConnection, *, limit: int) -> list[WithoutImage]:
    """Lock jobs whose time to wait for an image is over; the longest overdue first."""
    return [WithoutImage(**row) for row in (await tx.execute(WITHOUT_IMAGE, {"limit": limit})).mappings()]
