"""The changes of the fake cluster, of applications or of drivers: their history, and who hears of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from archer.clusters.port import Change, DriverChange
from archer.errors import ClusterUnavailable, WatchExpired

C = TypeVar("C", Change, DriverChange)


class Stream(Generic[C]):
    """History and open watches, with the ways in which watches go wrong."""

    def __init__(self, kind: type[C], *, bookmark_seconds: float) -> None:
        self._kind = kind
        self._bookmark_seconds = bookmark_seconds
        self._life = uuid.uuid4().hex[:8]
        self._history: list[C] = []
        self._oldest = 0
        self._watches: set[asyncio.Queue[C | Exception | None]] = set()
        self._is_silent = False
        self._skips = 0
        self._copies = 0

    def expire_watches(self) -> None:
        """Forget history: open watches end with 410, and older versions are refused."""
        self._oldest = len(self._history)
        self._tell(WatchExpired("410 gone"))

    def start_new_life(self) -> None:
        """Be restored from elsewhere: every version ever given is refused."""
        self._life = uuid.uuid4().hex[:8]
        self._tell(WatchExpired("410 gone"))

    def break_watches(self) -> None:
        """Let open watches fail as a broken connection does."""
        self._tell(ClusterUnavailable("the stream broke"))

    def end_watches(self) -> None:
        """Let open watches end as an API server ends them after some minutes."""
        self._tell(None)

    def silence_watches(self) -> None:
        """Let watches say nothing any more, without ending them."""
        self._is_silent = True

    def heal_watches(self) -> None:
        """Let watches speak again; what was not said stays unsaid."""
        self._is_silent = False

    def skip_events(self, count: int) -> None:
        """Leave out the next events."""
        self._skips += count

    def duplicate_events(self, count: int) -> None:
        """Say the next events twice."""
        self._copies += count

    async def follow(self, resource_version: str) -> AsyncIterator[C]:
        """Tell what came after a version, and then what comes."""
        missed = self._after(resource_version)
        inbox: asyncio.Queue[C | Exception | None] = asyncio.Queue()
        self._watches.add(inbox)
        try:
            for change in missed:
                yield change
            while True:
                try:
                    item = await asyncio.wait_for(inbox.get(), self._bookmark_seconds)
                except TimeoutError:
                    if not self._is_silent:
                        yield self._kind("bookmark", self.version(), None)
                    continue
                if isinstance(item, Exception):
                    raise item
                if item is None:
                    return
                yield item
        finally:
            self._watches.discard(inbox)

    def next_version(self) -> str:
        """The version of the change that is recorded next."""
        return f"{self._life}.{len(self._history) + 1}"

    def record(self, change: C) -> None:
        """Let *change* have happened, and tell those who watch."""
        self._history.append(change)
        if not _is_ours(change) or self._is_silent:
            return
        if self._skips:
            self._skips -= 1
            return
        self._tell(change)
        if self._copies:
            self._copies -= 1
            self._tell(change)

    def _tell(self, item: C | Exception | None) -> None:
        for inbox in list(self._watches):
            inbox.put_nowait(item)

    def version(self) -> str:
        """The version of now."""
        return f"{self._life}.{len(self._history)}"

    def _after(self, version: str) -> list[C]:
        life, _, digits = version.partition(".")
        if (
            life != self._life
            or not digits.isdecimal()
            or not self._oldest <= int(digits) <= len(self._history)
        ):
            raise WatchExpired("410 gone: the version is too old, or of another life")
        return [change for change in self._history[int(digits) :] if _is_ours(change)]


def _is_ours(change: Change | DriverChange) -> bool:
    told = change.driver if isinstance(change, DriverChange) else change.application
    return told is not None and told.job_id is not None
