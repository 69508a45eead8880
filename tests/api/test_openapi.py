"""The published document: valid, complete, and the same as the one in the repository.

A change of the wire shows in review as a change of ``openapi.json``. To write it anew:
``MOKA_UPDATE_SNAPSHOTS=1 python -m pytest tests/api/test_openapi.py``
"""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest

from archer.api.app import create_app
from archer.api.openapi import problem_answers
from archer.domain.request import JobRequest
from tests.api.openapi_rules import broken
from tests.api.rig import Rig

SNAPSHOT = Path(__file__).parent / "openapi.json"
AGAIN = "the wire changed: look whether old clients still work, then run with MOKA_UPDATE_SNAPSHOTS=1"
ROUTES = {
    "POST /v1/jobs": {200, 201, 400, 401, 403, 409, 413, 415, 422, 429, 503},
    "GET /v1/jobs": {200, 400, 401, 503},
    "POST /v1/jobs:batch": {200, 400, 401, 413, 415, 422, 429, 503},
    "POST /v1/jobs:render": {200, 400, 401, 403, 413, 415, 422, 429, 503},
    "GET /v1/jobs/{job_id}": {200, 304, 400, 401, 404, 503},
    "GET /v1/jobs/{job_id}/attempts": {200, 400, 401, 404, 503},
    "GET /v1/jobs/{job_id}/events": {200, 400, 401, 404, 503},
    "GET /v1/jobs/{job_id}/logs": {200, 400, 401, 404, 409, 502, 503},
    "GET /v1/jobs/{job_id}/manifest": {200, 400, 401, 404, 409, 503},
    "POST /v1/jobs/{job_id}/cancel": {202, 400, 401, 403, 404, 429, 503},
    "GET /v1/clusters": {200, 400, 401, 503},
    "GET /v1/clusters/{name}": {200, 400, 401, 404, 503},
    "PATCH /v1/clusters/{name}": {200, 400, 401, 403, 404, 413, 415, 422, 429, 503},
    "GET /v1/queues": {200, 400, 401, 503},
    "GET /livez": {200},
    "GET /readyz": {200, 401, 503},
    "GET /version": {200},
    "GET /metrics": {200, 401, 503},
}


@pytest.fixture(scope="module")
async def document(shared: Rig) -> dict[str, Any]:
    answer = await shared.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


async def test_the_document_is_valid(document: dict[str, Any]):
    assert broken(document) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda d: d.update(openapi="3.0.3"),
        lambda d: d["components"]["schemas"].pop("Links"),
        lambda d: d["paths"]["/v1/jobs"]["get"]["responses"]["200"].pop("description"),
        lambda d: d["paths"]["/v1/jobs/{job_id}"]["get"]["parameters"].pop(0),
        lambda d: d["paths"]["/livez"]["get"].update(operationId="version_version_get"),
    ],
)
async def test_the_check_of_validity_finds_damage(document: dict[str, Any], damage: Any):
    damaged = copy.deepcopy(document)
    damage(damaged)
    assert broken(damaged)


async def test_every_route_and_every_status_that_it_answers_is_told(document: dict[str, Any]):
    told = {
        route: {int(status) for status in operation["responses"]}
        for route, operation in operations(document).items()
    }
    assert told == ROUTES


async def test_every_refusal_is_told_as_a_problem(document: dict[str, Any]):
    for route, operation in operations(document).items():
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and route != "GET /readyz":
                assert answer == problem_answers(int(status))[int(status)], (route, status)


async def test_the_job_request_is_told_with_every_field_and_its_bounds(document: dict[str, Any]):
    schema = document["components"]["schemas"]["JobRequest"]
    assert set(schema["properties"]) == set(JobRequest.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "type"]
    for route in ("POST /v1/jobs", "POST /v1/jobs:render"):
        content = operations(document)[route]["requestBody"]["content"]
        assert set(content) == {"application/json", "application/yaml"}
        assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/JobRequest"}


async def test_the_idempotency_key_is_told_where_it_is_read(document: dict[str, Any]):
    for route, operation in operations(document).items():
        names = [one["name"] for one in operation.get("parameters", [])]
        assert ("Idempotency-Key" in names) == (route in ("POST /v1/jobs", "POST /v1/jobs:batch"))


async def test_every_operation_says_what_it_does(document: dict[str, Any]):
    assert all(operation.get("description") for operation in operations(document).values())


async def test_answers_have_the_shape_that_is_told(rig: Rig, document: dict[str, Any]):
    """Fields of the real answers and of their schemas are the same, in both directions."""
    name = await rig.running()
    await rig.ended(name, log=b"x")
    answers = {
        "JobDetail": await rig.client.get(f"/v1/jobs/{name}"),
        "JobPage": await rig.client.get("/v1/jobs"),
        "AttemptList": await rig.client.get(f"/v1/jobs/{name}/attempts"),
        "EventPage": await rig.client.get(f"/v1/jobs/{name}/events"),
        "LogRead": await rig.client.get(f"/v1/jobs/{name}/logs"),
        "ManifestRead": await rig.client.get(f"/v1/jobs/{name}/manifest"),
        "ClusterList": await rig.client.get("/v1/clusters"),
        "QueueList": await rig.client.get("/v1/queues"),
        "BatchRead": await rig.client.post("/v1/jobs:batch", json={"jobs": [{}]}),
        "RenderRead": await rig.client.post(
            "/v1/jobs:render", json={"name": "a", "type": "sql", "sql": "SELECT 1"}
        ),
    }
    for model, answer in answers.items():
        found = list(differences(document, {"$ref": f"#/components/schemas/{model}"}, answer.json(), model))
        assert found == []


def differences(document: dict[str, Any], schema: dict[str, Any], value: Any, path: str) -> Any:
    """Where *value* has other fields than *schema*."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        is_null = value is None
        schemas = [one for one in schema["anyOf"] if (one.get("type") == "null") == is_null]
        if not schemas:
            yield f"{path}: {value!r} is not told"
            return
        schema = schemas[0]
        yield from differences(document, schema, value, path)
        return
    if "properties" in schema:
        missing, more = schema["properties"].keys() - value.keys(), value.keys() - schema["properties"].keys()
        yield from (f"{path}.{name}: is told, but not there" for name in missing)
        yield from (f"{path}.{name}: is there, but not told" for name in more)
        for name in schema["properties"].keys() & value.keys():
            yield from differences(document, schema["properties"][name], value[name], f"{path}.{name}")
    elif schema.get("type") == "array":
        for one in value:
            yield from differences(document, schema["items"], one, f"{path}[]")
    elif schema.get("type") in KINDS and not isinstance(value, KINDS[schema["type"]]):
        yield f"{path}: {value!r} is no {schema['type']}"


KINDS: dict[str, Any] = {"string": str, "integer": int, "object": dict, "boolean": bool, "null": type(None)}


async def test_the_document_in_the_repository_is_the_published_one(document: dict[str, Any]):
    document = copy.deepcopy(document)
    document["info"].pop("version")  # a release is no change of the wire
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("MOKA_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert SNAPSHOT.read_text(encoding="utf-8") == text, AGAIN


async def test_the_document_does_not_depend_on_the_parts(shared: Rig, document: dict[str, Any]):
    assert create_app(shared.parts).openapi() == document
