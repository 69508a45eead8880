"""What the API servers can do at best: bare creates by the fastest client, in a process of its own.

Run as ``python -m bench.creating``, it reads what to send from standard input and prints the rate.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
import uvloop

from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.credentials import Credentials
from archer.clusters.kubernetes.paths import applications_path
from archer.domain.cluster import ClusterProfile
from archer.domain.request import JobRequest
from archer.translate.spark import Attempt, to_spark_application
from bench.job import BODY
from tests.stack.layout import Cluster

CONNECTIONS: Final = 16  # for each cluster; more were not faster


def fastest_creates_per_second(clusters: Sequence[Cluster], number: int, *, namespace: str) -> float:
    """Create *number* applications, the same bytes that Archer would send, spread over *clusters*."""
    what = {
        "namespace": namespace,
        "number": number // len(clusters),
        "clusters": [
            {
                "name": cluster.name,
                "kubeconfig": str(cluster.proxied_kubeconfig),
                "arch": cluster.fake_architecture,
            }
            for cluster in clusters
        ],
    }
    command = [sys.executable, "-m", "bench.creating"]
    done = subprocess.run(command, input=json.dumps(what), capture_output=True, text=True, check=True)
    return float(done.stdout)


async def _measure(what: dict[str, Any]) -> float:
    bodies = {one["name"]: _bodies(one, what) for one in what["clusters"]}
    begun = time.perf_counter()
    await asyncio.gather(
        *(_create_all(one, bodies[one["name"]], what["namespace"]) for one in what["clusters"])
    )
    return what["number"] * len(what["clusters"]) / (time.perf_counter() - begun)


def _bodies(cluster: dict[str, Any], what: dict[str, Any]) -> list[bytes]:
    """Manifests of distinct names, made before the clock starts."""
    request = JobRequest.model_validate_json(BODY)
    profile = ClusterProfile(cluster["name"], "kubernetes", namespace=what["namespace"])
    run = os.urandom(6).hex()
    bodies = []
    for number in range(what["number"]):
        attempt = Attempt(f"j{run}{number:014d}", 1, "default", "bench", "root.tier2.etl", cluster["arch"])
        bodies.append(json.dumps(to_spark_application(attempt, request, profile).manifest).encode())
    return bodies


async def _create_all(cluster: dict[str, Any], bodies: list[bytes], namespace: str) -> None:
    access = await Credentials(
        KubernetesConfig(cluster["name"], kubeconfig=Path(cluster["kubeconfig"]))
    ).access()
    url = f"{access.server}{applications_path(namespace)}?fieldValidation=Strict"
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    }
    if access.authorization:
        headers["Authorization"] = access.authorization
    waiting = iter(bodies)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:

        async def create() -> None:
            for body in waiting:
                async with session.post(url, data=body, headers=headers, ssl=access.tls) as answer:
                    await answer.read()
                    if answer.status != 201:
                        raise RuntimeError(f"{answer.status} {await answer.text()}")

        await asyncio.gather(*(create() for _ in range(CONNECTIONS)))


if __name__ == "__main__":
    print(uvloop.run(_measure(json.load(sys.stdin))))
