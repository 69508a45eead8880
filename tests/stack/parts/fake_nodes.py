"""kwok: nodes and pods that are only objects, for the clusters that run no containers."""

from pathlib import Path
from typing import Any

from tests.stack import kubeconfig
from tests.stack.build.binaries import binary, built
from tests.stack.host.processes import start, wait
from tests.stack.kubectl import apply, get
from tests.stack.layout import MANIFESTS, Cluster

NODES = 4
_NODE_STAGES = ("node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml")


def start_fake_nodes(cluster: Cluster) -> None:
    stages = [built("kwok") / "stages" / name for name in _NODE_STAGES]
    _start_kwok(cluster, "kwok", [*stages, MANIFESTS / "kwok-pods.yaml"], "--manage-all-nodes=true")
    apply(cluster, *(_node(cluster, number) for number in range(1, NODES + 1)))
    wait(f"the nodes of {cluster.name}", lambda: _ready_nodes(cluster) == NODES, seconds=60)


def start_fake_operator(cluster: Cluster) -> None:
    """Let kwok play the Spark operator: for load tests, which would only measure its JVMs."""
    stages = [MANIFESTS / "kwok-applications.yaml"]
    _start_kwok(
        cluster, "fake-operator", stages, "--manage-nodes-with-label-selector=kwok.moka.dev/none=true"
    )


def _start_kwok(cluster: Cluster, name: str, stages: list[Path], nodes: str) -> None:
    configuration = cluster.directory / f"{name}.yaml"
    configuration.write_text("\n---\n".join(path.read_text() for path in stages))
    flags = ["--kubeconfig", kubeconfig.of_part(cluster, "admin"), "--config", configuration, nodes]
    command = [binary("kwok"), *flags, "--node-lease-duration-seconds=40"]
    process = start(f"{name}-{cluster.name}", command)
    log = Path(process.log)
    wait(f"{name} of {cluster.name}", lambda: "Watch" in log.read_text(), seconds=60, process=process)


def _node(cluster: Cluster, number: int) -> dict[str, Any]:
    name = f"{cluster.name}-{number}"
    labels = {
        "kubernetes.io/arch": cluster.fake_architecture,
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "type": "kwok",
    }
    room = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {
            "allocatable": room,
            "capacity": room,
            "nodeInfo": _node_info(cluster),
        },
    }


def _node_info(cluster: Cluster) -> dict[str, Any]:
    """What a kubelet says about its machine; every field must be there."""
    names = ["bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion", "kubeletVersion"]
    unknown = dict.fromkeys([*names, "machineID", "osImage", "systemUUID"], "")
    return {**unknown, "architecture": cluster.fake_architecture, "operatingSystem": "linux"}


def _ready_nodes(cluster: Cluster) -> int:
    conditions = [c for node in get(cluster, "nodes")["items"] for c in node["status"].get("conditions", [])]
    return sum(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
