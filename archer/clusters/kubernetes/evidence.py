"""What a driver pod says about its end, or about what it waits for. Pure: pod and events in, evidence out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from archer.clusters.port import DriverEvidence
from archer.translate import names
from archer.translate.observe import Labels, attempt_number, storable

Phase = Literal["pending", "running", "succeeded", "failed", "unknown"]

PHASES: Final[dict[str, Phase]] = {
    "Pending": "pending",
    "Running": "running",
    "Succeeded": "succeeded",
    "Failed": "failed",
}
MAX_MESSAGE: Final = 4096  # as much as the kubelet keeps of a termination message
SIGNALS_ABOVE: Final = 128  # a shell's and a container runtime's way to say which signal it was
# says less than the condition or event beside it
SAYS_NOTHING: Final = frozenset({"", "ContainerCreating", "PodInitializing", "ContainersNotReady"})
# Reports of a pod that waits, as events of the type Normal. Source: yunikorn-k8shim constants.SchedulerName.
YUNIKORN: Final = "yunikorn"


class Owner(msgspec.Struct, gc=False):
    """Who made a pod."""

    kind: str = ""
    uid: str = ""


class PodMetadata(msgspec.Struct, gc=False, rename="camel"):
    """Who a pod is."""

    name: str = ""
    namespace: str | None = None
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    labels: Labels | None = None
    owner_references: list[Owner] | None = None


class Waiting(msgspec.Struct, gc=False):
    """Why a container has not started."""

    reason: str = ""
    message: str = ""


class Running(msgspec.Struct, gc=False, rename="camel"):
    """Since when a container runs."""

    started_at: str | None = None


class Terminated(msgspec.Struct, gc=False, rename="camel"):
    """How a container ended."""

    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class ContainerState(msgspec.Struct, gc=False):
    """One of three."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class Container(msgspec.Struct, gc=False):
    """A container of a pod's status."""

    name: str = ""
    image: str = ""
    state: ContainerState = msgspec.field(default_factory=ContainerState)


class Condition(msgspec.Struct, gc=False, rename="camel"):
    """What is so of a pod, and since when."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class PodStatus(msgspec.Struct, gc=False, rename="camel"):
    """What kubelet and scheduler say."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: list[Condition] | None = None
    container_statuses: list[Container] | None = None
    init_container_statuses: list[Container] | None = None


class PodSpec(msgspec.Struct, gc=False, rename="camel"):
    """Where a pod runs."""

    node_name: str | None = None


class Pod(msgspec.Struct, gc=False):
    """A pod, only with what is read of it: so a watch decodes nothing else."""

    kind: str = ""
    metadata: PodMetadata = msgspec.field(default_factory=PodMetadata)
    spec: PodSpec = msgspec.field(default_factory=PodSpec)
    status: PodStatus = msgspec.field(default_factory=PodStatus)


def needs_events(pod: Mapping[str, Any]) -> bool:
    """Whether the pod itself does not say why its driver does not run."""
    read = msgspec.convert(pod, Pod)
    return _phase(read) == "pending" and _waiting(read).reason in SAYS_NOTHING


def from_pod(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]] = ()) -> DriverEvidence:
    """Describe the driver in *pod*.

    Args:
        pod: As an API server returns it.
        events: About the pod; used only when the pod does not say why it waits.
    """
    return from_struct(msgspec.convert(pod, Pod), events)


def from_struct(pod: Pod, events: Sequence[Mapping[str, Any]] = ()) -> DriverEvidence:
    """Describe the driver in a decoded pod."""
    metadata, labels = pod.metadata, pod.metadata.labels or Labels()
    ended = _state(pod).terminated
    running = _state(pod).running
    phase = _phase(pod)
    reason, message = _why(pod, events, phase=phase, ended=ended)
    code = ended.exit_code if ended else None
    signal = (ended.signal if ended else None) or None
    if signal is None and code is not None and code > SIGNALS_ABOVE:
        signal = code - SIGNALS_ABOVE
    disruption = _disruption(pod)
    scheduled = _condition(pod, "PodScheduled")
    return DriverEvidence(
        pod=metadata.name,
        phase=phase,
        exit_code=code,
        signal=signal,
        reason=storable(reason),
        message=storable(message)[-MAX_MESSAGE:],
        node=pod.spec.node_name,
        started_at=(ended.started_at if ended else None) or (running.started_at if running else None),
        ended_at=(ended.finished_at if ended else None)
        or (disruption.last_transition_time if disruption and phase == "failed" else None),
        namespace=metadata.namespace or "default",
        application=metadata.name.removesuffix(names.DRIVER_SUFFIX),
        application_uid=next((o.uid for o in metadata.owner_references or () if o.kind == names.KIND), ""),
        job_id=labels.job_id,
        attempt=attempt_number(labels.attempt or ""),
        uid=metadata.uid,
        image=storable(_image(pod)),
        created_at=metadata.creation_timestamp,
        scheduled_at=scheduled.last_transition_time if scheduled and scheduled.status == "True" else None,
    )


def _why(
    pod: Pod, events: Sequence[Mapping[str, Any]], *, phase: Phase, ended: Terminated | None
) -> tuple[str, str]:
    """Name the cause that is furthest out: who took the pod away, before how its container took it."""
    status = pod.status
    disruption = _disruption(pod)
    if disruption and phase != "succeeded":
        return disruption.reason, disruption.message or status.message
    if status.reason and phase == "failed":  # such as Evicted or UnexpectedAdmissionError
        return status.reason, status.message
    if ended:
        return ended.reason, ended.message
    if phase != "pending":
        return status.reason, status.message
    waiting = _waiting(pod)
    if waiting.reason in SAYS_NOTHING:
        return _last_event(pod, events) or (waiting.reason, waiting.message)
    return waiting.reason, waiting.message


def _phase(pod: Pod) -> Phase:
    """Phase of the driver's container where it is known: sidecars keep a pod running after its driver."""
    ended = _state(pod).terminated
    if ended:
        return "succeeded" if ended.exit_code == 0 else "failed"
    return PHASES.get(pod.status.phase, "unknown")


def _waiting(pod: Pod) -> Waiting:
    for container in _waiters(pod):
        waiting = container.state.waiting
        if waiting is not None and waiting.reason not in SAYS_NOTHING:
            return waiting
    scheduled = _condition(pod, "PodScheduled")
    if scheduled is not None and scheduled.status == "False":
        return Waiting(scheduled.reason, scheduled.message)
    return _state(pod).waiting or Waiting()


def _image(pod: Pod) -> str:
    """Image of what waits, else of the driver."""
    for container in _waiters(pod):
        if container.state.waiting and container.state.waiting.reason not in SAYS_NOTHING:
            return container.image
    driver = _driver(pod)
    return driver.image if driver else ""


def _last_event(pod: Pod, events: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """The latest warning of *events*; else what YuniKorn said last of a pod without a node."""
    telling = [event for event in events if event.get("type") == "Warning"]
    if not telling and not pod.spec.node_name:
        telling = [event for event in events if event.get("reportingComponent") == YUNIKORN]
    if not telling:
        return None
    last = max(telling, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")
    return last.get("reason", ""), last.get("message", "")


def _disruption(pod: Pod) -> Condition | None:
    found = _condition(pod, "DisruptionTarget")
    return found if found and found.status == "True" else None


def _condition(pod: Pod, kind: str) -> Condition | None:
    return next((one for one in pod.status.conditions or () if one.type == kind), None)


def _driver(pod: Pod) -> Container | None:
    found = pod.status.container_statuses or ()
    return next((one for one in found if one.name == names.DRIVER_CONTAINER), None)


def _state(pod: Pod) -> ContainerState:
    driver = _driver(pod)
    return driver.state if driver else ContainerState()


def _waiters(pod: Pod) -> list[Container]:
    driver = _driver(pod)
    return [*([driver] if driver else []), *(pod.status.init_container_statuses or ())]
