"""``archer {api,dispatcher,watcher,janitor,migrate}``: one process of Archer."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Final

import structlog
import uvloop

from archer.errors import ArcherError, SettingsError
from archer.processes import ROLES, follow_file, open_clusters
from archer.settings import Settings, load_inventory, load_settings
from archer.store.engine import Database
from archer.store.migrations import migrate
from archer.telemetry import configure_logs

log = structlog.get_logger(__name__)

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
USAGE: Final = 2


def main() -> None:
    """Run one process until a signal ends it."""
    parser = argparse.ArgumentParser(prog="archer", description=__doc__)
    parser.add_argument("role", choices=[*ROLES, "migrate"], help="which process to run")
    role = parser.parse_args().role
    try:
        settings = load_settings()
        configure_logs(settings.log_format)
        log.info("starting", role=role, settings=settings.model_dump(mode="json"))
        if role == "migrate":
            migrate(settings.dsn())
            return
        if role == "api" and settings.api.host not in LOOPBACK:
            raise SettingsError("api.host: there is no login yet, so the API listens on loopback only")
        uvloop.run(_run(role, settings))
    except ArcherError as error:
        sys.stderr.write(f"archer: {error}\n")
        raise SystemExit(USAGE if isinstance(error, SettingsError) else 1) from None


async def _run(role: str, settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    path = settings.clusters_file
    file = open_clusters(load_inventory(path), path=path)
    database = Database(settings.dsn(), application=f"archer-{role}")
    following = asyncio.create_task(follow_file(settings, database, file, stop=stop))
    try:
        await ROLES[role](settings, database, file.sites, stop=stop)
    finally:
        stop.set()
        await asyncio.gather(following, return_exceptions=True)
        await file.close()
        await database.close()


if __name__ == "__main__":
    main()
