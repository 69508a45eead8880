"""All processes in one: Postgres, the local cluster, Archer's loops, its API, and Moka UI."""

from __future__ import annotations

import asyncio
import getpass
import platform
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from archer import processes
from archer.clusters.local.operator import LocalOperator
from archer.dev import checks
from archer.dev.postgres import EmbeddedPostgres
from archer.processes import Site, local_config
from archer.settings import ApiSettings, ClusterEntry, Inventory, QueueEntry, Settings, load_inventory
from archer.store.engine import Database, PoolLimits
from moka_ui.app import create_app as create_ui
from moka_ui.settings import Settings as UiSettings

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
    clusters: Path | None = None

    @property
    def archer_url(self) -> str:
        """Address of Archer."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        """Address of Moka UI."""
        return f"http://127.0.0.1:{self.ui_port}"


def inventory(options: Options) -> Inventory:
    """The clusters and queues of the clusters file; without one, a local cluster and a few queues."""
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
    wanted = inventory(options)
    settings = _settings(options, postgres)
    site = processes.open_site(wanted)
    database = Database(
        settings.dsn(), application="archer", limits=PoolLimits(connections=10, wait_seconds=10)
    )
    await processes.register(database, site)
    operators = [
        LocalOperator(replace(local_config(entry), java_home=checks.java_home()))
        for entry in wanted.clusters
        if entry.adapter == "local"
    ]
    tasks = [
        *(asyncio.create_task(operator.run(stop), name="local operator") for operator in operators),
        *_roles(settings, database, site, stop),
        asyncio.create_task(_run_ui(options, postgres, stop), name="moka-ui"),
    ]
    for task in tasks:  # a loop that ends early is a bug: then everything ends, and the error is shown
        task.add_done_callback(lambda _: stop.set())
    try:
        await _answering(options, tasks)
        yield stop
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=False)
        for cluster in site.clusters.values():
            await cluster.close()
        await database.close()


def _roles(
    settings: Settings, database: Database, site: Site, stop: asyncio.Event
) -> list[asyncio.Task[None]]:
    return [
        asyncio.ensure_future(run(settings, database, site, stop=stop)) for run in processes.ROLES.values()
    ]


async def _run_ui(options: Options, postgres: EmbeddedPostgres, stop: asyncio.Event) -> None:
    settings = UiSettings(
        database=postgres.dsn("moka_ui"), archer_url=options.archer_url, port=options.ui_port
    )
    await processes.serve(create_ui(settings), host=settings.host, port=settings.port, stop=stop)


def _settings(options: Options, postgres: EmbeddedPostgres) -> Settings:
    return Settings(  # pyright: ignore[reportCallIssue]  (the other fields have defaults)
        database=postgres.dsn("archer"),
        cursor_secret=_cursor_secret(options.data / "cursor-secret"),  # pyright: ignore[reportArgumentType]
        api=ApiSettings(port=options.port, owner=getpass.getuser(), ui_url=options.ui_url),  # pyright: ignore[reportCallIssue]
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
