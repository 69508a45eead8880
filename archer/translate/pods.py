"""Driver and executor pod templates, complete, so that no mutating webhook is needed.

Without its webhook the operator drops some 25 fields of ``spec.driver`` and ``spec.executor``; the same
fields in the templates reach the pods. Source: spark-operator ``internal/webhook/sparkpod_defaulter.go``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from archer.domain.cluster import ClusterProfile
from archer.domain.request import JobRequest
from archer.translate import names, yunikorn
from archer.translate.draft import Draft

ARCH_TAINT: Final = "moka.dev/arch"


def put_templates(
    draft: Draft,
    request: JobRequest,
    profile: ClusterProfile,
    *,
    labels: Mapping[str, str],
    placed: tuple[str, str],
) -> None:
    """Put both pod templates: scheduling, labels, gang, environment and how a container's end is reported.

    Args:
        draft: The manifest under construction.
        request: What the caller asked for.
        profile: The cluster that it is made for.
        labels: Labels of both pods.
        placed: Full path of the queue, and the architecture.
    """
    queue, arch = placed
    groups = yunikorn.task_groups(request, millicores_per_core=profile.millicores_per_core)
    for role, container, group in (
        ("driver", names.DRIVER_CONTAINER, yunikorn.DRIVER_GROUP),
        ("executor", names.EXECUTOR_CONTAINER, yunikorn.EXECUTOR_GROUP),
    ):
        template = ("spec", role, "template")
        meta = (*template, "metadata")
        for key, value in labels.items():
            draft.put((*meta, "labels", key), value, "derived")
        draft.put((*meta, "annotations", yunikorn.QUEUE), queue, "request", "queue")
        draft.put((*meta, "annotations", yunikorn.TASK_GROUP_NAME), group, "platform")
        if role == "driver":
            draft.put((*meta, "annotations", yunikorn.TASK_GROUPS), groups, "derived")
        spec = (*template, "spec")
        draft.put((*spec, "schedulerName"), yunikorn.SCHEDULER_NAME, "platform")
        draft.put((*spec, "nodeSelector", "kubernetes.io/arch"), arch, "derived", "arch")
        draft.put((*spec, "tolerations"), [_toleration(arch)], "derived", "arch")
        draft.put(
            (*spec, "containers"), [_container(container, request.env, profile.secrets)], "request", "env"
        )


def _toleration(arch: str) -> dict[str, str]:
    return {"key": ARCH_TAINT, "operator": "Equal", "value": arch, "effect": "NoSchedule"}


def _container(name: str, env: Mapping[str, str], secrets: Sequence[str]) -> dict[str, Any]:
    container: dict[str, Any] = {"name": name, "terminationMessagePolicy": "FallbackToLogsOnError"}
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in env.items()]
    if secrets:
        container["envFrom"] = [{"secretRef": {"name": secret}} for secret in secrets]
    return container
