"""Which cluster gets a job: a pure function over stored facts, whose reasoning is kept with the attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from archer.domain.cluster import ClusterFacts, ClusterState
from archer.domain.request import JobRequest


@dataclass(frozen=True, slots=True)
class Wish:
    """What a job needs of a cluster."""

    queue: str
    arch: str
    spark_version: str
    local_files: bool = False


def wish_of(request: JobRequest, queue: str) -> Wish:
    """What *request* needs of a cluster, in the queue it goes to."""
    return Wish(queue, request.arch, request.spark_version, request.names_local_files)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cluster that could take the job; the lowest load for its weight wins."""

    cluster: str
    load: float
    live_jobs: int
    weight: int


@dataclass(frozen=True, slots=True)
class Reject:
    """A cluster that could not take the job, and why in words."""

    cluster: str
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The chosen cluster, if any, and the reasoning."""

    cluster: str | None
    arch: str | None
    candidates: tuple[Candidate, ...]
    rejects: tuple[Reject, ...]

    def as_json(self) -> dict[str, Any]:
        """The decision as it is stored with the attempt and shown."""
        return asdict(self)


def choose(wish: Wish, clusters: Sequence[ClusterFacts]) -> Decision:
    """Choose the cluster with the fewest live jobs for its weight among those that can run the job.

    Ties go to the first name, so that the same facts always give the same answer.
    """
    candidates: list[Candidate] = []
    rejects: list[Reject] = []
    holders = sorted(facts.profile.name for facts in clusters if facts.profile.has_queue(wish.queue))
    for facts in clusters:
        reject = _reject(wish, facts, holders)
        if reject is not None:
            rejects.append(reject)
            continue
        weight = facts.profile.weight
        candidates.append(
            Candidate(facts.profile.name, (facts.live_jobs + 1) / weight, facts.live_jobs, weight)
        )
    candidates.sort(key=lambda c: (c.load, c.cluster))
    if not candidates:
        return Decision(None, None, (), tuple(rejects))
    chosen = next(f for f in clusters if f.profile.name == candidates[0].cluster)
    arch = wish.arch if wish.arch != "auto" else chosen.profile.architectures[0]
    return Decision(candidates[0].cluster, arch, tuple(candidates), tuple(rejects))


def _reject(wish: Wish, facts: ClusterFacts, holders: Sequence[str]) -> Reject | None:
    """Why the cluster cannot take the job, if so; *holders* are the clusters that have its queue."""
    profile = facts.profile
    if facts.state is not ClusterState.ACTIVE:
        return Reject(profile.name, "state", f"the cluster is {facts.state.value}")
    if facts.is_silent:
        return Reject(profile.name, "breaker", "the cluster did not answer the last requests")
    if profile.weight == 0:
        return Reject(profile.name, "weight", "the cluster's weight is 0")
    if not profile.has_queue(wish.queue):
        where = f"it is on {', '.join(holders)}" if holders else "no cluster has it"
        return Reject(profile.name, "queue", f"the cluster does not have the queue {wish.queue}; {where}")
    if not profile.architectures:
        return Reject(profile.name, "arch", "the cluster has no architecture")
    if wish.local_files and not profile.is_local:
        # elsewhere file:// would be read by spark-submit on the operator's own disk
        return Reject(profile.name, "files", "the job names files of a machine, and it is no local cluster")
    if wish.arch != "auto" and wish.arch not in profile.architectures:
        have = ", ".join(profile.architectures)
        return Reject(profile.name, "arch", f"the job asks for {wish.arch}, the cluster has {have}")
    versions = profile.spark_versions
    if versions and not any(
        v == wish.spark_version or v.startswith(f"{wish.spark_version}.") for v in versions
    ):
        have = ", ".join(versions)
        return Reject(
            profile.name, "spark_version", f"the job asks for Spark {wish.spark_version}, it has {have}"
        )
    # last: the other reasons stay, these pass
    if profile.max_live_jobs and facts.live_jobs >= profile.max_live_jobs:
        return Reject(
            profile.name, "headroom", f"the cluster is full: max_live_jobs is {profile.max_live_jobs}"
        )
    if facts.room <= 0:
        # no figure that changes all the time: these words are stored with every job that waits
        return Reject(profile.name, "window", "its operator has not taken up what it was given before")
    return None
