"""The audit: rows that Archer's role may add, and neither read nor change nor remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from archer.domain.tenancy.principal import INSIDE, Origin

ADD = text("""
    INSERT INTO audit (at, principal, action, object, tenant, queue, decision, reason, fingerprint, method,
                       ip, request_id, times)
    SELECT archer_now(), principal, action, object, tenant, queue, decision, reason, fingerprint, method, ip,
           request_id, times
      FROM unnest(CAST(:principal AS text[]), CAST(:action AS text[]), CAST(:object AS text[]),
                  CAST(:tenant AS text[]), CAST(:queue AS text[]), CAST(:decision AS text[]),
                  CAST(:reason AS text[]), CAST(:fingerprint AS bytea[]), CAST(:method AS text[]),
                  CAST(:ip AS text[]), CAST(:request_id AS text[]), CAST(:times AS integer[]))
           AS t (principal, action, object, tenant, queue, decision, reason, fingerprint, method, ip,
                 request_id, times)
""")
EXPIRE = text("SELECT audit_expire(:retain_days, :limit)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: who, what, on what, and what was decided. *times* is how many calls alike it stands for."""

    principal: str
    action: str
    object: str
    tenant: str
    decision: str
    reason: str = ""
    queue: str = ""
    origin: Origin = INSIDE
    fingerprint: bytes | None = None
    times: int = 1


async def add(tx: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Add rows in the order given."""
    if not entries:
        return
    names = ("principal", "action", "object", "tenant", "queue", "decision", "reason", "fingerprint", "times")
    values = {name: [getattr(entry, name) for entry in entries] for name in names}
    for name in ("method", "ip", "request_id"):
        values[name] = [getattr(entry.origin, name) for entry in entries]
    await tx.execute(ADD, values)


async def expire(tx: AsyncConnection, *, retain_days: int, limit: int) -> int:
    """Remove up to *limit* rows older than *retain_days*; how many. The database keeps 400 days by itself."""
    return (await tx.execute(EXPIRE, {"retain_days": retain_days, "limit": limit})).scalar() or 0
