"""Every route, asked by callers of every kind. A new route has no row here, and so fails."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from archer.api.auth.gate import ACTIONS, OPEN, SAFE
from tests.api.auth.people import OURS, bearer, token_of
from tests.api.rig import Rig, job, problem

KINDS = ("nobody", "expired", "roleless", "other", "viewer", "submitter", "owner", "watcher", "platform")
FOR_ALL = (200,) * 9
FOR_THE_KNOWN = (401, 401, 401, 200, 200, 200, 200, 200, 200)
OF_A_JOB = (401, 401, 401, 404, 200, 200, 200, 200, 200)
#: Status by kind of caller, for the job of one tenant.
EXPECTED: dict[str, tuple[int, ...]] = {
    "GET /livez": FOR_ALL,
    "GET /readyz": FOR_ALL,
    "GET /version": FOR_ALL,
    "GET /openapi.json": FOR_ALL,
    "GET /docs": FOR_ALL,
    "GET /metrics": FOR_THE_KNOWN,
    "GET /v1/clusters": FOR_THE_KNOWN,
    "GET /v1/clusters/{name}": FOR_THE_KNOWN,
    "GET /v1/queues": FOR_THE_KNOWN,
    "PATCH /v1/clusters/{name}": (401, 401, 401, 403, 403, 403, 403, 403, 200),
    "POST /v1/jobs": (401, 401, 401, 403, 403, 201, 201, 403, 201),
    "POST /v1/jobs:batch": (401, 401, 401, 403, 403, 201, 201, 403, 201),  # of the job in it
    "POST /v1/jobs:render": (401, 401, 401, 403, 403, 200, 200, 403, 200),
    "GET /v1/jobs": FOR_THE_KNOWN,
    "GET /v1/jobs/{job_id}": OF_A_JOB,
    "GET /v1/jobs/{job_id}/attempts": OF_A_JOB,
    "GET /v1/jobs/{job_id}/events": OF_A_JOB,
    "GET /v1/jobs/{job_id}/logs": OF_A_JOB,
    "GET /v1/jobs/{job_id}/manifest": OF_A_JOB,
    "POST /v1/jobs/{job_id}/cancel": (401, 401, 401, 404, 403, 202, 202, 403, 202),
}
BODIES: dict[str, Any] = {
    "POST /v1/jobs": job(tenant=OURS),
    "POST /v1/jobs:render": job(tenant=OURS),
    "POST /v1/jobs:batch": {"jobs": [job(tenant=OURS)]},
    "PATCH /v1/clusters/{name}": {"state": "cordoned"},
}


def routes(app: FastAPI) -> set[str]:
    """Every method and path that the application answers."""
    from tests.api.auth.routes import operations

    return {f"{method} {path}" for method, path in operations(app)}


async def ask(rig: Rig, kind: str, route: str, job_id: str) -> httpx2.Response:
    method, _, path = route.partition(" ")
    headers = {} if kind == "nobody" else bearer(token_of(kind))
    path = path.format(job_id=job_id, name="here")
    return await rig.client.request(method, path, headers=headers, json=BODIES.get(route))


@pytest.fixture
async def job_id(guarded: Rig) -> str:
    """A running job of one tenant, with a log."""
    guarded.client.headers.update(bearer(token_of("owner")))
    made = await guarded.running(tenant=OURS)
    guarded.cluster.end(f"{made}-1", exit_code=0, log=b"hello")
    guarded.client.headers.pop("Authorization")
    return made


async def test_every_route_has_a_row(guarded: Rig):
    assert routes(guarded.app) == set(EXPECTED)


async def test_every_route_that_changes_something_has_a_word_in_the_audit(guarded: Rig):
    mutating = {tuple(route.split(" ")) for route in EXPECTED if route.split(" ")[0] not in SAFE}
    assert mutating - {("POST", "/v1/jobs:render")} == set(ACTIONS)


async def test_the_routes_that_anybody_may_ask_are_these(guarded: Rig):
    assert {route.split(" ")[1] for route, row in EXPECTED.items() if row[0] == 200} == OPEN


@pytest.mark.parametrize("route", sorted(EXPECTED))
async def test_each_caller_gets_what_its_role_allows(guarded: Rig, job_id: str, route: str):
    found = []
    for kind in KINDS:
        answer = await ask(guarded, kind, route, job_id)
        status = answer.status_code
        if route == "POST /v1/jobs:batch" and status == 200:
            status = answer.json()["items"][0]["status"]
        elif status >= 400:
            problem(answer, status)
        found.append(status)
    assert dict(zip(KINDS, found, strict=True)) == dict(zip(KINDS, EXPECTED[route], strict=True))


@pytest.mark.parametrize("route", [route for route, row in EXPECTED.items() if row == OF_A_JOB])
async def test_a_foreign_job_is_answered_as_one_that_is_not_there(guarded: Rig, job_id: str, route: str):
    unknown = job_id[:-4] + ("0000" if job_id[-4:] != "0000" else "1111")
    foreign = await ask(guarded, "other", route, job_id)
    missing = await ask(guarded, "other", route, unknown)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace(job_id, "ID") == missing.text.replace(unknown, "ID")
    named = re.compile("x-request-id|date")
    assert [h for h in foreign.headers if not named.match(h)] == [
        h for h in missing.headers if not named.match(h)
    ]


@pytest.mark.parametrize("query", ["", "?tenant=ads", "?sort=longest", "?name=pi", "?state=running"])
async def test_a_list_holds_only_what_its_caller_may_see(guarded: Rig, job_id: str, query: str):
    seen = {}
    for kind in KINDS[3:]:
        answer = await guarded.client.get(f"/v1/jobs{query}", headers=bearer(token_of(kind)))
        seen[kind] = [one["id"] for one in answer.json()["items"]]
    assert seen == {kind: [] if kind == "other" else [job_id] for kind in KINDS[3:]}


async def test_the_filter_for_a_tenant_opens_no_other(guarded: Rig, job_id: str):
    for tenant in ("finance", "*", "ads"):
        answer = await guarded.client.get(f"/v1/jobs?tenant={tenant}", headers=bearer(token_of("other")))
        assert answer.status_code == 400 or answer.json()["items"] == []


async def test_a_page_of_one_view_is_no_page_of_another(guarded: Rig):
    headers = bearer(token_of("owner"))
    for _ in range(2):
        await guarded.client.post("/v1/jobs", json=job(tenant=OURS), headers=headers)
    cursor = (await guarded.client.get("/v1/jobs?limit=1", headers=headers)).json()["next_cursor"]
    assert (await guarded.client.get(f"/v1/jobs?cursor={cursor}", headers=headers)).status_code == 200
    for kind in ("platform", "submitter", "other"):
        answer = await guarded.client.get(f"/v1/jobs?cursor={cursor}", headers=bearer(token_of(kind)))
        problem(answer, 400, "invalid-cursor")


async def test_a_refusal_names_the_tenant_and_does_not_tell_whether_there_is_one(guarded: Rig):
    texts = []
    for tenant in ("finance", "nowhere"):
        body = job(tenant=tenant)
        answer = await guarded.client.post("/v1/jobs", json=body, headers=bearer(token_of("viewer")))
        document = problem(answer, 403, "forbidden")
        assert [fault["field"] for fault in document["errors"]] == ["tenant"]
        texts.append(json.dumps(document).replace(tenant, "T"))
    assert texts[0] == texts[1]


async def test_a_job_is_owned_by_whoever_submitted_it(guarded: Rig):
    answer = await guarded.client.post(
        "/v1/jobs", json=job(tenant=OURS), headers=bearer(token_of("submitter"))
    )
    assert answer.json()["owner"] == "submitter"


async def test_keys_of_two_tenants_do_not_meet(guarded: Rig):
    headers = bearer(token_of("platform")) | {"Idempotency-Key": "k"}
    made = [
        (await guarded.client.post("/v1/jobs", json=job(tenant=tenant), headers=headers)).json()["id"]
        for tenant in (OURS, "finance")
    ]
    assert len(set(made)) == 2


async def test_the_checks_of_readiness_are_for_those_with_a_role(guarded: Rig):
    problem(await guarded.client.get("/readyz?verbose"), 401, "unauthenticated")
    roleless = bearer(token_of("roleless"))
    problem(await guarded.client.get("/readyz?verbose", headers=roleless), 401, "unauthenticated")
    answer = await guarded.client.get("/readyz?verbose", headers=bearer(token_of("other")))
    assert {"name": "access file", "ok": True, "message": "as it stands"} in answer.json()["checks"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/", "/v1/jobs/", "/livez/", "//livez", "/V1/JOBS"])
async def test_what_is_nowhere_is_not_told_to_strangers(guarded: Rig, path: str):
    problem(await guarded.client.get(path), 401, "unauthenticated")
    problem(await guarded.client.get(path, headers=bearer(token_of("viewer"))), 404, "not-found")
