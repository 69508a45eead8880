"""What driver pods say, by pods as the kubelet and the schedulers leave them."""

from __future__ import annotations

from typing import Any

import pytest

from archer.clusters.kubernetes import evidence
from archer.translate import names

STARTED, ENDED = "2027-01-01T00:00:10Z", "2027-01-01T00:01:00Z"


def pod(phase: str, state: dict | None = None, *, conditions: list | None = None, **status: Any) -> dict:
    containers = [{"name": "log-shipper", "state": {"running": {}}}]
    if state is not None:
        containers.append({"name": names.DRIVER_CONTAINER, "state": state})
    status |= {"phase": phase, "conditions": conditions or []}
    if state is not None:
        status["containerStatuses"] = containers
    return {
        "kind": "Pod",
        "metadata": {"name": "job-1-driver", "namespace": "default", "uid": "u"},
        "spec": {"nodeName": "node-1"},
        "status": status,
    }


def terminated(code: int, reason: str, **more: Any) -> dict:
    return {
        "terminated": {"exitCode": code, "reason": reason, "startedAt": STARTED, "finishedAt": ENDED} | more
    }


def condition(kind: str, status: str, reason: str, message: str = "") -> dict:
    found = {"type": kind, "status": status, "reason": reason, "message": message}
    return found | {"lastTransitionTime": ENDED}


UNSCHEDULABLE = "0/3 nodes are available: 3 Insufficient memory."
EVICTED = "The node was low on resource: ephemeral-storage."
CASES = [
    pytest.param(
        pod("Failed", terminated(137, "OOMKilled")), ("failed", 137, 9, "OOMKilled"), id="out of memory"
    ),
    pytest.param(pod("Failed", terminated(1, "Error")), ("failed", 1, None, "Error"), id="exit 1"),
    pytest.param(
        pod("Failed", terminated(143, "Error")), ("failed", 143, 15, "Error"), id="killed by SIGTERM"
    ),
    pytest.param(
        pod("Succeeded", terminated(0, "Completed")), ("succeeded", 0, None, "Completed"), id="exit 0"
    ),
    pytest.param(
        pod("Running", terminated(3, "Error")),
        ("failed", 3, None, "Error"),
        id="a sidecar outlives the driver",
    ),
    pytest.param(
        pod("Running", {"running": {"startedAt": STARTED}}), ("running", None, None, ""), id="running"
    ),
    pytest.param(
        pod("Pending", {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}),
        ("pending", None, None, "ImagePullBackOff"),
        id="no such image",
    ),
    pytest.param(
        pod("Pending", conditions=[condition("PodScheduled", "False", "Unschedulable", UNSCHEDULABLE)]),
        ("pending", None, None, "Unschedulable"),
        id="no node has room",
    ),
    pytest.param(
        pod("Failed", reason="Evicted", message=EVICTED),
        ("failed", None, None, "Evicted"),
        id="evicted, and its container forgotten",
    ),
    pytest.param(
        pod(
            "Failed",
            terminated(137, "Error"),
            conditions=[condition("DisruptionTarget", "True", "PreemptionByScheduler")],
        ),
        ("failed", 137, 9, "PreemptionByScheduler"),
        id="preempted: not what the container says of it",
    ),
    pytest.param(
        pod(
            "Running",
            {"running": {"startedAt": STARTED}},
            conditions=[condition("DisruptionTarget", "True", "EvictionByEvictionAPI")],
        ),
        ("running", None, None, "EvictionByEvictionAPI"),
        id="about to be drained",
    ),
    pytest.param(
        pod(
            "Succeeded",
            terminated(0, "Completed"),
            conditions=[condition("DisruptionTarget", "True", "TerminationByKubelet")],
        ),
        ("succeeded", 0, None, "Completed"),
        id="it had succeeded before",
    ),
    pytest.param(pod("Unknown"), ("unknown", None, None, ""), id="the node is not heard of"),
    pytest.param(pod("Frozen"), ("unknown", None, None, ""), id="a word of a later Kubernetes"),
    pytest.param({"metadata": {"name": "job-1-driver"}}, ("unknown", None, None, ""), id="nothing said yet"),
]


@pytest.mark.parametrize(("found", "expected"), CASES)
def test_evidence(found, expected):
    told = evidence.from_pod(found)
    assert (told.phase, told.exit_code, told.signal, told.reason) == expected
    assert told.pod == "job-1-driver"


def test_times_and_node_are_those_of_the_driver():
    told = evidence.from_pod(pod("Failed", terminated(1, "Error", message="boom")))
    assert (told.started_at, told.ended_at, told.node, told.message) == (STARTED, ENDED, "node-1", "boom")
    running = evidence.from_pod(pod("Running", {"running": {"startedAt": STARTED}}))
    assert (running.started_at, running.ended_at) == (STARTED, None)


def test_the_schedulers_words_are_kept():
    waiting = pod("Pending", conditions=[condition("PodScheduled", "False", "Unschedulable", UNSCHEDULABLE)])
    assert evidence.from_pod(waiting).message == UNSCHEDULABLE


def test_events_say_what_a_silent_pod_does_not():
    silent = pod("Pending", {"waiting": {"reason": "ContainerCreating"}})
    assert evidence.needs_events(silent)
    events = [
        {"type": "Warning", "reason": "FailedMount", "message": "first", "lastTimestamp": STARTED},
        {"type": "Warning", "reason": "FailedCreatePodSandBox", "message": "later", "lastTimestamp": ENDED},
        {"type": "Normal", "reason": "Scheduled", "message": "last", "lastTimestamp": "2027-01-02T00:00:00Z"},
    ]
    told = evidence.from_pod(silent, events)
    assert (told.reason, told.message) == ("FailedCreatePodSandBox", "later")
    assert evidence.from_pod(silent).reason == "ContainerCreating"


def test_an_init_container_that_cannot_start_is_the_reason():
    waiting = pod("Pending", {"waiting": {"reason": "PodInitializing"}})
    waiting["status"]["initContainerStatuses"] = [
        {"name": "fetch", "state": {"waiting": {"reason": "ErrImagePull", "message": "denied"}}}
    ]
    assert evidence.from_pod(waiting).reason == "ErrImagePull"
    assert not evidence.needs_events(waiting)


def test_yunikorns_words_count_until_the_pod_has_a_node():
    silent = pod("Pending")
    words = "default/job-1-driver is queued and waiting for allocation"
    events = [
        {"type": "Normal", "reason": "Scheduling", "message": words, "reportingComponent": "yunikorn"},
        {"type": "Normal", "reason": "Other", "message": "by others", "reportingComponent": "someone"},
    ]
    assert evidence.from_pod(silent, events).reason == ""
    del silent["spec"]["nodeName"]
    told = evidence.from_pod(silent, events)
    assert (told.reason, told.message) == ("Scheduling", words)


def test_whose_the_pod_is_and_when_it_was_scheduled():
    found = pod("Pending", conditions=[condition("PodScheduled", "True", "")])
    found["metadata"] |= {
        "labels": {names.JOB_ID: "job", names.ATTEMPT: "1"},
        "ownerReferences": [{"kind": "Node", "uid": "n"}, {"kind": names.KIND, "uid": "a"}],
        "creationTimestamp": STARTED,
    }
    told = evidence.from_pod(found)
    assert (told.job_id, told.attempt, told.uid, told.application_uid) == ("job", 1, "u", "a")
    assert (told.application, told.created_at, told.scheduled_at) == ("job-1", STARTED, ENDED)
    unscheduled = pod("Pending", conditions=[condition("PodScheduled", "False", "Unschedulable")])
    assert evidence.from_pod(unscheduled).scheduled_at is None


def test_the_image_is_that_of_the_container_that_waits():
    waiting = pod("Pending", {"waiting": {"reason": "PodInitializing"}})
    waiting["status"]["containerStatuses"][1]["image"] = "spark:9"
    assert evidence.from_pod(waiting).image == "spark:9"
    waiting["status"]["initContainerStatuses"] = [
        {"name": "fetch", "image": "fetch:1", "state": {"waiting": {"reason": "ErrImagePull"}}}
    ]
    assert evidence.from_pod(waiting).image == "fetch:1"


@pytest.mark.parametrize("phase", ["Running", "Failed", "Succeeded"])
def test_events_are_not_asked_for_a_pod_that_ran(phase):
    assert not evidence.needs_events(pod(phase))


def test_what_postgres_cannot_store_is_replaced():
    told = evidence.from_pod(pod("Failed", terminated(1, "Error", message="a\x00b\ud800")))
    assert told.message == "a\ufffdb\ufffd"
