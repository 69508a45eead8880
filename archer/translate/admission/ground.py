"""One namespace of a cluster: whose it is, and what the policy allows in it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from archer.domain.cluster import ClusterProfile
from archer.domain.tenancy.policy import Policy, Tenant
from archer.translate.admission.written import Written, written


@dataclass(frozen=True, slots=True)
class Ground:
    """A namespace, and what Archer would write for the tenants in it."""

    namespace: str
    policy: Policy
    profile: ClusterProfile
    tenants: tuple[Tenant, ...]
    written: Written

    @property
    def queues(self) -> list[str]:
        """Queues that applications here may name."""
        return sorted({path for tenant in self.tenants for path in tenant.queues})

    @property
    def most_executors(self) -> int:
        """Executors that one application may have here."""
        return max(tenant.limits.executors for tenant in self.tenants)

    @property
    def secrets(self) -> list[str]:
        """What environment may be drawn from, as ``secret/key``."""
        return sorted(
            {f"{ref.secret}/{ref.key}" for tenant in self.tenants for ref in tenant.secrets.values()}
        )


def grounds(policy: Policy, profile: ClusterProfile) -> list[Ground]:
    """Every namespace of the cluster of *profile* that the policy gives to tenants."""
    by_namespace: defaultdict[str, list[Tenant]] = defaultdict(list)
    for tenant in policy.tenants:
        by_namespace[tenant.namespace_on(profile.name)].append(tenant)
    return [
        Ground(namespace, policy, profile, tuple(tenants), written(policy, profile, tenants))
        for namespace, tenants in sorted(by_namespace.items())
    ]
