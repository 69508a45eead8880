"""Labels and annotations by which YuniKorn knows queue, application and gang.

Source: YuniKorn k8shim ``pkg/common/constants/constants.go``; docs "Gang Scheduling".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from archer.domain.memory import role_memory_mib
from archer.domain.request import DriverSize, JobRequest
from archer.translate.nodes import Nodes

APP_ID: Final = "yunikorn.apache.org/app-id"
QUEUE: Final = "yunikorn.apache.org/queue"
TASK_GROUP_NAME: Final = "yunikorn.apache.org/task-group-name"
TASK_GROUPS: Final = "yunikorn.apache.org/task-groups"
ALLOW_PREEMPTION: Final = "yunikorn.apache.org/allow-preemption"
SCHEDULER_NAME: Final = "yunikorn"
DRIVER_GROUP: Final = "driver"
EXECUTOR_GROUP: Final = "executor"
FULL_CORE: Final = 1000


@dataclass(frozen=True, slots=True)
class Gang:
    """What decides how much a job's first pods ask for, and where they may run."""

    request: JobRequest
    conf: Mapping[str, str]
    millicores_per_core: int
    nodes: Nodes


def initial_executors(request: JobRequest) -> int:
    """Executors that the job starts with; the gang reserves room for these."""
    dynamic = request.dynamic_allocation
    if dynamic is None or not dynamic.enabled:
        return request.executor.instances
    return max(dynamic.min_executors, dynamic.initial_executors or 0)


def task_groups(gang: Gang) -> str:
    """Gang of a job as YuniKorn reads it: JSON for the driver pod's annotation.

    A group of no members is not valid, so a job without initial executors has the driver's group only.
    Placeholders get the selector and the tolerations of the pods that they hold room for: elsewhere they
    would hold the wrong room, or find none behind a taint.
    """
    groups = [_group(gang, DRIVER_GROUP, 1, gang.request.driver)]
    executors = initial_executors(gang.request)
    if executors:
        groups.append(_group(gang, EXECUTOR_GROUP, executors, gang.request.executor))
    return json.dumps(groups, separators=(",", ":"))


def cpu(size: DriverSize, millicores_per_core: int) -> str:
    """CPU that a pod of *size* requests, as Kubernetes writes it. No limit: idle cores may be used."""
    millicores = size.cores * millicores_per_core
    return f"{millicores}m" if millicores % FULL_CORE else str(millicores // FULL_CORE)


def _group(gang: Gang, name: str, members: int, size: DriverSize) -> dict[str, Any]:
    memory = role_memory_mib(name, size, gang.request.type, gang.conf)
    group: dict[str, Any] = {
        "name": name,
        "minMember": members,
        "minResource": {"cpu": cpu(size, gang.millicores_per_core), "memory": f"{memory}Mi"},
    }
    group["nodeSelector"] = gang.nodes.selector(name)
    group["tolerations"] = gang.nodes.tolerations
    return group
