"""Kubeconfig files, with the certificates inside so that a file can be copied anywhere."""

import json
import platform
from base64 import b64encode
from pathlib import Path

from tests.stack import certificates
from tests.stack.layout import CLUSTERS, CLUSTERS_FILE, JOB_NAMESPACES, KUBECONFIGS, Cluster

_TEMPLATE = """\
apiVersion: v1
kind: Config
current-context: {cluster}
clusters:
  - name: {cluster}
    cluster: {{server: "{server}", certificate-authority-data: {ca}}}
users:
  - name: {user}
    user: {{client-certificate-data: {certificate}, client-key-data: {key}}}
contexts:
  - name: {cluster}
    context: {{cluster: {cluster}, user: {user}}}
"""


def write(cluster: Cluster, path: Path, *, user: str = "admin", server: str | None = None) -> Path:
    """Write the kubeconfig of one user of *cluster*; *server* is another way to the same API server."""
    pki = certificates.directory(cluster)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        _TEMPLATE.format(
            cluster=cluster.name,
            server=server or cluster.server,
            user=user,
            ca=_encoded(pki / "ca.crt"),
            certificate=_encoded(pki / f"{user}.crt"),
            key=_encoded(pki / f"{user}.key"),
        )
    )
    path.chmod(0o600)
    return path


def of_part(cluster: Cluster, user: str) -> Path:
    """The kubeconfig with which one of our own servers, such as the scheduler, reaches its cluster."""
    return write(cluster, cluster.directory / f"{user}.kubeconfig", user=user)


def write_all() -> None:
    """Write both administrator's files of each cluster and the list of clusters."""
    KUBECONFIGS.mkdir(parents=True, exist_ok=True)
    for cluster in CLUSTERS:
        write(cluster, cluster.kubeconfig)
        write(cluster, cluster.proxied_kubeconfig, server=cluster.proxied_server)
    # JSON is YAML, and needs no library to write.
    CLUSTERS_FILE.write_text(
        json.dumps({"clusters": [_entry(cluster) for cluster in CLUSTERS]}, indent=2) + "\n"
    )


def _entry(cluster: Cluster) -> dict[str, object]:
    return {
        "name": cluster.name,
        "kubeconfig": str(cluster.kubeconfig),
        "proxied_kubeconfig": str(cluster.proxied_kubeconfig),
        "server": cluster.server,
        "proxied_server": cluster.proxied_server,
        "runs_containers": cluster.fake_architecture is None,
        "architecture": cluster.fake_architecture or _MACHINES[platform.machine()],
        "namespaces": list(JOB_NAMESPACES),
    }


#: What the kernel calls a processor -> what Kubernetes calls it.
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def _encoded(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()
