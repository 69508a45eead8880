"""The processes of Archer, each made of its parts and run until it is told to stop."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
import uvicorn
from fastapi import FastAPI

from archer.api.app import create_app
from archer.api.changes import Changes
from archer.api.deps import Parts
from archer.api.incoming.cursors import Cursors
from archer.api.incoming.protocol import BoundedHeadProtocol
from archer.clusters.kubernetes.cluster import KubernetesCluster
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.local.cluster import LocalCluster
from archer.clusters.local.config import LocalConfig
from archer.clusters.port import Cluster
from archer.dispatcher.dispatcher import Dispatcher
from archer.domain.cluster import ClusterProfile
from archer.errors import SettingsError
from archer.janitor import Janitor
from archer.service import Jobs
from archer.settings import ClusterEntry, Inventory, Settings
from archer.store import inventory as inventory_rows
from archer.store import notifications
from archer.store.engine import Database
from archer.watcher import Watcher

log = structlog.get_logger(__name__)

GOODBYE_SECONDS = 3  # an open log stream never ends by itself; do not let one hold up a restart


@dataclass(frozen=True, slots=True)
class Site:
    """The configured clusters and queues."""

    profiles: tuple[ClusterProfile, ...]
    clusters: Mapping[str, Cluster]
    queues: Mapping[str, tuple[int, str]]
    default_queue: str


def local_config(entry: ClusterEntry) -> LocalConfig:
    """Settings of a local cluster from its entry in the clusters file."""
    if entry.root is None:
        raise SettingsError(f"cluster {entry.name}: a local cluster needs root")
    return LocalConfig(name=entry.name, root=entry.root, slots=entry.slots, max_cores=entry.max_cores)


def open_cluster(entry: ClusterEntry) -> Cluster:
    """Make the adapter of one entry of the clusters file."""
    if entry.adapter == "local":
        return LocalCluster(local_config(entry))
    return KubernetesCluster(
        KubernetesConfig(
            name=entry.name,
            kubeconfig=entry.kubeconfig,
            context=entry.context,
            namespaces=(entry.namespace,),
        )
    )


def open_site(inventory: Inventory) -> Site:
    """Open every configured cluster. Nothing is asked of them yet."""
    return Site(
        profiles=tuple(entry.profile() for entry in inventory.clusters),
        clusters={entry.name: open_cluster(entry) for entry in inventory.clusters},
        queues={queue.path: (queue.tier, queue.description) for queue in inventory.queues},
        default_queue=inventory.default_queue,
    )


async def register(database: Database, site: Site) -> None:
    """Make the configured clusters and queues known in the database."""
    async with database.transaction() as tx:
        await inventory_rows.register(tx, site.profiles, site.queues)


async def run_api(settings: Settings, database: Database, site: Site, *, stop: asyncio.Event) -> None:
    """Serve the HTTP API until *stop* is set."""
    changes = Changes()
    jobs = Jobs(
        database,
        site.profiles,
        queues={path: tier for path, (tier, _) in site.queues.items()},
        default_queue=site.default_queue,
    )
    parts = Parts(
        jobs=jobs,
        database=database,
        clusters=site.clusters,
        changes=changes,
        cursors=Cursors(settings.cursor_secret.get_secret_value()),
        owner=settings.api.owner,
        ui_url=settings.api.ui_url,
    )
    listening = notifications.listen(settings.dsn(), notifications.CHANGES, changes.hint, stop=stop)
    serving = serve(create_app(parts), host=settings.api.host, port=settings.api.port, stop=stop)
    await asyncio.gather(listening, serving)


async def serve(app: FastAPI, *, host: str, port: int, stop: asyncio.Event) -> None:
    """Serve *app* until *stop* is set; open requests may finish."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GOODBYE_SECONDS,
            http=BoundedHeadProtocol,
        )
    )
    server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]

    async def end() -> None:
        await stop.wait()
        server.should_exit = True

    ending = asyncio.create_task(end())
    try:
        await server._serve()  # noqa: SLF001  (serve() would take over the signals of the whole process)
    finally:
        ending.cancel()


async def run_dispatcher(settings: Settings, database: Database, site: Site, *, stop: asyncio.Event) -> None:
    """Dispatch jobs until *stop* is set."""
    await register(database, site)
    dispatcher = Dispatcher(
        database, site.clusters, site.profiles, settings=settings.dispatcher, worker=uuid.uuid4()
    )
    listening = notifications.listen(settings.dsn(), notifications.WORK, dispatcher.hint, stop=stop)
    await asyncio.gather(listening, dispatcher.run(stop))


async def run_watcher(settings: Settings, database: Database, site: Site, *, stop: asyncio.Event) -> None:
    """Watch every cluster, each in its own task, until *stop* is set."""
    await register(database, site)
    await asyncio.gather(
        *(
            Watcher(database, cluster, settings=settings.watcher).run(stop)
            for cluster in site.clusters.values()
        )
    )


async def run_janitor(settings: Settings, database: Database, site: Site, *, stop: asyncio.Event) -> None:
    """Carry out cancels, deadlines and retention until *stop* is set."""
    janitor = Janitor(database, site.clusters, settings=settings.janitor, worker=uuid.uuid4())
    listening = notifications.listen(settings.dsn(), notifications.WORK, janitor.hint, stop=stop)
    await asyncio.gather(listening, janitor.run(stop))


ROLES: Mapping[str, Callable[..., Awaitable[None]]] = {
    "api": run_api,
    "dispatcher": run_dispatcher,
    "watcher": run_watcher,
    "janitor": run_janitor,
}
