"""The processes of Archer, each made of its parts and run until it is told to stop."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from archer.api.app import create_app
from archer.api.auth.accounts import Review
from archer.api.auth.callers import Callers
from archer.api.auth.denials import Denials
from archer.api.changes import Changes
from archer.api.deps import Parts
from archer.api.incoming.cursors import Cursors
from archer.api.incoming.protocol import BoundedHeadProtocol
from archer.clusters.kubernetes.cluster import KubernetesCluster
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.identity.reviews import Reviews
from archer.clusters.local.cluster import LocalCluster
from archer.clusters.local.config import LocalConfig
from archer.clusters.port import Cluster
from archer.dispatcher.dispatcher import Dispatcher
from archer.domain.tenancy.policy import Policy
from archer.errors import SettingsError, StoreUnavailable
from archer.janitor import Janitor
from archer.limits.limits import Limits, Rates
from archer.service import Jobs
from archer.settings import ApiSettings, ClusterEntry, Inventory, Settings
from archer.site.access import AccessFile, Kubernetes
from archer.site.files import SiteFiles
from archer.site.present import Site, Sites
from archer.site.tasks import each_cluster
from archer.store import inventory as inventory_rows
from archer.store import notifications
from archer.store.engine import Database
from archer.watcher.cluster import Watcher

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 2.0
REVIEW_SECONDS = 5.0  # a caller waits for it
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
GOODBYE_SECONDS = 3  # an open log stream never ends by itself; do not let one hold up a restart


def local_config(entry: ClusterEntry) -> LocalConfig:
    """Settings of a local cluster from its entry in the clusters file."""
    if entry.root is None:
        raise SettingsError(f"cluster {entry.name}: a local cluster needs root")
    return LocalConfig(name=entry.name, root=entry.root, slots=entry.slots, max_cores=entry.max_cores)


def connection_config(entry: ClusterEntry) -> LocalConfig | KubernetesConfig:
    """What a connection to the cluster of *entry* is made of; it stays as long as this does."""
    if entry.adapter == "local":
        return local_config(entry)
    return KubernetesConfig(
        name=entry.name,
        kubeconfig=entry.kubeconfig,
        context=entry.context,
        namespaces=entry.all_namespaces(),
    )


def open_cluster(config: object) -> Cluster:
    """Make the adapter of one cluster."""
    if isinstance(config, LocalConfig):
        return LocalCluster(config)
    if isinstance(config, KubernetesConfig):
        return KubernetesCluster(config)
    raise TypeError(f"no adapter for {config!r}")


def open_clusters(
    inventory: Inventory,
    *,
    path: Path | None = None,
    policy: Policy | None = None,
    policy_path: Path | None = None,
) -> SiteFiles:
    """Open every configured cluster, to follow the files at the paths. Nothing is asked of them yet."""
    return SiteFiles(
        inventory,
        configure=connection_config,
        open_cluster=open_cluster,
        path=path,
        policy=policy,
        policy_path=policy_path,
    )


async def follow_file(
    settings: Settings, database: Database, file: SiteFiles, *, stop: asyncio.Event
) -> None:
    """Take changes of the clusters file and the policy file until *stop* is set."""

    async def live(names: Collection[str]) -> set[str]:
        async with database.transaction() as tx:
            return await inventory_rows.with_live_jobs(tx, names)

    await file.run(live, every_seconds=settings.reload_seconds, stop=stop)


async def register(database: Database, site: Site) -> None:
    """Make the configured clusters and queues known in the database."""
    async with database.transaction() as tx:
        await inventory_rows.register(tx, site.profiles, site.queues)
        rows = await inventory_rows.clusters(tx)
    for row in rows:
        if row["live_jobs"] and row["name"] not in site.clusters:
            log.warning(
                "a removed cluster holds jobs that nobody follows: put it back into the clusters file",
                cluster=row["name"],
                live_jobs=row["live_jobs"],
            )


async def _on_change(
    sites: Sites, seen: Site, change: Callable[[Site], Awaitable[None]], *, stop: asyncio.Event
) -> None:
    """Call *change* with each site after *seen*; again after a pause as long as Postgres is away."""
    async for site in sites.changes(seen, stop=stop):
        while not stop.is_set():
            try:
                await change(site)
                break
            except StoreUnavailable as error:
                log.warning("changed clusters are not known yet while Postgres is away", error=str(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), AGAIN_SECONDS)


class Reviewers:
    """The ways to the API servers that are asked about tokens; one that is asked for again is the same."""

    def __init__(self) -> None:
        self._open: dict[KubernetesConfig, Reviews] = {}

    def of(self, entry: Kubernetes) -> Review:
        """The way to ask the API server of *entry*."""
        config = KubernetesConfig(
            name=entry.name,
            kubeconfig=entry.kubeconfig,
            context=entry.context,
            timeout_seconds=REVIEW_SECONDS,
        )
        if config not in self._open:
            self._open[config] = Reviews(config)
        return self._open[config].review

    async def close(self) -> None:
        """Close every connection."""
        for reviews in self._open.values():
            await reviews.close()


def require_a_login(settings: Settings) -> None:
    """Refuse to let everybody in from everywhere. Raises ``SettingsError``."""
    if settings.access_file is None and settings.api.host not in LOOPBACK:
        raise SettingsError(
            f"api.host: on {settings.api.host} an access file has to say who may call; "
            "without ARCHER_ACCESS_FILE the API listens on loopback only"
        )


def rates(settings: ApiSettings) -> Rates:
    """The limits that the settings name."""
    return Rates(
        caller_per_second=settings.calls_per_second,
        caller_burst=settings.calls_burst,
        queue_per_second=settings.queue_per_second,
        queue_burst=settings.queue_burst,
        caller_queued_jobs=settings.queued_jobs,
    )


async def run_api(settings: Settings, database: Database, sites: Sites, *, stop: asyncio.Event) -> None:
    """Serve the HTTP API until *stop* is set."""
    require_a_login(settings)
    changes, denials = Changes(), Denials(database)
    limits = Limits(database, rates(settings.api))
    reviewers = Reviewers()
    access = AccessFile.read(settings.access_file) if settings.access_file is not None else None
    callers = Callers(access, owner=settings.api.owner, reviewer=reviewers.of)
    parts = Parts(
        jobs=Jobs(database, sites, limits),
        database=database,
        sites=sites,
        changes=changes,
        cursors=Cursors(settings.cursor_secret.get_secret_value()),
        callers=callers,
        limits=limits,
        denials=denials,
        ui_url=settings.api.ui_url,
    )
    work = [
        notifications.listen(settings.dsn(), notifications.CHANGES, changes.hint, stop=stop),
        serve(create_app(parts), host=settings.api.host, port=settings.api.port, stop=stop),
        denials.run(stop),
    ]
    if access is not None:
        work.append(access.run(every_seconds=settings.reload_seconds, stop=stop))
    try:
        await asyncio.gather(*work)
    finally:
        await denials.flush()  # what the last requests were denied
        await callers.close()
        await reviewers.close()


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


async def run_dispatcher(
    settings: Settings, database: Database, sites: Sites, *, stop: asyncio.Event
) -> None:
    """Dispatch jobs until *stop* is set."""
    site = sites.current
    await register(database, site)
    dispatcher = Dispatcher(
        database,
        site.clusters,
        site.profiles,
        settings=settings.dispatcher,
        worker=uuid.uuid4(),
        policy=site.policy,
    )

    async def change(site: Site) -> None:
        await register(database, site)  # first: a cluster that has no row is given no jobs
        dispatcher.reconfigure(site.clusters, site.profiles, site.policy)

    listening = notifications.listen(settings.dsn(), notifications.WORK, dispatcher.hint, stop=stop)
    await asyncio.gather(listening, dispatcher.run(stop), _on_change(sites, site, change, stop=stop))


async def run_watcher(settings: Settings, database: Database, sites: Sites, *, stop: asyncio.Event) -> None:
    """Watch every cluster, each in its own task, until *stop* is set."""
    site = sites.current
    await register(database, site)

    async def watch(site: Site, name: str, ending: asyncio.Event) -> None:
        await Watcher(database, site.clusters[name], settings=settings.watcher).run(ending)

    registered = Sites(site)  # what a watch hears of a cluster that has no row yet would be lost

    async def change(site: Site) -> None:
        await register(database, site)
        registered.publish(site)

    await asyncio.gather(
        each_cluster(registered, watch, stop=stop), _on_change(sites, site, change, stop=stop)
    )


async def run_janitor(settings: Settings, database: Database, sites: Sites, *, stop: asyncio.Event) -> None:
    """Carry out cancels, deadlines and retention until *stop* is set."""
    site = sites.current
    janitor = Janitor(database, site.clusters, settings=settings.janitor, worker=uuid.uuid4())

    async def change(site: Site) -> None:
        janitor.reconfigure(site.clusters)

    listening = notifications.listen(settings.dsn(), notifications.WORK, janitor.hint, stop=stop)
    await asyncio.gather(listening, janitor.run(stop), _on_change(sites, site, change, stop=stop))


ROLES: Mapping[str, Callable[..., Awaitable[None]]] = {
    "api": run_api,
    "dispatcher": run_dispatcher,
    "watcher": run_watcher,
    "janitor": run_janitor,
}
