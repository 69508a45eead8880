"""The way into one cluster: its own task, window and breaker, so that a slow cluster touches no other.

What was just placed comes by hand, with its claim. What was left over, by a fault or a full lane, is claimed
from the rows that are placed here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import structlog

from archer.clusters.port import Cluster
from archer.dispatcher.breaker import Breaker
from archer.dispatcher.creation import Creation, silence
from archer.dispatcher.moves import Moves
from archer.dispatcher.placer import Placer, Ready
from archer.dispatcher.window import Window
from archer.errors import StoreUnavailable
from archer.settings import DispatcherSettings
from archer.store import claims
from archer.store.claims import Claim
from archer.store.engine import Database
from archer.telemetry import LANE_IS_OPEN, LANE_WINDOW, ROUND

log = structlog.get_logger(__name__)

# of a lease: what has less than this left is not begun, since another may have it before it is done
SAFE_SHARE_OF_LEASE: Final = 0.5


class Lane:
    """Creates what is placed on one cluster."""

    def __init__(
        self,
        database: Database,
        cluster: Cluster,
        placer: Placer,
        *,
        settings: DispatcherSettings,
        worker: UUID,
        has_room: Callable[[], None],
    ) -> None:
        self.cluster = cluster
        self.window = Window()
        self.breaker = Breaker()
        self.is_draining = False
        self._database = database
        self._placer = placer
        self._settings = settings
        self._worker = worker
        self._has_room = has_room
        self._has_left_over = True  # rows that are placed here and were not handed over
        self._creation = Creation(database, cluster, self.breaker)
        self._moves = Moves(database, cluster, self.breaker, self._creation)
        self._handed: deque[tuple[float, Ready]] = deque()
        self._created: list[tuple[Claim, str]] = []
        self._wakeup = asyncio.Event()

    @property
    def room(self) -> int:
        """How many jobs may be handed over now."""
        return max(0, 2 * self._settings.batch - len(self._handed))

    @property
    def untried(self) -> list[str]:
        """Ids of jobs that were handed over and not begun."""
        return [ready.claim.id for _, ready in self._handed]

    def hand(self, ready: Ready) -> None:
        """Take a job that was just placed here, with its claim."""
        self._handed.append((asyncio.get_running_loop().time(), ready))
        self._wakeup.set()

    def leave(self) -> None:
        """Know of rows that were placed here and not handed over, for want of room."""
        self._has_left_over = True
        self._wakeup.set()

    async def run_once(self) -> None:
        """Do what is handed over and what can be claimed now, to the end."""
        await self._claim_left_over()
        while self._handed:
            admitted = [self._next() for _ in range(min(len(self._handed), self._settings.concurrency))]
            await asyncio.gather(*(self._work(ready) for ready in admitted if ready is not None))
        await self._finish()

    async def run(self, stop: asyncio.Event) -> None:
        """Create until *stop* is set; what is under way then is brought to its end."""
        under_way: set[asyncio.Task[None]] = set()
        finishing: asyncio.Task[None] | None = None
        looked_at = float("-inf")
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            self._wakeup.clear()
            if self._created and finishing is None:
                finishing = asyncio.create_task(self._finish_or_warn())
            is_due = self._has_left_over or loop.time() - looked_at >= self._settings.poll_seconds
            if not self._handed and is_due:
                looked_at = loop.time()
                await self._claim_or_warn()
            while self._handed and len(under_way) < self._settings.concurrency and not stop.is_set():
                ready = self._next()
                if ready is not None:
                    under_way.add(asyncio.create_task(self._work(ready)))
                if len(self._handed) == self._settings.batch:
                    self._has_room()
            waits = {asyncio.ensure_future(event.wait()) for event in (self._wakeup, stop)}
            busy = under_way | ({finishing} if finishing else set())
            await asyncio.wait(
                waits | busy, timeout=self._settings.poll_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            for wait in waits:
                wait.cancel()
            under_way = {task for task in under_way if not task.done()}
            finishing = None if finishing is not None and finishing.done() else finishing
        await asyncio.gather(*under_way, *([finishing] if finishing else []))
        await self._finish_or_warn()

    def _next(self) -> Ready | None:
        """Take the next job, unless its lease may run out before it is created."""
        handed_at, ready = self._handed.popleft()
        age_seconds = asyncio.get_running_loop().time() - handed_at
        return ready if age_seconds < self._settings.lease_seconds * SAFE_SHARE_OF_LEASE else None

    async def _work(self, ready: Ready) -> None:
        await self._end(ready.claim, lambda: self._creation.create(ready))

    async def _move(self, claim: Claim) -> None:
        await self._end(claim, lambda: self._moves.move(claim))

    async def _end(self, claim: Claim, deal_with: Callable[[], Awaitable[str | None]]) -> None:
        """End a claim by asking the cluster, or give it back where the cluster is not to be asked now."""
        try:
            now = asyncio.get_running_loop().time()
            if not self.breaker.admits(now):
                waiting = silence(self.cluster.name, "it is asked rarely until it does")
                pause_seconds = self.breaker.remaining_seconds(now)
                await self._creation.give_back(claim, pause_seconds=pause_seconds, waiting=waiting)
                return
            try:
                uid = await deal_with()
            finally:
                self.breaker.is_over()
        except StoreUnavailable as error:
            log.warning("a claim is left to run out while Postgres is away", error=str(error))
        except Exception:  # a bug in one must not stop the others
            log.exception("a dispatch broke; its claim runs out", job_id=claim.id)
        else:
            if uid is not None:
                self._created.append((claim, uid))

    async def _claim_left_over(self) -> None:
        """Claim rows that are placed here; one only, as a trial, where the cluster was silent."""
        now = asyncio.get_running_loop().time()
        LANE_IS_OPEN.labels(self.cluster.name).set(int(self.breaker.is_open))
        LANE_WINDOW.labels(self.cluster.name).set(self.window.size)
        if self.breaker.remaining_seconds(now) > 0:
            return
        limit = 1 if self.breaker.is_open else self._settings.batch
        async with self._database.transaction() as tx:
            claimed = await claims.claim_placed(
                tx,
                self.cluster.name,
                worker=self._worker,
                lease_seconds=self._settings.lease_seconds,
                limit=limit,
                creates=not self.is_draining,
            )
        self._has_left_over = len(claimed) == limit
        if self.is_draining:
            await asyncio.gather(*map(self._move, claimed))
            return
        for ready in await self._placer.again(claimed):
            self.hand(ready)

    async def _claim_or_warn(self) -> None:
        try:
            await self._claim_left_over()
            ROUND.labels(f"dispatcher {self.cluster.name}").set_to_current_time()
        except StoreUnavailable as error:
            log.warning("no claims while Postgres is away", cluster=self.cluster.name, error=str(error))
        except Exception:  # a bug must not stop the lane
            log.exception("a round broke; its claims run out", cluster=self.cluster.name)

    async def _finish(self) -> None:
        created, self._created = self._created, []
        if created:
            async with self._database.transaction() as tx:
                await claims.finish(tx, created)

    async def _finish_or_warn(self) -> None:
        try:
            await self._finish()
        except StoreUnavailable as error:  # the claims run out, and the applications are met again
            log.warning("what was created is noted later", cluster=self.cluster.name, error=str(error))
        except Exception:
            log.exception("what was created is noted later", cluster=self.cluster.name)
