"""Which nodes the pods of an attempt may run on: architecture, capacity and zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from zlib import crc32

from archer.domain.cluster import ClusterProfile
from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import Queue

# Source: Kubernetes docs, "Well-Known Labels, Annotations and Taints"; Karpenter docs, "NodePools".
ARCH_LABEL: Final = "kubernetes.io/arch"
ZONE_LABEL: Final = "topology.kubernetes.io/zone"
CAPACITY_LABEL: Final = "karpenter.sh/capacity-type"
ARCH_TAINT: Final = "moka.dev/arch"
ON_DEMAND: Final = "on-demand"
SPOT: Final = "spot"
# AWS takes a spot node back two minutes after it said so; a pod that needs longer is cut off anyway.
SPOT_NOTICE_SECONDS: Final = 120
# An executor that must go hands its blocks over first. Source: Spark docs, "Configuration", decommission.
DECOMMISSION: Final = {
    "spark.decommission.enabled": "true",
    "spark.storage.decommission.enabled": "true",
    "spark.storage.decommission.rddBlocks.enabled": "true",
}
DECOMMISSION_SHUFFLE: Final = "spark.storage.decommission.shuffleBlocks.enabled"


@dataclass(frozen=True, slots=True)
class Nodes:
    """Where the pods of an attempt may run; an empty *driver_capacity* says nothing."""

    arch: str
    zone: str
    driver_capacity: str
    executor_capacity: str

    @property
    def executors_on_spot(self) -> bool:
        """Whether executors must expect to lose their node."""
        return self.executor_capacity == SPOT

    def selector(self, role: str) -> dict[str, str]:
        """Node selector of the pods of *role*."""
        wanted = {ARCH_LABEL: self.arch}
        capacity = self.driver_capacity if role == "driver" else self.executor_capacity
        if capacity:
            wanted[CAPACITY_LABEL] = capacity
        if self.zone:
            wanted[ZONE_LABEL] = self.zone
        return wanted

    @property
    def tolerations(self) -> list[dict[str, str]]:
        """Tolerations of both pods."""
        return [{"key": ARCH_TAINT, "operator": "Equal", "value": self.arch, "effect": "NoSchedule"}]


def nodes_of(
    job_id: str, number: int, arch: str, *, request: JobRequest, profile: ClusterProfile, queue: Queue | None
) -> Nodes:
    """Where attempt *number* of a job may run on the cluster of *profile*.

    All of a job is in one zone, since its shuffle crosses the network between executors; another attempt is
    in the next one, since the first may be what broke.
    """
    zones = profile.zones
    zone = zones[(crc32(job_id.encode()) + number - 1) % len(zones)] if zones else ""
    on_demand = ON_DEMAND if ON_DEMAND in profile.capacity_types else ""
    on_spot = SPOT in profile.capacity_types and _wants_spot(request, queue)
    return Nodes(arch, zone, on_demand, SPOT if on_spot else on_demand)


def _wants_spot(request: JobRequest, queue: Queue | None) -> bool:
    """Whether the executors may be lost: where the queue lets jobs choose, the job says so."""
    if queue is None:
        return request.executor.capacity == "spot"
    if queue.spot == "never":
        return False
    return (request.executor.capacity or ("spot" if queue.spot == "default" else "on_demand")) == "spot"
