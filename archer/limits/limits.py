"""The limits of submitting: how fast, and how many jobs may wait. Each process keeps its own.

How many wait is read from Postgres at most once a second, and never by the call that asks: what this process
took in since is added. So a submit costs no query, and a limit may be passed by what a second brings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from archer.domain.tenancy.policy import Policy
from archer.domain.tenancy.principal import Principal
from archer.errors import FieldFault, QueueFull, RateLimited, StoreUnavailable
from archer.limits.buckets import Buckets
from archer.store.callers import depths
from archer.store.callers.depths import Depths
from archer.store.engine import Database

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
MOST_SHARE: Final = 20  # a read that takes t is followed by a pause of 20 t: no more than 5 % of the time
FULL_SECONDS: Final = 5.0  # a queue that is full is not empty in a second


@dataclass(frozen=True, slots=True)
class Rates:
    """Calls a second and at once, for each caller and each queue, and how many jobs of a caller may wait.

    A rate of 0, and a number of 0, is no limit.
    """

    caller_per_second: float = 0
    caller_burst: int = 1
    queue_per_second: float = 0
    queue_burst: int = 1
    caller_queued_jobs: int = 0


class Limits:
    """Says no before anything is stored."""

    def __init__(
        self, database: Database, rates: Rates, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._rates = rates
        self._clock = clock
        self._callers = Buckets(per_second=rates.caller_per_second, burst=rates.caller_burst)
        self._queues = Buckets(per_second=rates.queue_per_second, burst=rates.queue_burst)
        self._depths = Depths()
        self._look_at = float("-inf")
        self._looking: asyncio.Task[None] | None = None

    def call(self, principal: Principal, *, number: int = 1) -> None:
        """Count *number* mutating calls of *principal*. Raises ``RateLimited``."""
        seconds = self._callers.take(principal.name, now=self._clock(), number=number)
        if seconds:
            raise RateLimited(
                f"{principal.name} may make {self._rates.caller_per_second:g} such calls a second.",
                retry_after_seconds=seconds,
            )

    def submit(self, principal: Principal, *, tenant: str, queue: str, policy: Policy | None) -> None:
        """Count a submit to *queue*. Raises ``RateLimited`` or ``QueueFull``."""
        now = self._clock()
        if self._rates.queue_per_second and (seconds := self._queues.take(queue, now=now)):
            fault = FieldFault("queue", "rate", f"takes {self._rates.queue_per_second:g} jobs a second")
            raise RateLimited(
                f"The queue {queue} is submitted to too fast.", (fault,), retry_after_seconds=seconds
            )
        if policy is None and not self._rates.caller_queued_jobs:
            return
        if now >= self._look_at and self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="queued jobs")
        self._require_room(principal, tenant, queue, policy)

    def accepted(self, principal: Principal, *, tenant: str, queue: str) -> None:
        """Count a job that was stored, until Postgres' own count has it."""
        self._depths.add(owner=principal.name, tenant=tenant, queue=queue)

    async def looked(self) -> None:
        """Wait for the count that is under way, if one is."""
        if self._looking is not None:
            await self._looking

    def _require_room(self, principal: Principal, tenant: str, queue: str, policy: Policy | None) -> None:
        if (most := self._rates.caller_queued_jobs) and self._depths.owners[principal.name] >= most:
            _refuse("", f"{principal.name} has {most} jobs waiting already", most)
        if policy is None:
            return
        of_tenant, of_queue = policy.tenant_of.get(tenant), policy.queue_of.get(queue)
        if of_tenant and self._depths.tenants[tenant] >= (most := of_tenant.limits.queued_jobs):
            _refuse("tenant", f"{tenant} has {most} jobs waiting already", most)
        if of_queue and self._depths.queues[queue] >= (most := of_queue.queued_jobs):
            _refuse("queue", f"{most} jobs wait in {queue} already", most)

    async def _look(self) -> None:
        begun = self._clock()
        try:
            async with self._database.transaction() as tx:
                found = await depths.read(tx)
            # what was stored during the read may be missing for a second: nobody is refused by a miscount
            self._depths = found
        except StoreUnavailable:  # then no submit is stored either
            log.debug("queued jobs were not counted")
        except Exception:  # nobody waits for this task
            log.exception("queued jobs were not counted")
        finally:
            now = self._clock()
            self._look_at = now + max(LOOK_SECONDS, MOST_SHARE * (now - begun))
            self._looking = None


def _refuse(field: str, message: str, most: int) -> None:
    fault = FieldFault(field, "queued_jobs", message, most)
    raise QueueFull(f"{message}.", (fault,), retry_after_seconds=FULL_SECONDS)
