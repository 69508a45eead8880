"""The node that runs containers: containerd, kubelet, kube-proxy and the cluster's DNS."""

import json
import shutil

from tests.stack import certificates, kubeconfig
from tests.stack.build import images
from tests.stack.build.binaries import binary
from tests.stack.host.commands import polite, run, succeeds
from tests.stack.host.leftovers import SOCKET
from tests.stack.host.processes import start, wait
from tests.stack.kubectl import get
from tests.stack.layout import BRIDGE_ADDRESS, MANIFESTS, MOKA_A, NODE, PAUSE_IMAGE, POD_NETWORK
from tests.stack.parts.answers import http_ok
from tests.stack.parts.control_plane import as_flags

HOME = MOKA_A.directory
#: Names the archives that were imported, so that the next start imports only what is new.
_IMPORTED = HOME / "containerd" / "imported.json"


def start_containerd() -> None:
    network = HOME / "cni"
    network.mkdir(parents=True, exist_ok=True)
    (network / "10-moka.conflist").write_text(json.dumps(_pod_network()))
    configuration = HOME / "containerd.toml"
    configuration.write_text(
        (MANIFESTS / "containerd.toml")
        .read_text()
        .format(
            root=HOME / "containerd" / "root",
            state=HOME / "containerd" / "state",
            socket=SOCKET,
            cni=network,
            pause=PAUSE_IMAGE,
        )
    )
    process = start("containerd", [shutil.which("containerd") or "containerd", "--config", configuration])
    wait("containerd", lambda: succeeds("ctr", "--address", SOCKET, "version"), seconds=30, process=process)
    import_images()


def _pod_network() -> dict[str, object]:
    """Each pod hangs on a routed link of its own: without a bridge, services need no br_netfilter."""
    subnets = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_NETWORK}]],
        "dataDir": str(HOME / "addresses"),
    }
    subnets["routes"] = [{"dst": "0.0.0.0/0"}]
    return {"cniVersion": "1.0.0", "name": "moka", "plugins": [{"type": "ptp", "mtu": 1500, "ipam": subnets}]}


def import_images() -> None:
    """Give containerd what it does not have yet; also for a node that runs, when an image was built since."""
    imported = json.loads(_IMPORTED.read_text()) if _IMPORTED.exists() else {}
    for image, archive in images.archives().items():
        if imported.get(image) != str(archive):
            run(*polite("ctr", "--address", SOCKET, "--namespace", "k8s.io", "images", "import", archive))
            imported[image] = str(archive)
            _IMPORTED.write_text(json.dumps(imported, indent=1))


def start_kubelet() -> None:
    configuration = HOME / "kubelet.json"
    configuration.write_text(json.dumps(_kubelet_configuration(), indent=1))
    flags = {
        "config": configuration,
        "kubeconfig": kubeconfig.of_part(MOKA_A, "kubelet"),
        "root-dir": HOME / "kubelet",
        "hostname-override": NODE,
        "node-ip": BRIDGE_ADDRESS,
    }
    process = start("kubelet", [binary("kubelet"), *as_flags(flags)])
    wait("the node", _node_is_ready, seconds=90, process=process)


def _kubelet_configuration() -> dict[str, object]:
    pki = certificates.directory(MOKA_A)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": BRIDGE_ADDRESS,
        "authentication": {"anonymous": {"enabled": False}, "x509": {"clientCAFile": str(pki / "ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "podLogsDir": str(HOME / "pod-logs"),
        "volumePluginDir": str(HOME / "volume-plugins"),
        "cgroupDriver": "cgroupfs",
        "clusterDNS": [BRIDGE_ADDRESS],
        "clusterDomain": "cluster.local",
        "failSwapOn": False,
        "failCgroupV1": False,
        # The file systems of small machines are often of a kind that cAdvisor cannot measure.
        "localStorageCapacityIsolation": False,
        "evictionHard": {"memory.available": "200Mi"},
        "imageGCHighThresholdPercent": 100,
        "imageMinimumGCAge": "24h",
        "serializeImagePulls": True,
        "syncFrequency": "10s",
        "nodeStatusReportFrequency": "1m",
    }


def _node_is_ready() -> bool:
    nodes = get(MOKA_A, "nodes")["items"]
    conditions = [c for node in nodes for c in node["status"].get("conditions", [])]
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def start_kube_proxy() -> None:
    flags = {
        "kubeconfig": kubeconfig.of_part(MOKA_A, "kube-proxy"),
        "proxy-mode": "iptables",
        "hostname-override": NODE,
        "cluster-cidr": POD_NETWORK,
        "conntrack-max-per-core": 0,
        "healthz-bind-address": "127.0.0.1:10256",
        "metrics-bind-address": "127.0.0.1:10249",
    }
    process = start("kube-proxy", [binary("kube-proxy"), *as_flags(flags)])
    wait("kube-proxy", lambda: http_ok("http://127.0.0.1:10256/healthz"), seconds=60, process=process)


def start_dns() -> None:
    corefile = HOME / "Corefile"
    # It only reads, and reads everything of a kind: the administrator's file saves a role of its own.
    access = kubeconfig.of_part(MOKA_A, "admin")
    corefile.write_text(
        (MANIFESTS / "Corefile").read_text().format(address=BRIDGE_ADDRESS, kubeconfig=access)
    )
    process = start("coredns", [binary("coredns"), "-conf", corefile])
    wait("the cluster's DNS", lambda: http_ok("http://127.0.0.1:18181/ready"), seconds=60, process=process)
