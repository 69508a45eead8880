"""Applications of a cluster to rows.

A list and a watched event are read alike, and any order ends the same. What is missing from a *successful*
list is asked for by name before it counts as gone; a failed list changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import structlog

from archer.clusters.port import Change, Cluster
from archer.domain.identifiers import application_name
from archer.domain.masking import masked_text
from archer.domain.states import JobState
from archer.errors import StoreUnavailable
from archer.store import inventory, observations
from archer.store.engine import Database
from archer.store.observations import LiveAttempt, Observation
from archer.telemetry import ROUND, WATCH_AGE
from archer.translate.observe import Application
from archer.verdicts import Rechecks

log = structlog.get_logger(__name__)


class Applications:
    """The applications of one cluster, as a source of a stream."""

    def __init__(self, database: Database, cluster: Cluster) -> None:
        self._database = database
        self._cluster = cluster
        self._verdicts = Rechecks(database, cluster)

    @property
    def what(self) -> str:
        """Whose objects, for the log."""
        return f"applications of {self._cluster.name}"

    @property
    def is_owed(self) -> bool:
        """Whether some ended attempt still waits for its evidence."""
        return self._verdicts.is_owed

    async def relist(self) -> str:
        """Record everything the cluster holds, page by page, and judge what is missing in the end."""
        version = await self._cluster.probe()
        # the time first: an attempt placed after this list began must not be taken for missing
        async with self._database.transaction() as tx:
            await inventory.heard(tx, self._cluster.name, version=version)
            begun_at = await observations.now(tx)
        listed: dict[str, str] = {}  # only names and uids: there may be tens of thousands
        reached = ""
        async for page in self._cluster.pages():
            if page.is_restart:
                listed.clear()
            await self.apply(page.applications)
            listed.update((a.name, a.uid) for a in page.applications if _is_named(a))
            reached = page.resource_version
        after = ""
        while live := await self._live(begun_at, after):
            for attempt in live:
                if not _is_listed(listed, attempt):
                    await self._confirm_missing(attempt)
            after = live[-1].job_id
        async with self._database.transaction() as tx:
            await observations.checkpoint(tx, self._cluster.name, reached)
        return reached

    def watch(self, resource_version: str) -> AsyncIterator[Change]:
        """Follow changes after a version."""
        return self._cluster.watch(resource_version)

    async def record(self, changes: Sequence[Change]) -> None:
        """Record changes that came together, deletions after what was there before them."""
        # of what is deleted its last state counts, and that it was there at all, if nobody had seen it yet
        seen = [change.application for change in changes if change.application is not None]
        await self.apply(seen, resource_version=changes[-1].resource_version)
        gone = [c.application.name for c in changes if c.kind == "deleted" and c.application is not None]
        if not gone:
            return
        async with self._database.transaction() as tx:
            live = await observations.live_named(tx, self._cluster.name, gone)
        for attempt in live:
            await self._confirm_missing(attempt)

    async def note_silence(self, message: str) -> None:
        """Let the cluster be shown as one that does not answer."""
        try:
            async with self._database.transaction() as tx:
                await inventory.silent(tx, self._cluster.name, message=masked_text(message))
        except StoreUnavailable:
            log.warning("Postgres is away too")

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

    async def _live(self, placed_until: datetime, after: str) -> list[LiveAttempt]:
        async with self._database.transaction() as tx:
            return await observations.live_attempts(
                tx, self._cluster.name, placed_until=placed_until, after=after
            )

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


def _is_named(application: Application) -> bool:
    """Whether an application has the name that its own labels stand for, as each of Archer's has."""
    if application.job_id is None or application.attempt is None:
        return False
    return application.name == application_name(application.job_id, application.attempt)


def _is_listed(listed: Mapping[str, str], attempt: LiveAttempt) -> bool:
    uid = listed.get(attempt.application)
    return uid is not None and attempt.uid in (None, "", uid)


def _is_of(found: Application, attempt: LiveAttempt) -> bool:
    """Whether *found* is the attempt's own application, not one that somebody made under its name."""
    if found.job_id != attempt.job_id or found.attempt != attempt.number:
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
        created_at=application.created_at or None,
    )
