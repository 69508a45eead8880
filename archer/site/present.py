"""The present site: what every process asks when it needs a cluster, and waits on when that may change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from archer.clusters.port import Cluster
from archer.domain.cluster import ClusterProfile
from archer.domain.tenancy.policy import Policy


@dataclass(frozen=True, slots=True)
class Site:
    """The clusters and queues, as of one moment."""

    clusters: Mapping[
        str, Cluster
    ]  # all that are followed: the configured ones, and removed ones with live jobs
    profiles: tuple[ClusterProfile, ...]  # the configured ones: only these are given jobs
    queues: Mapping[str, tuple[int, str]]
    default_queue: str
    policy: Policy | None = None  # None: there is no policy file, and nothing is asked of a tenant
    configs: Mapping[str, object] = field(default_factory=dict)  # what each connection was made of


class Sites:
    """The present site, and a way to await the next."""

    def __init__(self, site: Site) -> None:
        self.current = site
        self.problem = ""  # why the file's present content is not used, if it is not
        self._changed = asyncio.Event()

    def publish(self, site: Site) -> None:
        """Make *site* the present one."""
        self.current = site
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, seen: Site) -> Site:
        """Wait until the present site is another than *seen*."""
        while self.current is seen:
            await self._changed.wait()
        return self.current

    async def changes(self, seen: Site, *, stop: asyncio.Event) -> AsyncIterator[Site]:
        """Yield each site after *seen* until *stop* is set; of several at once only the last."""
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                changed = asyncio.ensure_future(self.after(seen))
                await asyncio.wait({changed, stopping}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                if self.current is not seen and not stop.is_set():
                    seen = self.current
                    yield seen
        finally:
            stopping.cancel()
