"""What each refusal of an API server means. The bodies are as Kubernetes 1.34 sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archer.clusters.kubernetes import statuses
from archer.errors import AlreadyExists, ClusterUnavailable, ManifestRejected, UidMismatch, WatchExpired

NAMED = {"name": "job-1", "group": "sparkoperator.k8s.io", "kind": "sparkapplications"}
UNNAMED = {"group": "sparkoperator.k8s.io", "kind": "sparkapplications"}
NAMESPACE = {"name": "nowhere", "kind": "namespaces"}
TOO_LARGE = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
RETRY = {"retryAfterSeconds": 7}
CREATES = [
    pytest.param(409, "AlreadyExists", NAMED, AlreadyExists, id="the name is taken"),
    pytest.param(409, "Conflict", NAMED, ClusterUnavailable, id="a quota was counted by another, too"),
    pytest.param(400, "BadRequest", None, ManifestRejected, id="an unknown field"),
    pytest.param(422, "Invalid", NAMED, ManifestRejected, id="a wrong value"),
    pytest.param(413, "RequestEntityTooLarge", None, ManifestRejected, id="too large"),
    pytest.param(403, "Forbidden", NAMED, ManifestRejected, id="admission forbids it"),
    pytest.param(403, "Forbidden", UNNAMED, ClusterUnavailable, id="we may not create at all"),
    pytest.param(404, "NotFound", NAMESPACE, ManifestRejected, id="no such namespace"),
    pytest.param(404, "NotFound", {}, ClusterUnavailable, id="SparkApplications are not defined"),
    pytest.param(401, "Unauthorized", None, ClusterUnavailable, id="the token is not known"),
    pytest.param(429, "TooManyRequests", RETRY, ClusterUnavailable, id="too many requests"),
    pytest.param(500, "InternalError", None, ClusterUnavailable, id="a webhook cannot be called"),
    pytest.param(503, "ServiceUnavailable", None, ClusterUnavailable, id="etcd is away"),
    pytest.param(504, "Timeout", RETRY, ClusterUnavailable, id="it took too long"),
    pytest.param(405, "MethodNotAllowed", None, ClusterUnavailable, id="not an API server"),
]
WATCHES = [
    pytest.param(410, "Expired", None, WatchExpired, id="compacted"),
    pytest.param(410, "Gone", None, WatchExpired, id="too old for the cache"),
    pytest.param(504, "Timeout", TOO_LARGE, WatchExpired, id="a version of the future"),
    pytest.param(500, "InternalError", None, ClusterUnavailable, id="internal"),
    pytest.param(429, "TooManyRequests", RETRY, ClusterUnavailable, id="too many requests"),
]


@pytest.mark.parametrize(("code", "reason", "details", "expected"), CREATES)
def test_a_refused_create(code, reason, details, expected):
    error = _failure("create", code, reason, details)
    assert type(error) is expected
    assert "said so" in str(error)


@pytest.mark.parametrize(("code", "reason", "details", "expected"), WATCHES)
def test_a_refused_watch(code, reason, details, expected):
    assert type(_failure("watch", code, reason, details)) is expected


def test_a_conflict_of_a_delete_is_another_uid():
    assert type(_failure("delete", 409, "Conflict", NAMED)) is UidMismatch


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [
        ("3", None, 3.0),
        (None, RETRY, 7.0),
        ("3", RETRY, 3.0),
        ("1e9", None, 300.0),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_how_long_to_wait(header, details, seconds):
    headers = {"Retry-After": header} if header else {}
    error = _failure("read", 429, "TooManyRequests", details, headers)
    assert isinstance(error, ClusterUnavailable)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("code", "reason", "details", "expected"),
    [
        pytest.param(404, "NotFound", NAMED, True, id="there is none"),
        pytest.param(404, "NotFound", {**NAMED, "name": "other"}, False, id="another is not there"),
        pytest.param(404, "NotFound", {}, False, id="SparkApplications are not defined"),
        pytest.param(404, "", None, False, id="a proxy knows no such page"),
        pytest.param(403, "Forbidden", NAMED, False, id="we may not know"),
        pytest.param(410, "Gone", NAMED, False, id="gone is a word about versions"),
    ],
)
def test_absence_is_only_believed_from_a_status_that_names_the_object(code, reason, details, expected):
    status = statuses.read(_body(code, reason, details))
    assert statuses.is_absence(code, status, name="job-1") is expected


@pytest.mark.parametrize(
    "body",
    [b"", b"404 page not found\n", b"<html>", b"[]", b"null", b'{"kind":"Pod"}', b'{"code":"x"}', b"\xff"],
)
def test_what_is_no_status_says_nothing(body):
    status = statuses.read(body)
    assert not statuses.is_absence(404, status, name="job-1")
    error = statuses.failure("create", status, code=404, headers={}, cluster="c")
    assert isinstance(error, ClusterUnavailable)


def test_broken_credentials_are_said_to_be_that():
    assert "credentials" in str(_failure("create", 403, "Forbidden", UNNAMED))
    assert "credentials" in str(_failure("read", 401, "Unauthorized", None))


def _body(code: int, reason: str, details: Any) -> bytes:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    return json.dumps(body | {"reason": reason, "message": "said so", "details": details}).encode()


def _failure(act, code, reason, details, headers=None):
    status = statuses.read(_body(code, reason, details))
    return statuses.failure(act, status, code=code, headers=headers or {}, cluster="c")
