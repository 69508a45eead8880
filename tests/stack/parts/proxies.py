"""Toxiproxy in front of every API server: where a test cuts a cluster off, or makes it slow."""

import json
import urllib.request
from typing import Any

from tests.stack.build.binaries import binary
from tests.stack.host.processes import start, wait
from tests.stack.layout import CLUSTERS, RUNTIME, TOXIPROXY_ADDRESS
from tests.stack.parts.answers import http_ok


def start_proxies() -> None:
    configuration = RUNTIME / "toxiproxy.json"
    configuration.write_text(
        json.dumps(
            [
                {
                    "name": cluster.name,
                    "listen": f"127.0.0.1:{cluster.proxied_port}",
                    "upstream": f"{cluster.host}:{cluster.api_port}",
                    "enabled": True,
                }
                for cluster in CLUSTERS
            ]
        )
    )
    host, port = TOXIPROXY_ADDRESS.removeprefix("http://").split(":")
    command = [binary("toxiproxy"), "-host", host, "-port", port, "-config", configuration]
    process = start("toxiproxy", command)
    wait("toxiproxy", lambda: http_ok(f"{TOXIPROXY_ADDRESS}/proxies"), seconds=30, process=process)
    for cluster in CLUSTERS:
        wait(
            f"the way to {cluster.name}", lambda c=cluster: http_ok(f"{c.proxied_server}/readyz"), seconds=30
        )


def set_enabled(cluster: str, *, enabled: bool) -> None:
    """Cut a cluster off, open connections included, or let it back."""
    _call("POST", f"/proxies/{cluster}", {"enabled": enabled})


def add_toxic(cluster: str, kind: str, **attributes: int) -> None:
    """Add one of toxiproxy's faults, such as ``latency`` or ``timeout``, to what the API server answers."""
    _call("POST", f"/proxies/{cluster}/toxics", {"name": kind, "type": kind, "attributes": attributes})


def reset() -> None:
    """Let every cluster be reached again, without faults."""
    _call("POST", "/reset", {})


def _call(method: str, path: str, body: dict[str, Any]) -> None:
    # Toxiproxy refuses what looks like a browser.
    headers = {"Content-Type": "application/json", "User-Agent": "moka-stack"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{TOXIPROXY_ADDRESS}{path}", data=data, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()
