"""Which cluster gets a job: a pure function over stored facts, whose reasoning is kept with the attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from archer.domain.cluster import ClusterFacts, ClusterProfile, ClusterState
from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import FREE, Terms

BY_REQUEST: Final = "the job asks for it"


Ladder = tuple[tuple[str, str], ...]  # architectures, best first, each with why it stands there


@dataclass(frozen=True, slots=True)
class Wish:
    """What a job needs of a cluster."""

    queue: str
    arch: str
    spark_version: str
    local_files: bool = False
    shuffle: str = "auto"
    celeborn_client: str = ""  # line of the client in its image; empty: none is known to be there
    ladder: Ladder = ()  # what the policy lets it run on; empty: nothing is asked of it
    refusal: tuple[str, str] | None = None  # why no cluster at all may take it: rule and words


def wish_of(request: JobRequest, queue: str, terms: Terms = FREE) -> Wish:
    """What *request* needs of a cluster in the queue it goes to, as *terms* let it."""
    ladder = _ladder(request, terms)
    return Wish(
        queue,
        request.arch,
        request.spark_version,
        request.names_local_files,
        request.shuffle,
        terms.version.celeborn if terms.version else "",
        ladder,
        _refusal(request, queue, terms, ladder),
    )


def _ladder(request: JobRequest, terms: Terms) -> Ladder:
    tenant, version = terms.tenant, terms.version
    if tenant is None:
        return ()
    wanted: list[tuple[str, str]] = []
    if request.arch != "auto":
        wanted.append((request.arch, BY_REQUEST))
    else:
        if terms.queue is not None and terms.queue.arch is not None:
            wanted.append((terms.queue.arch, "the queue's default"))
        wanted += [(arch, "the tenant's order") for arch in tenant.architectures]
    # an image of the tenant's own is taken to have both: its manifest list is not read here
    images = None if request.image is not None or version is None else version.images
    steps: dict[str, str] = {}
    for arch, why in wanted:
        if arch in tenant.architectures and (images is None or arch in images):
            steps.setdefault(arch, why)
    return tuple(steps.items())


def _refusal(request: JobRequest, queue: str, terms: Terms, ladder: Ladder) -> tuple[str, str] | None:
    """What the policy, which may have changed since the job was accepted, says against it everywhere."""
    policy, tenant = terms.policy, terms.tenant
    if policy is None:
        return None
    if tenant is None:
        return "tenant", f"the policy has no tenant {request.tenant}"
    if terms.queue is None or queue not in tenant.queues:
        return "tenant", f"tenant {tenant.name} may not use the queue {queue}"
    if terms.version is None and policy.spark_versions:
        have = ", ".join(version.version for version in policy.spark_versions)
        return "tenant", f"the policy has no Spark {request.spark_version}, it has {have}"
    unknown = sorted(set(request.secrets.values()) - tenant.secrets.keys())
    if unknown:
        return "tenant", f"tenant {tenant.name} has no secret {unknown[0]}"
    if not ladder:
        wanted = request.arch if request.arch != "auto" else " or ".join(tenant.architectures)
        return (
            "tenant",
            f"there is no Spark {request.spark_version} for {wanted} that tenant {tenant.name} may use",
        )
    return None


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
    arch_why: str = ""

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
    arch, why = _arch(wish, chosen.profile)
    return Decision(candidates[0].cluster, arch, tuple(candidates), tuple(rejects), why)


def _arch(wish: Wish, profile: ClusterProfile) -> tuple[str, str]:
    """The architecture that the job gets on the cluster that takes it, and why in words."""
    if not wish.ladder:
        return (
            (wish.arch, BY_REQUEST)
            if wish.arch != "auto"
            else (profile.architectures[0], "the cluster's first")
        )
    passed = [arch for arch, _ in wish.ladder]
    arch, why = next(step for step in wish.ladder if step[0] in profile.architectures)
    passed = passed[: passed.index(arch)]
    return arch, f"{why}; the cluster has no {' or '.join(passed)}" if passed else why


def _reject(wish: Wish, facts: ClusterFacts, holders: Sequence[str]) -> Reject | None:
    """Why the cluster cannot take the job, if so; *holders* are the clusters that have its queue."""
    profile = facts.profile
    if wish.refusal is not None:
        return Reject(profile.name, *wish.refusal)
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
    if wish.ladder and not any(arch in profile.architectures for arch, _ in wish.ladder):
        may, have = ", ".join(arch for arch, _ in wish.ladder), ", ".join(profile.architectures)
        return Reject(profile.name, "tenant", f"the job may run on {may}, the cluster has {have}")
    if wish.shuffle == "celeborn" and (lacks := _lacks_celeborn(wish, profile)):
        return Reject(profile.name, "shuffle", lacks)
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


def _lacks_celeborn(wish: Wish, profile: ClusterProfile) -> str:
    """Why a job that asks for Celeborn would not get it there; empty when it would."""
    if profile.celeborn is None:
        return "the job asks for Celeborn, the cluster has none"
    if not wish.celeborn_client:
        return f"the job asks for Celeborn, no client is known for Spark {wish.spark_version}"
    client, servers = wish.celeborn_client, profile.celeborn.line
    if not profile.celeborn.takes(client):
        return f"the job's Celeborn client is of {client}, the cluster's servers are of {servers}"
    return ""
