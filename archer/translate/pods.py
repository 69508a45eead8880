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

ARCH_LABEL: Final = "kubernetes.io/arch"
ARCH_TAINT: Final = "moka.dev/arch"
# Each asks one system to leave a pod where it is; a driver that moves is a job that starts anew.
STAYS: Final = {
    yunikorn.ALLOW_PREEMPTION: "false",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}


def put_templates(
    draft: Draft,
    request: JobRequest,
    profile: ClusterProfile,
    *,
    labels: Mapping[str, str],
    placed: tuple[str, str],
) -> None:
    """Put both pod templates: scheduling, labels, gang, environment, rights, how a container's end is told.

    Args:
        draft: The manifest under construction; its sparkConf is complete.
        request: What the caller asked for.
        profile: The cluster that it is made for.
        labels: Labels of both pods.
        placed: Full path of the queue, and the architecture.
    """
    queue, arch = placed
    gang = yunikorn.Gang(
        request,
        draft.tree["spec"].get("sparkConf", {}),
        profile.millicores_per_core,
        {ARCH_LABEL: arch},
        (_toleration(arch),),
    )
    for role in ("driver", "executor"):
        template = ("spec", role, "template")
        for key, value in labels.items():
            draft.put((*template, "metadata", "labels", key), value, "derived")
        annotations = (*template, "metadata", "annotations")
        draft.put((*annotations, yunikorn.QUEUE), queue, "request", "queue")
        if role == "driver":
            draft.put((*annotations, yunikorn.TASK_GROUP_NAME), yunikorn.DRIVER_GROUP, "platform")
            draft.put((*annotations, yunikorn.TASK_GROUPS), yunikorn.task_groups(gang), "derived")
            for key, value in STAYS.items():
                draft.put((*annotations, key), value, "platform")
        elif yunikorn.initial_executors(request):  # else there is no such group to be of
            draft.put((*annotations, yunikorn.TASK_GROUP_NAME), yunikorn.EXECUTOR_GROUP, "platform")
        _put_spec(draft, role, request, profile, gang)


def _put_spec(
    draft: Draft, role: str, request: JobRequest, profile: ClusterProfile, gang: yunikorn.Gang
) -> None:
    spec = ("spec", role, "template", "spec")
    draft.put((*spec, "schedulerName"), yunikorn.SCHEDULER_NAME, "platform")
    for key, value in gang.node_selector.items():
        draft.put((*spec, "nodeSelector", key), value, "derived", "arch")
    draft.put((*spec, "tolerations"), [dict(one) for one in gang.tolerations], "derived", "arch")
    # the driver asks the API server for its executors; executors ask it for nothing
    draft.put((*spec, "automountServiceAccountToken"), role == "driver", "platform")
    # else every pod gets the addresses of all Spark UIs of the namespace as environment, until exec fails
    draft.put((*spec, "enableServiceLinks"), False, "platform")
    _put_rights(draft, (*spec, "securityContext"), profile)
    name = names.DRIVER_CONTAINER if role == "driver" else names.EXECUTOR_CONTAINER
    container = _container(name, request.env, profile)
    draft.put((*spec, "containers"), [container], "request", "env")


def _toleration(arch: str) -> dict[str, str]:
    return {"key": ARCH_TAINT, "operator": "Equal", "value": arch, "effect": "NoSchedule"}


def _put_rights(draft: Draft, where: tuple[str, ...], profile: ClusterProfile) -> None:
    """Put what Pod Security ``restricted`` asks of a pod; ``baseline`` leaves the user to the image.

    Source: Kubernetes, "Pod Security Standards".
    """
    draft.put((*where, "seccompProfile", "type"), "RuntimeDefault", "platform")
    if profile.pod_security == "restricted":
        draft.put((*where, "runAsNonRoot"), True, "cluster")
        # a number: a kubelet cannot tell whether a name, as in Spark's own images, is root
        draft.put((*where, "runAsUser"), profile.run_as_user, "cluster")


def _container_rights(profile: ClusterProfile) -> dict[str, Any]:
    rights: dict[str, Any] = {"allowPrivilegeEscalation": False}
    if profile.pod_security == "restricted":
        rights["capabilities"] = {"drop": ["ALL"]}
    return rights


def _container(name: str, env: Mapping[str, str], profile: ClusterProfile) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": name,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": _container_rights(profile),
    }
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in env.items()]
    if profile.secrets:
        container["envFrom"] = _env_from(profile.secrets)
    return container


def _env_from(secrets: Sequence[str]) -> list[dict[str, Any]]:
    return [{"secretRef": {"name": secret}} for secret in secrets]
