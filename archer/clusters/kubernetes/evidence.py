"""What a driver pod says about its end, or about what it waits for. Pure: pod and events in, evidence out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from archer.clusters.port import DriverEvidence
from archer.translate import names
from archer.translate.observe import storable

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


def needs_events(pod: Mapping[str, Any]) -> bool:
    """Whether the pod itself does not say why its driver does not run."""
    found = _waiting(pod)
    return _phase(pod) == "pending" and found[0] in SAYS_NOTHING


def from_pod(pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]] = ()) -> DriverEvidence:
    """Describe the driver in *pod*.

    Args:
        pod: As an API server returns it.
        events: About the pod; used only when the pod does not say why it waits.
    """
    ended = _ended(pod)
    phase = _phase(pod)
    reason, message = _why(pod, events, phase=phase, ended=ended)
    code = ended.get("exitCode")
    signal = ended.get("signal") or None
    if signal is None and isinstance(code, int) and code > SIGNALS_ABOVE:
        signal = code - SIGNALS_ABOVE
    return DriverEvidence(
        pod=pod["metadata"]["name"],
        phase=phase,
        exit_code=code,
        signal=signal,
        reason=storable(reason),
        message=storable(message)[-MAX_MESSAGE:],
        node=(pod.get("spec") or {}).get("nodeName"),
        started_at=ended.get("startedAt") or _running(pod).get("startedAt"),
        ended_at=ended.get("finishedAt")
        or (_disruption(pod).get("lastTransitionTime") if phase == "failed" else None),
    )


def _why(
    pod: Mapping[str, Any], events: Sequence[Mapping[str, Any]], *, phase: Phase, ended: Mapping[str, Any]
) -> tuple[str, str]:
    """Name the cause that is furthest out: who took the pod away, before how its container took it."""
    status = pod.get("status") or {}
    disruption = _disruption(pod)
    if disruption and phase != "succeeded":
        return disruption.get("reason", ""), disruption.get("message", "") or status.get("message", "")
    if status.get("reason") and phase == "failed":  # such as Evicted or UnexpectedAdmissionError
        return status["reason"], status.get("message", "")
    if ended:
        return ended.get("reason", ""), ended.get("message", "")
    if phase != "pending":
        return status.get("reason", ""), status.get("message", "")
    waiting = _waiting(pod)
    if waiting[0] in SAYS_NOTHING:
        return _warning(events) or waiting
    return waiting


def _phase(pod: Mapping[str, Any]) -> Phase:
    """Phase of the driver's container where it is known: sidecars keep a pod running after its driver."""
    ended = _state(pod).get("terminated")
    if ended:
        return "succeeded" if ended.get("exitCode") == 0 else "failed"
    return PHASES.get((pod.get("status") or {}).get("phase", ""), "unknown")


def _waiting(pod: Mapping[str, Any]) -> tuple[str, str]:
    for state in (_state(pod), *_initial_states(pod)):
        waiting = state.get("waiting") or {}
        if waiting.get("reason", "") not in SAYS_NOTHING:
            return waiting["reason"], waiting.get("message", "")
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return scheduled.get("reason", ""), scheduled.get("message", "")
    waiting = _state(pod).get("waiting") or {}
    return waiting.get("reason", ""), waiting.get("message", "")


def _warning(events: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    """The latest warning of *events*, if there is one."""
    warnings = [event for event in events if event.get("type") == "Warning"]
    if not warnings:
        return None
    last = max(warnings, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")
    return last.get("reason", ""), last.get("message", "")


def _disruption(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    found = _condition(pod, "DisruptionTarget")
    return found if found.get("status") == "True" else {}


def _condition(pod: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), {})


def _ended(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    return _state(pod).get("terminated") or {}


def _running(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    return _state(pod).get("running") or {}


def _state(pod: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((one.get("state") or {} for one in found if one.get("name") == names.DRIVER_CONTAINER), {})


def _initial_states(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one.get("state") or {} for one in (pod.get("status") or {}).get("initContainerStatuses") or ()]
