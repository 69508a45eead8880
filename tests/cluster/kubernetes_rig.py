"""The conformance suite's rig for a real API server: a test plays operator and kubelet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archer.clusters.kubernetes.cluster import KubernetesCluster
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.translate import names
from tests.cluster.administrator import GROUP, Administrator
from tests.cluster.api_server import CRD, ApiServer
from tests.cluster.kubelet import Kubelet
from tests.waiting import eventually

SCHEDULED_AT = "2027-01-01T00:00:05Z"
STARTED_AT = "2027-01-01T00:00:10Z"
ENDED_AT = "2027-01-01T00:01:00Z"
SILENCE_SECONDS = 3.0  # a quiet API server sends no bookmark for a minute, and then only after a change


@dataclass
class Served:
    """A running API server and those who write to it."""

    server: ApiServer
    administrator: Administrator
    kubelet: Kubelet


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[Served]:
    """An API server that knows SparkApplications and one node, ended at the end."""
    server, kubelet = ApiServer(directory), Kubelet()
    administrator = Administrator(server.place.server, server.pki)
    try:
        await asyncio.to_thread(server.start)
        crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        await administrator.post(crds, server.definition())
        await eventually(lambda: _is_served(administrator), seconds=60)
        await kubelet.join(administrator, await kubelet.start(server.pki))
        yield Served(server, administrator, kubelet)
    finally:
        await administrator.close()
        await kubelet.close()
        await asyncio.to_thread(server.end)


class KubernetesRig:
    """The adapter on a real API server."""

    def __init__(self, place: Served, **settings: Any) -> None:
        self.place = place
        given = {"namespaces": ("default",), "silence_seconds": SILENCE_SECONDS} | settings
        kubeconfig = given.pop("kubeconfig", place.server.kubeconfig)
        self.config = KubernetesConfig("real", kubeconfig=kubeconfig, **given)
        self.cluster = KubernetesCluster(self.config)

    async def run(self, name: str) -> None:
        """Let the operator start the driver."""
        pod = f"{name}-driver"
        self.place.kubelet.logs[pod] = f"driver of {name} runs\n".encode()
        await self.put_driver(name)
        state = {"running": {"startedAt": STARTED_AT}}
        await self.write_driver(name, phase="Running", state=state)
        await self.place.administrator.set_status(
            name,
            applicationState={"state": "RUNNING"},
            driverInfo={"podName": pod},
            sparkApplicationId=f"spark-{name}",
            lastSubmissionAttemptTime=STARTED_AT,
            terminationTime=None,
        )

    async def end(self, name: str, *, exit_code: int) -> None:
        """Let the driver end, and the operator find out."""
        self.place.kubelet.logs[f"{name}-driver"] += f"driver of {name} ends\n".encode()
        reason = "Error" if exit_code else "Completed"
        ended = {
            "exitCode": exit_code,
            "reason": reason,
            "startedAt": STARTED_AT,
            "finishedAt": ENDED_AT,
        }
        await self.write_driver(
            name, phase="Failed" if exit_code else "Succeeded", state={"terminated": ended}
        )
        error = f"driver container failed with ExitCode: {exit_code}, Reason: Error" if exit_code else ""
        await self.place.administrator.set_status(
            name,
            applicationState={"state": "FAILED" if exit_code else "COMPLETED", "errorMessage": error},
            terminationTime=ENDED_AT,
        )

    async def put_driver(self, name: str, *, node: str | None = "fake-node") -> dict[str, Any]:
        """Create the driver pod with the labels and the owner that the operator gives it."""
        path = f"{GROUP}/namespaces/default/sparkapplications/{name}"
        metadata = (await self.place.administrator.get(path))["metadata"]
        owner = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "name": name,
            "uid": metadata["uid"],
        }
        return await self.place.administrator.put_pod(
            f"{name}-driver",
            container=names.DRIVER_CONTAINER,
            node=node,
            labels=metadata.get("labels", {}) | {names.SPARK_ROLE: names.DRIVER_ROLE},
            ownerReferences=[owner],
        )

    async def write_driver(self, name: str, *, phase: str, state: dict[str, Any]) -> None:
        """Write the status of the driver's only container, on a node that a scheduler has chosen."""
        container = {
            "name": names.DRIVER_CONTAINER,
            "image": "none",
            "imageID": "",
            "ready": phase == "Running",
            "restartCount": 0,
            "state": state,
        }
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": SCHEDULED_AT}
        await self.place.administrator.set_pod_status(
            f"{name}-driver", phase=phase, containerStatuses=[container], conditions=[scheduled]
        )

    async def clear(self) -> None:
        """Leave nothing to the next test."""
        await self.cluster.close()
        await self.place.administrator.clear()
        self.place.kubelet.logs.clear()


async def _is_served(administrator: Administrator) -> bool:
    found = await administrator.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}")
    conditions = found.get("status", {}).get("conditions") or []
    if not any(one["type"] == "Established" and one["status"] == "True" for one in conditions):
        return False
    try:
        await administrator.get(f"{GROUP}/namespaces/default/sparkapplications")
        await administrator.get("/api/v1/namespaces/default")
    except AssertionError:
        return False
    return True
