"""Driver and executor pod templates, complete, so that no mutating webhook is needed.

Without its webhook the operator drops some 25 fields of ``spec.driver`` and ``spec.executor``; the same
fields in the templates reach the pods. Source: spark-operator ``internal/webhook/sparkpod_defaulter.go``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from archer.domain.cluster import ClusterProfile
from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import Terms
from archer.translate import names, yunikorn
from archer.translate.draft import Draft, Source
from archer.translate.nodes import SPOT_NOTICE_SECONDS, Nodes

# Each asks one system to leave a pod where it is; a driver that moves is a job that starts anew.
STAYS: Final = {
    yunikorn.ALLOW_PREEMPTION: "false",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}


@dataclass(frozen=True, slots=True)
class Pods:
    """What the pods of an attempt are made of, beside its request."""

    labels: Mapping[str, str]
    queue: str
    nodes: Nodes
    profile: ClusterProfile
    terms: Terms

    def priority_class(self, role: str) -> tuple[str | None, Source]:
        """Name of the PriorityClass of *role*; drivers stand one step above the executors of their tier."""
        policy, queue = self.terms.policy, self.terms.queue
        if policy is None or queue is None or not policy.priority_classes:
            return None, "queue"
        name = f"{policy.priority_classes}-tier{queue.tier}"
        return (f"{name}-driver" if role == "driver" else name), "queue"


def put_templates(draft: Draft, request: JobRequest, pods: Pods) -> None:
    """Put both pod templates: scheduling, labels, gang, environment, rights, how a container's end is told.

    Args:
        draft: The manifest under construction; its sparkConf is complete.
        request: What the caller asked for.
        pods: The rest.
    """
    conf = draft.tree["spec"].get("sparkConf", {})
    gang = yunikorn.Gang(request, conf, pods.profile.millicores_per_core, pods.nodes)
    for role in ("driver", "executor"):
        template = ("spec", role, "template")
        draft.put_all((*template, "metadata", "labels"), pods.labels, "derived")
        annotations = (*template, "metadata", "annotations")
        draft.put_all(annotations, request.annotations, "request", "annotations")
        draft.put((*annotations, yunikorn.QUEUE), pods.queue, "request", "queue")
        if role == "driver":
            draft.put((*annotations, yunikorn.TASK_GROUP_NAME), yunikorn.DRIVER_GROUP, "platform")
            draft.put((*annotations, yunikorn.TASK_GROUPS), yunikorn.task_groups(gang), "derived")
            draft.put_all(annotations, STAYS, "platform")
        else:
            if yunikorn.initial_executors(request):  # else there is no such group to be of
                draft.put((*annotations, yunikorn.TASK_GROUP_NAME), yunikorn.EXECUTOR_GROUP, "platform")
            if pods.terms.queue is not None:  # said either way: the pod's word is above its PriorityClass's
                may = str(pods.terms.queue.preemptible).lower()
                draft.put((*annotations, yunikorn.ALLOW_PREEMPTION), may, "queue")
        _put_spec(draft, role, request, pods)


def _put_spec(draft: Draft, role: str, request: JobRequest, pods: Pods) -> None:
    spec = ("spec", role, "template", "spec")
    draft.put((*spec, "schedulerName"), yunikorn.SCHEDULER_NAME, "platform")
    draft.put((*spec, "priorityClassName"), *pods.priority_class(role))
    draft.put_all((*spec, "nodeSelector"), pods.nodes.selector(role), "derived")
    draft.put((*spec, "tolerations"), pods.nodes.tolerations, "derived", "arch")
    # the driver asks the API server for its executors; executors ask it for nothing
    draft.put((*spec, "automountServiceAccountToken"), role == "driver", "platform")
    # else every pod gets the addresses of all Spark UIs of the namespace as environment, until exec fails
    draft.put((*spec, "enableServiceLinks"), False, "platform")
    if role == "executor" and pods.nodes.executors_on_spot:
        draft.put((*spec, "terminationGracePeriodSeconds"), SPOT_NOTICE_SECONDS, "derived")
    _put_rights(draft, (*spec, "securityContext"), pods.profile)
    name = names.DRIVER_CONTAINER if role == "driver" else names.EXECUTOR_CONTAINER
    draft.put((*spec, "containers"), [_container(name, request, pods)], "request", "env")


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


def _container(name: str, request: JobRequest, pods: Pods) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": name,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": _container_rights(pods.profile),
    }
    env: list[dict[str, Any]] = [{"name": key, "value": value} for key, value in request.env.items()]
    env += [_secret_env(key, alias, pods.terms) for key, alias in request.secrets.items()]
    if env:
        container["env"] = env
    if pods.profile.secrets:
        container["envFrom"] = _env_from(pods.profile.secrets)
    return container


def _secret_env(name: str, alias: str, terms: Terms) -> dict[str, Any]:
    """One variable out of a secret of the tenant. Raises ``ValueError`` for what is none of its aliases."""
    found = terms.tenant.secrets.get(alias) if terms.tenant else None
    if found is None:
        raise ValueError(f"the tenant has no secret {alias}")
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": found.secret, "key": found.key}}}


def _env_from(secrets: Sequence[str]) -> list[dict[str, Any]]:
    return [{"secretRef": {"name": secret}} for secret in secrets]
