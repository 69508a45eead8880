"""Moka UI cannot change anything: not by HTTP, and not by its database login."""

import random

import psycopg
import pytest
from psycopg import errors
from starlette.routing import Route

from moka_ui.app import create_app
from moka_ui.settings import Settings

METHODS = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "QUERY", "MADEUP"]
JOB = "j01m80x9w8ce0c83101gg0r80c4"


def addresses() -> list[str]:
    """Every route of the application, filled in, and some that are no route."""
    app = create_app(Settings(database="postgresql:///none"))
    routes = [one for route in app.routes for one in getattr(route, "routes", [route])]
    found = [
        route.path.replace("{path:path}", "x").format_map({"job_id": JOB, "number": 1})
        for route in routes
        if isinstance(route, Route)
    ]
    dice = random.Random(7)
    found += ["/r" + "".join(dice.choices("abz019/%.-_~:@", k=dice.randint(0, 20))) for _ in range(40)]
    return [*found, *app.openapi()["paths"], "/jobs/x", "/v1/jobs", "/assets/x.js", "/api/openapi.json"]


async def test_every_route_is_listed():
    app = create_app(Settings(database="postgresql:///none"))
    assert {"/api/jobs", "/api/jobs/{job_id}/logs/follow", "/livez"} <= set(app.openapi()["paths"])
    assert {m for p in app.openapi()["paths"].values() for m in p} == {"get"}


@pytest.mark.parametrize("method", METHODS)
async def test_nothing_but_get_and_head_is_answered(client, method):
    for address in addresses():
        answer = await client.request(method, address, content=b"{}")
        assert answer.status_code == 405, address
        assert answer.headers["allow"] == "GET, HEAD"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"].endswith("#method-not-allowed")


async def test_head_answers_as_get_without_a_body(client):
    for address in ("/api/jobs", "/api/jobs/nonsense", "/livez", "/api/counts"):
        got, head = await client.get(address), await client.head(address)
        assert head.status_code == got.status_code
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]


async def test_answers_carry_the_headers_that_keep_the_page_to_itself(client):
    for answer in (
        await client.get("/api/jobs"),
        await client.get("/jobs/x"),
        await client.post("/api/jobs"),
    ):
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"].split("style-src")[0]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_strangers_host_name_is_refused_on_loopback(client):
    refused = await client.get("/api/jobs", headers={"host": "rebound.example:8090"})
    assert (refused.status_code, refused.json()["type"].split("#")[1]) == (400, "unknown-host")
    for name in ("localhost", "localhost:8090", "127.0.0.1:1", "[::1]:8090", "[::1]"):
        assert (await client.get("/livez", headers={"host": name})).status_code == 200, name


WRITES = [
    "INSERT INTO ui_queues (path) VALUES ('x')",
    "UPDATE ui_jobs SET state = 'failed'",
    "DELETE FROM ui_jobs",
    "DELETE FROM jobs",
    "UPDATE jobs SET priority = 99",
    "INSERT INTO queues (path) VALUES ('x')",
    "TRUNCATE jobs",
    "MERGE INTO jobs USING (SELECT 1) AS s ON false WHEN NOT MATCHED THEN DO NOTHING",
    "CREATE TABLE mine (x int)",
    "CREATE TABLE public.mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine",
    "ALTER TABLE jobs ADD COLUMN mine int",
    "ALTER VIEW ui_jobs RENAME TO mine",
    "DROP VIEW ui_jobs",
    "GRANT SELECT ON jobs TO PUBLIC",
    "COPY queues FROM STDIN",
    "COPY ui_jobs TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/mine'",
    "SET ROLE archer_rw",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT setval('audit_seq_seq', 1)",
    "LOCK TABLE jobs",
]
READS = [
    "jobs",
    "job_specs",
    "attempts",
    "job_events",
    "idempotency_keys",
    "checkpoints",
    "audit",
    "clusters",
    "queues",
]


REFUSALS = (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)


@pytest.mark.parametrize("statement", [*WRITES, "SELECT lo_create(0)"])
def test_as_the_page_connects_nothing_can_be_written(demo, statement):
    options = "-c default_transaction_read_only=on"
    with psycopg.connect(demo.reader, options=options) as connection, pytest.raises(REFUSALS):
        connection.execute(statement.encode())


@pytest.mark.parametrize("statement", WRITES)
def test_without_the_promise_to_only_read_the_login_still_cannot_write(demo, statement):
    with psycopg.connect(demo.reader) as connection, pytest.raises(REFUSALS):
        connection.execute(statement.encode())


@pytest.mark.parametrize("table", READS)
def test_the_login_cannot_read_the_tables(demo, table):
    with psycopg.connect(demo.reader) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM {table} LIMIT 1".encode())


def test_the_login_reads_the_views(demo):
    with psycopg.connect(demo.reader) as connection:
        for view in ("ui_jobs", "ui_attempts", "ui_events", "ui_clusters", "ui_queues"):
            assert connection.execute(f"SELECT 1 FROM {view} LIMIT 1").fetchone() == (1,)


async def test_the_page_connects_read_only_and_with_a_time_limit(demo):
    from sqlalchemy import text

    from moka_ui.read import Reader

    reader = Reader.connect(demo.reader, connections=1, timeout=5)
    async with reader._engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT current_setting('default_transaction_read_only'),"
                " current_setting('statement_timeout')"
            )
        )
        assert rows.one() == ("on", "5s")
    await reader.close()
