"""Bodies that are no job at all: each refused by itself, at once, and nothing stored."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.api.rig import Rig, fields, job, problem

VALID = json.dumps(job()).encode()
JSON = "application/json"
YAML = "application/yaml"


def nested(depth: int) -> bytes:
    return b'{"name":' * depth + b"1" + b"}" * depth


def with_field(text: bytes) -> bytes:
    return VALID[:-1] + b"," + text + b"}"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param(b"", 400, "not JSON", id="B001 empty"),
        pytest.param(b"null", 422, "object", id="B002 null"),
        pytest.param(b"[]", 422, "object", id="B003 a list"),
        pytest.param(b'"x"', 422, "object", id="B004 a string"),
        pytest.param(VALID[:-1], 400, "not JSON", id="B005 truncated"),
        pytest.param(VALID + b"{}", 400, "not JSON", id="two documents"),
        pytest.param(b"\xef\xbb\xbf" + VALID, 400, "not JSON", id="a byte order mark"),
        pytest.param(nested(33), 400, "deeper than 32", id="B007 depth 33"),
        pytest.param(b"[" * 100_000, 400, "deeper than 32", id="B008 100,000 brackets"),
        pytest.param(b'{"a":' * 40_000, 400, "deeper than 32", id="40,000 braces"),
        pytest.param(b"[" * 33 + b"]" * 33, 400, "deeper than 32", id="33 lists"),
        pytest.param(
            with_field(b'"queue":"root.etl","queue":"root.default"'),
            400,
            "'queue' stands twice",
            id="B010 a key twice",
        ),
        pytest.param(
            with_field(b'"env":{"A":"1","A":"2"}'), 400, "'A' stands twice", id="a key twice further in"
        ),
        pytest.param(with_field(b'"name":"x"'), 400, "'name' stands twice", id="a key twice, as escape"),
        pytest.param(with_field(b'"priority":NaN'), 400, "NaN", id="B011 NaN"),
        pytest.param(with_field(b'"priority":Infinity'), 400, "Infinity", id="B011 Infinity"),
        pytest.param(with_field(b'"priority":-Infinity'), 400, "Infinity", id="B011 -Infinity"),
        pytest.param(with_field(b'"priority":1e400'), 400, "too large", id="B012 1e400"),
        pytest.param(with_field(b'"priority":' + b"9" * 5000), 400, "too large", id="5,000 digits"),
        pytest.param(with_field(b'"env":{"A":"\xff"}'), 400, "not UTF-8", id="B014 0xff"),
        pytest.param(with_field(b'"env":{"A":"\xed\xa0\x80"}'), 400, "not UTF-8", id="a surrogate in UTF-8"),
        pytest.param(VALID.decode().encode("utf-16"), 400, "not UTF-8", id="UTF-16"),
        pytest.param(
            with_field(rb'"env":{"A":"\ud800"}'), 400, "surrogate", id="B015 half a pair in a value"
        ),
        pytest.param(with_field(rb'"env":{"\udc00":"1"}'), 400, "surrogate", id="B015 half a pair in a key"),
        pytest.param(with_field(rb'"\ud83d":1'), 400, "surrogate", id="B015 half a pair as a field"),
        pytest.param(
            b"{" + b",".join(b'"a%d":1' % n for n in range(2001)) + b"}", 400, "2000 keys", id="2,001 keys"
        ),
        pytest.param(b"name=pi&type=python", 400, "not JSON", id="a form"),
    ],
)
async def test_a_body_that_cannot_be_read(shared: Rig, body: bytes, status: int, words: str):
    before = await shared.counts()
    answer = await shared.client.post("/v1/jobs", content=body, headers={"content-type": JSON})
    found = problem(answer, status)
    assert words in found["detail"]
    assert await shared.counts() == before
    assert await shared.denied(answer) == [found["type"].partition("#")[2]]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param("", 422, "object", id="empty"),
        pytest.param("just a text", 422, "object", id="a text"),
        pytest.param("{", 400, "not YAML", id="broken"),
        pytest.param("a: 1\n---\nb: 2", 400, "not YAML", id="two documents"),
        pytest.param("a: &x [1]\nb: *x", 400, "aliases", id="an alias"),
        pytest.param(
            "a: &a [x]\n" + "\n".join(f"b{n}: &b{n} [*a,*a]" for n in range(30)), 400, "aliases", id="a bomb"
        ),
        pytest.param("a: &a [*a]", 400, "aliases", id="a list that holds itself"),
        pytest.param("[" * 33 + "]" * 33, 400, "deeper than 32", id="depth 33"),
        pytest.param("[" * 60_000, 400, "deeper than 32", id="60,000 brackets"),
        pytest.param("- a\n" * 6_000, 400, "more than 5000 values", id="6,000 values"),
        pytest.param("name: a\nname: b", 400, "twice", id="a key twice"),
        pytest.param("1: a\n'1': b", 400, "twice", id="a key twice once it is JSON"),
        pytest.param("? [a]\n: b", 400, "JSON cannot", id="a list as key"),
        pytest.param("a: !!timestamp 2026-11-22", 400, "JSON cannot", id="a date by tag"),
        pytest.param("a: !!binary aGk=", 400, "JSON cannot", id="bytes"),
        pytest.param("a: !!set {x, y}", 400, "JSON cannot", id="a set"),
        pytest.param("a: !!float .nan", 400, "JSON cannot", id="NaN by tag"),
        pytest.param("a: 1e400", 400, "JSON cannot", id="1e400"),
        pytest.param("a: !!python/object/apply:os.system [id]", 400, "not YAML", id="code"),
        pytest.param("a: '\\x00' \x00", 400, "not YAML", id="a NUL byte"),
        pytest.param('a: "\\ud800"', 400, "not YAML", id="half a surrogate pair"),
        pytest.param("%YAML 9.9\n---\n@", 400, "not YAML", id="another version"),
        pytest.param("a: " + ":".join(["1"] * 30_000), 422, "fields are wrong", id="a number of base 60"),
    ],
)
async def test_yaml_that_cannot_be_read(shared: Rig, body: str, status: int, words: str):
    before = await shared.counts()
    answer = await shared.client.post("/v1/jobs", content=body, headers={"content-type": YAML})
    assert words in problem(answer, status)["detail"]
    assert await shared.counts() == before


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/merge-patch+json",
        "x",
        "*/*",
        "",
    ],
)
async def test_another_media_type_is_not_read(shared: Rig, media_type: str):
    answer = await shared.client.post("/v1/jobs", content=VALID, headers={"content-type": media_type})
    problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "gzip, gzip", "x"])
async def test_a_compressed_body_is_not_read(shared: Rig, encoding: str):
    headers = {"content-type": JSON, "content-encoding": encoding}
    answer = await shared.client.post("/v1/jobs", content=VALID, headers=headers)
    problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("size", "media_type", "status"),
    [
        pytest.param(256 * 1024, JSON, 400, id="256 KiB are read"),
        pytest.param(256 * 1024 + 1, JSON, 413, id="one byte more is not"),
        pytest.param(64 * 1024 + 1, YAML, 413, id="YAML is read up to 64 KiB"),
    ],
)
async def test_a_body_is_bounded(shared: Rig, size: int, media_type: str, status: int):
    headers = {"content-type": media_type}
    problem(await shared.client.post("/v1/jobs", content=b" " * size, headers=headers), status)


async def test_a_body_without_a_length_is_bounded_as_well(shared: Rig):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000_000:
            sent += 64 * 1024
            yield b" " * (64 * 1024)

    answer = await shared.client.post("/v1/jobs", content=endless(), headers={"content-type": JSON})
    problem(answer, 413, "body-too-large")
    assert sent <= 5 * 64 * 1024


@pytest.mark.parametrize(
    "length", ["9" * 5000, str(2**63), "262145"], ids=["5,000 digits", "2^63", "one more"]
)
async def test_a_length_that_is_too_large_is_believed(shared: Rig, length: str):
    answer = await shared.client.post(
        "/v1/jobs", content=b"", headers={"content-type": JSON, "content-length": length}
    )
    problem(answer, 413, "body-too-large")


async def test_of_very_many_wrong_fields_a_hundred_are_named(shared: Rig):
    wrong = {f"field{number}": 1 for number in range(1990)}
    found = problem(await shared.client.post("/v1/jobs", json=wrong), 422)
    assert len(fields(found)) == 100
    assert found["detail"] == "1992 fields are wrong; 100 of them are named."


async def test_the_name_of_a_wrong_field_is_cut(shared: Rig):
    found = problem(await shared.client.post("/v1/jobs", json=job(**{"x" * 100_000: 1})), 422)
    assert fields(found) == ["x" * 200]


@pytest.mark.parametrize("path", ["/v1/jobs:render", "/v1/jobs:batch"])
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"[" * 100_000, {"content-type": JSON}, 400),
        (b"\xff", {"content-type": JSON}, 400),
        (rb'{"jobs":[{"name":"\ud800"}]}', {"content-type": JSON}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (b"{}", {"content-type": JSON, "content-encoding": "gzip"}, 415),
        (b" " * (4 * 1024 * 1024 + 1), {"content-type": JSON}, 413),
        (b"null", {"content-type": JSON}, 422),
    ],
    ids=["deep", "not UTF-8", "half a pair", "text", "no type", "gzip", "large", "null"],
)
async def test_the_other_routes_with_a_body_refuse_alike(
    shared: Rig, path: str, body: bytes, headers: dict[str, str], status: int
):
    before = await shared.counts()
    problem(await shared.client.post(path, content=body, headers=headers), status)
    assert await shared.counts() == before
