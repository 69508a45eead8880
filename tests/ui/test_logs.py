"""Logs go through Moka UI as Archer gives them."""

import json

import httpx2
import pytest

from moka_ui.app import create_app
from moka_ui.settings import Settings
from tests.ui.conftest import asking
from tests.ui.fake_archer import Log
from tests.ui.served import served

JOB = "j01m80x9w8ce0c83101gg0r80c4"
LOGS = f"/api/jobs/{JOB}/logs"


@pytest.fixture
async def logs(archer_url, demo):
    """Moka UI on a real port, over a real Archer's double."""
    app = create_app(Settings(database=demo.reader, archer_url=archer_url))
    with served(app) as url:
        async with httpx2.AsyncClient(base_url=url, timeout=10) as client:
            yield client


async def test_a_piece_comes_through_as_it_is(logs, archer):
    archer.logs[JOB] = Log("grüße\nnext\n".encode())
    answer = await logs.get(LOGS, params={"offset": 0, "limit": 100, "attempt": 1})
    assert answer.json()["text"] == "grüße\nnext\n"
    assert answer.headers["cache-control"] == "no-store"
    assert "attempt=1" in archer.asked[0]


async def test_archers_refusal_comes_through_word_for_word(logs):
    answer = await logs.get(LOGS)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["type"].endswith("#log-not-found")


@pytest.mark.parametrize(
    "params", [{"role": "root"}, {"offset": "x"}, {"limit": "0"}, {"attempt": "0"}, {"x": "1"}]
)
async def test_a_wrong_parameter_never_reaches_archer(logs, archer, params):
    assert (await logs.get(LOGS, params=params)).status_code == 422
    assert archer.asked == []


async def test_following_gives_what_is_there_then_what_comes_then_the_end(logs, archer):
    log = archer.logs[JOB] = Log(b"one\n")
    seen = []
    async with logs.stream("GET", f"{LOGS}/follow") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and line != "data: {}":
                seen.append(json.loads(line[6:])["text"])
                if seen == ["one\n"]:
                    log.data += b"two\n"
                if "".join(seen) == "one\ntwo\n":
                    log.complete = True
            if line == "event: end":
                break
    assert "".join(seen) == "one\ntwo\n"


async def test_following_goes_on_where_a_lost_connection_was(logs, archer):
    archer.logs[JOB] = Log(b"one\ntwo\n", complete=True)
    answer = await logs.get(f"{LOGS}/follow", headers={"last-event-id": "4"})
    assert '"two\\n"' in answer.text
    assert "one" not in answer.text


async def test_a_download_is_the_whole_log(logs, archer):
    whole = b"".join(b"line %d of a long log\n" % number for number in range(120_000))
    archer.logs[JOB] = Log(whole, complete=True)
    answer = await logs.get(f"{LOGS}/download")
    assert answer.content == whole
    assert answer.headers["content-disposition"] == f'attachment; filename="{JOB}-1-driver.log"'
    assert answer.headers["content-type"].startswith("text/plain")


async def test_head_of_a_followed_log_ends(logs, archer):
    archer.logs[JOB] = Log(b"one\n")
    answer = await logs.head(f"{LOGS}/follow")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_without_archer_the_answer_is_503(demo):
    app = create_app(Settings(database=demo.reader, archer_url="http://127.0.0.1:9"))
    with served(app) as url:
        async with httpx2.AsyncClient(base_url=url) as client:
            for path in ("", "/follow", "/download"):
                answer = await client.get(LOGS + path)
                assert (answer.status_code, answer.json()["type"].split("#")[1]) == (
                    503,
                    "archer-unavailable",
                )


@pytest.mark.parametrize(
    ("status", "media_type"),
    [(500, "text/html"), (401, "application/problem+json"), (300, "text/html")],
)
async def test_what_archer_should_not_say_is_not_repeated(demo, status, media_type):
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=b"<secret>", headers={"content-type": media_type})

    double = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://archer")
    async with asking(create_app(Settings(database=demo.reader), archer=double)) as client:
        got = await client.get(LOGS)
    assert got.status_code == 503
    assert "secret" not in got.text
