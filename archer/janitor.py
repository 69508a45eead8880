"""Makes wishes and deadlines come true: cancels are carried out, overdue jobs ended, old rows removed.

A cancel ends only when the cluster has stated that neither the application nor its driver is there any more.
What a paused dispatcher creates after that is an orphan, and is removed too.
Deadlines and retention run in one process at a time, by an advisory lock; cancels are leased like dispatches.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final
from uuid import UUID

import structlog

from archer.clusters.port import Cluster
from archer.domain.diagnosis import MAX_MESSAGE_LENGTH, SENTENCES
from archer.domain.identifiers import job_id
from archer.domain.states import FAULT_OF, Reason
from archer.errors import ClusterError, StoreUnavailable, UidMismatch
from archer.settings import JanitorSettings
from archer.store import cancels, observations, retention
from archer.store.callers import audit
from archer.store.cancels import CancelClaim
from archer.store.engine import Database, Transaction
from archer.store.observations import Ending
from archer.store.pods import waits
from archer.telemetry import ROUND
from archer.translate.observe import Application

log = structlog.get_logger(__name__)

LEASE_SECONDS: Final = 30.0
BATCH: Final = 100
LOOK_AGAIN_SECONDS: Final = 0.5  # while a driver takes its time to end
UNAVAILABLE_SECONDS: Final = 5.0
ORPHAN_SECONDS: Final = 20.0  # between two looks for applications that should not be there
AUDIT_SECONDS: Final = 60.0  # between two looks for rows of the audit that are old enough to go
AUDIT_BATCH: Final = 10_000
DAY_MS: Final = 24 * 3600 * 1000


class Janitor:
    """One worker that ends what has to end."""

    def __init__(
        self, database: Database, clusters: Mapping[str, Cluster], *, settings: JanitorSettings, worker: UUID
    ) -> None:
        self._database = database
        self._clusters = clusters
        self._settings = settings
        self._worker = worker
        self._wakeup = asyncio.Event()
        self._orphans_at = self._audit_at = 0.0

    def reconfigure(self, clusters: Mapping[str, Cluster]) -> None:
        """Go on with other clusters."""
        self._clusters = clusters

    def hint(self, _: str = "") -> None:
        """Look for cancels now rather than at the next round."""
        self._wakeup.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop* is set: a round at each hint, and every ``period_seconds`` regardless."""
        while not stop.is_set():
            self._wakeup.clear()
            left = 0
            try:
                left = await self.run_once()
                await self._look_for_orphans()
                ROUND.labels("janitor").set_to_current_time()
            except StoreUnavailable as error:
                log.warning("nothing is ended while Postgres is away", error=str(error))
            except Exception:  # a bug must not keep all other cancels from being carried out
                log.exception("a round broke; its claims run out")
            waits = [asyncio.ensure_future(event.wait()) for event in (self._wakeup, stop)]
            timeout = LOOK_AGAIN_SECONDS if left else self._settings.period_seconds
            await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def run_once(self) -> int:
        """Do one round; how many cancels could not be finished yet."""
        async with self._database.transaction() as tx:
            if await retention.is_elected(tx):
                ids = await cancels.overdue(tx, limit=BATCH)
                if ids:
                    late = await cancels.request(
                        tx, ids, principal="janitor", reason="timeout", message="timeout_seconds passed"
                    )
                    log.info("jobs are past their deadline", count=len(late))
                await self._end_without_image(tx)
                await self._sweep(tx)
        async with self._database.transaction() as tx:
            wishes = await cancels.claim(tx, worker=self._worker, lease_seconds=LEASE_SECONDS, limit=BATCH)
        outcomes = await asyncio.gather(*map(self._cancel, wishes), return_exceptions=True)
        for wish, outcome in zip(wishes, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                log.error("a cancel broke; its claim runs out", job_id=wish.id, exc_info=outcome)
        return outcomes.count(False)

    async def _end_without_image(self, tx: Transaction) -> None:
        for job in await waits.without_image(tx, limit=BATCH):
            message = f"its driver's image cannot be pulled: {job.image_failure}"
            await cancels.request(tx, [job.id], principal="janitor", reason=Reason.IMAGE, message=message)
            log.warning("a driver waits for its image no longer", job_id=job.id)

    async def _sweep(self, tx: Transaction) -> None:
        retain_days = self._settings.retain_days
        horizon = job_id(time.time_ns() // 1_000_000 - retain_days * DAY_MS, bytes(10))
        removed = await retention.sweep(
            tx, key_days=self._settings.key_days, retain_days=retain_days, horizon=horizon, limit=BATCH
        )
        if removed:
            log.info("old jobs were removed", count=removed)
        if time.monotonic() >= self._audit_at:  # rarely: nothing of it is ever urgent
            self._audit_at = time.monotonic() + AUDIT_SECONDS
            expired = await audit.expire(tx, retain_days=self._settings.audit_days, limit=AUDIT_BATCH)
            if expired:
                log.info("old rows of the audit were removed", count=expired)

    async def _cancel(self, wish: CancelClaim) -> bool:
        """Carry out one cancel; False while the cluster still holds something of the job."""
        cluster = self._clusters.get(wish.cluster)
        if cluster is None:
            await self._later(wish, UNAVAILABLE_SECONDS)
            return False
        try:
            gone = await _end(cluster, wish)
        except UidMismatch:
            gone = False
        except ClusterError as error:
            log.warning(
                "a cancel waits for its cluster", job_id=wish.id, cluster=wish.cluster, error=str(error)
            )
            await self._later(wish, UNAVAILABLE_SECONDS)
            return False
        if not gone:
            await self._later(wish, LOOK_AGAIN_SECONDS)
            return False
        ending = Ending(
            job_id=wish.id,
            number=wish.number,
            final_state="failed",
            application_state="",
            reason=wish.reason,
            fault=FAULT_OF[Reason(wish.reason)].value,
        )
        if wish.reason == Reason.IMAGE and wish.image_failure is not None:
            message = f"{SENTENCES[Reason.IMAGE]} {wish.image_failure}"[:MAX_MESSAGE_LENGTH]
            ending = replace(ending, message=message, evidence=json.dumps([wish.image_failure]))
        async with self._database.transaction() as tx:
            await observations.end(tx, [ending])
        return True

    async def _look_for_orphans(self) -> None:
        if time.monotonic() >= self._orphans_at:
            self._orphans_at = time.monotonic() + ORPHAN_SECONDS
            await self.remove_orphans()

    async def remove_orphans(self) -> int:
        """Delete applications under way whose attempts have ended; how many.

        Such a one was created by a dispatcher that slept past the proof of its absence, or by hand from a
        copy. One whose job Archer does not know is left alone: its row may be lost, or be another Archer's.
        """
        removed = 0
        for cluster in self._clusters.values():
            try:
                removed += await self._remove_orphans_of(cluster)
            except ClusterError as error:  # the watcher says that the cluster is silent
                log.debug("no look for orphans", cluster=cluster.name, error=str(error))
        return removed

    async def _remove_orphans_of(self, cluster: Cluster) -> int:
        return sum([await self._remove_orphans_among(p.applications, cluster) async for p in cluster.pages()])

    async def _remove_orphans_among(self, applications: Sequence[Application], cluster: Cluster) -> int:
        under_way = [
            a for a in applications if not a.state.is_final and a.job_id is not None and a.attempt is not None
        ]
        async with self._database.transaction() as tx:
            pairs = [(a.job_id or "", a.attempt or 0) for a in under_way]
            closed = await observations.closed_applications(tx, cluster.name, pairs)
        removed = 0
        for application in under_way:
            if application.name not in closed:
                continue
            # again by name: the list may be older than the end that closed the attempt
            found = await cluster.get(application.namespace, application.name)
            if found is None or found.uid != application.uid or found.state.is_final:
                continue
            log.warning("an orphan is removed", cluster=cluster.name, application=application.name)
            with suppress(UidMismatch):
                await cluster.delete(found.namespace, found.name, found.uid)
                removed += 1
        return removed

    async def _later(self, wish: CancelClaim, seconds: float) -> None:
        async with self._database.transaction() as tx:
            await cancels.put_off(tx, wish, pause_seconds=seconds)


async def _end(cluster: Cluster, wish: CancelClaim) -> bool:
    """Ask for the application's end; whether neither it nor its driver is there any more."""
    found = await cluster.get(wish.namespace, wish.application)
    if found is not None and (found.job_id != wish.id or found.attempt != wish.number):
        return True  # a stranger has the name, so ours cannot be there; his is not ours to end
    if found is not None:
        await cluster.delete(wish.namespace, wish.application, found.uid)
    if await cluster.get(wish.namespace, wish.application) is not None:
        return False
    if await cluster.driver(wish.namespace, wish.application) is None:
        return True
    if found is None:
        # the operator may start a driver after its application is gone: it is ended by its labels
        await cluster.delete(wish.namespace, wish.application, wish.uid or "")
    return False
