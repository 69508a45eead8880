"""Pages of other sites, which a browser lets call loopback, are nobody's way in where there are no tokens."""

from __future__ import annotations

import pytest

from archer.store.engine import Database
from tests.api.auth.people import bearer, open_guarded, token_of
from tests.api.rig import Rig, job, problem

OWN = "127.0.0.1"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "127.0.0.1@evil.example",
        "10.0.0.1:8080",
        "0.0.0.0",
        "[::2]:8080",
        "localhost/",
        "localhost:x",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/v1/jobs", "/metrics", "/readyz?verbose", "/v1/nothing"])
async def test_without_an_access_file_a_stranger_host_is_not_answered(rig: Rig, host: str, path: str):
    problem(await rig.client.get(path, headers={"Host": host}), 403, "forbidden")


async def test_a_stranger_host_changes_nothing_and_the_audit_is_told(rig: Rig):
    before = await rig.counts()
    answer = await rig.client.post("/v1/jobs", json=job(), headers={"Host": "evil.example"})
    problem(answer, 403, "forbidden")
    assert await rig.denied(answer) == ["forbidden"]
    assert (await rig.counts())["jobs"] == before["jobs"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080"])
async def test_every_name_of_loopback_is_answered(rig: Rig, host: str):
    assert (await rig.client.get("/v1/jobs", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "cross-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/jobs", job()),
        ("POST", "/v1/jobs:batch", {"jobs": [job()]}),
        ("POST", "/v1/jobs/j0/cancel", None),
        ("PATCH", "/v1/clusters/here", {"state": "cordoned"}),
    ],
    ids=["submit", "batch", "cancel", "cordon"],
)
async def test_without_an_access_file_a_page_of_another_origin_changes_nothing(
    rig: Rig, method: str, path: str, body: object, headers: dict[str, str]
):
    answer = await rig.client.request(method, path, json=body, headers=headers)
    problem(answer, 403, "forbidden")
    assert (await rig.counts())["jobs"] == 0


@pytest.mark.parametrize(
    "headers",
    [{"Origin": f"http://{OWN}", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}],
    ids=str,
)
async def test_archers_own_page_may_submit(rig: Rig, headers: dict[str, str]):
    assert (await rig.client.post("/v1/jobs", json=job(), headers=headers)).status_code == 201


async def test_with_tokens_any_host_and_origin_goes_since_no_page_has_a_token(one_database: Database):
    headers = bearer(token_of("platform")) | {"Host": "archer.example", "Origin": "https://portal.example"}
    async with open_guarded(one_database) as guarded:
        assert (await guarded.client.post("/v1/jobs", json=job(), headers=headers)).status_code == 201
