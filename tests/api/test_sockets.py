"""What a real socket lets in: the server's own limits, and bodies that arrive piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from archer.api.incoming.protocol import MAX_HEAD_BYTES, MAX_HEADERS
from tests.api.rig import DEADLINE_SECONDS, Rig, job
from tests.api.serving import said, serving

BODY = json.dumps(job()).encode()


@pytest.fixture(scope="module")
async def port(shared: Rig) -> AsyncIterator[int]:
    async with serving(shared) as opened:
        yield opened


def request(*lines: bytes, body: bytes = b"", method: bytes = b"POST", path: bytes = b"/v1/jobs") -> bytes:
    if method == b"POST" and not any(line.startswith(b"Content-Type") for line in lines):
        lines = (b"Content-Type: application/json", *lines)
    first = [method + b" " + path + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    head = b"\r\n".join([*first, *lines])
    return head + b"\r\n\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        pytest.param(
            request(b"Content-Length: 3", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
            (400,),
            id="B019 both lengths",
        ),
        pytest.param(
            request(b"Transfer-Encoding: chunked", b"Content-Length: 3", body=b"0\r\n\r\n"),
            (400,),
            id="B019 the other way round",
        ),
        pytest.param(
            request(b"Content-Length: 3", b"Content-Length: 4", body=b"null"), (400,), id="two lengths"
        ),
        pytest.param(request(b"Content-Length: -1"), (400,), id="a negative length"),
        pytest.param(request(b"Content-Length: " + b"9" * 5000), (400, 413), id="a length of 5,000 digits"),
        pytest.param(
            request(b"Transfer-Encoding: gzip", body=b"x"), (400, 501), id="another transfer encoding"
        ),
        pytest.param(
            request(b"Transfer-Encoding: chunked", body=b"zz\r\n"), (400,), id="a chunk without a size"
        ),
        pytest.param(
            request(b"X: " + b"x" * 64 * 1024, method=b"GET"), (400, 431), id="B020 a header of 64 KiB"
        ),
        pytest.param(
            request(b"X: " + b"x" * 1024 * 1024, method=b"GET"), (400, 431), id="B020 a header of 1 MiB"
        ),
        pytest.param(
            request(*[b"X%d: x" % n for n in range(200)], method=b"GET"), (400, 431), id="B020 200 headers"
        ),
        pytest.param(
            request(method=b"GET", path=b"/v1/jobs?name=" + b"x" * 64 * 1024),
            (400, 431),
            id="an address of 64 KiB",
        ),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", (400, 505), id="another version"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400,), id="TLS"),
        pytest.param(request(b"X : x", method=b"GET"), (400,), id="a space before the colon"),
        pytest.param(request(b"Idempotency-Key: a\x00b", body=b"{}"), (400,), id="NUL in a header"),
        pytest.param(
            request(b"Content-Length: 2", b"Content-Encoding: gzip", body=b"\x1f\x8b"), (415,), id="B017 gzip"
        ),
        pytest.param(
            request(
                b"Transfer-Encoding: chunked",
                b"Content-Type: application/json",
                body=chunked(*[b" " * 65536] * 5),
            ),
            (413,),
            id="B018 too large without a length",
        ),
        pytest.param(
            request(b"Content-Length: 262145"), (413,), id="too large by its length, and never sent"
        ),
        pytest.param(request(method=b"GET", path=b"/%00%ff%2e%2e/"), (404,), id="bytes in the path"),
        pytest.param(
            request(method=b"GET", path=b"http://evil.example/v1/jobs?x"), (400,), id="an absolute address"
        ),
    ],
)
async def test_what_the_server_itself_refuses(shared: Rig, port: int, raw: bytes, statuses: tuple[int, ...]):
    before = await shared.counts()
    answer = await said(port, raw)
    assert int(answer.split(b" ", 2)[1]) in statuses, answer[:300]
    assert await shared.counts() == before
    assert b" 200 " in await said(port, request(method=b"GET", path=b"/livez"))


async def test_a_head_that_never_ends_is_not_kept(port: int):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /livez HTTP/1.1\r\nX: ")
    async with asyncio.timeout(DEADLINE_SECONDS):
        answer = asyncio.create_task(reader.read())
        # the connection may break before the answer is read: that is right as well
        with contextlib.suppress(ConnectionError):
            while not answer.done():
                writer.write(b"x" * 16 * 1024)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            assert (await answer).startswith(b"HTTP/1.1 431 ")
    writer.close()


async def test_heads_up_to_the_bound_are_read_one_after_the_other(port: int):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(5):  # each alone is within the bound, all together are not
            writer.write(
                b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (MAX_HEAD_BYTES - 1000) + b"\r\n\r\n"
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            await reader.readexactly(len(b'{"status":"ok"}'))
    writer.close()


async def test_headers_up_to_the_bound_are_read(port: int):
    lines = [b"X%d: x" % number for number in range(MAX_HEADERS - 3)]
    assert b" 200 " in await said(port, request(*lines, method=b"GET", path=b"/livez"))


async def test_a_large_body_does_not_count_as_a_head(port: int):
    body = json.dumps(job(arguments=["x" * 30_000] * 8)).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(DEADLINE_SECONDS):
        for _ in range(2):
            said_first = b"Host: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d" % len(
                body
            )
            writer.write(b"POST /v1/jobs HTTP/1.1\r\n" + said_first + b"\r\n\r\n")
            for start in range(0, len(body), 50_000):
                writer.write(body[start : start + 50_000])
                await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 201 ")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
    writer.close()


async def test_a_body_in_pieces_is_a_job(port: int):
    pieces = [BODY[start : start + 7] for start in range(0, len(BODY), 7)]
    answer = await said(port, request(b"Transfer-Encoding: chunked", body=chunked(*pieces)))
    assert answer.startswith(b"HTTP/1.1 201 ")


async def test_a_client_that_leaves_in_its_body_stores_nothing(shared: Rig, port: int):
    before = await shared.counts()
    for sent in (b"", BODY[:10], BODY[:-1]):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(b"Content-Length: %d" % len(BODY), body=sent))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert b" 200 " in await said(port, request(method=b"GET", path=b"/livez"))
    assert await shared.counts() == before


async def test_the_server_does_not_tell_what_it_is(port: int):
    answer = await said(port, request(method=b"GET", path=b"/livez"))
    assert b"uvicorn" not in answer.lower()
