"""Driver pods of a cluster to rows: when they were scheduled and began, and what those that wait wait for.

Those are kept in mind, a bounded number of them, and told again from time to time: what they wait for may
stand only in events, and the words on a job may have been overwritten meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from archer.clusters.port import Cluster, DriverChange, DriverEvidence
from archer.settings import WatcherSettings
from archer.store.engine import Database
from archer.store.pods import seen
from archer.store.pods.seen import DriverSeen
from archer.translate.pending import Pending, waits_for

MAX_PENDING: Final = (
    2000  # about a kilobyte each; what is beyond them is told at its changes and at each list
)
ASK_AT_ONCE: Final = 20  # drivers asked about by name in one round: each costs two reads
SILENT_SECONDS: Final = 5.0  # how long a driver may say nothing before its events are asked for
ASK_AGAIN_SECONDS: Final = 60.0


@dataclass(slots=True)
class Waiting:
    """A driver that waits, since when it says nothing about why, and when it was asked about."""

    driver: DriverEvidence
    since: float
    asked_at: float | None = None
    explained: DriverEvidence | None = None


class Drivers:
    """The driver pods of one cluster, as a source of a stream."""

    is_owed = False

    def __init__(self, database: Database, cluster: Cluster, *, settings: WatcherSettings) -> None:
        self._database = database
        self._cluster = cluster
        self._settings = settings
        self._waiting: dict[str, Waiting] = {}  # by pod and incarnation

    @property
    def what(self) -> str:
        """Whose objects, for the log."""
        return f"drivers of {self._cluster.name}"

    async def relist(self) -> str:
        """Record every driver pod, page by page."""
        reached = ""
        self._waiting.clear()
        async for page in self._cluster.driver_pages():
            await self._record(page.drivers)
            reached = page.resource_version
        return reached

    def watch(self, resource_version: str) -> AsyncIterator[DriverChange]:
        """Follow changes after a version."""
        return self._cluster.watch_drivers(resource_version)

    async def record(self, changes: Sequence[DriverChange]) -> None:
        """Record changes that came together; a pod's removal says no more than its last state did."""
        for change in changes:
            if change.kind == "deleted" and change.driver is not None:
                self._waiting.pop(_key(change.driver), None)
        await self._record([c.driver for c in changes if c.driver is not None and c.kind == "upserted"])

    async def note_silence(self, message: str) -> None:
        """Leave it to the stream of applications to say that the cluster is away."""

    async def tell_again(self) -> None:
        """Ask about those that wait in silence, and record all that wait anew."""
        now = asyncio.get_running_loop().time()
        silent = [w for w in self._waiting.values() if _is_to_be_asked(w, now)]
        for waiting in sorted(silent, key=lambda w: w.asked_at or 0.0)[:ASK_AT_ONCE]:
            waiting.asked_at = now
            driver = waiting.driver
            found = await self._cluster.driver(driver.namespace, driver.application)
            if found is not None and found.uid == driver.uid:
                waiting.explained = found
        await self._write(w.explained or w.driver for w in self._waiting.values())

    async def _record(self, drivers: Sequence[DriverEvidence]) -> None:
        ours = [d for d in drivers if d.job_id is not None and d.attempt is not None]
        for driver in ours:
            self._keep_in_mind(driver)
        await self._write(self._explained(driver) for driver in ours)

    def _keep_in_mind(self, driver: DriverEvidence) -> None:
        key = _key(driver)
        known = self._waiting.get(key)
        if driver.phase != "pending":
            self._waiting.pop(key, None)
        elif known is not None:
            has_moved = known.driver.scheduled_at != driver.scheduled_at
            known.explained = None if has_moved or _says(driver).words else known.explained
            known.driver = driver
        elif len(self._waiting) < MAX_PENDING:
            self._waiting[key] = Waiting(driver, asyncio.get_running_loop().time())

    def _explained(self, driver: DriverEvidence) -> DriverEvidence:
        known = self._waiting.get(_key(driver))
        return known.explained if known is not None and known.explained is not None else driver

    async def _write(self, drivers: Iterable[DriverEvidence]) -> None:
        rows = [_seen(driver) for driver in drivers]
        if rows:
            async with self._database.transaction() as tx:
                await seen.record(tx, rows, image_seconds=self._settings.image_seconds)


def _key(driver: DriverEvidence) -> str:
    return f"{driver.pod} {driver.uid}"


def _says(driver: DriverEvidence) -> Pending:
    if driver.phase != "pending":
        return Pending(None)
    return waits_for(reason=driver.reason, message=driver.message, image=driver.image)


def _is_to_be_asked(waiting: Waiting, now: float) -> bool:
    if _says(waiting.driver).words is not None or now - waiting.since < SILENT_SECONDS:
        return False
    return waiting.asked_at is None or now - waiting.asked_at >= ASK_AGAIN_SECONDS


def _seen(driver: DriverEvidence) -> DriverSeen:
    waits = _says(driver)
    return DriverSeen(
        job_id=driver.job_id or "",
        number=driver.attempt or 0,
        application_uid=driver.application_uid,
        pod=driver.pod,
        phase=driver.phase,
        scheduled_at=driver.scheduled_at,
        started_at=driver.started_at,
        waiting=waits.words,
        image_failure=waits.image_failure,
        is_hopeless=waits.is_hopeless,
    )
