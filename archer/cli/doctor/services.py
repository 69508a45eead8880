"""Who listens on the ports, whether Archer is ready and lets us in, whether Moka UI answers."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from archer import __version__
from archer.cli.doctor.findings import Finding, fail, ok, warn
from archer.cli.exits import DENIED, CommandError, TryAgain
from archer.cli.http.connection import LOOPBACK, Archer
from archer.cli.show.output import plain

CONNECT_SECONDS: Final = 2.0
START: Final = "Start it with: moka dev"


def findings(archer: Archer, ui_url: str, *, chosen: bool) -> Iterator[Finding]:
    """Ask everything that listens; *chosen*: the caller named this Archer, so it should be there."""
    yield from _archer(archer, chosen=chosen)
    yield _ui(ui_url)


def _archer(archer: Archer, *, chosen: bool) -> Iterator[Finding]:
    if _is_free(archer.url):
        words = f"nothing listens at {archer.url}: the port is free"
        yield (
            fail("Archer", words, f"{START}; or is --url right?") if chosen else warn("Archer", words, START)
        )
        return
    try:
        version = str(archer.get("/version", seconds=CONNECT_SECONDS).get("version"))
    except TryAgain as error:
        yield fail("Archer", error.message, "Read its log; it may still be starting.")
        return
    except CommandError:
        yield fail(
            "Archer",
            f"something else answers at {archer.url}",
            f"Stop it, or take other ports: moka dev --port {_port(archer.url) + 1}, then --url.",
        )
        return
    if version == __version__:
        yield ok("Archer", f"{version} at {archer.url}")
    else:
        yield warn("Archer", f"{version} at {archer.url}, this is {__version__}", "Install the same version.")
    yield _readiness(archer)
    yield _access(archer)


def _readiness(archer: Archer) -> Finding:
    try:
        status, text = archer.peek("/readyz", verbose="1")
    except TryAgain as error:
        return fail("Ready", error.message, "Read Archer's log.")
    checks = _checks(text)
    words = (
        plain("; ".join(f"{check['name']}: {check.get('message')}" for check in checks)) or plain(text)[:500]
    )
    if status != 200:
        return fail("Ready", f"not ready ({status}): {words}", "Until it is, jobs are not accepted.")
    if not all(check.get("ok") for check in checks):
        return warn(
            "Ready",
            words,
            "A cluster that is not active gets no new jobs; a wrong clusters file is not used.",
        )
    return ok("Ready", words)


def _checks(text: str) -> list[dict[str, Any]]:
    try:
        checks = json.loads(text)["checks"]
    except (ValueError, KeyError, TypeError):
        return []
    return [check for check in checks if isinstance(check, dict) and "name" in check]


def _access(archer: Archer) -> Finding:
    try:
        archer.get("/v1/jobs", seconds=CONNECT_SECONDS * 5, limit=1)
    except CommandError as error:
        denied = error.exit_code == DENIED
        return fail("Access", error.message, "Is MOKA_TOKEN right?" if denied else "Read Archer's log.")
    return ok("Access", "jobs can be listed")


def _ui(url: str) -> Finding:
    if _is_free(url):
        return warn("Moka UI", f"nothing listens at {url}: the port is free", START)
    try:
        with Archer(url) as page:
            status, text = page.peek("/")
    except CommandError as error:
        return fail("Moka UI", error.message.replace("Archer", "Moka UI", 1), "Read its log.")
    if "moka" not in text.lower():
        return fail(
            "Moka UI", f"something else answers at {url}", "Take another port: moka dev --ui-port 8091"
        )
    if status >= 500:
        return fail("Moka UI", f"{url} answers {status}", "Read its log; can it reach Postgres?")
    return ok("Moka UI", f"answers at {url}")


def _is_free(url: str) -> bool:
    """Whether nothing listens on this machine's port of *url*; another machine's is asked over HTTP."""
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK:
        return False
    try:
        with socket.create_connection((parts.hostname, _port(url)), timeout=CONNECT_SECONDS):
            return False
    except ConnectionRefusedError:
        return True
    except OSError:
        return False


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)
