"""Asking an API server, through kubectl."""

import json
from pathlib import Path
from typing import Any

from tests.stack.build.binaries import binary
from tests.stack.host.commands import run, succeeds
from tests.stack.layout import Cluster


def kubectl(cluster: Cluster, *arguments: str | Path, stdin: str | None = None) -> str:
    return run(*_command(cluster), *arguments, stdin=stdin)


def apply(cluster: Cluster, *objects: dict[str, Any]) -> None:
    """Make the cluster hold these objects; says nothing when it does already."""
    document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    kubectl(cluster, *_APPLY, "--filename=-", stdin=json.dumps(document))


def apply_files(cluster: Cluster, *paths: Path) -> None:
    kubectl(cluster, *_APPLY, *(f"--filename={path}" for path in paths))


def get(cluster: Cluster, *arguments: str) -> dict[str, Any]:
    return json.loads(kubectl(cluster, "get", "--output=json", *arguments))


def is_there(cluster: Cluster, *arguments: str) -> bool:
    return succeeds(*_command(cluster), "get", *arguments)


def _command(cluster: Cluster) -> list[str | Path]:
    # Its own cache, because the one in the home folder remembers another life of the same address.
    cache = cluster.directory / "kubectl"
    return [binary("kubectl"), "--kubeconfig", cluster.kubeconfig, f"--cache-dir={cache}"]


#: Server-side, because the operator's definitions are too large for the annotation of the other kind. The
#: server refuses what is wrong; to have kubectl look first costs a second a call.
_APPLY = ("apply", "--server-side", "--force-conflicts", "--field-manager=moka-stack", "--validate=ignore")


def delete_applications(cluster: Cluster, namespace: str) -> None:
    """Delete all SparkApplications of a namespace in one request: one by one, thousands take minutes."""
    path = f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{namespace}/sparkapplications"
    kubectl(cluster, "delete", "--raw", path)
