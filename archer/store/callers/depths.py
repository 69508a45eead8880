"""How many jobs are queued, by who waits: one read of the queue's own index, for all limits at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

QUEUED = text("""
    SELECT owner, tenant, queue, count(*) AS number FROM jobs WHERE state = 'queued' GROUP BY 1, 2, 3
""")


@dataclass(slots=True)
class Depths:
    """Queued jobs by owner, by tenant and by queue."""

    owners: Counter[str] = field(default_factory=Counter)
    tenants: Counter[str] = field(default_factory=Counter)
    queues: Counter[str] = field(default_factory=Counter)

    def add(self, *, owner: str, tenant: str, queue: str, number: int = 1) -> None:
        """Count *number* jobs more."""
        self.owners[owner] += number
        self.tenants[tenant] += number
        self.queues[queue] += number


async def read(tx: AsyncConnection) -> Depths:
    """Count what is queued now."""
    depths = Depths()
    for row in await tx.execute(QUEUED):
        depths.add(owner=row.owner, tenant=row.tenant, queue=row.queue, number=row.number)
    return depths
