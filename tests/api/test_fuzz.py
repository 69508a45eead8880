"""Requests that nobody thought of: whatever comes, the answer is a job, a list or a problem, never a bug."""

from __future__ import annotations

import copy
import json
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archer.domain.request import JobRequest
from tests.api.rig import Rig, problem
from tests.api.test_submit import FULL

BOUNDED: Final = settings(
    max_examples=80,
    deadline=None,
    database=None,  # nothing is written into the checkout
    derandomize=True,  # the same on every machine; a failure can be run again
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXT = st.text(st.characters(), max_size=30)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**30]),
    st.floats(),
    TEXT,
    st.sampled_from(
        ["", "\0", "4g", "s3a://jobs/a.py", "root.default", "spark.user.a", "\ud800", "\uff52oot", "-1", "*"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
SCHEMA: Final = JobRequest.model_json_schema()


def of_schema(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that mostly keep *schema*; what its texts must look like is left to chance."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return st.one_of(*map(of_schema, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            given = {name: of_schema(one) for name, one in schema["properties"].items()}
            required = {name: given.pop(name) for name in schema.get("required", [])}
            return st.fixed_dictionaries(required, optional=given)
        case "object":
            return st.dictionaries(TEXT | st.sampled_from(["A", "a", "spark.user.a"]), TEXT, max_size=3)
        case "array":
            return st.lists(of_schema(schema["items"]), max_size=3)
        case "integer":
            return st.integers(schema.get("minimum", -5) - 1, schema.get("maximum", 10**6) + 1)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    if "pattern" in schema and len(schema["pattern"]) < 60:
        return st.from_regex(schema["pattern"]) | TEXT
    return TEXT | st.sampled_from(["4g", "512m", "s3a://jobs/a.py", "3.5.9", "A"])


@st.composite
def mutations(draw: st.DrawFn) -> Any:
    """A valid job with a value, a key or a whole part exchanged."""
    body: Any = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        node, steps = body, draw(st.integers(0, 2))
        for _ in range(steps):
            inner = [
                child
                for child in (node.values() if isinstance(node, dict) else node)
                if isinstance(child, dict | list)
            ]
            node = draw(st.sampled_from(inner)) if inner else node
        if isinstance(node, list):
            node.insert(draw(st.integers(0, len(node))), draw(VALUES))
        elif draw(st.booleans()) or not node:
            node[draw(TEXT | st.sampled_from(["name", "image", "spark.master", "PATH", "app"]))] = draw(
                VALUES
            )
        else:
            node[draw(st.sampled_from(sorted(node)))] = draw(VALUES)
    return body


def checked(answer: httpx2.Response) -> None:
    """Check that *answer* is one that Archer gives on purpose."""
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem(answer, answer.status_code)


async def sent(rig: Rig, body: bytes, media_type: str = "application/json") -> None:
    """Submit *body*; a job that is taken can be read, and what is refused is not stored."""
    before = await rig.counts()
    answer = await rig.client.post("/v1/jobs", content=body, headers={"content-type": media_type})
    checked(answer)
    if answer.status_code >= 400:
        assert await rig.counts() == before
        return
    found = await rig.client.get(answer.headers["location"])
    assert found.status_code == 200
    assert found.json()["request"]["name"] == answer.json()["name"]
    checked(await rig.client.post("/v1/jobs:render", content=body, headers={"content-type": media_type}))


@BOUNDED
@given(of_schema(SCHEMA))
async def test_bodies_of_the_schema(shared: Rig, body: Any):
    await sent(shared, json.dumps(body).encode())


@BOUNDED
@given(mutations())
async def test_bodies_with_a_part_exchanged(shared: Rig, body: Any):
    await sent(shared, json.dumps(body).encode())


@BOUNDED
@given(VALUES, st.sampled_from(["/v1/jobs", "/v1/jobs:batch", "/v1/jobs:render"]))
async def test_bodies_of_any_json(shared: Rig, body: Any, path: str):
    text = json.dumps({"jobs": [body]} if path.endswith("batch") else body).encode()
    checked(await shared.client.post(path, content=text, headers={"content-type": "application/json"}))


@BOUNDED
@given(st.binary(max_size=60) | TEXT.map(lambda text: text.encode(errors="replace")), st.booleans())
async def test_bodies_of_any_bytes(shared: Rig, body: bytes, is_yaml: bool):
    await sent(shared, body, "application/yaml" if is_yaml else "application/json")


@BOUNDED
@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
async def test_a_body_with_some_bytes_exchanged(shared: Rig, place: int, change: bytes):
    text = json.dumps(FULL | {"correlation_id": None}).encode()
    await sent(shared, text[:place] + change + text[place + len(change) :])


NAMES = st.sampled_from(
    [
        "state",
        "queue",
        "tenant",
        "owner",
        "cluster",
        "name",
        "label",
        "created_after",
        "created_before",
        "sort",
        "limit",
        "cursor",
        "wait",
        "after",
        "attempt",
        "role",
        "offset",
        "verbose",
    ]
)
WORDS = st.sampled_from(
    [
        "queued",
        "root.default",
        "default",
        "newest",
        "longest",
        "1",
        "-1",
        "500",
        "a:b",
        "2026-11-22T06:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "30s",
        "0s",
        "driver",
        "executor-1",
        "1e400",
        "nan",
        "99999999999",
        "-99999999999",
    ]
)
PATHS = st.sampled_from(
    [
        "/v1/jobs",
        "/v1/jobs/{id}",
        "/v1/jobs/{id}/events",
        "/v1/jobs/{id}/attempts",
        "/v1/jobs/{id}/manifest",
        "/v1/jobs/{id}/logs",
        "/v1/clusters",
        "/v1/queues",
        "/readyz",
    ]
)


@pytest.fixture(scope="module")
async def queried(shared: Rig) -> str:
    return (await shared.submit())["id"]


@BOUNDED
@given(PATHS, st.lists(st.tuples(NAMES | TEXT, WORDS | TEXT), max_size=4))
async def test_any_query(shared: Rig, queried: str, path: str, pairs: list[tuple[str, str]]):
    query = urlencode([one for one in pairs if one[0] != "wait"], errors="surrogatepass")
    checked(await shared.client.get(f"{path.format(id=queried)}?{query}"))


@BOUNDED
@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.lists(TEXT | st.sampled_from(["v1", "jobs", "..", "."]), max_size=4),
)
async def test_any_path(shared: Rig, method: str, steps: list[str]):
    path = "/" + "/".join(quote(step, safe="", errors="surrogatepass") for step in steps)
    answer = await shared.client.request(method, httpx2.URL(f"http://127.0.0.1{path}"))
    checked(answer)


@BOUNDED
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "idempotency-key",
                "if-none-match",
                "accept",
                "content-type",
                "content-encoding",
                "content-length",
                "last-event-id",
                "host",
                "range",
                "x-forwarded-for",
            ]
        ),
        st.binary(max_size=40).filter(lambda value: not {0, 10, 13} & set(value)),
    ),
    st.sampled_from(["POST /v1/jobs", "GET /v1/jobs", "POST /v1/jobs:batch", "GET /v1/jobs/j0", "GET /docs"]),
)
async def test_any_header(shared: Rig, headers: dict[str, bytes], route: str):
    method, _, path = route.partition(" ")
    listed = [(name.encode(), value) for name, value in headers.items()]
    body = b'{"name":"a","type":"sql","sql":"SELECT 1"}' if method == "POST" else b""
    checked(await shared.client.request(method, path, headers=listed, content=body))
