"""What was denied, for the audit: written behind the answer, bounded in every direction.

A denied call changes nothing, so its row need not be in a transaction with anything. Each caller has rows of
its own for its first denials and for one a second; beyond that, calls that are alike become one row that says
how many they were. So a flood costs a few rows each second, and a crash loses the denials of the last one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog

from archer.domain.tenancy.principal import Origin
from archer.errors import StoreUnavailable
from archer.limits.buckets import Buckets
from archer.store.callers import audit
from archer.store.callers.audit import Entry
from archer.store.engine import Database
from archer.telemetry import LOST_DENIALS

log = structlog.get_logger(__name__)

OWN_ROWS: Final = 100  # of one caller at once
ROWS_PER_SECOND: Final = 1.0
MAX_WAITING: Final = 5_000  # rows in memory, while Postgres is away
BATCH: Final = 500
FLUSH_SECONDS: Final = 0.5


class Denials:
    """Collects denials and writes them."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._budget = Buckets(per_second=ROWS_PER_SECOND, burst=OWN_ROWS)
        self._waiting: list[Entry] = []
        self._alike: dict[tuple[str, str, str], Entry] = {}

    def add(self, denied: Entry) -> None:
        """Remember one denial."""
        if len(self._waiting) + len(self._alike) >= MAX_WAITING:
            LOST_DENIALS.inc()
        elif not self._budget.take(denied.principal, now=self._clock()):
            self._waiting.append(denied)
        else:
            key = (denied.principal, denied.action, denied.reason)
            known = self._alike.get(key)
            if known is not None:
                self._alike[key] = replace(known, times=known.times + 1)
            else:  # it stands for many: what differs between them is left out
                origin = Origin(method=denied.origin.method)
                self._alike[key] = replace(denied, object="", tenant="", queue="", origin=origin)

    async def run(self, stop: asyncio.Event) -> None:
        """Write what there is twice a second until *stop* is set, and once more then."""
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), FLUSH_SECONDS)
            except TimeoutError:
                await self.flush()
        await self.flush()

    async def flush(self) -> None:
        """Write what there is; it stays when Postgres is away."""
        self._waiting += self._alike.values()
        self._alike.clear()
        try:
            while batch := self._waiting[:BATCH]:
                async with self._database.transaction() as tx:
                    await audit.add(tx, batch)
                del self._waiting[: len(batch)]
        except StoreUnavailable as error:
            log.warning("denials wait for the audit while Postgres is away", error=str(error))
        except Exception:  # a row that cannot be written must not keep all others
            log.exception("denials were not written", count=len(self._waiting[:BATCH]))
            LOST_DENIALS.inc(len(self._waiting[:BATCH]))
            del self._waiting[:BATCH]
