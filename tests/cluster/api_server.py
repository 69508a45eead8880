"""A Kubernetes API server with its etcd, and nothing else: no controller, scheduler or kubelet.

Its own ports and directories, so that it runs beside the stack. Only what it started is ended, by its id.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from tests.stack import certificates, etcd, kubeconfig
from tests.stack.build.binaries import binary, built
from tests.stack.layout import Cluster
from tests.stack.parts.answers import http_ok

READY_SECONDS = 120.0
END_SECONDS = 20.0
CRD = "sparkapplications.sparkoperator.k8s.io"


@dataclass(frozen=True)
class Place(Cluster):
    """A cluster of the stack's kind whose files are where a test wants them."""

    root: Path = field(default_factory=Path)

    @property
    def directory(self) -> Path:
        return self.root / self.name


class ApiServer:
    """Starts and ends both processes; keeps its data when it is started again."""

    def __init__(self, directory: Path) -> None:
        etcd_port = _free_port()
        self.place = Place(
            "moka-test",
            "127.0.0.1",
            api_port=_free_port(),
            proxied_port=0,
            etcd_port=etcd_port,
            controller_port=0,
            scheduler_port=0,
            fake_architecture="amd64",
            root=directory,
        )
        self._peer_port = _free_port()
        self._etcd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self.pki = certificates.ensure(self.place)
        self.kubeconfig = kubeconfig.write(self.place, directory / "kubeconfig.yaml")

    def definition(self, kinds: str = "sparkapplications") -> dict:
        """The operator's definition of SparkApplications, or of another kind of its group."""
        text = (built("spark-operator") / "crds" / f"sparkoperator.k8s.io_{kinds}.yaml").read_text()
        return yaml.safe_load(text)

    def start(self) -> None:
        """Start what does not run, and wait until it answers."""
        if self._etcd is None:
            self._etcd = self._run("etcd", _etcd_flags(self.place, self._peer_port))
            _wait(f"http://127.0.0.1:{self.place.etcd_port}/health", self._etcd)
        if self._server is None:
            self._server = self._run("kube-apiserver", _server_flags(self.place, self.pki))
            _wait(f"{self.place.server}/readyz", self._server)

    def stop_serving(self, signum: int = signal.SIGKILL) -> None:
        """End the API server and leave etcd."""
        _end(self._server, signum)
        self._server = None

    def pause(self) -> None:
        """Let the API server answer nothing, with all its connections open."""
        assert self._server is not None
        os.kill(self._server.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self._server is not None
        os.kill(self._server.pid, signal.SIGCONT)

    def compact(self) -> None:
        """Throw away all history."""
        etcd.compact(self.place)

    def end(self) -> None:
        self.stop_serving()
        _end(self._etcd, signal.SIGTERM)
        self._etcd = None

    def through(self, port: int) -> Path:
        """A kubeconfig that goes through a proxy on loopback."""
        path = self.place.root / f"through-{port}.yaml"
        return kubeconfig.write(replace(self.place, api_port=port), path)

    def with_token_file(self, token_file: Path) -> Path:
        """A kubeconfig whose user is whoever the token in a file says."""
        path = self.place.root / f"{token_file.name}.yaml"
        document = yaml.safe_load(self.kubeconfig.read_text())
        document["users"][0]["user"] = {"tokenFile": str(token_file)}
        path.write_text(yaml.safe_dump(document))
        return path

    def _run(self, command: str, flags: dict[str, object]) -> subprocess.Popen[bytes]:
        argv = [str(binary(command)), *(f"--{name}={value}" for name, value in flags.items())]
        with (self.place.root / f"{command}.log").open("ab") as log:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )


def _etcd_flags(place: Place, peer_port: int) -> dict[str, object]:
    client, peer = f"http://127.0.0.1:{place.etcd_port}", f"http://127.0.0.1:{peer_port}"
    return {
        "name": place.name,
        "data-dir": place.directory / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"{place.name}={peer}",
        "unsafe-no-fsync": "true",  # no test pulls the plug of the machine
    }


def _server_flags(place: Place, pki: Path) -> dict[str, object]:
    return {
        "etcd-servers": f"http://127.0.0.1:{place.etcd_port}",
        "bind-address": "127.0.0.1",
        "secure-port": place.api_port,
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        "client-ca-file": pki / "ca.crt",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": pki / "service-account.pub",
        "service-account-signing-key-file": pki / "service-account.key",
        "service-cluster-ip-range": "10.96.0.0/16",
        "authorization-mode": "RBAC",
        # no controller makes the accounts that it would ask for
        "disable-admission-plugins": "ServiceAccount",
        "kubelet-preferred-address-types": "InternalIP",
        "endpoint-reconciler-type": "none",
        "advertise-address": "192.0.2.1",
        "profiling": "false",
    }


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not http_ok(url):
        assert process.poll() is None, f"{process.args[0]} died"  # type: ignore[index]
        assert time.monotonic() < deadline, f"{url} not within {READY_SECONDS:g} s"
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes] | None, signum: int) -> None:
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.send_signal(signum)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
        return
    process.kill()
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
