"""The clusters file and the policy file, read again while Archer runs, and the connections that they ask for.

A wrong content keeps the last good one. Only what changed is opened or closed. A cluster that was removed is
given no new jobs, and followed until it holds none.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from archer.clusters.port import Cluster
from archer.domain.tenancy.policy import Policy
from archer.errors import SettingsError, StoreUnavailable
from archer.settings import ClusterEntry, Inventory, parse_inventory, read_settings
from archer.site.policy_file import laid_over, parse_policy
from archer.site.present import Site, Sites

log = structlog.get_logger(__name__)

# Another process may know the old file for so long, and place jobs by it: the kubelet brings a changed
# ConfigMap within its sync period and the life of its cache, a minute each.
# Source: Kubernetes docs, "ConfigMaps", "Mounted ConfigMaps are updated automatically".
LINGER_SECONDS: Final = 120.0
CLOSE_AFTER_SECONDS: Final = 60.0  # calls under way end by themselves within their deadlines


@dataclass(frozen=True, slots=True)
class _Connection:
    config: object
    cluster: Cluster


class SiteFiles:
    """Keeps the connections that the clusters file asks for, and publishes each change as a site.

    Args:
        inventory: What the clusters file says at the start.
        policy: What the policy file says at the start; None when there is none.
        configure: What a connection to the cluster of an entry is made of; while that stays, it stays.
        open_cluster: Makes a connection of that. Nothing is asked of the cluster yet.
        path: The clusters file to look at again; None when there is none.
        policy_path: The policy file to look at again; None when there is none.
    """

    def __init__(
        self,
        inventory: Inventory,
        *,
        configure: Callable[[ClusterEntry], object],
        open_cluster: Callable[[object], Cluster],
        path: Path | None = None,
        policy: Policy | None = None,
        policy_path: Path | None = None,
    ) -> None:
        self._configure = configure
        self._open_cluster = open_cluster
        self._path = path
        self._policy_path = policy_path
        self._inventory = laid_over(inventory, policy)
        self._policy = policy
        self._connections = self._connect(self._inventory)
        self._contents: list[bytes] = []  # the last that were taken
        self._leaving: dict[str, float] = {}  # removed clusters, and since when
        self._refused: set[str] = set()
        self._closing: dict[asyncio.Task[None], Cluster] = {}
        self.sites = Sites(self._site())

    async def run(
        self,
        live: Callable[[Collection[str]], Awaitable[AbstractSet[str]]],
        *,
        every_seconds: float,
        stop: asyncio.Event,
    ) -> None:
        """Look at the file until *stop* is set; *live* says which of some clusters hold live jobs."""
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), every_seconds)
            except TimeoutError:
                await self.look()
                try:
                    await self.release(live)
                except StoreUnavailable as error:
                    log.warning("removed clusters are kept while Postgres is away", error=str(error))

    async def look(self) -> None:
        """Read the files again, and publish what they say if that is new and right.

        Both are taken together or not at all: a tenant's namespace must not come without its cluster.
        """
        if self._path is None:
            return
        contents: list[bytes] = []
        try:
            contents += await asyncio.to_thread(self._read)
            if contents != self._contents:  # the parser takes a hundred times what a comparison does
                inventory, policy = await asyncio.to_thread(self._understood, contents)
            else:
                inventory, policy = self._inventory, self._policy
            if (inventory, policy) != (self._inventory, self._policy):
                self._take(inventory, policy)
            elif self.sites.problem:
                log.info("clusters file and policy file are right again")
        except Exception as error:  # whatever is wrong with them, the last good ones go on
            self._refuse(contents, error)
        else:
            self.sites.problem = ""
            self._refused.clear()
            self._contents = contents

    def _read(self) -> list[bytes]:
        """The clusters file, and the policy file where there is one. Raises ``SettingsError``."""
        return [read_settings(path) for path in (self._path, self._policy_path) if path is not None]

    def _understood(self, contents: Sequence[bytes]) -> tuple[Inventory, Policy | None]:
        """What the files say together. Raises ``SettingsError``."""
        inventory = parse_inventory(contents[0], self._path or Path())
        policy = parse_policy(contents[1], self._policy_path) if self._policy_path is not None else None
        return laid_over(inventory, policy), policy

    async def release(self, live: Callable[[Collection[str]], Awaitable[AbstractSet[str]]]) -> None:
        """Let go of removed clusters that hold no live jobs, once no other process can know the old file."""
        due = {name for name, at in self._leaving.items() if time.monotonic() - at >= LINGER_SECONDS}
        if not due:
            return
        empty = due - await live(due)
        for name in empty:
            log.info("a removed cluster holds no live jobs any more", cluster=name)
            del self._leaving[name]
            self._close_later(self._connections.pop(name).cluster)
        if empty:
            self.sites.publish(self._site())

    async def close(self) -> None:
        """Close every connection now."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        for cluster in [*self._closing.values(), *(one.cluster for one in self._connections.values())]:
            await cluster.close()
        self._closing.clear()

    def _take(self, inventory: Inventory, policy: Policy | None) -> None:
        before = self._connections
        configured = self._connect(inventory, known=before)  # may raise, and has then changed nothing
        changed_policy = policy != self._policy
        self._inventory, self._policy = inventory, policy
        self._connections = before | configured
        leaving = [name for name in before if name not in configured]
        for name in leaving:
            if name not in self._leaving:
                log.warning("a cluster was removed: followed until its jobs have ended", cluster=name)
        self._leaving = {name: self._leaving.get(name, time.monotonic()) for name in leaving}
        for name, connection in configured.items():
            if name in before and before[name] is not connection:
                self._close_later(before[name].cluster)
        log.info(
            "the policy file changed" if changed_policy else "the clusters file changed",
            added=sorted(set(configured) - set(before)),
            replaced=sorted(
                name for name in configured if name in before and before[name] is not configured[name]
            ),
            removed=sorted(leaving),
        )
        self.sites.publish(self._site())

    def _connect(
        self, inventory: Inventory, known: Mapping[str, _Connection] | None = None
    ) -> dict[str, _Connection]:
        """Connections of every entry: known ones where nothing changed, new ones elsewhere."""
        made: dict[str, _Connection] = {}
        fresh: list[Cluster] = []
        try:
            for entry in inventory.clusters:
                config, held = self._configure(entry), (known or {}).get(entry.name)
                if held is None or held.config != config:
                    held = _Connection(config, self._open_cluster(config))
                    fresh.append(held.cluster)
                made[entry.name] = held
        except Exception:
            for cluster in fresh:
                self._close_later(cluster, seconds=0)
            raise
        return made

    def _site(self) -> Site:
        return Site(
            clusters={name: connection.cluster for name, connection in self._connections.items()},
            profiles=tuple(entry.profile() for entry in self._inventory.clusters),
            queues={queue.path: (queue.tier, queue.description) for queue in self._inventory.queues},
            default_queue=self._inventory.default_queue,
            policy=self._policy,
            configs={name: connection.config for name, connection in self._connections.items()},
        )

    def _refuse(self, contents: Sequence[bytes], error: Exception) -> None:
        self.sites.problem = f"the last good content goes on: {error}"
        # a content is complained of once, for each reason
        key = hashlib.sha256(b"\0".join([*contents, str(error).encode()])).hexdigest()
        if key not in self._refused:
            self._refused.add(key)
            broke = None if isinstance(error, SettingsError) else error
            log.warning(
                "the clusters file or the policy file is wrong: the last good ones go on",
                error=str(error),
                exc_info=broke,
            )

    def _close_later(self, cluster: Cluster, *, seconds: float | None = None) -> None:
        async def close() -> None:
            await asyncio.sleep(CLOSE_AFTER_SECONDS if seconds is None else seconds)
            try:
                await cluster.close()
            except Exception:  # nobody waits for this task
                log.exception("a connection was not closed", cluster=cluster.name)

        task = asyncio.create_task(close(), name=f"close {cluster.name}")
        self._closing[task] = cluster
        task.add_done_callback(lambda done: None if done.cancelled() else self._closing.pop(done, None))
