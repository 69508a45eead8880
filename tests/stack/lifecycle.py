"""Up, down, and how things are."""

import os
import time

from tests.stack import certificates, kubeconfig
from tests.stack.build import images, jars, packages
from tests.stack.build.binaries import MODULES, built
from tests.stack.host import leftovers, network, residue
from tests.stack.host.commands import announce
from tests.stack.host.processes import StackError, end, end_all, is_alive, recorded, restart, wait
from tests.stack.layout import CLUSTERS
from tests.stack.parts import node
from tests.stack.parts.order import PARTS


def build() -> None:
    """Make everything that `up` starts; quick when the cache holds it."""
    packages.ensure()
    for module in MODULES:
        built(module)
    jars.s3a()
    images.archives()


def up() -> None:
    """Start what does not run yet. What a failed or killed start left is taken down first."""
    if os.geteuid() != 0:
        raise StackError("the stack makes network links and containers: run it as root")
    build()
    if is_up():
        node.import_images()
        announce("the stack is up")
        return
    if recorded():
        announce("taking down what an earlier start left")
        down()
    began = time.monotonic()
    residue.remember()
    network.ensure()
    for cluster in CLUSTERS:
        certificates.ensure(cluster)
    kubeconfig.write_all()
    for part in PARTS:
        if not part.on_request:
            part.start()
            announce(f"{time.monotonic() - began:6.1f} s  {part.name}")


def is_up() -> bool:
    """Whether every process of a complete start is alive."""
    known = recorded()
    wanted = [part.name for part in PARTS if not part.on_request and part.is_process]
    return all(name in known for name in wanted) and all(is_alive(process) for process in known.values())


def down() -> None:
    """End every recorded process and undo what they did to the machine. No-op when nothing is there."""
    end("kubelet")  # else it starts again what we end
    known = recorded()
    if "containerd" in known:
        _remove_containers(alive=is_alive(known["containerd"]))
    end_all(list(recorded()))
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
