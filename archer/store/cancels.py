"""A cancel is a wish on the row; it becomes true once the cluster has proven that nothing runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from archer.domain.tenancy.principal import INSIDE, Origin

# A queued job has nothing in any cluster: raising the epoch makes a placement under way come too late.
REQUEST = text("""
    WITH locked AS (
        SELECT id, state FROM jobs
         WHERE id = ANY(CAST(:ids AS text[])) AND state IN ('queued', 'dispatching', 'submitted', 'running')
         ORDER BY id
           FOR UPDATE
    ),
    moved AS (
        UPDATE jobs j
           SET state = CASE WHEN l.state <> 'queued' THEN 'cancelling'
                            WHEN :reason = 'timeout' THEN 'failed' ELSE 'cancelled' END,
               reason = CASE WHEN l.state = 'queued' THEN :reason END,
               fault = CASE WHEN l.state <> 'queued' THEN NULL
                            WHEN :reason = 'timeout' THEN 'policy' ELSE 'user' END,
               ended_at = CASE WHEN l.state = 'queued' THEN archer_now() END,
               claim_epoch = j.claim_epoch + CASE WHEN l.state = 'queued' THEN 1 ELSE 0 END,
               claimed_by = CASE WHEN l.state <> 'queued' THEN j.claimed_by END,
               claim_expires_at = CASE WHEN l.state <> 'queued' THEN j.claim_expires_at END,
               cancel_requested_at = archer_now(), cancel_reason = :reason, run_after = archer_now(),
               waiting = NULL, version = j.version + 1
          FROM locked l
         WHERE j.id = l.id
        RETURNING j.id, j.attempt, j.state
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state, message)
        SELECT id, archer_now(), attempt, 'cancel_requested', state, :message FROM moved
    )
    SELECT id, pg_notify('archer_changes', id), pg_notify('archer_work', '') FROM moved
""")

CLAIM = text("""
    WITH ready AS (
        SELECT id FROM jobs
         WHERE state = 'cancelling' AND run_after <= archer_now()
           AND (claim_expires_at IS NULL OR claim_expires_at <= archer_now())
         ORDER BY id
         LIMIT :limit
           FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs j
       SET claimed_by = :worker, claim_epoch = j.claim_epoch + 1,
           claim_expires_at = archer_now() + :lease_seconds * interval '1 second'
      FROM ready JOIN jobs r ON r.id = ready.id JOIN attempts a ON a.job_id = r.id AND a.number = r.attempt
     WHERE j.id = ready.id
    RETURNING j.id, j.claim_epoch AS epoch, j.cluster, a.namespace, a.application, a.uid, j.attempt AS number,
              j.cancel_reason AS reason, a.image_failure
""")

OVERDUE = text("""
    SELECT id FROM jobs
     WHERE deadline_at <= archer_now() AND deadline_at IS NOT NULL AND ended_at IS NULL
       AND state <> 'cancelling'
     ORDER BY deadline_at
     LIMIT :limit
""")

PUT_OFF = text("""
    UPDATE jobs
       SET claimed_by = NULL, claim_expires_at = NULL,
           run_after = archer_now() + :pause_seconds * interval '1 second'
     WHERE id = :id AND claim_epoch = :epoch AND state = 'cancelling'
""")

AUDIT = text("""
    INSERT INTO audit (at, principal, action, object, tenant, queue, decision, reason, method, ip, request_id)
    SELECT archer_now(), :principal, 'cancel', id, tenant, queue, 'allowed', :reason, :method, :ip,
           :request_id
      FROM jobs WHERE id = ANY(CAST(:ids AS text[]))
""")


@dataclass(frozen=True, slots=True)
class CancelClaim:
    """A job to be ended in its cluster, leased to one worker."""

    id: str
    epoch: int
    cluster: str
    namespace: str
    application: str
    uid: str | None
    number: int
    reason: str
    image_failure: str | None


async def request(
    tx: AsyncConnection,
    ids: list[str],
    *,
    principal: str,
    reason: str,
    message: str,
    origin: Origin = INSIDE,
) -> set[str]:
    """Ask for the end of jobs; ids of those that were not ended or cancelled already."""
    told = {"ids": ids, "principal": principal, "reason": reason}
    await tx.execute(AUDIT, told | asdict(origin))
    rows = await tx.execute(REQUEST, {"ids": ids, "reason": reason, "message": message})
    return {row.id for row in rows}


async def claim(tx: AsyncConnection, *, worker: UUID, lease_seconds: float, limit: int) -> list[CancelClaim]:
    """Lease jobs whose cancel is to be carried out; a dispatch under way keeps its lease until it ends."""
    rows = await tx.execute(CLAIM, {"worker": worker, "lease_seconds": lease_seconds, "limit": limit})
    return [CancelClaim(**row) for row in rows.mappings()]


async def put_off(tx: AsyncConnection, wish: CancelClaim, *, pause_seconds: float) -> None:
    """End a claim without an outcome; the cancel is looked at again after the pause."""
    await tx.execute(PUT_OFF, {"id": wish.id, "epoch": wish.epoch, "pause_seconds": pause_seconds})


async def overdue(tx: AsyncConnection, *, limit: int) -> list[str]:
    """Ids of jobs that are past their deadline and still under way."""
    return [row.id for row in await tx.execute(OVERDUE, {"limit": limit})]
