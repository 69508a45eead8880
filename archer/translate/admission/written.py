"""What Archer itself writes for a tenant: requests of every kind, rendered, their fields and values gathered.

So that no platform value is listed a second time: what no request asked for is what the platform writes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from archer.domain.cluster import ClusterProfile
from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import Arch, Policy, Queue, SparkVersion, Tenant, terms_of
from archer.translate.spark import Attempt, to_spark_application

JOB: Final = "j" + "0" * 26
FILE: Final = "local:///opt/probe.py"
# What decides which fields and which sparkConf there are, besides queue, Spark version and architecture.
DYNAMIC: Final = (None, {"enabled": True, "max_executors": 2}, {"enabled": False, "max_executors": 2})
SHUFFLES: Final = ("auto", "celeborn", "spark")
CAPACITIES: Final = (None, "on_demand", "spot")
EXECUTORS: Final = ({"memory_overhead": "1g"}, {"cores": 16, "instances": 5000})

Path = tuple[str, ...]


class Written:
    """Manifests of Archer, asked for all the fields and values that they have at a place."""

    def __init__(self, manifests: Iterable[dict[str, Any]]) -> None:
        self._manifests = list(manifests)

    def keys(self, *path: str) -> list[str]:
        """Names of the fields at *path* in all manifests; an item of a list is at the place of the list."""
        found = (item for one in self._at(path) for item in (one if isinstance(one, list) else [one]))
        return sorted({key for item in found for key in item})

    def values(self, *path: str) -> list[Any]:
        """Values at *path*, each once."""
        values: list[Any] = []
        for found in self._at(path):
            if found not in values:
                values.append(found)
        return values

    def is_always_there(self, *path: str) -> bool:
        """Whether every manifest has the field at *path*."""
        return all(any(True for _ in _at(manifest, path)) for manifest in self._manifests)

    def _at(self, path: Path) -> Iterator[Any]:
        for manifest in self._manifests:
            yield from _at(manifest, path)


def written(policy: Policy, profile: ClusterProfile, tenants: Sequence[Tenant]) -> Written:
    """Render requests of every kind that *tenants* may make, for the cluster of *profile*."""
    return Written(made for tenant in tenants for made in _manifests(policy, profile, tenant))


def _manifests(policy: Policy, profile: ClusterProfile, tenant: Tenant) -> Iterator[dict[str, Any]]:
    queues = [policy.queue_of[path] for path in tenant.queues]
    versions: Sequence[SparkVersion | None] = policy.spark_versions or (None,)
    for queue, version in itertools.product(queues, versions):
        archs: Iterable[Arch] = tenant.architectures if version is None else version.images
        kinds: Iterable[tuple[Any, ...]] = itertools.product(DYNAMIC, SHUFFLES, CAPACITIES, EXECUTORS)
        for arch, kind in itertools.product(archs, kinds):
            request = _request(tenant, queue, version, *kind)
            terms = terms_of(
                policy, tenant=tenant.name, queue=queue.path, spark_version=request.spark_version
            )
            attempt = Attempt(JOB, 1, tenant.name, "probe", queue.path, arch)
            yield to_spark_application(attempt, request, profile, terms).manifest


def _request(
    tenant: Tenant,
    queue: Queue,
    version: SparkVersion | None,
    dynamic: dict[str, Any] | None,
    shuffle: str,
    capacity: str | None,
    executor: dict[str, Any],
) -> JobRequest:
    """A request with a value in every field that becomes one of the manifest's, but for sparkConf."""
    size = {"memory_overhead": "1g"}
    asked: dict[str, Any] = {
        "name": "probe",
        "type": "java",
        "main_application_file": FILE,
        "main_class": "Probe",
        "arguments": ["probe"],
        "tenant": tenant.name,
        "queue": queue.path,
        "driver": size,
        "executor": {"capacity": capacity, **size, **executor},
        "dynamic_allocation": dynamic,
        "shuffle": shuffle,
        "env": {"PROBE": "probe"},
        "secrets": {f"SECRET_{number}": alias for number, alias in enumerate(tenant.secrets)},
        "deps": {
            "jars": [FILE],
            "files": [FILE],
            "py_files": [FILE],
            "archives": [FILE],
            "packages": ["a:b:1"],
        },
    }
    if version is not None:
        asked["spark_version"] = version.version
    return JobRequest.model_validate(asked)


def _at(node: Any, path: Path) -> Iterator[Any]:
    if isinstance(node, list) and path:
        for item in node:
            yield from _at(item, path)
    elif not path:
        yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from _at(node[path[0]], path[1:])
