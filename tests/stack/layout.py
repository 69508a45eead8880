"""Where everything of the stack lies: directories, addresses, ports, names."""

from dataclasses import dataclass
from os import environ
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / "tools"
MANIFESTS = Path(__file__).parent / "manifests"

#: Run-time state; ignored by git, gone after ``down`` but for the logs.
RUNTIME = REPOSITORY / ".stack"
LOGS = RUNTIME / "logs"
KUBECONFIGS = RUNTIME / "kubeconfig"
CLUSTERS_FILE = RUNTIME / "clusters.yaml"
S3_FILE = RUNTIME / "s3.json"

#: Built things, each in a folder named after the hash of its inputs, so that a checkout can be thrown away.
CACHE = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "moka" / "stack"

#: The one address that pods, kubelet and host have in common. It is on a bridge of our own.
BRIDGE = "moka0"
BRIDGE_ADDRESS = "10.255.0.1"
POD_NETWORK = "10.244.0.0/24"
SERVICE_NETWORK = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"

S3_ENDPOINT = f"http://{BRIDGE_ADDRESS}:7070"
S3_BUCKET = "moka"
HISTORY_ADDRESS = f"http://{BRIDGE_ADDRESS}:18080"
YUNIKORN_ADDRESS = "http://127.0.0.1:9080"
TOXIPROXY_ADDRESS = "http://127.0.0.1:8474"
METASTORE_PORT = 9083
METASTORE_ADDRESS = f"thrift://{BRIDGE_ADDRESS}:{METASTORE_PORT}"

PAUSE_IMAGE = "registry.local/pause:1"
SPARK_IMAGE = "registry.local/spark:3.5.9"
NODE = "moka-a-node"
#: Where jobs may run; each has the service account ``spark`` and the secret ``moka-s3``.
JOB_NAMESPACES = ("default", "moka-jobs")


@dataclass(frozen=True)
class Cluster:
    """One API server with its etcd. Ports are fixed so that a restarted test finds what a killed one left."""

    name: str
    host: str
    api_port: int
    proxied_port: int
    etcd_port: int
    controller_port: int
    scheduler_port: int
    #: Of the fake nodes; None where a kubelet runs containers.
    fake_architecture: str | None = None

    @property
    def server(self) -> str:
        return f"https://{self.host}:{self.api_port}"

    @property
    def proxied_server(self) -> str:
        return f"https://127.0.0.1:{self.proxied_port}"

    @property
    def directory(self) -> Path:
        return RUNTIME / self.name

    @property
    def kubeconfig(self) -> Path:
        return KUBECONFIGS / f"{self.name}.yaml"

    @property
    def proxied_kubeconfig(self) -> Path:
        return KUBECONFIGS / f"{self.name}-proxied.yaml"


MOKA_A = Cluster("moka-a", BRIDGE_ADDRESS, 6443, 16443, 12379, 12257, 12259)
MOKA_ARM = Cluster("moka-arm", "127.0.0.1", 6444, 16444, 22379, 22257, 22259, "arm64")
MOKA_X86 = Cluster("moka-x86", "127.0.0.1", 6445, 16445, 32379, 32257, 32259, "amd64")
CLUSTERS = (MOKA_A, MOKA_ARM, MOKA_X86)
