"""``python -m archer.dev``: run everything here until Ctrl-C, or once for the demo."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import uvloop

from archer.dev import checks, login
from archer.dev.demo import run_demo
from archer.dev.postgres import EmbeddedPostgres
from archer.dev.stack import Options, running
from archer.errors import ArcherError
from archer.telemetry import configure_logs

INTERRUPTED: Final = 130
BANNER: Final = """
  Moka UI   {ui_url}
  Archer    {archer_url}/docs
  Try       .venv/bin/moka submit examples/jobs/pi.py 20
  Token     {token}   (`moka` finds it by itself; curl: -H "Authorization: Bearer $(cat {token})")
  Data      {data}   (nothing is lost when this is stopped or killed)
  Stop      Ctrl-C
"""


def main() -> None:
    """Run the embedded Moka."""
    parser = argparse.ArgumentParser(prog="python -m archer.dev", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(".moka"), help="folder for all data (default: .moka)"
    )
    parser.add_argument("--port", type=int, default=8080, help="port of Archer")
    parser.add_argument("--ui-port", type=int, default=8090, help="port of Moka UI")
    parser.add_argument("--slots", type=int, default=2, help="Spark drivers at once")
    parser.add_argument(
        "--clusters",
        type=Path,
        help="clusters file to serve, looked at again while it runs (default: one local cluster)",
    )
    parser.add_argument("--demo", action="store_true", help="run one example job, then stop")
    given = parser.parse_args()
    if given.demo and given.clusters:
        parser.error("the demo runs on a local cluster; leave out --clusters")
    options = Options(given.data.resolve(), given.port, given.ui_port, given.slots, given.clusters)
    configure_logs(level=logging.WARNING if given.demo else logging.INFO)
    try:
        with checks.lock(options.data):
            raise SystemExit(_run(options, demo=given.demo))
    except ArcherError as error:
        sys.stderr.write(f"moka: {error}\n")
        raise SystemExit(1) from None


def _run(options: Options, *, demo: bool) -> int:
    checks.check_disk(options.data)
    checks.check_port(options.port, option="--port")
    checks.check_port(options.ui_port, option="--ui-port")
    begun = time.monotonic()
    with EmbeddedPostgres(options.data / "postgres") as postgres:
        print(f"Postgres is ready after {time.monotonic() - begun:.1f} s", flush=True)
        return uvloop.run(_serve(options, postgres, demo=demo))


async def _serve(options: Options, postgres: EmbeddedPostgres, *, demo: bool) -> int:
    begun = time.monotonic()
    async with running(options, postgres) as stop:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        print(f"Archer and Moka UI answer after {time.monotonic() - begun:.1f} s", flush=True)
        if demo:
            token = login.token_of(options.data)
            return await _unless_stopped(run_demo(options.archer_url, options.ui_url, token), stop)
        banner = BANNER.format(
            ui_url=options.ui_url,
            archer_url=options.archer_url,
            data=options.data,
            token=options.data / login.TOKEN,
        )
        print(banner, flush=True)
        await stop.wait()
        print("stopping; running Spark drivers go on, and are found again at the next start", flush=True)
    return 0


async def _unless_stopped(work: Coroutine[Any, Any, int], stop: asyncio.Event) -> int:
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        return INTERRUPTED
    return working.result()


if __name__ == "__main__":
    main()
