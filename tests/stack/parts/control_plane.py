"""etcd, API server, controller manager and scheduler of one cluster."""

import json

from tests.stack import certificates, kubeconfig
from tests.stack.build.binaries import binary
from tests.stack.host.processes import start, wait
from tests.stack.layout import SERVICE_NETWORK, Cluster
from tests.stack.parts.answers import http_ok

ISSUER = "https://kubernetes.default.svc.cluster.local"


def start_etcd(cluster: Cluster) -> None:
    client = f"http://127.0.0.1:{cluster.etcd_port}"
    peer = f"http://127.0.0.1:{cluster.etcd_port + 1}"
    flags = {
        "name": cluster.name,
        "data-dir": cluster.directory / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"{cluster.name}={peer}",
        # Load tests hold 20,000 applications and their history; 2 GiB, the default, is near.
        "quota-backend-bytes": 4 << 30,
    }
    process = start(f"etcd-{cluster.name}", [binary("etcd"), *as_flags(flags)])
    wait(f"etcd of {cluster.name}", lambda: http_ok(f"{client}/health"), seconds=30, process=process)


def start_api_server(cluster: Cluster) -> None:
    pki = certificates.directory(cluster)
    flags = {
        "etcd-servers": f"http://127.0.0.1:{cluster.etcd_port}",
        "bind-address": cluster.host,
        "secure-port": cluster.api_port,
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        "client-ca-file": pki / "ca.crt",
        "service-account-issuer": ISSUER,
        "service-account-key-file": pki / "service-account.pub",
        "service-account-signing-key-file": pki / "service-account.key",
        "service-cluster-ip-range": SERVICE_NETWORK,
        "authorization-mode": "Node,RBAC",
        "allow-privileged": "true",
        "profiling": "false",
    }
    if cluster.fake_architecture is None:
        flags |= {
            "advertise-address": cluster.host,
            "kubelet-preferred-address-types": "InternalIP",
            "kubelet-certificate-authority": pki / "ca.crt",
            "kubelet-client-certificate": pki / "kubelet-client.crt",
            "kubelet-client-key": pki / "kubelet-client.key",
        }
    else:
        # Nothing reaches it as a service, and the reconciler refuses a loopback address.
        flags |= {"endpoint-reconciler-type": "none", "advertise-address": "192.0.2.1"}
    process = start(f"apiserver-{cluster.name}", [binary("kube-apiserver"), *as_flags(flags)])
    wait(
        f"API server of {cluster.name}",
        lambda: http_ok(f"{cluster.server}/readyz"),
        seconds=90,
        process=process,
    )


def start_controller_manager(cluster: Cluster) -> None:
    pki = certificates.directory(cluster)
    flags = {
        "kubeconfig": kubeconfig.of_part(cluster, "controller-manager"),
        "bind-address": "127.0.0.1",
        "secure-port": cluster.controller_port,
        "cert-dir": cluster.directory / "controller-manager",
        "root-ca-file": pki / "ca.crt",
        "service-account-private-key-file": pki / "service-account.key",
        "use-service-account-credentials": "true",
        "leader-elect": "false",
    }
    process = start(
        f"controller-manager-{cluster.name}", [binary("kube-controller-manager"), *as_flags(flags)]
    )
    healthz = f"https://127.0.0.1:{cluster.controller_port}/healthz"
    wait(f"controller manager of {cluster.name}", lambda: http_ok(healthz), seconds=60, process=process)


def start_scheduler(cluster: Cluster) -> None:
    """The default scheduler; with fake nodes it also answers to the name of YuniKorn, absent there."""
    profiles = (
        ["default-scheduler"] if cluster.fake_architecture is None else ["default-scheduler", "yunikorn"]
    )
    configuration = cluster.directory / "scheduler.json"
    configuration.write_text(
        json.dumps(
            {
                "apiVersion": "kubescheduler.config.k8s.io/v1",
                "kind": "KubeSchedulerConfiguration",
                "leaderElection": {"leaderElect": False},
                "clientConnection": {
                    "kubeconfig": str(kubeconfig.of_part(cluster, "scheduler")),
                    "qps": 200,
                    "burst": 400,
                },
                "profiles": [{"schedulerName": name} for name in profiles],
            }
        )
    )
    flags = {
        "config": configuration,
        "bind-address": "127.0.0.1",
        "secure-port": cluster.scheduler_port,
        "cert-dir": cluster.directory / "scheduler",
    }
    process = start(f"scheduler-{cluster.name}", [binary("kube-scheduler"), *as_flags(flags)])
    healthz = f"https://127.0.0.1:{cluster.scheduler_port}/healthz"
    wait(f"scheduler of {cluster.name}", lambda: http_ok(healthz), seconds=60, process=process)


def as_flags(flags: dict[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]
