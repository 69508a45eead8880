"""What a job names that the policy must know: its tenant, queue, Spark version, architecture and capacity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from archer.domain.request import DEFAULT_SPARK_VERSION, DEFAULT_TENANT
from archer.domain.tenancy.policy import Policy, Queue, SparkVersion, Tenant
from archer.domain.tenancy.rules.nearest import did_you_mean
from archer.errors import FieldFault


def faults(raw: Mapping[str, Any], policy: Policy, tenant: Tenant | None) -> Iterator[FieldFault]:
    """Find names that *policy* does not have, or not for *tenant*; only the exact name is one."""
    if tenant is None:
        name = raw.get("tenant", DEFAULT_TENANT)
        if isinstance(name, str):
            # not all of them: who the tenants are is nobody's to list
            words = f"there is no such tenant{did_you_mean(name, policy.tenant_of)}"
            yield FieldFault("tenant", "unknown", words)
    queue = None
    if tenant is not None:
        queue = policy.queue_of.get(tenant.queues[0])
        path = raw.get("queue")
        if isinstance(path, str):
            queue = policy.queue_of.get(path) if path in tenant.queues else None
            if queue is None:
                words = f"is no queue of the tenant {tenant.name}{did_you_mean(path, tenant.queues)}"
                yield FieldFault("queue", "unknown", words, list(tenant.queues))
    version = _version(raw, policy)
    if policy.spark_versions:
        yield from _version_faults(raw, policy, version)
    yield from _choice_faults(raw, tenant, queue, version)


def _version(raw: Mapping[str, Any], policy: Policy) -> SparkVersion | None:
    wanted = raw.get("spark_version", DEFAULT_SPARK_VERSION)
    return policy.spark_version(wanted) if isinstance(wanted, str) else None


def _version_faults(
    raw: Mapping[str, Any], policy: Policy, version: SparkVersion | None
) -> Iterator[FieldFault]:
    wanted = raw.get("spark_version", DEFAULT_SPARK_VERSION)
    if version is None and isinstance(wanted, str):
        known = [one.version for one in policy.spark_versions]
        words = f"is no Spark version that is offered here{did_you_mean(wanted, known)}"
        yield FieldFault("spark_version", "unknown", words, known)


def _choice_faults(
    raw: Mapping[str, Any], tenant: Tenant | None, queue: Queue | None, version: SparkVersion | None
) -> Iterator[FieldFault]:
    arch = raw.get("arch")
    if arch in ("arm64", "amd64"):
        if tenant is not None and arch not in tenant.architectures:
            words = f"is no architecture of the tenant {tenant.name}"
            yield FieldFault("arch", "not_for_tenant", words, list(tenant.architectures))
        elif version is not None and arch not in version.images and raw.get("image") is None:
            words = f"there is no image of Spark {version.version} for it"
            yield FieldFault("arch", "no_image", words, sorted(version.images))
    if version is not None and not version.celeborn and raw.get("shuffle") == "celeborn":
        words = f"the image of Spark {version.version} has no Celeborn client"
        yield FieldFault("shuffle", "no_client", words, ["auto", "spark"])
    executor = raw.get("executor")
    if (
        queue is not None
        and queue.spot == "never"
        and isinstance(executor, dict)
        and executor.get("capacity") == "spot"
    ):
        words = f"the queue {queue.path} has no spot nodes"
        yield FieldFault("executor.capacity", "not_in_queue", words, ["on_demand"])
