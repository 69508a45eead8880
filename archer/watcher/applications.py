"""Cluster to row: what the clusters show becomes the truth in Postgres.

A list and a watched event are read alike, and any order ends the same. What is missing from a *successful*
list is asked for by name before it counts as gone; a failed list changes nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final

import structlog

from archer.clusters.coalescing import coalesced
from archer.clusters.port import Cluster
from archer.domain.states import JobState
from archer.errors import ClusterError, StoreUnavailable, WatchExpired
from archer.settings import WatcherSettings
from archer.store import inventory, observations
from archer.store.engine import Database
from archer.store.observations import LiveAttempt, Observation
from archer.telemetry import ROUND, WATCH_AGE
from archer.translate.observe import Application
from archer.verdicts import Verdicts

log = structlog.get_logger(__name__)

BACKOFF_FIRST_SECONDS: Final = 0.5
BACKOFF_LAST_SECONDS: Final = 30.0
OWED_RELIST_SECONDS: Final = 2.0


class Watcher:
    """Watches one cluster."""

    def __init__(self, database: Database, cluster: Cluster, *, settings: WatcherSettings) -> None:
        self._database = database
        self._cluster = cluster
        self._settings = settings
        self._verdicts = Verdicts(database, cluster)

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until *stop* is set; a cluster that does not answer is asked again, ever more slowly."""
        loop = asyncio.get_running_loop()
        pause = BACKOFF_FIRST_SECONDS
        while not stop.is_set():
            begun = loop.time()
            await self._watch_once(stop)
            # a watch that lived for long was a good one; one that ended at once must not make us list at once
            lived = loop.time() - begun
            pause = BACKOFF_FIRST_SECONDS if lived > BACKOFF_LAST_SECONDS else pause
            if self._verdicts.is_owed:
                pause = min(pause, OWED_RELIST_SECONDS)
            await _pause(stop, pause * random.uniform(0.5, 1.0))  # noqa: S311  (jitter)
            pause = min(pause * 2, BACKOFF_LAST_SECONDS)

    async def _watch_once(self, stop: asyncio.Event) -> None:
        """List and follow until a relist is due or something breaks; whatever breaks, the loop goes on."""
        try:
            await self._follow(await self.relist(), stop)
        except WatchExpired:
            log.info("the watch expired: listing again", cluster=self._cluster.name)
        except ClusterError as error:
            log.warning("a cluster does not answer", cluster=self._cluster.name, error=str(error))
            await self._note_silence(str(error))
        except StoreUnavailable as error:
            log.warning("nothing is recorded while Postgres is away", error=str(error))
        except Exception:  # a bug must not blind us to the other clusters, which this process watches too
            log.exception("a round broke: listing again", cluster=self._cluster.name)

    async def relist(self) -> str:
        """Read everything the cluster holds, judge what is missing, and return the version to watch from."""
        version = await self._cluster.probe()
        # the rows first: an attempt placed after this list began must not be taken for missing
        async with self._database.transaction() as tx:
            await inventory.heard(tx, self._cluster.name, version=version)
            live = await observations.live_attempts(tx, self._cluster.name)
        listing = await self._cluster.list()
        await self.apply(listing.applications, resource_version=listing.resource_version)
        listed = {application.name: application for application in listing.applications}
        for attempt in live:
            if not _is_of(listed.get(attempt.application), attempt):
                await self._confirm_missing(attempt)
        return listing.resource_version

    async def apply(
        self, applications: Sequence[Application], *, resource_version: str | None = None
    ) -> None:
        """Record what *applications* show, and how far the cluster has been read, in one transaction."""
        ours = [a for a in applications if a.job_id is not None and a.attempt is not None]
        endings = await self._verdicts.of([a for a in ours if a.state.is_final])
        async with self._database.transaction() as tx:
            await observations.record(tx, [_observation(a) for a in ours if not a.state.is_final])
            await observations.end(tx, endings)
            if resource_version is not None:
                await observations.checkpoint(tx, self._cluster.name, resource_version)
        WATCH_AGE.labels(self._cluster.name).set_to_current_time()
        ROUND.labels(f"watcher {self._cluster.name}").set_to_current_time()

    async def _follow(self, resource_version: str, stop: asyncio.Event) -> None:
        """Apply changes as they come, those that come together in one transaction, until a relist is due."""
        due = asyncio.Event()  # also when the watch says nothing at all
        loop = asyncio.get_running_loop()
        timers = [loop.call_later(self._settings.relist_seconds, due.set)]
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: due.set())
        changes = self._cluster.watch(resource_version)
        try:
            async for batch in coalesced(changes, flush_seconds=self._settings.flush_seconds, stop=due):
                upserted = [
                    c.application for c in batch if c.kind == "upserted" and c.application is not None
                ]
                await self.apply(upserted, resource_version=batch[-1].resource_version)
                for change in batch:
                    if change.kind == "deleted" and change.application is not None:
                        await self._on_deleted(change.application)
                if self._verdicts.is_owed:
                    timers.append(loop.call_later(OWED_RELIST_SECONDS, due.set))
        finally:
            stopping.cancel()
            for timer in timers:
                timer.cancel()

    async def _on_deleted(self, application: Application) -> None:
        # its last state counts, not its removal; and that it was there at all, if nobody had seen it yet
        await self.apply([application])
        async with self._database.transaction() as tx:
            live = await observations.live_attempts(tx, self._cluster.name, application=application.name)
        for attempt in live:
            await self._confirm_missing(attempt)

    async def _confirm_missing(self, attempt: LiveAttempt) -> None:
        """End an attempt whose application is gone, once the cluster says so by name.

        A job in dispatch may not be created yet, and a cancel proves absence by itself: both are left alone.
        """
        if attempt.state in (JobState.DISPATCHING, JobState.CANCELLING):
            return
        found = await self._cluster.get(attempt.namespace, attempt.application)
        if found is not None and _is_of(found, attempt):
            await self.apply([found])
            return
        log.warning("an application was deleted by others", job_id=attempt.job_id, cluster=self._cluster.name)
        ending = await self._verdicts.of_missing(attempt)
        async with self._database.transaction() as tx:
            await observations.end(tx, [ending])

    async def _note_silence(self, message: str) -> None:
        try:
            async with self._database.transaction() as tx:
                await inventory.silent(tx, self._cluster.name, message=message)
        except StoreUnavailable:
            log.warning("Postgres is away too")


def _is_of(found: Application | None, attempt: LiveAttempt) -> bool:
    """Whether *found* is the attempt's own application, not one that somebody made under its name."""
    if found is None or found.job_id != attempt.job_id or found.attempt != attempt.number:
        return False
    return not attempt.uid or found.uid == attempt.uid


def _observation(application: Application) -> Observation:
    return Observation(
        job_id=application.job_id or "",
        number=application.attempt or 0,
        rank=application.rank,
        seen_state=application.state.value,
        application_state=application.application_state,
        uid=application.uid,
        spark_app_id=application.spark_app_id,
        driver_pod=application.driver_pod,
        executors_running=application.executors_running,
        executors_failed=application.executors_failed,
        executors_completed=application.executors_completed,
        started_at=application.driver_started_at,
    )


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
