"""What kubelet leaves when it did not get to clean up: containers, mounts, network namespaces, cgroups."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

from tests.stack.host.commands import run, succeeds
from tests.stack.host.residue import mount_points, pod_cgroups
from tests.stack.layout import RUNTIME

SOCKET = RUNTIME / "moka-a" / "containerd.sock"
_CONTAINERS = ("ctr", "--address", SOCKET, "--namespace", "k8s.io")


def containerd_answers() -> bool:
    return succeeds(*_CONTAINERS, "version")


def remove_containers() -> None:
    """End every container of our containerd, which must run, and give back the pods' network namespaces."""
    names = run(*_CONTAINERS, "containers", "list", "--quiet").split()
    namespaces = {namespace for name in names if (namespace := _network_namespace(name))}
    for name in names:
        succeeds(*_CONTAINERS, "tasks", "kill", "--all", "--signal", "SIGKILL", name)
    for name in names:
        succeeds(*_CONTAINERS, "tasks", "delete", "--force", name)
        succeeds(*_CONTAINERS, "containers", "delete", name)
    for namespace in namespaces:
        # The pod's end of the link goes with the namespace, and our end with the pod's.
        if Path(namespace).exists():
            run("ip", "netns", "delete", Path(namespace).name)


def _network_namespace(container: str) -> str | None:
    """The path of the namespace that CNI made for a pod; containers of a pod share it."""
    spec = json.loads(run(*_CONTAINERS, "containers", "info", container)).get("Spec") or {}
    for entry in spec.get("linux", {}).get("namespaces", []):
        if entry["type"] == "network" and "/netns/cni-" in entry.get("path", ""):
            return entry["path"]
    return None


def end_pod_processes() -> None:
    """Kill what still runs in a pod's cgroup: the last resort when containerd cannot be asked."""
    for root in pod_cgroups():
        for listing in root.rglob("cgroup.procs"):
            for pid in listing.read_text().split():
                os.kill(int(pid), signal.SIGKILL)


def remove_mounts() -> None:
    """Unmount what is mounted below our directory, innermost first."""
    ours = [point for point in mount_points() if Path(point).is_relative_to(RUNTIME)]
    for point in sorted(ours, key=len, reverse=True):
        if not succeeds("umount", point):
            run("umount", "--lazy", point)


def remove_cgroups() -> None:
    """Remove the empty groups that kubelet made for pods."""
    deadline = time.monotonic() + 5
    while (roots := pod_cgroups()) and time.monotonic() < deadline:
        for root in roots:
            for directory in [*sorted(root.rglob("*"), key=lambda p: len(p.parts), reverse=True), root]:
                if directory.is_dir():
                    _remove_group(directory)
        time.sleep(0.1)


def _remove_group(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        return  # a process in it is still ending; the caller comes again


def remove_files() -> None:
    """Delete the state of the clusters; logs and images stay, the next start is quicker with them."""
    for cluster in ("moka-a", "moka-arm", "moka-x86"):
        directory = RUNTIME / cluster
        for path in directory.iterdir() if directory.exists() else []:
            if path.name != "containerd":
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in ("s3", "kubeconfig", "metastore"):
        shutil.rmtree(RUNTIME / name, ignore_errors=True)
    for link in Path("/var/log/containers").glob("*"):
        if link.is_symlink() and Path(link.readlink()).is_relative_to(RUNTIME):
            link.unlink()
