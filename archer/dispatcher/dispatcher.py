"""Row to SparkApplication: claim, place, create, finish. Safe to repeat at every step.

The cluster and the name are committed before the create call, and the name comes from the job: a repeated
create meets its own object, never a second run. No transaction is open while a cluster answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from archer.clusters.port import Cluster
from archer.dispatcher.lane import Lane
from archer.dispatcher.placer import Placer
from archer.domain.cluster import ClusterProfile
from archer.domain.tenancy.policy import Policy
from archer.errors import StoreUnavailable
from archer.settings import DispatcherSettings
from archer.store import claims
from archer.store.engine import Database
from archer.telemetry import ROUND

log = structlog.get_logger(__name__)


class Dispatcher:
    """One worker: it places queued jobs, and has a lane into each cluster."""

    def __init__(
        self,
        database: Database,
        clusters: Mapping[str, Cluster],
        profiles: Sequence[ClusterProfile],
        *,
        settings: DispatcherSettings,
        worker: UUID,
        policy: Policy | None = None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._worker = worker
        self._wakeup = asyncio.Event()
        self._lanes: dict[str, Lane] = {}
        self._running: dict[Lane, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._placer = Placer(database, self._lanes, worker=worker, settings=settings)
        self.reconfigure(clusters, profiles, policy)

    def reconfigure(
        self,
        clusters: Mapping[str, Cluster],
        profiles: Sequence[ClusterProfile],
        policy: Policy | None = None,
    ) -> None:
        """Take other clusters and another policy from now on; lanes of the same clusters go on undisturbed.

        A cluster without a profile gets no new jobs, and those that were placed on it move away.
        """
        for name, lane in list(self._lanes.items()):
            if clusters.get(name) is not lane.cluster:
                del self._lanes[name]
        for name, cluster in clusters.items():
            if name not in self._lanes:
                self._lanes[name] = Lane(
                    self._database,
                    cluster,
                    self._placer,
                    settings=self._settings,
                    worker=self._worker,
                    has_room=self.hint,
                )
        self._placer.policy = policy
        self._placer.profiles = {profile.name: profile for profile in profiles if profile.name in clusters}
        self.hint()

    def hint(self, _: str = "") -> None:
        """Look for work now rather than at the next poll."""
        self._wakeup.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until *stop* is set. Woken by hints; looks every ``poll_seconds`` regardless."""
        while not stop.is_set():
            self._wakeup.clear()
            self._run_lanes()
            placed = await self._place()
            if placed < self._settings.batch:  # a full batch means more may be waiting
                await self._wait(stop)
        untried = [job for lane in self._lanes.values() for job in lane.untried]
        self._lanes.clear()
        self._run_lanes()
        await asyncio.gather(*self._ending)
        try:
            async with self._database.transaction() as tx:
                await claims.release(tx, self._worker, untried=untried)
        except StoreUnavailable:
            log.warning("claims were not released; they run out by themselves")

    async def run_once(self) -> int:
        """Place one batch, and create all that is placed; how many jobs were claimed to be placed."""
        claimed = await self._placer.place()
        await asyncio.gather(*(lane.run_once() for lane in self._lanes.values()))
        return claimed

    async def _place(self) -> int:
        try:
            claimed = await self._placer.place()
            ROUND.labels("dispatcher").set_to_current_time()
            return claimed
        except StoreUnavailable as error:
            log.warning("no claims while Postgres is away", error=str(error))
        except Exception:  # a bug must not stop the jobs that it has nothing to do with
            log.exception("a round broke; its claims run out")
        return 0

    def _run_lanes(self) -> None:
        """Start lanes that are new, and let those that are gone end what they have under way."""
        for lane in self._lanes.values():
            if lane not in self._running:
                end = asyncio.Event()
                self._running[lane] = (asyncio.create_task(lane.run(end)), end)
        for lane in [lane for lane in self._running if lane not in self._lanes.values()]:
            task, end = self._running.pop(lane)
            end.set()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _wait(self, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._wakeup, stop)]
        await asyncio.wait(waits, timeout=self._settings.poll_seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
