"""Cordon, drain and activate: what is asked is stored, shown and audited, and silence does not undo it."""

from __future__ import annotations

import asyncio
import re

import psycopg
import pytest

from archer.store import inventory
from tests.api.rig import Rig, fields, problem

HERE = "/v1/clusters/here"
AUDIT = "SELECT principal, action, object, decision, reason FROM audit ORDER BY seq"


async def change(rig: Rig, **wish: str) -> dict:
    answer = await rig.client.patch(HERE, json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("state", "action"), [("cordoned", "cordon"), ("drained", "drain"), ("active", "activate")]
)
async def test_what_is_asked_is_shown_with_who_when_and_why(rig: Rig, state: str, action: str):
    if state == "active":
        await change(rig, state="cordoned")
        await rig.sql("DELETE FROM audit")
    answered = await change(rig, state=state, reason="new nodes")
    assert (answered["state"], answered["wanted_state"], answered["is_reachable"]) == (state, state, True)
    assert (answered["wanted_by"], answered["wanted_reason"]) == ("local", "new nodes")
    assert re.fullmatch(r"2.*Z", answered["wanted_at"])
    assert (await rig.client.get(HERE)).json() == answered
    assert (await rig.client.get("/v1/clusters")).json()["items"] == [answered]
    assert await rig.sql(AUDIT) == [("local", action, "here", "allowed", "new nodes")]


async def test_a_repeat_changes_nothing_and_is_audited(rig: Rig):
    first = await change(rig, state="drained", reason="new nodes")
    assert await change(rig, state="drained") == first
    assert await change(rig, state="drained", reason="new nodes") == first
    other = await change(rig, state="drained", reason="sold")
    assert (other["wanted_reason"], other["wanted_at"] > first["wanted_at"]) == ("sold", True)
    assert len(await rig.sql(AUDIT)) == 4


async def test_silence_and_wishes_do_not_overwrite_each_other(rig: Rig):
    async def silent(message: str) -> None:
        async with rig.database.transaction() as tx:
            await inventory.silent(tx, "here", message=message)

    async def shown() -> tuple[str, str, bool]:
        found = (await rig.client.get(HERE)).json()
        return found["state"], found["wanted_state"], found["is_reachable"]

    await silent("connection refused")
    assert await shown() == ("unreachable", "active", False)
    await change(rig, state="cordoned")
    assert await shown() == ("cordoned", "cordoned", False)
    await rig.observe()
    assert await shown() == ("cordoned", "cordoned", True)
    await silent("connection refused")
    await change(rig, state="active")
    assert await shown() == ("unreachable", "active", False)
    await rig.observe()
    assert await shown() == ("active", "active", True)


@pytest.mark.parametrize("state", ["cordoned", "drained"])
async def test_a_cluster_that_is_not_active_gets_no_new_jobs_and_its_jobs_go_on(rig: Rig, state: str):
    running = await rig.running()
    await change(rig, state=state)
    waiting = (await rig.submit())["id"]
    await rig.dispatch()
    found = (await rig.client.get(f"/v1/jobs/{waiting}")).json()
    assert (found["state"], found["waiting"]) == (
        "queued",
        f"no cluster takes it: here: the cluster is {state}",
    )
    assert (await rig.client.get(HERE)).json()["live_jobs"] == 1
    await rig.ended(running)
    assert (await rig.client.get(f"/v1/jobs/{running}")).json()["state"] == "succeeded"
    assert (await rig.client.get(HERE)).json()["live_jobs"] == 0


async def test_a_wish_wakes_the_dispatchers_and_its_repeat_does_not(rig: Rig):
    woken: list[str] = []
    async with await psycopg.AsyncConnection.connect(rig.database.dsn, autocommit=True) as listening:
        await listening.execute("LISTEN archer_work")
        await change(rig, state="cordoned")
        await change(rig, state="cordoned")
        await rig.sql("SELECT pg_notify('archer_work', 'the last one')")
        async with asyncio.timeout(10):
            async for hint in listening.notifies():
                woken += [hint.payload]
                if hint.payload:
                    break
    assert woken == ["", "the last one"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ["state"]),
        ({"state": "unreachable"}, ["state"]),
        ({"state": "Active"}, ["state"]),
        ({"state": None}, ["state"]),
        ({"state": "active", "force": True}, ["force"]),
        ({"state": "active", "reason": "x" * 501}, ["reason"]),
        ({"state": "active", "reason": "a\x00b"}, ["reason"]),
        ({"state": "active", "reason": "a\nb"}, ["reason"]),
        ({"state": "active", "reason": 7}, ["reason"]),
        ({"states": "active", "reason": []}, ["reason", "state", "states"]),
        ([], [""]),
        ("active", [""]),
    ],
)
async def test_a_wrong_change_names_every_wrong_field_and_changes_nothing(rig: Rig, body, wrong):
    before = (await rig.client.get(HERE)).json()
    found = problem(await rig.client.patch(HERE, json=body), 422, "invalid-change")
    assert sorted(fields(found)) == wrong
    assert (await rig.client.get(HERE)).json() == before
    assert await rig.sql(AUDIT) == []


@pytest.mark.parametrize("name", ["there", "here2", "Here", "h" * 33, "%00", "..", "here%2f", "'; DROP"])
async def test_an_unknown_cluster_is_404(rig: Rig, name: str):
    problem(await rig.client.get(f"/v1/clusters/{name}"), 404, "not-found")
    problem(await rig.client.patch(f"/v1/clusters/{name}", json={"state": "drained"}), 404, "not-found")
    assert await rig.sql(AUDIT) == []


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed-body"),
        (b'{"state": "active", "state": "drained"}', "application/json", 400, "malformed-body"),
        (b"state=drained", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b'{"state": "' + b"x" * 20_000 + b'"}', "application/json", 413, "body-too-large"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(rig: Rig, content, media_type, status, code):
    answer = await rig.client.patch(HERE, content=content, headers={"Content-Type": media_type})
    problem(answer, status, code)
    assert (await rig.client.get(HERE)).json()["state"] == "active"


async def test_a_removed_cluster_is_shown_as_removed_and_no_check_of_readiness(rig: Rig):
    async with rig.database.transaction() as tx:
        removed = await inventory.register(tx, [], {"root.default": (3, "")})
    assert removed == ["here"]
    assert (await rig.client.get(HERE)).json()["removed_at"] is not None
    checks = (await rig.client.get("/readyz?verbose")).json()["checks"]
    assert [check["name"] for check in checks] == ["postgres", "clusters file"]


async def test_a_wrong_clusters_file_shows_and_keeps_archer_ready(rig: Rig):
    rig.parts.sites.problem = "clusters.0.name: too long"
    answer = await rig.client.get("/readyz?verbose")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["checks"][1] == {
        "name": "clusters file",
        "ok": False,
        "message": "clusters.0.name: too long",
    }
