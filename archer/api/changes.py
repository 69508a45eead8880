"""Who waits for which job to change. Postgres' notifications wake them; each looks by itself as well."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LOOK_SECONDS: Final = 1.0  # a lost notification costs a waiter no more than this


class Watch:
    """One waiter. What happens while it looks is not missed: its next wait ends at once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def hint(self) -> None:
        """Wake the waiter."""
        self._event.set()

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109  (part of the interface)
        """Wait until the job may have changed, at most *timeout* seconds and never longer than a second."""
        try:
            await asyncio.wait_for(self._event.wait(), min(timeout, LOOK_SECONDS))
        except TimeoutError:
            return
        self._event.clear()


class Changes:
    """Waiters by job."""

    def __init__(self) -> None:
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)

    def hint(self, job: str) -> None:
        """Wake whoever waits for *job*; for an empty one, everybody."""
        groups = list(self._watches.values()) if not job else [self._watches.get(job, set())]
        for group in groups:
            for watch in group:
                watch.hint()

    @contextmanager
    def watching(self, job: str) -> Iterator[Watch]:
        """Register a waiter for *job*: before its first look, so that no change falls in between."""
        watch = Watch()
        self._watches[job].add(watch)
        try:
            yield watch
        finally:
            self._watches[job].discard(watch)
            if not self._watches[job]:
                del self._watches[job]
