"""Which parts there are and in what order they start; each stands on those before it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.stack.host.processes import end
from tests.stack.layout import CLUSTERS, MOKA_A
from tests.stack.parts import (
    access,
    control_plane,
    fake_nodes,
    metastore,
    node,
    proxies,
    spark_operator,
    storage,
    yunikorn,
)

_FAKE = tuple(cluster for cluster in CLUSTERS if cluster.fake_architecture)


@dataclass(frozen=True)
class Part:
    """One recorded process of the same name, or a step that only changes what is in a cluster."""

    name: str
    start: Callable[[], None]
    #: Not started by ``up`` but when a test asks for it by name.
    on_request: bool = False
    is_process: bool = True

    def stop(self) -> None:
        """End its process; no-op when it does not run."""
        end(self.name)


PARTS = (
    *(Part(f"etcd-{c.name}", partial(control_plane.start_etcd, c)) for c in CLUSTERS),
    *(Part(f"apiserver-{c.name}", partial(control_plane.start_api_server, c)) for c in CLUSTERS),
    *(
        Part(f"controller-manager-{c.name}", partial(control_plane.start_controller_manager, c))
        for c in CLUSTERS
    ),
    *(Part(f"scheduler-{c.name}", partial(control_plane.start_scheduler, c)) for c in CLUSTERS),
    Part("s3", storage.start_s3),
    *(Part(f"access-{c.name}", partial(access.grant, c), is_process=False) for c in CLUSTERS),
    Part("containerd", node.start_containerd),
    Part("coredns", node.start_dns),
    Part("kubelet", node.start_kubelet),
    Part("kube-proxy", node.start_kube_proxy),  # is not healthy before it has seen its node
    Part("yunikorn", yunikorn.start_yunikorn),
    Part(f"spark-operator-{MOKA_A.name}", partial(spark_operator.start_spark_operator, MOKA_A)),
    *(Part(f"kwok-{c.name}", partial(fake_nodes.start_fake_nodes, c)) for c in _FAKE),
    Part("toxiproxy", proxies.start_proxies),
    Part("history", storage.start_history),
    Part("metastore-database", metastore.start_database),
    Part("metastore", metastore.start_metastore),
    # Both move the same objects: start one or the other.
    *(Part(f"spark-operator-{c.name}", partial(spark_operator.start_spark_operator, c), True) for c in _FAKE),
    *(Part(f"fake-operator-{c.name}", partial(fake_nodes.start_fake_operator, c), True) for c in _FAKE),
)


def part(name: str) -> Part:
    return next(p for p in PARTS if p.name == name)
