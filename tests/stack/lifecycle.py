"""Up, down, and how things are."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.stack import certificates, kubeconfig
from tests.stack.build import images, jars, packages
from tests.stack.build.binaries import MODULES, built
from tests.stack.host import leftovers, network, residue
from tests.stack.host.commands import announce
from tests.stack.host.processes import StackError, end, end_all, end_marked, is_alive, recorded, restart, wait
from tests.stack.layout import (
    CLUSTERS,
    HISTORY_ADDRESS,
    KUBECONFIGS,
    LOGS,
    RUNTIME,
    S3_ENDPOINT,
    YUNIKORN_ADDRESS,
)
from tests.stack.parts import metastore, node
from tests.stack.parts.order import PARTS


def build() -> None:
    """Make everything that `up` starts; quick when the cache holds it."""
    packages.ensure()
    for module in MODULES.values():
        if not module.on_request:
            built(module.name)
    jars.s3a()
    metastore.distribution()
    images.archives()


def up() -> None:
    """Start everything and wait until it is ready. What a failed or killed start left is taken down first."""
    if os.geteuid() != 0:
        raise StackError("the stack makes network links and containers: run it as root")
    with _alone():
        _up()


def _up() -> None:
    build()
    if is_up():
        node.import_images()
        announce("the stack is up")
        return
    if recorded() or network.is_changed():
        announce("taking down what an earlier start left")
        _down()
    strangers = residue.strangers()
    if strangers:
        raise StackError(
            f"another Kubernetes, or another checkout's stack, is on this machine: {strangers[0]}"
        )
    residue.remember()
    _start_parts()
    announce(
        f"kubeconfigs {KUBECONFIGS}, S3 {S3_ENDPOINT}, history {HISTORY_ADDRESS}, YuniKorn {YUNIKORN_ADDRESS}"
    )


def _start_parts() -> None:
    began = time.monotonic()
    shutil.rmtree(LOGS, ignore_errors=True)
    network.ensure()
    for cluster in CLUSTERS:
        certificates.ensure(cluster)
    kubeconfig.write_all()
    for part in PARTS:
        if not part.on_request:
            part.start()
            announce(f"{time.monotonic() - began:6.1f} s  {part.name}")


@contextmanager
def _alone() -> Iterator[None]:
    """One command at a time may change what runs; the next waits."""
    RUNTIME.mkdir(parents=True, exist_ok=True)
    with (RUNTIME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_up() -> bool:
    """Whether every process of a complete start is alive."""
    known = recorded()
    wanted = [part.name for part in PARTS if not part.on_request and part.is_process]
    return all(name in known and is_alive(known[name]) for name in wanted)


def down() -> None:
    """End every recorded process and undo what they did to the machine. No-op when nothing is there."""
    with _alone():
        _down()


def _down() -> None:
    end("kubelet")  # else it starts again what we end
    known = recorded()
    if "containerd" in known:
        _remove_containers(alive=is_alive(known["containerd"]))
    end_all(list(recorded()))
    end_marked()
    if network.is_changed():  # else whatever is there is not ours
        leftovers.end_pod_processes()
        leftovers.remove_mounts()
        leftovers.remove_cgroups()
        network.restore()
    leftovers.remove_files()


def _remove_containers(*, alive: bool) -> None:
    """Ask containerd, started again if somebody killed it: containers outlive it."""
    try:
        if not alive:
            process = restart("containerd")
            wait("containerd", leftovers.containerd_answers, seconds=30, process=process)
        leftovers.remove_containers()
    except StackError as error:
        announce(f"containers are killed by their cgroups: {error}")


def status() -> list[str]:
    """One line for each recorded process."""
    return [
        f"{'up  ' if is_alive(process) else 'DEAD'}  {process.pid:>7}  {process.name:<32} {process.log}"
        for process in recorded().values()
    ]
