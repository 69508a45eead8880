"""All processes in one: Postgres, the local cluster, Archer's loops, its API, and Moka UI."""

from __future__ import annotations

import asyncio
import platform
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog
from pydantic import SecretStr

from archer import processes
from archer.clusters.local.config import LocalConfig
from archer.clusters.local.operator import LocalOperator
from archer.dev import checks, login
from archer.dev.login import Tokens
from archer.dev.postgres import EmbeddedPostgres
from archer.errors import ArcherError
from archer.settings import ApiSettings, ClusterEntry, Inventory, QueueEntry, Settings, load_inventory
from archer.site.present import Site, Sites
from archer.site.tasks import each_cluster
from archer.store.engine import Database, PoolLimits
from moka_ui.app import create_app as create_ui
from moka_ui.settings import Settings as UiSettings

log = structlog.get_logger(__name__)

ARCHITECTURES: Final = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
QUEUES: Final = [
    QueueEntry(path="root.default", tier=3, description="Where jobs go that name no queue."),
    QueueEntry(path="root.tier1.ads", tier=1, description="Production, not preemptible."),
    QueueEntry(path="root.tier2.etl", tier=2, description="Daily pipelines."),
    QueueEntry(path="root.tier3.adhoc", tier=3, description="Trials; first to wait."),
]


@dataclass(frozen=True, slots=True)
class Options:
    """Where the embedded Moka keeps its data and listens."""

    data: Path
    port: int = 8080
    ui_port: int = 8090
    slots: int = 2
    clusters: Path | None = None  # a clusters file; without one, a local cluster and a few queues

    @property
    def archer_url(self) -> str:
        """Address of Archer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        """Address of Moka UI."""
        return f"http://127.0.0.1:{self.ui_port}"


def inventory(options: Options) -> Inventory:
    """What the clusters file says; without one, one local cluster and a few queues."""
    if options.clusters is not None:
        return load_inventory(options.clusters)
    cluster = ClusterEntry(
        name="local",
        adapter="local",
        root=options.data / "cluster",
        slots=options.slots,
        architectures=(ARCHITECTURES.get(platform.machine(), "amd64"),),
    )
    return Inventory(clusters=[cluster], queues=QUEUES)


@asynccontextmanager
async def running(options: Options, postgres: EmbeddedPostgres) -> AsyncIterator[asyncio.Event]:
    """Run everything on *postgres* while the block runs; yields the event that ends it all."""
    stop = asyncio.Event()
    tokens = login.prepare(options.data, options.archer_url)
    settings = _settings(options, postgres, tokens)
    file = processes.open_clusters(inventory(options), path=options.clusters)
    database = Database(
        settings.dsn(), application="archer", limits=PoolLimits(connections=10, wait_seconds=10)
    )
    await processes.register(database, file.sites.current)
    tasks = [
        asyncio.create_task(_operate(file.sites, stop), name="local operators"),
        asyncio.create_task(processes.follow_file(settings, database, file, stop=stop), name="clusters file"),
        *_roles(settings, database, file.sites, stop),
        asyncio.create_task(_run_ui(options, postgres, tokens, stop), name="moka-ui"),
    ]
    for task in tasks:  # a loop that ends early is a bug: then everything ends, and the error is shown
        task.add_done_callback(lambda _: stop.set())
    try:
        await _answering(options, tasks)
        yield stop
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=False)
        await file.close()
        await database.close()


async def _operate(sites: Sites, stop: asyncio.Event) -> None:
    """Start drivers of every local cluster, those that come later too, until *stop* is set."""
    begun_with = sites.current

    async def operate(site: Site, name: str, ending: asyncio.Event) -> None:
        config = site.configs[name]
        if not isinstance(config, LocalConfig):
            await ending.wait()
            return
        try:
            await LocalOperator(replace(config, java_home=checks.java_home())).run(ending)
        except ArcherError as error:
            if site is begun_with:  # one line, and an end, is what a person at a terminal can use
                raise
            log.error("a local cluster starts no drivers", cluster=name, error=str(error))

    await each_cluster(sites, operate, stop=stop)


def _roles(
    settings: Settings, database: Database, sites: Sites, stop: asyncio.Event
) -> list[asyncio.Task[None]]:
    return [
        asyncio.ensure_future(run(settings, database, sites, stop=stop)) for run in processes.ROLES.values()
    ]


async def _run_ui(options: Options, postgres: EmbeddedPostgres, tokens: Tokens, stop: asyncio.Event) -> None:
    settings = UiSettings(
        database=postgres.dsn("moka_ui"),
        archer_url=options.archer_url,
        archer_token=SecretStr(tokens.ui),
        port=options.ui_port,
    )
    await processes.serve(create_ui(settings), host=settings.host, port=settings.port, stop=stop)


def _settings(options: Options, postgres: EmbeddedPostgres, tokens: Tokens) -> Settings:
    return Settings(  # pyright: ignore[reportCallIssue]  (the other fields have defaults)
        database=postgres.dsn("archer"),
        cursor_secret=_cursor_secret(options.data / "cursor-secret"),  # pyright: ignore[reportArgumentType]
        access_file=tokens.access_file,
        api=ApiSettings(port=options.port, ui_url=options.ui_url),  # pyright: ignore[reportCallIssue]
    )


def _cursor_secret(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32))
    return file.read_text()


async def _answering(options: Options, tasks: list[asyncio.Task[None]]) -> None:
    """Wait until both servers accept connections, or one of the loops has ended."""
    for port in (options.port, options.ui_port):
        while not any(task.done() for task in tasks):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break
