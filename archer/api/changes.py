"""Who waits for which job to change. Postgres' notifications wake them; each looks by itself as well."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

LOOK_SECONDS: Final = 1.0  # a lost notification costs a waiter no more than this


class Changes:
    """Waiters by job."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def hint(self, job: str) -> None:
        """Wake whoever waits for *job*; for an empty one, everybody."""
        groups = list(self._waiting.values()) if not job else [self._waiting.get(job, set())]
        for group in groups:
            for event in group:
                event.set()

    async def wait(self, job: str, timeout: float) -> None:  # noqa: ASYNC109  (part of the interface)
        """Wait until *job* may have changed, at most *timeout* seconds and never longer than a second."""
        event = asyncio.Event()
        self._waiting[job].add(event)
        try:
            await asyncio.wait_for(event.wait(), min(timeout, LOOK_SECONDS))
        except TimeoutError:
            return
        finally:
            self._waiting[job].discard(event)
            if not self._waiting[job]:
                del self._waiting[job]
