"""Accepting jobs: many submits in one statement, each stored once.

A job, its spec, its first event, its idempotency key and its audit row are written together. The same key in
the same tenant meets the first job, also when both came at once: the unique index decides, not Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from archer.domain.tenancy.principal import INSIDE, Origin
from archer.errors import CorrelationConflict, IdempotencyConflict
from archer.store.callers import audit
from archer.store.callers.audit import Entry

WORK_CHANNEL: Final = "archer_work"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to insert. *fingerprint* is the hash of what the caller sent."""

    id: str
    name: str
    type: str
    tenant: str
    owner: str
    queue: str
    tier: int
    arch: str
    spark_version: str
    priority: int
    labels: str
    correlation_id: str | None
    timeout_seconds: int | None
    request: str
    fingerprint: bytes
    key: str | None
    origin: Origin = INSIDE


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one submit: its own new row, or the job that was there."""

    job_id: str
    created: bool
    created_at: datetime | None
    fingerprint: bytes
    met_by_key: bool = False


COLUMNS: Final = {
    "id": "text",
    "name": "text",
    "type": "text",
    "tenant": "text",
    "owner": "text",
    "queue": "text",
    "tier": "smallint",
    "arch": "text",
    "spark_version": "text",
    "priority": "smallint",
    "labels": "text",
    "correlation_id": "text",
    "timeout_seconds": "integer",
    "request": "text",
    "fingerprint": "bytea",
    "key": "text",
}
ORIGIN: Final = ("method", "ip", "request_id")
# Binary spares the driver the escaping of each quote; a list of nothing but None has no binary type.
BINARY: Final = frozenset({"id", "request", "labels", "fingerprint"})
_ARRAYS = ", ".join(
    f"CAST(%({name}){'b' if name in BINARY else 's'} AS {kind}[])"
    for name, kind in {**COLUMNS, **dict.fromkeys(ORIGIN, "text")}.items()
)

INSERT = f"""
    WITH input AS (SELECT * FROM unnest({_ARRAYS}) AS t ({", ".join((*COLUMNS, *ORIGIN))})),
    keys AS (
        INSERT INTO idempotency_keys (tenant, key, job_id, fingerprint, created_at)
        SELECT tenant, key, id, fingerprint, archer_now() FROM input WHERE key IS NOT NULL
         ORDER BY tenant, key   -- two batches with the same keys must lock them in the same order
            ON CONFLICT DO NOTHING
        RETURNING job_id
    ),
    fresh AS (
        SELECT input.* FROM input WHERE key IS NULL OR id IN (SELECT job_id FROM keys)
    ),
    stored AS (
        INSERT INTO jobs (id, name, type, tenant, owner, queue, tier, arch, spark_version, priority, labels,
                          correlation_id, run_after, deadline_at, created_at)
        SELECT id, name, type, tenant, owner, queue, tier, arch, spark_version, priority,
               CAST(labels AS jsonb), correlation_id, archer_now(),
               archer_now() + timeout_seconds * interval '1 second', archer_now()
          FROM fresh
         ORDER BY tenant, correlation_id, id   -- for the same reason
            ON CONFLICT (tenant, correlation_id) WHERE correlation_id IS NOT NULL AND ended_at IS NULL
            DO NOTHING
        RETURNING id, created_at
    ),
    specs AS (
        INSERT INTO job_specs (job_id, request, fingerprint)
        SELECT id, request, fingerprint FROM fresh JOIN stored USING (id)
    ),
    events AS (
        INSERT INTO job_events (job_id, at, attempt, kind, state)
        SELECT id, created_at, 0, 'accepted', 'queued' FROM stored
    ),
    audits AS (
        INSERT INTO audit (at, principal, action, object, tenant, queue, decision, fingerprint, method, ip,
                           request_id)
        SELECT created_at, owner, 'submit', id, tenant, queue, 'allowed', fingerprint, method, ip, request_id
          FROM fresh JOIN stored USING (id)
    )
    SELECT id, created_at, pg_notify('{WORK_CHANNEL}', '') FROM stored
"""  # noqa: S608  (only names of this module are formatted in)

KEY_HOLDERS = text("""
    SELECT k.tenant, k.key, k.job_id, k.fingerprint
      FROM idempotency_keys k
      JOIN unnest(CAST(:tenants AS text[]), CAST(:keys AS text[])) AS i (tenant, key) USING (tenant, key)
""")

CORRELATED = text("""
    SELECT j.tenant, j.correlation_id, j.id, s.fingerprint
      FROM jobs j
      JOIN unnest(CAST(:tenants AS text[]), CAST(:correlation_ids AS text[])) AS i (tenant, correlation_id)
        ON j.tenant = i.tenant AND j.correlation_id = i.correlation_id AND j.ended_at IS NULL
      JOIN job_specs s ON s.job_id = j.id
""")

POINT_KEY = text("UPDATE idempotency_keys SET job_id = :job_id WHERE tenant = :tenant AND key = :key")
DROP_KEY = text("DELETE FROM idempotency_keys WHERE tenant = :tenant AND key = :key")


# all of a job in one call: the one place where that counts
VALUES: Final = attrgetter(*COLUMNS, *(f"origin.{name}" for name in ORIGIN))
PARAMETERS: Final = (*COLUMNS, *ORIGIN)


async def insert(tx: AsyncConnection, new: Sequence[NewJob]) -> list[Accepted | None]:
    """Store *new* jobs; in order, what became of each.

    None stands for a submit whose correlated job ended just now: it may be tried again.
    """
    columns = zip(*map(VALUES, new), strict=True)
    arrays: dict[str, list[Any]] = {
        name: list(column) for name, column in zip(PARAMETERS, columns, strict=True)
    }
    rows = await tx.exec_driver_sql(INSERT, arrays)
    stored = {row.id: row.created_at for row in rows}
    results: list[Accepted | None] = [
        Accepted(job.id, True, stored[job.id], job.fingerprint) if job.id in stored else None for job in new
    ]
    if len(stored) < len(new):
        await _find_first(tx, new, results)
    return results


async def _find_first(tx: AsyncConnection, new: Sequence[NewJob], results: list[Accepted | None]) -> None:
    """Fill in the jobs that the losers of *new* met. A new statement sees what the winners committed."""
    losers = [(index, job) for index, job in enumerate(new) if results[index] is None]
    keyed = [job for _, job in losers if job.key is not None]
    holders = await tx.execute(
        KEY_HOLDERS, {"tenants": [j.tenant for j in keyed], "keys": [j.key for j in keyed]}
    )
    by_key = {(row.tenant, row.key): row for row in holders}
    correlated = [job for _, job in losers if job.correlation_id is not None]
    matches = await tx.execute(
        CORRELATED,
        {
            "tenants": [j.tenant for j in correlated],
            "correlation_ids": [j.correlation_id for j in correlated],
        },
    )
    by_correlation = {(row.tenant, row.correlation_id): row for row in matches}
    for index, job in losers:
        holder = by_key.get((job.tenant, job.key)) if job.key is not None else None
        if holder is not None and holder.job_id != job.id:
            results[index] = Accepted(holder.job_id, False, None, bytes(holder.fingerprint), met_by_key=True)
            continue
        match = by_correlation.get((job.tenant, job.correlation_id))
        if match is not None:
            results[index] = Accepted(match.id, False, None, bytes(match.fingerprint))
        if holder is not None:  # the key is new, but its job met a correlated one
            args = {"tenant": job.tenant, "key": job.key}
            if match is not None and bytes(match.fingerprint) == job.fingerprint:
                await tx.execute(POINT_KEY, {**args, "job_id": match.id})
            else:  # refused: the key must not remember a body that was never accepted
                await tx.execute(DROP_KEY, args)
    await audit.add(
        tx,
        [
            _met(new_job, accepted)
            for new_job, accepted in zip(new, results, strict=True)
            if accepted is not None and not accepted.created
        ],
    )


def _met(job: NewJob, accepted: Accepted) -> Entry:
    """What the audit says of a submit that met an earlier job."""
    is_same = accepted.fingerprint == job.fingerprint
    conflict = IdempotencyConflict if accepted.met_by_key else CorrelationConflict
    return Entry(
        principal=job.owner,
        action="submit",
        object=accepted.job_id,
        tenant=job.tenant,
        queue=job.queue,
        decision="allowed" if is_same else "denied",
        reason="repeated" if is_same else conflict.code,
        origin=job.origin,
        fingerprint=job.fingerprint,
    )
