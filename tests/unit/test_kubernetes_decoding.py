"""Bytes of a watch: lines however they are cut, and the same reading as of a listed object."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.clusters.kubernetes import decoding, evidence
from archer.clusters.kubernetes.lines import Lines
from archer.errors import ClusterUnavailable, WatchExpired
from archer.translate import names
from archer.translate.observe import from_resource

FULL = {
    "apiVersion": names.API_VERSION,
    "kind": names.KIND,
    "metadata": {
        "name": "job-1",
        "namespace": "etl",
        "uid": "u-1",
        "resourceVersion": "12",
        "creationTimestamp": "2027-01-01T00:00:00Z",
        "labels": {names.JOB_ID: "job", names.ATTEMPT: "1", "other": "x"},
        "annotations": {names.SPEC_SHA256: "abc", "other": "x"},
        "managedFields": [{"manager": "operator", "fieldsV1": {"f:status": {}}}],
    },
    "spec": {"type": "Python", "arguments": ["\n", "\u2028"]},
    "status": {
        "applicationState": {"state": "RUNNING", "errorMessage": ""},
        "sparkApplicationId": "spark-1",
        "driverInfo": {"podName": "job-1-driver", "webUIPort": 4040},
        "executorState": {"a": "RUNNING", "b": "RUNNING", "c": "FAILED", "d": "COMPLETED", "e": "PENDING"},
        "lastSubmissionAttemptTime": "2027-01-01T00:00:10Z",
        "terminationTime": None,
        "submissionAttempts": 1,
    },
}
BARE = {
    "kind": names.KIND,
    "metadata": {"name": "job-1", "labels": {names.JOB_ID: "job"}, "resourceVersion": "1"},
}
HOSTILE = {
    **BARE,
    "status": {
        "applicationState": {"state": 5, "errorMessage": "a\x00b"},
        "executorState": {"a": ["RUNNING"]},
        "terminationTime": "yesterday",
        "lastSubmissionAttemptTime": "2027-02-30T00:00:00Z",
    },
}
NULLS = {**BARE, "status": {"applicationState": None, "executorState": None, "driverInfo": None}}
SAMPLES = [FULL, BARE, HOSTILE, NULLS]


@pytest.mark.parametrize("resource", SAMPLES)
def test_an_event_reads_like_the_object_itself(resource):
    change = decoding.change(_line("MODIFIED", resource), cluster="c")
    assert change.application == from_resource(resource)
    assert change.kind == "upserted"


def test_everything_that_is_stored_is_read():
    found = from_resource(FULL)
    assert (found.namespace, found.name, found.uid, found.resource_version) == ("etl", "job-1", "u-1", "12")
    assert (found.job_id, found.attempt, found.spec_sha256) == ("job", 1, "abc")
    assert (found.application_state, found.spark_app_id, found.driver_pod) == (
        "RUNNING",
        "spark-1",
        "job-1-driver",
    )
    assert (found.executors_running, found.executors_failed, found.executors_completed) == (2, 1, 1)
    assert found.driver_started_at == "2027-01-01T00:00:10Z"
    assert found.ended_at is None


def test_a_page_reads_like_its_objects():
    body = {"kind": "SparkApplicationList", "metadata": {"resourceVersion": "7", "continue": "next"}}
    found, metadata = decoding.page(json.dumps(body | {"items": SAMPLES}).encode(), cluster="c")
    assert found == [from_resource(one) for one in SAMPLES]
    assert (metadata.resource_version, metadata.continue_) == ("7", "next")


def test_one_bent_object_hides_no_other():
    bent = {**FULL, "status": ["not", "a", "status"]}
    body = {"kind": "SparkApplicationList", "metadata": {"resourceVersion": "7"}, "items": [bent, FULL, 5]}
    found, _ = decoding.page(json.dumps(body).encode(), cluster="c")
    assert [one.application_state for one in found] == ["", "RUNNING"]
    change = decoding.change(_line("ADDED", bent), cluster="c")
    assert change.application is not None
    assert (change.application.name, change.application.application_state) == ("job-1", "")


def test_bookmarks_and_deletions():
    bookmark = {"kind": names.KIND, "metadata": {"resourceVersion": "99", "creationTimestamp": None}}
    change = decoding.change(_line("BOOKMARK", bookmark), cluster="c")
    assert (change.kind, change.resource_version, change.application) == ("bookmark", "99", None)
    assert decoding.change(_line("DELETED", FULL), cluster="c").kind == "deleted"


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [(410, "Expired", WatchExpired), (410, "Gone", WatchExpired), (500, "InternalError", ClusterUnavailable)],
)
def test_an_error_within_a_stream(code, reason, expected):
    status = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": "m"}
    with pytest.raises(expected):
        decoding.change(_line("ERROR", status), cluster="c")


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "Status", "status": "Success", "metadata": {}},
        {"kind": "Status", "status": "Failure", "metadata": {"name": "job-1"}},
        {"kind": names.KIND, "metadata": {}},
        {"kind": "Pod", "metadata": {"name": "job-1"}},
        [],
        None,
    ],
)
def test_what_is_no_application_is_not_read_as_one(body):
    raw = json.dumps(body).encode()
    with pytest.raises(ClusterUnavailable):
        decoding.application(raw, cluster="c")
    with pytest.raises(ClusterUnavailable):
        decoding.page(raw, cluster="c")


@pytest.mark.parametrize("line", [b"{", b"\xff", b"[]", b'{"type":"ADDED"}', b'{"type":"ADDED","object":5}'])
def test_a_line_that_cannot_be_read_breaks_the_watch(line):
    with pytest.raises(ClusterUnavailable):
        decoding.change(line, cluster="c")


POD = {
    "kind": "Pod",
    "metadata": {
        "name": "job-1-driver",
        "namespace": "etl",
        "uid": "u-9",
        "resourceVersion": "13",
        "labels": {names.JOB_ID: "job", names.ATTEMPT: "1", names.SPARK_ROLE: names.DRIVER_ROLE},
        "managedFields": [{"manager": "kubelet"}],
    },
    "spec": {"nodeName": "node-1", "containers": [{"name": names.DRIVER_CONTAINER, "env": []}]},
    "status": {"phase": "Pending", "containerStatuses": None},
}


def test_a_watched_pod_reads_like_a_listed_one():
    watched = decoding.driver_change(_line("MODIFIED", POD), cluster="c")
    body = {"kind": "PodList", "metadata": {"resourceVersion": "7", "continue": "next"}, "items": [POD]}
    listed, metadata = decoding.driver_page(json.dumps(body).encode(), cluster="c")
    assert [watched.driver] == listed == [evidence.from_pod(POD)]
    assert (watched.kind, watched.resource_version) == ("upserted", "13")
    assert (metadata.resource_version, metadata.continue_) == ("7", "next")
    assert decoding.driver_change(_line("DELETED", POD), cluster="c").kind == "deleted"
    bookmark = decoding.driver_change(_line("BOOKMARK", {**POD, "status": {}}), cluster="c")
    assert (bookmark.kind, bookmark.driver) == ("bookmark", None)


def test_one_bent_pod_hides_no_other():
    bent = {**POD, "status": ["not", "a", "status"]}
    body = {"kind": "PodList", "metadata": {"resourceVersion": "7"}, "items": [bent, POD, 5]}
    found, _ = decoding.driver_page(json.dumps(body).encode(), cluster="c")
    assert [driver.job_id for driver in found] == ["job"]


@pytest.mark.parametrize(
    ("kind", "told", "expected"),
    [
        ("ERROR", {"kind": "Status", "code": 410, "reason": "Expired"}, WatchExpired),
        ("ERROR", {"kind": "Status", "code": 500}, ClusterUnavailable),
        ("ADDED", FULL, ClusterUnavailable),
        ("ADDED", {**POD, "status": 5}, ClusterUnavailable),
        ("ADDED", {**POD, "metadata": {"resourceVersion": "x"}}, ClusterUnavailable),
    ],
)
def test_what_is_no_event_of_a_pod_breaks_the_watch(kind, told, expected):
    with pytest.raises(expected):
        decoding.driver_change(_line(kind, told), cluster="c")


@pytest.mark.parametrize(
    "body", [{"kind": "SparkApplicationList", "metadata": {"resourceVersion": "7"}}, [], 5]
)
def test_what_is_no_list_of_pods_is_not_read_as_one(body):
    with pytest.raises(ClusterUnavailable):
        decoding.driver_page(json.dumps(body).encode(), cluster="c")


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda b: b"\n" not in b and b.strip())), st.data())
def test_lines_come_out_as_they_went_in(lines, data):
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    splitter = Lines()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.feed(stream[start:end])
    assert found == lines
    assert splitter.is_between


def test_half_a_line_is_known_as_such():
    splitter = Lines()
    assert list(splitter.feed(b"one\ntw")) == [b"one"]
    assert not splitter.is_between
    assert list(splitter.feed(b"o\r\n\n")) == [b"two\r"]
    assert splitter.is_between


def test_a_line_without_an_end_is_given_up():
    splitter = Lines(most=1000)
    assert list(splitter.feed(b"x" * 1000)) == []
    with pytest.raises(ClusterUnavailable):
        list(splitter.feed(b"x"))


def _line(kind: str, resource: Any) -> bytes:
    return json.dumps({"type": kind, "object": resource}).encode()
