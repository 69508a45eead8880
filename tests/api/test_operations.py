"""The routes for whoever runs Archer, and what is answered where there is no route."""

from __future__ import annotations

import re

import pytest

import archer
from archer.store.engine import Database, PoolLimits
from tests.api.auth.people import bearer, open_guarded, token_of
from tests.api.rig import Rig, open_rig, problem
from tests.api.serving import free_port


@pytest.fixture
async def without_postgres() -> Database:
    return Database(
        f"host=127.0.0.1 port={free_port()} user=nobody dbname=nothing",
        application="tests",
        limits=PoolLimits(wait_seconds=1),
    )


async def test_a_process_that_answers_is_alive(shared: Rig):
    answer = await shared.client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_readiness_in_detail_names_each_check(rig: Rig):
    short = await rig.client.get("/readyz")
    assert (short.status_code, short.json()) == (200, {"status": "ok"})
    for query in ("?verbose", "?verbose=", "?verbose=1"):
        found = (await rig.client.get(f"/readyz{query}")).json()
        assert [(check["name"], check["ok"]) for check in found["checks"]] == [
            ("postgres", True),
            ("clusters file", True),
            ("cluster here", True),
        ]
        assert found["checks"][0]["message"] in ("rpo: zero", "rpo: async")


async def test_a_dead_cluster_does_not_take_archer_out_of_service(rig: Rig):
    await rig.sql("UPDATE clusters SET is_reachable = false, message = 'connection refused'")
    answer = await rig.client.get("/readyz?verbose")
    assert answer.status_code == 200
    assert answer.json()["checks"][-1] == {
        "name": "cluster here",
        "ok": False,
        "message": "connection refused",
    }


async def test_without_postgres_archer_is_alive_but_not_ready(without_postgres: Database):
    async with open_rig(without_postgres, register=False) as rig:
        assert (await rig.client.get("/livez")).status_code == 200
        answer = await rig.client.get("/readyz?verbose")
        assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
        [check] = answer.json()["checks"]
        assert (check["name"], check["ok"]) == ("postgres", False)
    await without_postgres.close()


async def test_the_version_is_told(shared: Rig):
    assert (await shared.client.get("/version")).json() == {"version": archer.__version__}


async def test_clusters_and_queues_are_listed(rig: Rig):
    clusters = (await rig.client.get("/v1/clusters")).json()
    assert clusters["next_cursor"] is None
    [cluster] = clusters["items"]
    assert (cluster["name"], cluster["state"], cluster["last_seen_at"]) == ("here", "active", None)
    assert cluster["capabilities"] == {
        "architectures": ["amd64", "arm64"],
        "spark_versions": ["3.5.9"],
        "shuffle": ["spark"],
        "capacity_types": [],
        "queues": [],
        "max_live_jobs": 0,
    }
    await rig.observe()
    [cluster] = (await rig.client.get("/v1/clusters")).json()["items"]
    assert re.fullmatch(r".*\.\d{3}Z", cluster["last_seen_at"])
    queues = (await rig.client.get("/v1/queues")).json()
    assert [(one["path"], one["tier"]) for one in queues["items"]] == [
        ("root.default", 3),
        ("root.etl", 2),
        ("root.etl.tier1", 1),
    ]


async def test_metrics_are_counted_by_route_and_never_by_what_callers_choose(rig: Rig):
    made = await rig.submit(name="a-name-of-its-own", tenant="its-tenant", key="its-key")
    for path in ("", "/logs", "/events", "/manifest", "/attempts"):
        await rig.client.get(made["links"]["self"] + path)
    await rig.client.get("/v1/jobs?name=a-name-of-its-own")
    await rig.client.get("/some/path/of/its/own")
    await rig.client.request("BREW", "/v1/jobs")
    answer = await rig.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    for its in (made["id"], "a-name-of-its-own", "its-tenant", "its-key", "of/its/own", "BREW"):
        assert its not in text
    routes = set(re.findall(r'archer_http_request_seconds_count\{route="([^"]*)"', text))
    assert {"/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}/logs", "unknown"} <= routes
    assert all("{" in route or "/" in route or route == "unknown" for route in routes)
    assert 'archer_submits_total{outcome="created"}' in text


async def test_the_interactive_documentation_is_a_page(shared: Rig):
    answer = await shared.client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "/openapi.json" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v2/jobs",
        "/v1/jobs/",
        "/v1/jobs//",
        "//v1/jobs",
        "/v1/job",
        "/V1/jobs",
        "/redoc",
        "/v1/jobs:purge",
        "/%2e%2e/etc/passwd",
        "/v1/jobs%2f",
        "/v1/..%2fmetrics",
        "/\\evil",
        "/%00",
        "/%ff",
        "/.env",
        "/docs/oauth2-redirect",
        "/" + "x" * 8192,
    ],
)
async def test_an_unknown_route_is_404(shared: Rig, path: str):
    answer = await shared.client.get(path)
    problem(answer, 404, "not-found")
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/jobs", "GET, POST"),
        ("PUT", "/v1/jobs", "GET, POST"),
        ("GET", "/v1/jobs:batch", "POST"),
        ("GET", "/v1/jobs:render", "POST"),
        ("DELETE", "/v1/jobs/j0", "GET"),
        ("PATCH", "/v1/jobs/j0", "GET"),
        ("GET", "/v1/jobs/j0/cancel", "POST"),
        ("POST", "/v1/jobs/j0/logs", "GET"),
        ("POST", "/v1/clusters", "GET"),
        ("PUT", "/v1/clusters/here", "GET, PATCH"),
        ("POST", "/v1/queues", "GET"),
        ("POST", "/livez", "GET"),
        ("POST", "/metrics", "GET"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("BREW", "/v1/jobs", "GET, POST"),
        ("TRACE", "/v1/jobs", "GET, POST"),
        ("OPTIONS", "/v1/jobs", "GET, POST"),
    ],
)
async def test_a_wrong_method_is_405_and_names_the_right_ones(
    shared: Rig, method: str, path: str, allowed: str
):
    before = await shared.counts()
    answer = await shared.client.request(method, path)
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed
    assert await shared.counts() == before


@pytest.mark.parametrize("host", ["[", "a b", "evil\\", "x" * 5000, "", "[::1]:x", "evil.example"])
async def test_a_strange_host_changes_nothing(one_database: Database, host: str):
    async with open_guarded(one_database) as guarded:
        for path, status in (
            ("/v1/jobs?limit=1", 200),
            ("/v1/jobs?x=1", 400),
            ("/nope", 404),
            ("/v1/jobs/", 404),
        ):
            headers = bearer(token_of("viewer")) | {"host": host}
            answer = await guarded.client.get(path, headers=headers)
            assert answer.status_code == status
            assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["[", "a b", "evil\\", "x" * 5000, "", "[::1]:x", "evil.example"])
async def test_a_strange_host_is_refused_where_nobody_needs_a_token(shared: Rig, host: str):
    for path in ("/v1/jobs?limit=1", "/v1/jobs?x=1", "/nope", "/v1/jobs/"):
        problem(await shared.client.get(path, headers={"host": host}), 403, "forbidden")
