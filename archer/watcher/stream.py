"""Lists one kind of object of a cluster and follows its changes, for as long as the process lives.

A watch that its server ends in good order goes on from the last version that was recorded; whatever else ends
it is followed by a full list, and so is every ``relist_seconds``.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

import structlog

from archer.clusters.coalescing import coalesced
from archer.clusters.port import Change, DriverChange
from archer.errors import ClusterError, ClusterUnavailable, StoreUnavailable, WatchExpired
from archer.settings import WatcherSettings

log = structlog.get_logger(__name__)

BACKOFF_FIRST_SECONDS: Final = 0.5
BACKOFF_LAST_SECONDS: Final = 30.0
OWED_RELIST_SECONDS: Final = 2.0

C = TypeVar("C", Change, DriverChange)


class Source(Protocol[C]):
    """One kind of object of one cluster, and where what is seen of it is recorded."""

    @property
    def what(self) -> str:
        """Whose objects, and of which kind; for the log."""
        ...

    @property
    def is_owed(self) -> bool:
        """Whether something seen waits for what could not be had: list again soon."""
        ...

    async def relist(self) -> str:
        """Record everything that there is; the version to watch from."""
        ...

    def watch(self, resource_version: str) -> AsyncIterator[C]:
        """Follow changes after a version."""
        ...

    async def record(self, changes: Sequence[C]) -> None:
        """Record changes that came together."""
        ...

    async def note_silence(self, message: str) -> None:
        """Note that the cluster does not answer."""
        ...


class Stream(Generic[C]):
    """Keeps one source's rows true."""

    def __init__(self, source: Source[C], *, settings: WatcherSettings) -> None:
        self._source = source
        self._settings = settings
        self._version: str | None = None  # none: to be listed
        self._relist_at = 0.0
        self._retry_after_seconds = 0.0
        self._silent_since: float | None = None
        self.is_following = False  # whether a watch is open, after a list that came to its end

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until *stop* is set; a cluster that does not answer is asked again, ever more slowly."""
        loop = asyncio.get_running_loop()
        pause = BACKOFF_FIRST_SECONDS
        while not stop.is_set():
            begun = loop.time()
            await self._once(stop)
            # a watch that lived for long was a good one; one that ended at once must not make us ask at once
            lived = loop.time() - begun
            pause = BACKOFF_FIRST_SECONDS if lived > BACKOFF_LAST_SECONDS else pause
            if self._source.is_owed:
                pause = min(pause, OWED_RELIST_SECONDS)
            jittered = pause * random.uniform(0.5, 1.0)  # noqa: S311  (jitter)
            await _pause(stop, max(jittered, self._retry_after_seconds))
            pause = min(pause * 2, BACKOFF_LAST_SECONDS)

    async def _once(self, stop: asyncio.Event) -> None:
        """List where that is due, and follow; whatever breaks, the loop goes on, and lists."""
        loop = asyncio.get_running_loop()
        version, self._version, self._retry_after_seconds = self._version, None, 0.0
        what = self._source.what
        try:
            if version is None or loop.time() >= self._relist_at:
                self._relist_at = loop.time() + self._settings.relist_seconds
                version = await self._source.relist()
                self._note_answer()
            self._version = await self._follow(version, stop)
        except WatchExpired:
            log.info("a watch expired: listing again", what=what)
        except ClusterError as error:
            if self._silent_since is None:  # one line for an outage, however long it is
                self._silent_since = loop.time()
                log.warning("a cluster does not answer", what=what, error=str(error))
            if isinstance(error, ClusterUnavailable):
                self._retry_after_seconds = error.retry_after_seconds or 0.0
            await self._source.note_silence(str(error))
        except StoreUnavailable as error:
            log.warning("nothing is recorded while Postgres is away", what=what, error=str(error))
        except Exception:  # a bug must not blind us to the others, which this process watches too
            log.exception("a round broke: listing again", what=what)

    def _note_answer(self) -> None:
        if self._silent_since is not None:
            seconds = round(asyncio.get_running_loop().time() - self._silent_since, 1)
            log.info("a cluster answers again", what=self._source.what, after_seconds=seconds)
            self._silent_since = None

    async def _follow(self, version: str, stop: asyncio.Event) -> str | None:
        """Record changes as they come, until the server ends the watch or a relist is due.

        Returns:
            The version to go on from; None when it has to be listed anew.
        """
        loop = asyncio.get_running_loop()
        due = asyncio.Event()  # also when the watch says nothing at all
        timers = [loop.call_at(self._relist_at, due.set)]
        if self._source.is_owed:  # by the list itself; a quiet watch would say nothing for a minute
            timers.append(loop.call_later(OWED_RELIST_SECONDS, due.set))
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: due.set())
        changes = self._source.watch(version)
        self.is_following = True
        try:
            async for batch in coalesced(changes, flush_seconds=self._settings.flush_seconds, stop=due):
                await self._source.record(batch)
                version = batch[-1].resource_version
                if self._source.is_owed:
                    timers.append(loop.call_later(OWED_RELIST_SECONDS, due.set))
        finally:
            self.is_following = False
            stopping.cancel()
            for timer in timers:
                timer.cancel()
        return None if due.is_set() else version


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
