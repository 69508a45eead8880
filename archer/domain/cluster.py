"""What Archer must know of a cluster to choose it and to write a manifest for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

PodSecurity = Literal["restricted", "baseline"]
S3Credentials = Literal["", "irsa", "pod_identity"]
CapacityType = Literal["on-demand", "spot"]  # as Karpenter writes karpenter.sh/capacity-type


class WantedState(StrEnum):
    """What people ask of a cluster."""

    ACTIVE = "active"
    CORDONED = "cordoned"  # gets no new jobs; what is placed there goes on
    DRAINED = "drained"  # cordoned, and what is placed there and proven not created moves away


class ClusterState(StrEnum):
    """Whether a cluster may be given jobs, in one word: what people want, or that it is silent."""

    ACTIVE = "active"
    CORDONED = "cordoned"
    DRAINED = "drained"
    UNREACHABLE = "unreachable"


def shown_state(wanted: WantedState, *, is_reachable: bool) -> ClusterState:
    """The one word that is shown. What people asked wins, so that silence never hides a cordon."""
    if wanted is WantedState.ACTIVE and not is_reachable:
        return ClusterState.UNREACHABLE
    return ClusterState(wanted)


@dataclass(frozen=True, slots=True)
class S3Server:
    """An S3 server other than AWS; ``endpoint`` is a URL."""

    endpoint: str
    region: str = "us-east-1"
    path_style: bool = True


@dataclass(frozen=True, slots=True)
class Celeborn:
    """A Celeborn that keeps the shuffle of jobs; *masters* are ``host:port``."""

    masters: tuple[str, ...]
    replicate: bool = True
    line: str = ""  # of its servers, such as 0.6; empty: they take every client

    def takes(self, client: str) -> bool:
        """Whether clients of the line *client* may use it: servers are upgraded first, so never newer ones.

        Source: Celeborn docs, "Upgrading".
        """
        return bool(client) and (not self.line or client <= self.line)


@dataclass(frozen=True, slots=True)
class ClusterProfile:
    """The fixed description of one cluster, from its entry in the clusters file."""

    name: str
    adapter: str
    namespace: str = "default"
    service_account: str = "spark"
    image: str = "spark"
    image_pull_policy: str = "IfNotPresent"
    secrets: tuple[str, ...] = ()
    millicores_per_core: int = 1000
    weight: int = 1
    architectures: tuple[str, ...] = ("amd64",)
    spark_versions: tuple[str, ...] = ()
    spark_conf: dict[str, str] = field(default_factory=dict)
    pod_security: PodSecurity = "restricted"
    run_as_user: int = 185  # of the image: images/spark/Dockerfile, and Spark's own images
    time_to_live_seconds: int = 3 * 24 * 3600
    event_log: str = ""
    event_log_rolling: bool = True
    s3: S3Server | None = None
    s3_credentials: S3Credentials = ""
    metastore: str = ""
    celeborn: Celeborn | None = None
    capacity_types: tuple[CapacityType, ...] = ()
    zones: tuple[str, ...] = ()
    prometheus: bool = False
    namespaces: Mapping[str, str] = field(default_factory=dict)
    queues: tuple[str, ...] = ()
    max_live_jobs: int = 0

    @property
    def is_local(self) -> bool:
        """Whether drivers run on this machine, where its own files can be read."""
        return self.adapter == "local"

    def namespace_of(self, tenant: str) -> str:
        """Where SparkApplications of *tenant* are created."""
        return self.namespaces.get(tenant, self.namespace)

    def has_queue(self, path: str) -> bool:
        """Whether jobs of the queue *path* may come here; a cluster that names none has all."""
        return not self.queues or path in self.queues

    def capabilities(self) -> dict[str, Any]:
        """What the cluster offers, as it is stored and shown."""
        return {
            "architectures": list(self.architectures),
            "spark_versions": list(self.spark_versions),
            "shuffle": ["spark", "celeborn"] if self.celeborn else ["spark"],
            "capacity_types": list(self.capacity_types),
            "queues": list(self.queues),
            "max_live_jobs": self.max_live_jobs,
        }


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """A cluster as routing sees it: its profile and what the database knows of it now."""

    profile: ClusterProfile
    state: ClusterState
    live_jobs: int
    is_reachable: bool = True
    # what the dispatcher knows beside: how many more the operator may be given, and of how many in all
    room: int = 1
    window: int = 1
    is_silent: bool = False
