"""Who may dispatch which job, and until when.

A claim is a lease on a row, not a state: when a dispatcher dies its leases run out and the rows are claimable
again, with no rescuer process. Each claim of a row has its own epoch, and every write that ends a claim names
it, so a dispatcher that slept past its lease changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from archer.domain.states import FAULT_OF, Reason


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased job, and where it was placed if it was."""

    id: str
    epoch: int
    state: str
    tenant: str
    owner: str
    queue: str
    arch: str
    spark_version: str
    cluster: str | None
    attempt: int
    request: str
    namespace: str | None = None  # where the attempt was placed


@dataclass(frozen=True, slots=True)
class Placed:
    """A claim and the attempt to make of it."""

    claim: Claim
    number: int
    cluster: str
    namespace: str
    application: str
    arch: str
    placement: str
    manifest: str
    spec_sha256: str
    keeps: bool = True  # the claim, since the creating follows at once


@dataclass(frozen=True, slots=True)
class Shape:
    """What routing reads of a job that was never placed; jobs of one shape are placed alike."""

    queue: str
    arch: str
    spark_version: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """Applications of one cluster that its operator has not taken up; jobs about to be created count too."""

    waiting: int
    oldest_seconds: float


CLAIMED = """
    UPDATE jobs j
       SET claimed_by = :worker,
           claim_expires_at = archer_now() + :lease_seconds * interval '1 second',
           claim_epoch = claim_epoch + 1
      FROM ready JOIN job_specs s ON s.job_id = ready.id
     WHERE j.id = ready.id
    RETURNING j.id, j.claim_epoch AS epoch, j.state, j.tenant, j.owner, j.queue, j.arch, j.spark_version,
              j.cluster, j.attempt, s.request
"""
CLAIM = text(f"""
    WITH ready AS (
        SELECT id FROM jobs
         WHERE state = 'queued' AND run_after <= archer_now()
           AND (claim_expires_at IS NULL OR claim_expires_at <= archer_now())
           AND (attempt > 0 OR (queue, arch, spark_version) NOT IN (
                SELECT * FROM unnest(CAST(:queues AS text[]), CAST(:archs AS text[]),
                                     CAST(:spark_versions AS text[]))))
         ORDER BY priority DESC, id
         LIMIT :limit
           FOR UPDATE SKIP LOCKED
    ) {CLAIMED}
""")  # noqa: S608  (only a text of this module is formatted in)
CLAIM_PLACED = text(f"""
    WITH ready AS (
        SELECT id FROM jobs
         WHERE state = 'dispatching' AND cluster = :cluster AND run_after <= archer_now()
           AND (claim_expires_at IS NULL OR claim_expires_at <= archer_now())
         ORDER BY priority DESC, id
         LIMIT :limit
           FOR UPDATE SKIP LOCKED
    ),
    present AS (
        UPDATE attempts a SET absent_since = NULL FROM ready
         WHERE :creates AND a.job_id = ready.id AND a.absent_since IS NOT NULL AND a.ended_at IS NULL
    ) {CLAIMED},
              (SELECT namespace FROM attempts a WHERE a.job_id = j.id AND a.number = j.attempt) AS namespace
""")  # noqa: S608

# Bounded, since thousands may wait for the same: each round tells some more of them.
HOLD_BACK = text("""
    WITH held AS (
        SELECT id FROM jobs
         WHERE state = 'queued' AND attempt = 0 AND claimed_by IS NULL AND run_after <= archer_now()
           AND queue = :queue AND arch = :arch AND spark_version = :spark_version
           AND waiting IS DISTINCT FROM :waiting
         ORDER BY priority DESC, id
         LIMIT :limit
           FOR UPDATE SKIP LOCKED
    ),
    told AS (
        UPDATE jobs j SET waiting = :waiting, version = j.version + 1 FROM held WHERE j.id = held.id
        RETURNING j.id
    )
    SELECT id, pg_notify('archer_changes', id) FROM told
""")

BACKLOGS = text("""
    SELECT cluster, count(*) AS waiting,
           coalesce(extract(epoch FROM archer_now() - min(submitted_at)), 0)::float8 AS oldest_seconds
      FROM attempts
     WHERE application_state = '' AND ended_at IS NULL
     GROUP BY cluster
""")

PLACE = text("""
    WITH input AS (
        SELECT * FROM unnest(CAST(:id AS text[]), CAST(:epoch AS integer[]), CAST(:number AS smallint[]),
                             CAST(:cluster AS text[]), CAST(:namespace AS text[]),
                             CAST(:application AS text[]), CAST(:arch AS text[]), CAST(:placement AS text[]),
                             CAST(:manifest AS text[]),
                             CAST(:spec_sha256 AS text[]), CAST(:keeps AS boolean[]))
            AS t (id, epoch, number, cluster, namespace, application, arch, placement, manifest, spec_sha256,
                  keeps)
    ),
    moved AS (
        UPDATE jobs j
           SET state = 'dispatching', cluster = i.cluster, attempt = i.number, arch = i.arch, waiting = NULL,
               claimed_by = CASE WHEN i.keeps THEN j.claimed_by END,
               claim_expires_at = CASE WHEN i.keeps THEN j.claim_expires_at END,
               version = j.version + 1
          FROM input i
         WHERE j.id = i.id AND j.claim_epoch = i.epoch AND j.state = 'queued'
        RETURNING j.id
    ),
    made AS (
        INSERT INTO attempts (job_id, number, cluster, namespace, application, placement, manifest,
                              spec_sha256, placed_at)
        SELECT id, number, cluster, namespace, application, CAST(placement AS jsonb), manifest, spec_sha256,
               archer_now()
          FROM input JOIN moved USING (id)
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state, message)
        SELECT id, archer_now(), number, 'placed', 'dispatching', 'on cluster ' || cluster
          FROM input JOIN moved USING (id)
    )
    SELECT id, pg_notify('archer_changes', id) FROM moved
""")

# The watcher may have seen the application before this runs: then only the lease is left to end.
# The row is locked before its state is read, so that the event tells the state that was really left.
FINISH = text("""
    WITH input AS (
        SELECT * FROM unnest(CAST(:id AS text[]), CAST(:epoch AS integer[]), CAST(:uid AS text[]))
            AS t (id, epoch, uid)
    ),
    old AS (
        SELECT j.id, j.state, i.uid FROM jobs j JOIN input i ON i.id = j.id
         WHERE j.claim_epoch = i.epoch AND j.claimed_by IS NOT NULL
         ORDER BY j.id
           FOR UPDATE OF j
    ),
    moved AS (
        UPDATE jobs j
           SET state = CASE WHEN old.state = 'dispatching' THEN 'submitted' ELSE old.state END,
               version = j.version + CASE WHEN old.state = 'dispatching' THEN 1 ELSE 0 END,
               waiting = NULL, claimed_by = NULL, claim_expires_at = NULL
          FROM old
         WHERE j.id = old.id
        RETURNING j.id, j.attempt, old.uid, old.state AS left_state
    ),
    known AS (
        UPDATE attempts a
           SET uid = coalesce(nullif(a.uid, ''), m.uid), rank = greatest(a.rank, 2),
               submitted_at = coalesce(a.submitted_at, archer_now())
          FROM moved m
         WHERE a.job_id = m.id AND a.number = m.attempt
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state)
        SELECT id, archer_now(), attempt, 'submitted', 'submitted' FROM moved WHERE left_state = 'dispatching'
    )
    SELECT id, CASE WHEN left_state = 'dispatching' THEN pg_notify('archer_changes', id) END FROM moved
""")

# A new version only for new words: a cluster that is away for an hour is one change, not seven hundred.
GIVE_BACK = text("""
    WITH given AS (
        UPDATE jobs j
           SET claimed_by = NULL, claim_expires_at = NULL,
               waiting = CASE WHEN j.state IN ('queued', 'dispatching') THEN :waiting END,
               version = j.version + CASE WHEN j.state IN ('queued', 'dispatching')
                                           AND j.waiting IS DISTINCT FROM :waiting THEN 1 ELSE 0 END,
               run_after = archer_now() + :pause_seconds * interval '1 second'
         WHERE j.id = :id AND j.claim_epoch = :epoch AND j.claimed_by IS NOT NULL
        RETURNING j.id
    )
    SELECT id, pg_notify('archer_changes', id) FROM given
""")

REJECT = text("""
    WITH moved AS (
        UPDATE jobs j
           SET state = CASE WHEN j.cancel_reason = 'cancelled' THEN 'cancelled' ELSE 'failed' END,
               reason = coalesce(j.cancel_reason, :reason),
               fault = CASE j.cancel_reason WHEN 'timeout' THEN 'policy' WHEN 'cancelled' THEN 'user'
                                            WHEN 'image' THEN 'platform' ELSE :fault END,
               claimed_by = NULL, claim_expires_at = NULL, waiting = NULL, version = j.version + 1,
               ended_at = archer_now()
         WHERE j.id = :id AND j.claim_epoch = :epoch AND j.state IN ('queued', 'dispatching', 'cancelling')
        RETURNING j.id, j.attempt, j.state
    ),
    closed AS (
        UPDATE attempts a
           SET ended_at = archer_now(), rank = 4, reason = :reason, fault = :fault, message = :message
          FROM moved m
         WHERE a.job_id = m.id AND a.number = m.attempt AND a.ended_at IS NULL
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state, message)
        SELECT id, archer_now(), attempt, state, state, :reason || ': ' || :message FROM moved
    )
    SELECT id, pg_notify('archer_changes', id) FROM moved
""")

RELEASE = text("""
    UPDATE jobs SET claimed_by = NULL, claim_expires_at = NULL
     WHERE claimed_by = :worker AND (state = 'queued' OR id = ANY(CAST(:untried AS text[])))
""")

# The first look notes the absence. Only a second look, a minute later, moves the job: a create that was under
# way at the first look has come to its end by then.
ABSENT = text("""
    UPDATE attempts a
       SET absent_since = coalesce(a.absent_since, archer_now())
      FROM jobs j
     WHERE j.id = :id AND j.claim_epoch = :epoch AND j.claimed_by IS NOT NULL AND j.state = 'dispatching'
       AND a.job_id = j.id AND a.number = j.attempt AND a.ended_at IS NULL
    RETURNING extract(epoch FROM archer_now() - a.absent_since)::float8 AS seconds
""")
MOVE = text("""
    WITH moved AS (
        UPDATE jobs j
           SET state = 'queued', cluster = NULL, claimed_by = NULL, claim_expires_at = NULL,
               waiting = :message, version = j.version + 1, run_after = archer_now()
         WHERE j.id = :id AND j.claim_epoch = :epoch AND j.claimed_by IS NOT NULL AND j.state = 'dispatching'
        RETURNING j.id, j.attempt
    ),
    closed AS (
        UPDATE attempts a
           SET ended_at = archer_now(), rank = 4, reason = 'moved', fault = 'platform', message = :message
          FROM moved m
         WHERE a.job_id = m.id AND a.number = m.attempt AND a.ended_at IS NULL
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state, message)
        SELECT id, archer_now(), attempt, 'moved', 'queued', :message FROM moved
    )
    SELECT id, pg_notify('archer_changes', id), pg_notify('archer_work', '') FROM moved
""")


async def claim(
    tx: AsyncConnection, *, worker: UUID, lease_seconds: float, limit: int, blocked: Collection[Shape] = ()
) -> list[Claim]:
    """Lease up to *limit* queued jobs to *worker*: the highest priorities first, then the oldest.

    Jobs that were never placed and are of a *blocked* shape are passed over.
    """
    values = {
        "worker": worker,
        "lease_seconds": lease_seconds,
        "limit": limit,
        "queues": [shape.queue for shape in blocked],
        "archs": [shape.arch for shape in blocked],
        "spark_versions": [shape.spark_version for shape in blocked],
    }
    return [Claim(**row) for row in (await tx.execute(CLAIM, values)).mappings()]


async def claim_placed(
    tx: AsyncConnection, cluster: str, *, worker: UUID, lease_seconds: float, limit: int, creates: bool = True
) -> list[Claim]:
    """Lease up to *limit* jobs that are placed on *cluster* and not known to be created there.

    A claim that *creates* makes void what was noted of an absence before.
    """
    values = {"worker": worker, "lease_seconds": lease_seconds, "limit": limit}
    values |= {"cluster": cluster, "creates": creates}
    return [Claim(**row) for row in (await tx.execute(CLAIM_PLACED, values)).mappings()]


async def hold_back(tx: AsyncConnection, shape: Shape, *, waiting: str, limit: int = 500) -> None:
    """Say of the queued jobs of *shape*, which are passed over, what they wait for."""
    await tx.execute(HOLD_BACK, {**asdict(shape), "waiting": waiting, "limit": limit})


async def backlogs(tx: AsyncConnection) -> dict[str, Backlog]:
    """What waits for the operator of each cluster; clusters where nothing waits are left out."""
    rows = await tx.execute(BACKLOGS)
    return {row.cluster: Backlog(row.waiting, row.oldest_seconds) for row in rows}


async def place(tx: AsyncConnection, placed: Sequence[Placed]) -> set[str]:
    """Commit each job to its cluster and attempt, before anything is created there.

    Returns:
        Ids of the jobs that are placed now; the others were cancelled or claimed anew in between.
    """
    columns: dict[str, list[Any]] = {
        "id": [p.claim.id for p in placed],
        "epoch": [p.claim.epoch for p in placed],
    }
    for name in (
        "number",
        "cluster",
        "namespace",
        "application",
        "arch",
        "placement",
        "manifest",
        "spec_sha256",
        "keeps",
    ):
        columns[name] = [getattr(p, name) for p in placed]
    return {row.id for row in await tx.execute(PLACE, columns)}


async def finish(tx: AsyncConnection, created: Sequence[tuple[Claim, str]]) -> set[str]:
    """Mark claimed jobs as created in their cluster, with the object's uid, and end the claims."""
    rows = await tx.execute(
        FINISH,
        {
            "id": [claim.id for claim, _ in created],
            "epoch": [claim.epoch for claim, _ in created],
            "uid": [uid for _, uid in created],
        },
    )
    return {row.id for row in rows}


async def give_back(tx: AsyncConnection, claim: Claim, *, pause_seconds: float, waiting: str) -> None:
    """End a claim without an outcome; the job may be claimed again after the pause. *waiting* says why."""
    await tx.execute(
        GIVE_BACK,
        {"id": claim.id, "epoch": claim.epoch, "pause_seconds": pause_seconds, "waiting": waiting},
    )


async def reject(tx: AsyncConnection, claim: Claim, *, reason: Reason, message: str) -> bool:
    """End a claimed job as failed: it can never be created. False when the claim was lost before."""
    values = {"id": claim.id, "epoch": claim.epoch, "reason": reason.value, "fault": FAULT_OF[reason].value}
    return (await tx.execute(REJECT, {**values, "message": message})).first() is not None


async def absent(tx: AsyncConnection, claim: Claim) -> float | None:
    """Note that a claimed job's cluster holds nothing of it; seconds since the first such look.

    None when the claim was lost before.
    """
    found = (await tx.execute(ABSENT, {"id": claim.id, "epoch": claim.epoch})).first()
    return None if found is None else found.seconds


async def move(tx: AsyncConnection, claim: Claim, *, message: str) -> bool:
    """Queue a claimed job again whose attempt was proven never to have been created."""
    values = {"id": claim.id, "epoch": claim.epoch, "message": message}
    return (await tx.execute(MOVE, values)).first() is not None


async def release(tx: AsyncConnection, worker: UUID, *, untried: Sequence[str] = ()) -> None:
    """End the claims of a worker that stops: of queued jobs, and of those that it has not tried to create.

    Those in mid-dispatch run out by themselves.
    """
    await tx.execute(RELEASE, {"worker": worker, "untried": list(untried)})
