"""Secrets planted in every field that takes text are found nowhere but in the table of raw requests."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import structlog
from fastapi import FastAPI
from prometheus_client import generate_latest
from sqlalchemy import text

from archer.telemetry import configure_logs
from moka_ui.app import create_app
from moka_ui.read import Reader
from moka_ui.settings import Settings
from tests.api import planted as plants
from tests.api.planted import Planted
from tests.api.rig import DEADLINE_SECONDS, Rig

RAW = ("job_specs", "idempotency_keys")  # requests as they came, and the keys of callers: shown nowhere
TABLES = text("""
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
""")
VIEWS = text("SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'ui\\_%'")


@pytest.fixture
def archers_logs(capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Logs as a process of Archer writes them."""
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    logging.getLogger().handlers.clear()  # else those of pytest would be closed
    configure_logs("json", level=logging.DEBUG)
    yield capsys
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


@pytest.fixture
async def pages(rig: Rig) -> AsyncIterator[tuple[FastAPI, httpx2.AsyncClient]]:
    """Moka UI over the same database, in the role that it has."""
    settings = Settings(
        database=f"{rig.database.dsn} options='-c role=moka_ui_ro'",
        archer_url="http://127.0.0.1:9",
        archer_timeout_seconds=1,
    )
    app = create_app(settings)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield app, client
    await app.state.archer.aclose()
    assert isinstance(app.state.reader, Reader)
    await app.state.reader.close()


async def test_planted_secrets_are_found_in_the_raw_table_alone(
    rig: Rig, pages: tuple[FastAPI, httpx2.AsyncClient], archers_logs: pytest.CaptureFixture[str]
):
    planted = Planted()
    seen = await _lived(rig, planted)
    assert len(planted.values) >= 60
    jobs = [job["id"] for job in (await rig.client.get("/v1/jobs")).json()["items"]]
    assert len(jobs) == 3
    seen += await _crawled(rig.app, rig.client, jobs)
    seen += await _crawled(*pages, jobs)
    for path in ("/v1/jobs/{}", "/v1/{}", "/v1/jobs?name={}", "/v1/jobs?{}=1", "/v1/jobs?cursor={}"):
        answer = await rig.client.get(path.format(planted.token("ghp_{}")))
        seen.append((f"{path} answered", answer.text))
    seen += await _stored(rig)
    seen.append(("metrics", generate_latest().decode()))
    log = archers_logs.readouterr()
    seen.append(("log", log.out + log.err))

    found = [(place, value) for place, told in seen for value in planted.values if value in told]
    assert found == []
    assert len(seen) > 100
    assert "a request met a bug" not in log.out
    raw = "\n".join(row.request for row in await rig.sql("SELECT request FROM job_specs"))
    assert sum(value in raw for value in planted.values) >= 50


async def test_a_secret_in_an_unreadable_body_is_not_echoed(rig: Rig):
    planted = Planted()
    secret = planted.token("ghp_{}")
    bodies = [
        (f'{{"{secret}": 1, "{secret}": 2}}', "application/json"),
        (f'{{"name": {secret}}}', "application/json"),
        (f"a: !{secret} x", "application/yaml"),
        (f"{secret}: 1\n{secret}: 2", "application/yaml"),
        (f"a: *{secret}", "application/yaml"),
        (f"{{{secret}", "application/yaml"),
    ]
    for body, media_type in bodies:
        answer = await rig.client.post("/v1/jobs", content=body, headers={"content-type": media_type})
        assert answer.status_code == 400
        assert not any(value in answer.text for value in planted.values), body


async def test_a_log_line_hides_what_an_error_quotes(archers_logs: pytest.CaptureFixture[str]):
    planted = Planted()
    log = structlog.get_logger("tests")
    try:
        raise ValueError(f"cannot log in with {planted.token('ghp_{}')} and password={planted.plain()}")
    except ValueError:
        log.exception("it broke", path=f"/v1/{planted.token('moka_{}')}", token=planted.plain())
    told = archers_logs.readouterr().out
    assert "ValueError: cannot log in with" in told
    # what others log goes through the one handler of the process; pytest has its own beside it
    [handler] = [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]
    told += handler.format(logging.makeLogRecord({"msg": f"refused: {planted.token('glpat-{}')}"}))
    assert "refused: *****" in told
    assert [value for value in planted.values if value in told] == []


async def _lived(rig: Rig, planted: Planted) -> list[tuple[str, str]]:
    """Let jobs with secrets be refused, rendered, run, fail and be cancelled; what was answered."""
    seen: list[tuple[str, str]] = []
    for body in plants.refused(planted):
        answer = await rig.client.post("/v1/jobs", json=body)
        assert answer.status_code == 422, body
        seen.append(("a refusal", answer.text))
    body = plants.request(planted)
    seen.append(("render", (await rig.client.post("/v1/jobs:render", json=body)).text))
    batch = {"jobs": [body, {"name": planted.token("ghp_{}")}]}
    answer = await rig.client.post(
        "/v1/jobs:batch", json=batch, headers={"Idempotency-Key": planted.aws_id()}
    )
    seen.append(("batch", answer.text))
    first = answer.json()["items"][0]["job"]["id"]
    script = f"SELECT '{planted.token('ghp_{}')}'; SET x.password={planted.plain()};"
    sql = {"name": "sql", "type": "sql", "sql": script}
    second = (await rig.client.post("/v1/jobs", json=sql)).json()["id"]
    await rig.dispatch()
    for job in (first, second):
        rig.cluster.run(f"{job}-1")
    await rig.observe()
    token, word = planted.token("ghp_{}"), planted.token("eyJhbGciOiJIUzI1NiJ9.{}.c2ln")
    log = f"Traceback (most recent call last):\n  x\nValueError: no login {token} {word}\n"
    await rig.ended(first, exit_code=1, log=log.encode())
    third = await rig.submit(name="third")
    seen += [
        ("cancel", (await rig.client.post(f"/v1/jobs/{job}/cancel")).text) for job in (second, third["id"])
    ]
    wish = {"state": "cordoned", "reason": f"because {planted.token('ghp_{}')}"}
    answer = await rig.client.patch("/v1/clusters/here", json=wish)
    assert answer.status_code == 200, answer.text
    seen.append(("cordon", answer.text))
    return seen


async def _crawled(app: FastAPI, client: httpx2.AsyncClient, jobs: list[str]) -> list[tuple[str, str]]:
    """What every GET route answers, for each job."""
    routes = [path for path, methods in app.openapi()["paths"].items() if "get" in methods]
    assert len(routes) > 8
    seen: list[tuple[str, str]] = []
    for route in routes:
        for job in jobs if "{job_id}" in route else jobs[:1]:
            path = route.format(job_id=job, number=1, name="here", attempt=1)
            assert "{" not in path
            async with asyncio.timeout(DEADLINE_SECONDS):
                answer = await client.get(path, params={"q": job} if route.endswith("/search") else {})
            seen.append((f"{path} {answer.status_code}", answer.text))
    return seen


async def _stored(rig: Rig) -> list[tuple[str, str]]:
    """Every row of every table but the raw ones, and of every view as Moka UI's role sees it."""
    seen: list[tuple[str, str]] = []
    async with rig.database.transaction() as tx:
        tables = [name for (name,) in await tx.execute(TABLES) if name not in RAW]
        views = [name for (name,) in await tx.execute(VIEWS)]
        assert len(tables) >= 6
        assert len(views) >= 5
        for name in tables:
            rows = await tx.execute(text(f"SELECT CAST(t AS text) FROM {name} t"))
            seen += [(name, row[0]) for row in rows]
        await tx.execute(text("SET LOCAL ROLE moka_ui_ro"))
        for name in views:
            rows = await tx.execute(text(f"SELECT row_to_json(t) FROM {name} t"))
            seen += [(name, json.dumps(row[0], ensure_ascii=False)) for row in rows]
    return seen
