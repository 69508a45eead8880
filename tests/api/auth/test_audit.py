"""One row for each call that would change something, allowed or denied; a flood of denials is few rows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from archer.api.auth import denials
from archer.api.auth.denials import OWN_ROWS, Denials
from archer.domain.tenancy.principal import Origin
from archer.store.callers.audit import Entry
from archer.store.engine import Database
from tests.api.auth.people import OURS, bearer, token_of
from tests.api.rig import Rig, job

COLUMNS = "principal, method, action, object, tenant, queue, decision, reason"


async def told(rig: Rig, columns: str = COLUMNS) -> list[tuple[Any, ...]]:
    """Rows of the audit in their order, denials that still wait included."""
    await rig.parts.denials.flush()
    return [tuple(row) for row in await rig.sql(f"SELECT {columns} FROM audit ORDER BY seq")]


async def submit(rig: Rig, who: str = "submitter", key: str | None = None, **fields: Any) -> Any:
    headers = bearer(token_of(who)) | ({"Idempotency-Key": key} if key else {})
    return await rig.client.post("/v1/jobs", json=job(**({"tenant": OURS} | fields)), headers=headers)


async def test_a_submit_is_told_with_who_how_from_where_and_what(guarded: Rig):
    headers = bearer(token_of("submitter")) | {"X-Request-Id": "r-1.a_B"}
    answer = await guarded.client.post("/v1/jobs", json=job(tenant=OURS, queue="root.etl"), headers=headers)
    assert answer.headers["x-request-id"] == "r-1.a_B"
    made = answer.json()["id"]
    assert await told(guarded) == [
        ("submitter", "token", "submit", made, OURS, "root.etl", "allowed", ""),
    ]
    assert await told(guarded, "request_id, ip, times") == [("r-1.a_B", "127.0.0.1", 1)]
    (hashes,) = await guarded.sql("SELECT a.fingerprint = s.fingerprint FROM audit a, job_specs s")
    assert tuple(hashes) == (True,)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\u00e4", "<script>"])
async def test_a_request_id_that_is_not_of_its_form_is_replaced(guarded: Rig, given: str):
    headers = [("X-Request-Id", given.encode()), ("Authorization", f"Bearer {token_of('submitter')}")]
    answer = await guarded.client.post("/v1/jobs", json=job(tenant=OURS), headers=headers)
    assert len(answer.headers["x-request-id"]) == 16
    assert await told(guarded, "request_id") == [(answer.headers["x-request-id"],)]


async def test_a_repeat_and_a_conflict_are_told_each(guarded: Rig):
    made = (await submit(guarded, key="k")).json()["id"]
    await submit(guarded, key="k")
    await submit(guarded, key="k", name="other")
    await submit(guarded, correlation_id="c")
    await submit(guarded, correlation_id="c", name="other")
    rows = await told(guarded, "object = :made AS same, decision, reason".replace(":made", f"'{made}'"))
    assert rows == [
        (True, "allowed", ""),
        (True, "allowed", "repeated"),
        (True, "denied", "idempotency-conflict"),
        (False, "allowed", ""),
        (False, "denied", "correlation-conflict"),
    ]


async def test_every_job_of_a_batch_is_told(guarded: Rig):
    jobs = [job(tenant=OURS), job(tenant="finance"), job(tenant=OURS, name=""), "no job"]
    await guarded.client.post("/v1/jobs:batch", json={"jobs": jobs}, headers=bearer(token_of("submitter")))
    assert sorted(await told(guarded, "tenant, decision, reason")) == [
        ("", "denied", "invalid-job"),
        ("ads", "allowed", ""),
        ("ads", "denied", "invalid-job"),
        ("finance", "denied", "forbidden"),
    ]


async def test_cancels_are_told_also_those_of_foreign_jobs(guarded: Rig):
    made = (await submit(guarded)).json()["id"]
    for who in ("submitter", "viewer", "other"):
        await guarded.client.post(f"/v1/jobs/{made}/cancel", headers=bearer(token_of(who)))
    assert (await told(guarded, "principal, action, object, tenant, decision, reason"))[1:] == [
        ("submitter", "cancel", made, OURS, "allowed", "cancelled"),
        ("viewer", "cancel", made, "", "denied", "forbidden"),
        ("other", "cancel", made, "", "denied", "not-found"),
    ]


async def test_changes_of_clusters_are_told(guarded: Rig):
    for who in ("owner", "platform"):
        await guarded.client.patch(
            "/v1/clusters/here", json={"state": "drained"}, headers=bearer(token_of(who))
        )
    assert sorted(await told(guarded, "principal, action, object, decision, reason")) == [
        ("owner", "change-cluster", "here", "denied", "forbidden"),
        ("platform", "drain", "here", "allowed", ""),
    ]


@pytest.mark.parametrize(
    ("path", "content", "kind", "reason"),
    [
        ("/v1/jobs", b"{", "application/json", "malformed-body"),
        ("/v1/jobs", b"[]", "application/json", "invalid-job"),
        ("/v1/jobs", b"x" * 300_000, "application/json", "body-too-large"),
        ("/v1/jobs", b"a", "text/plain", "unsupported-media-type"),
        ("/v1/jobs?x=1", b"{}", "application/json", "invalid-parameter"),
        ("/v1/jobs:batch", b"{}", "application/json", "invalid-job"),
        ("/v1/jobs:batch?x=1", b"{}", "application/json", "invalid-parameter"),
    ],
)
async def test_what_is_no_job_at_all_is_told_without_its_content(
    guarded: Rig, path: str, content: bytes, kind: str, reason: str
):
    headers = bearer(token_of("submitter")) | {"Content-Type": kind}
    await guarded.client.post(path, content=content, headers=headers)
    assert await told(guarded) == [("submitter", "token", "submit", "", "", "", "denied", reason)]


async def test_what_a_caller_puts_into_tenant_and_queue_is_kept_only_if_of_their_form(guarded: Rig):
    for wrong in ("NO-TENANT-BUT-A-KEY", "ads\n", "x" * 300, 7, None, ["ads"]):
        await submit(guarded, tenant=wrong, queue=wrong)
    rows = await told(guarded, "tenant, queue, decision")
    assert rows == [("", "", "denied")] * 6


async def test_reads_and_strangers_leave_no_rows(guarded: Rig):
    await guarded.client.get("/v1/jobs", headers=bearer(token_of("viewer")))
    await guarded.client.post("/v1/jobs:render", json={}, headers=bearer(token_of("viewer")))
    await guarded.client.post("/v1/jobs", json=job())
    await guarded.client.post("/v1/jobs", json=job(), headers=bearer("moka_nobody"))
    assert await told(guarded) == []


async def test_a_flood_of_denials_is_few_rows_that_say_how_many(guarded: Rig):
    headers = bearer(token_of("viewer"))
    for _ in range(OWN_ROWS + 50):
        await guarded.client.post("/v1/jobs", json=job(tenant=OURS), headers=headers)
    rows = await told(guarded, "tenant, reason, times")
    assert len(rows) < OWN_ROWS + 10
    assert sum(times for *_, times in rows) == OWN_ROWS + 50
    assert rows[-1][0] == ""


async def test_a_flood_of_one_leaves_room_for_the_rows_of_others(guarded: Rig):
    for _ in range(OWN_ROWS + 50):
        await submit(guarded, "viewer")
    await submit(guarded, "other")
    assert [row for row in await told(guarded, "principal, tenant, times") if row[0] == "other"] == [
        ("other", OURS, 1)
    ]


def denied(principal: str) -> Entry:
    origin = Origin("token", "10.0.0.1", "r")
    return Entry(principal, action="submit", object="", tenant="t", decision="denied", origin=origin)


async def test_denials_wait_while_postgres_is_away_and_only_so_many(
    guarded: Rig, monkeypatch: pytest.MonkeyPatch, one_database: Database
):
    monkeypatch.setattr(denials, "MAX_WAITING", 5)
    away = Database("host=127.0.0.1 port=1", application="denials")
    waiting = Denials(away)
    for number in range(8):
        waiting.add(denied(f"p{number}"))
    await waiting.flush()
    assert len(waiting._waiting) == 5
    waiting._database = one_database
    await waiting.flush()
    assert await guarded.sql("SELECT count(*) FROM audit") == [(5,)]
    assert waiting._waiting == []
    await away.close()


async def test_denials_are_written_by_themselves_and_at_the_end(
    guarded: Rig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(denials, "FLUSH_SECONDS", 3600)
    stop = asyncio.Event()
    task = asyncio.create_task(guarded.parts.denials.run(stop))
    await submit(guarded, "viewer")
    stop.set()
    await task
    assert await guarded.sql("SELECT count(*) FROM audit") == [(1,)]
