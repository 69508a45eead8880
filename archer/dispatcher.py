"""Row to SparkApplication: claim, place, create, finish. Safe to repeat at every step.

The cluster and the name are committed before the create call, and the name comes from the job: a repeated
create meets its own object, never a second run. No transaction is open while a cluster answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import structlog

from archer.clusters.port import Cluster
from archer.domain.cluster import ClusterProfile
from archer.domain.states import Reason
from archer.errors import AlreadyExists, ClusterError, ClusterUnavailable, ManifestRejected, StoreUnavailable
from archer.placer import Placer, Ready
from archer.settings import DispatcherSettings
from archer.store import claims
from archer.store.engine import Database
from archer.telemetry import DISPATCHES, ROUND
from archer.translate.observe import Application

log = structlog.get_logger(__name__)

UNAVAILABLE_PAUSE_SECONDS: Final = 5.0
MAX_PAUSE_SECONDS: Final = 300.0  # however long a cluster asks us to stay away


class Dispatcher:
    """One worker that claims jobs and creates their applications."""

    def __init__(
        self,
        database: Database,
        clusters: Mapping[str, Cluster],
        profiles: Sequence[ClusterProfile],
        *,
        settings: DispatcherSettings,
        worker: UUID,
    ) -> None:
        self._database = database
        self._clusters = clusters
        self._placer = Placer(database, profiles)
        self._settings = settings
        self._worker = worker
        self._wakeup = asyncio.Event()
        self._slots = {name: asyncio.Semaphore(settings.concurrency) for name in clusters}

    def hint(self, _: str = "") -> None:
        """Look for work now rather than at the next poll."""
        self._wakeup.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until *stop* is set. Woken by hints; looks every ``poll_seconds`` regardless."""
        while not stop.is_set():
            self._wakeup.clear()
            try:
                claimed = await self.run_once()
                ROUND.labels("dispatcher").set_to_current_time()
            except StoreUnavailable as error:
                log.warning("no claims while Postgres is away", error=str(error))
                claimed = 0
            except Exception:  # a bug must not stop the jobs that it has nothing to do with
                log.exception("a round broke; its claims run out")
                claimed = 0
            if claimed < self._settings.batch:  # a full batch means more may be waiting
                await self._wait(stop)
        try:
            async with self._database.transaction() as tx:
                await claims.release(tx, self._worker)
        except StoreUnavailable:
            log.warning("claims were not released; they run out by themselves")

    async def _wait(self, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._wakeup, stop)]
        await asyncio.wait(waits, timeout=self._settings.poll_seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def run_once(self) -> int:
        """Claim one batch and dispatch it; how many jobs were claimed."""
        async with self._database.transaction() as tx:
            claimed = await claims.claim(
                tx,
                worker=self._worker,
                lease_seconds=self._settings.lease_seconds,
                limit=self._settings.batch,
            )
        if not claimed:
            return 0
        ready = await self._placer.place(claimed)
        outcomes = await asyncio.gather(*map(self._dispatch, ready), return_exceptions=True)
        done = []
        for one, outcome in zip(ready, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                log.error("a dispatch broke; its claim runs out", job_id=one.claim.id, exc_info=outcome)
            elif outcome is not None:
                done.append((one.claim, outcome))
        if done:
            async with self._database.transaction() as tx:
                await claims.finish(tx, done)
        return len(claimed)

    async def _dispatch(self, ready: Ready) -> str | None:
        """Make the job's cluster hold its application; the uid, or None when the claim ended otherwise."""
        cluster = self._clusters[ready.cluster]
        async with self._slots[ready.cluster]:
            try:
                uid = (await cluster.create(ready.rendered.manifest)).uid
                DISPATCHES.labels(cluster.name, "created").inc()
            except AlreadyExists:
                uid = await self._adopt(cluster, ready)
            except ManifestRejected as error:
                uid = await self._refused(cluster, ready, error)
            except ClusterError as error:
                DISPATCHES.labels(cluster.name, "unavailable").inc()
                await self._give_back(ready, error)
                return None
        return uid

    async def _refused(self, cluster: Cluster, ready: Ready, error: ManifestRejected) -> str | None:
        """Fail the job, unless an earlier try was taken: the cluster's rules may have changed in between."""
        metadata = ready.rendered.manifest["metadata"]
        try:
            found = await cluster.get(metadata["namespace"], metadata["name"])
        except ClusterError as silence:
            await self._give_back(ready, silence)
            return None
        if found is not None and _is_ours(found, ready):
            DISPATCHES.labels(cluster.name, "adopted").inc()
            return found.uid
        DISPATCHES.labels(cluster.name, "rejected").inc()
        await self._reject(ready, Reason.SUBMIT_INVALID, f"The cluster refused the manifest: {error}")
        return None

    async def _adopt(self, cluster: Cluster, ready: Ready) -> str | None:
        """Take an application that is there already: ours, by its labels, or a stranger's."""
        metadata = ready.rendered.manifest["metadata"]
        try:
            found = await cluster.get(metadata["namespace"], metadata["name"])
        except ClusterError as error:
            await self._give_back(ready, error)
            return None
        if found is None:  # created and gone: the watcher judges what became of it
            return ""
        if _is_ours(found, ready):
            DISPATCHES.labels(cluster.name, "adopted").inc()
            log.info("created by an earlier try", job_id=ready.claim.id, cluster=cluster.name)
            return found.uid
        DISPATCHES.labels(cluster.name, "conflict").inc()
        log.error("a stranger's application has the job's name", job_id=ready.claim.id, cluster=cluster.name)
        message = f"Another object has the name {metadata['name']} in cluster {cluster.name}."
        await self._reject(ready, Reason.NAME_CONFLICT, message)
        return None

    async def _reject(self, ready: Ready, reason: Reason, message: str) -> None:
        async with self._database.transaction() as tx:
            await claims.reject(tx, ready.claim, reason=reason, message=message)

    async def _give_back(self, ready: Ready, error: ClusterError) -> None:
        """End the claim without an outcome: the job keeps its cluster and name, since it may exist there."""
        pause = UNAVAILABLE_PAUSE_SECONDS
        if isinstance(error, ClusterUnavailable) and error.retry_after_seconds is not None:
            pause = min(max(error.retry_after_seconds, 0.0), MAX_PAUSE_SECONDS)
        waiting = f"cluster {ready.cluster} does not answer: {error}"
        async with self._database.transaction() as tx:
            await claims.give_back(tx, ready.claim, pause_seconds=pause, waiting=waiting)


def _is_ours(found: Application, ready: Ready) -> bool:
    return found.job_id == ready.claim.id and found.attempt == ready.number
