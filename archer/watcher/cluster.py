"""The watcher of one cluster: its two streams, and what only the passing of time shows."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from archer.clusters.port import Cluster
from archer.errors import ClusterError, StoreUnavailable
from archer.settings import WatcherSettings
from archer.store.engine import Database
from archer.store.pods import waits
from archer.watcher.applications import Applications
from archer.watcher.drivers import Drivers
from archer.watcher.stream import Stream

log = structlog.get_logger(__name__)

TELL_SECONDS: Final = 10.0
# Our choice: an operator that is up writes its first word within seconds, one that restarts within this.
UNACKNOWLEDGED_SECONDS: Final = 60.0
UNACKNOWLEDGED: Final = "the spark-operator of this cluster has not taken up the application"


class Watcher:
    """Watches one cluster."""

    def __init__(self, database: Database, cluster: Cluster, *, settings: WatcherSettings) -> None:
        self._database = database
        self._cluster = cluster
        self.applications = Applications(database, cluster)
        self.drivers = Drivers(database, cluster, settings=settings)
        self._streams = (
            Stream(self.applications, settings=settings),
            Stream(self.drivers, settings=settings),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until *stop* is set."""
        applications, drivers = self._streams
        await asyncio.gather(applications.run(stop), drivers.run(stop), self._tell(stop))

    async def relist(self) -> None:
        """Record everything once, applications and then drivers."""
        await self.applications.relist()
        await self.drivers.relist()

    async def tell_waiting(self) -> None:
        """Let jobs say what has kept them waiting for long."""
        if self._streams[0].is_following:  # what was not seen must not be taken for what did not happen
            async with self._database.transaction() as tx:
                await waits.tell_unacknowledged(
                    tx, self._cluster.name, words=UNACKNOWLEDGED, seconds=UNACKNOWLEDGED_SECONDS
                )
        await self.drivers.tell_again()

    async def _tell(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TELL_SECONDS)
                return
            try:
                await self.tell_waiting()
            except (ClusterError, StoreUnavailable) as error:
                log.warning("why drivers wait cannot be told", cluster=self._cluster.name, error=str(error))
            except Exception:  # a bug must not stop the streams
                log.exception("a round of telling broke", cluster=self._cluster.name)
