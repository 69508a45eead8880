"""Labels and annotations by which YuniKorn knows queue, application and gang.

Source: YuniKorn k8shim ``pkg/common/constants/constants.go``; docs "Gang Scheduling".
"""

from __future__ import annotations

import json
from typing import Final

from archer.domain.quantities import memory_mib
from archer.domain.request import DriverSize, JobRequest
from archer.translate.memory import overhead_factor, pod_memory_mib

APP_ID: Final = "yunikorn.apache.org/app-id"
QUEUE: Final = "yunikorn.apache.org/queue"
TASK_GROUP_NAME: Final = "yunikorn.apache.org/task-group-name"
TASK_GROUPS: Final = "yunikorn.apache.org/task-groups"
SCHEDULER_NAME: Final = "yunikorn"
DRIVER_GROUP: Final = "driver"
EXECUTOR_GROUP: Final = "executor"
FULL_CORE: Final = 1000


def initial_executors(request: JobRequest) -> int:
    """Executors that the job starts with; the gang reserves room for these."""
    dynamic = request.dynamic_allocation
    if dynamic is None or not dynamic.enabled:
        return request.executor.instances
    return max(dynamic.min_executors, dynamic.initial_executors or 0)


def task_groups(request: JobRequest, *, millicores_per_core: int = 1000) -> str:
    """Gang of a job as YuniKorn reads it: JSON for the driver pod's annotation.

    A group of no members is not valid, so a job without initial executors has the driver's group only.
    """
    factor = overhead_factor(request.type)
    groups = [_group(DRIVER_GROUP, 1, request.driver, factor, millicores_per_core)]
    executors = initial_executors(request)
    if executors:
        groups.append(_group(EXECUTOR_GROUP, executors, request.executor, factor, millicores_per_core))
    return json.dumps(groups, separators=(",", ":"))


def _group(
    name: str, members: int, size: DriverSize, factor: float, millicores_per_core: int
) -> dict[str, object]:
    millicores = size.cores * millicores_per_core
    cpu = f"{millicores}m" if millicores % FULL_CORE else str(millicores // FULL_CORE)
    memory = pod_memory_mib(
        memory_mib(size.memory),
        factor=factor,
        overhead_mib=memory_mib(size.memory_overhead) if size.memory_overhead else None,
    )
    return {
        "name": name,
        "minMember": members,
        "minResource": {"cpu": cpu, "memory": f"{memory}Mi"},
    }
