import asyncio
import re

import pytest

from archer.api import changes
from archer.domain.identifiers import job_id
from archer.errors import ClusterUnavailable
from tests.api.rig import Rig, eventually, fields, job, problem
from tests.api.serving import listening

UNKNOWN = job_id(0, bytes(10))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
PARTS = ["", "/attempts", "/events", "/logs", "/manifest"]


async def test_a_job_in_detail_has_its_request_attempts_and_placement(rig: Rig):
    name = await rig.running(labels={"team": "ads"})
    found = (await rig.client.get(f"/v1/jobs/{name}")).json()
    assert (found["state"], found["cluster"], found["attempt"]) == ("running", "here", 1)
    assert found["request"] == job(labels={"team": "ads"})
    [attempt] = found["attempts"]
    assert (attempt["number"], attempt["application"], attempt["application_state"]) == (
        1,
        f"{name}-1",
        "RUNNING",
    )
    assert found["placement"] == attempt["placement"]
    assert found["placement"]["cluster"] == "here"
    assert all(TIME.match(found[at]) for at in ("created_at", "started_at", "run_after"))
    assert all(TIME.match(attempt[at]) for at in ("placed_at", "submitted_at", "started_at"))


async def test_a_failed_job_says_why_and_whose_fault_it_is(rig: Rig):
    name = await rig.running()
    await rig.ended(name, exit_code=1, log=b"Traceback\nValueError: no such day\n")
    found = (await rig.client.get(f"/v1/jobs/{name}")).json()
    assert (found["state"], found["fault"]) == ("failed", "user")
    assert found["reason"]
    assert found["attempts"][0]["exit_code"] == 1
    assert TIME.match(found["ended_at"])


async def test_attempts_are_listed_without_their_manifests(rig: Rig):
    name = await rig.running()
    listed = (await rig.client.get(f"/v1/jobs/{name}/attempts")).json()
    assert listed["next_cursor"] is None
    assert [one["number"] for one in listed["items"]] == [1]
    assert "manifest" not in listed["items"][0]


async def test_events_are_paged_in_their_order(rig: Rig):
    name = await rig.running()
    await rig.ended(name)
    path = f"/v1/jobs/{name}/events"
    every = (await rig.client.get(path)).json()
    assert [one["kind"] for one in every["items"]] == [
        "accepted",
        "placed",
        "submitted",
        "running",
        "succeeded",
    ]
    assert every["next_cursor"] is None
    assert all(TIME.match(one["at"]) for one in every["items"])
    first = (await rig.client.get(path, params={"limit": 3})).json()
    rest = (await rig.client.get(path, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert first["items"] + rest["items"] == every["items"]
    assert rest["next_cursor"] is None


async def test_a_manifest_is_the_one_that_was_created_with_its_secrets_hidden(rig: Rig):
    name = await rig.running(env={"A": "confidential"})
    found = (await rig.client.get(f"/v1/jobs/{name}/manifest")).json()
    assert (found["attempt"], found["application"]) == (1, f"{name}-1")
    created = rig.cluster.manifest(f"{name}-1")
    assert found["spec_sha256"] == created["metadata"]["annotations"]["moka.dev/spec-sha256"]
    assert found["manifest"]["spec"]["mainApplicationFile"] == "s3a://jobs/pi.py"
    assert "confidential" not in str(found)
    assert "confidential" in str(created)


@pytest.mark.parametrize("part", ["/manifest", "/logs"])
async def test_a_job_that_was_not_placed_has_no_manifest_and_no_log(shared: Rig, part: str):
    made = await shared.submit()
    problem(await shared.client.get(made["links"]["self"] + part), 409, "no-attempt-yet")
    problem(await shared.client.get(made["links"]["self"] + part, params={"attempt": 1}), 404, "not-found")


@pytest.mark.parametrize("part", PARTS)
async def test_a_job_that_is_not_there_is_404_everywhere(shared: Rig, part: str):
    problem(await shared.client.get(f"/v1/jobs/{UNKNOWN}{part}"), 404, "not-found")


@pytest.mark.parametrize("part", [*PARTS, "/cancel"])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("..%2fx", id="B238 ../x encoded"),
        pytest.param("x", id="another form"),
        pytest.param(UNKNOWN.upper(), id="B239 the upper-case twin"),
        pytest.param("j" + "o" * 26, id="letters that Crockford leaves out"),
        pytest.param(UNKNOWN + "0", id="one letter more"),
        pytest.param("%00", id="NUL"),
        pytest.param("%ff%fe", id="not UTF-8"),
        pytest.param("'%20OR%201=1--", id="SQL"),
        pytest.param(UNKNOWN + "%0a", id="a line break behind"),
        pytest.param("x" * 8192, id="8 KiB"),
    ],
)
async def test_what_is_no_job_id_is_404(shared: Rig, name: str, part: str):
    method = "POST" if part == "/cancel" else "GET"
    problem(await shared.client.request(method, f"/v1/jobs/{name}{part}"), 404, "not-found")


@pytest.mark.parametrize("number", ["0", "-1", "1001", "x", "1.5", "", "99999999999999999999"])
@pytest.mark.parametrize("part", ["/manifest", "/logs"])
async def test_an_attempt_out_of_range_is_refused(shared: Rig, part: str, number: str):
    answer = await shared.client.get(f"/v1/jobs/{UNKNOWN}{part}", params={"attempt": number})
    assert fields(problem(answer, 400, "invalid-parameter")) == ["attempt"]


# --- version, ETag and waiting ------------------------------------------------------------------------------


async def test_the_etag_is_the_version_and_spares_the_body(rig: Rig):
    made = await rig.submit()
    path = made["links"]["self"]
    tag = (await rig.client.get(path)).headers["etag"]
    assert tag == 'W/"1"'
    known = await rig.client.get(path, headers={"If-None-Match": tag})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", tag)
    await rig.client.post(f"{path}/cancel")
    changed = await rig.client.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.headers["etag"]) == (200, 'W/"2"')


@pytest.mark.parametrize(
    ("tags", "status"),
    [('W/"1"', 304), ('"1"', 304), ('"0", W/"1"', 304), ("*", 304), ('W/"11"', 200), ("1", 200), ("", 200)],
)
async def test_tags_are_compared_weakly_and_may_be_several(shared: Rig, tags: str, status: int):
    made = await shared.submit()
    answer = await shared.client.get(made["links"]["self"], headers={"If-None-Match": tags})
    assert answer.status_code == status


async def test_a_wait_for_a_version_that_is_there_answers_at_once(shared: Rig):
    made = await shared.submit()
    async with asyncio.timeout(5):
        answer = await shared.client.get(made["links"]["self"], params={"wait": "60s", "after": 0})
    assert answer.json()["version"] == 1


async def test_a_wait_is_ended_by_the_notification_of_a_change(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(changes, "LOOK_SECONDS", 60)  # so that only a notification can end it
    made = await rig.submit()
    path = made["links"]["self"]
    async with listening(rig):
        waiting = asyncio.create_task(rig.client.get(path, params={"wait": "30s", "after": 1}))
        await eventually(lambda: _is_waiting(rig, made["id"]))
        await rig.client.post(f"{path}/cancel")
        async with asyncio.timeout(10):
            answer = await waiting
    assert (answer.json()["version"], answer.json()["state"]) == (2, "cancelled")


async def test_a_wait_ends_without_notifications_too(rig: Rig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(changes, "LOOK_SECONDS", 0.05)
    made = await rig.submit()
    path = made["links"]["self"]
    waiting = asyncio.create_task(rig.client.get(path, params={"wait": "30s", "after": 1}))
    await eventually(lambda: _is_waiting(rig, made["id"]))
    await rig.client.post(f"{path}/cancel")
    async with asyncio.timeout(10):
        assert (await waiting).json()["version"] == 2


async def _is_waiting(rig: Rig, name: str) -> bool:
    return name in rig.parts.changes._watches


async def test_a_change_between_the_look_and_the_wait_is_not_missed():
    waiters = changes.Changes()
    with waiters.watching("j") as watch:
        waiters.hint("j")
        async with asyncio.timeout(0.5):
            await watch.wait(60)
    assert not waiters._watches


async def test_a_wait_answers_when_it_is_over(rig: Rig):
    made = await rig.submit()
    answer = await rig.client.get(made["links"]["self"], params={"wait": "1s", "after": 1})
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert not rig.parts.changes._watches


async def test_a_wait_for_a_job_that_is_not_there_is_404(shared: Rig):
    problem(await shared.client.get(f"/v1/jobs/{UNKNOWN}", params={"wait": "60s", "after": 0}), 404)


@pytest.mark.parametrize("wait", ["61s", "99", "-1s", "1m", "1.5s", "", "s", "\uff11s", "30s\n", "1e1s"])
async def test_a_wait_of_another_form_is_refused(shared: Rig, wait: str):
    answer = await shared.client.get(f"/v1/jobs/{UNKNOWN}", params={"wait": wait, "after": 1})
    assert fields(problem(answer, 400, "invalid-parameter")) == ["wait"]


@pytest.mark.parametrize("after", ["-1", "x", "", "1.5"])
async def test_a_version_of_another_form_is_refused(shared: Rig, after: str):
    answer = await shared.client.get(f"/v1/jobs/{UNKNOWN}", params={"wait": "1s", "after": after})
    assert fields(problem(answer, 400, "invalid-parameter")) == ["after"]


# --- cancel -------------------------------------------------------------------------------------------------


async def cancel(rig: Rig, name: str) -> dict:
    answer = await rig.client.post(f"/v1/jobs/{name}/cancel")
    assert answer.status_code == 202, answer.text
    return answer.json()


async def test_a_queued_job_is_cancelled_at_once(rig: Rig):
    made = await rig.submit()
    found = await cancel(rig, made["id"])
    assert (found["state"], found["reason"], found["fault"], found["version"]) == (
        "cancelled",
        "cancelled",
        "user",
        2,
    )
    assert TIME.match(found["ended_at"])
    assert TIME.match(found["cancel_requested_at"])
    assert await rig.sql("SELECT 1 FROM audit WHERE action = 'cancel' AND object = :id", id=made["id"])


async def test_a_dispatching_job_becomes_cancelling(rig: Rig):
    made = await rig.submit()
    rig.cluster.fail("create", ClusterUnavailable("away"))
    await rig.dispatch()
    assert (await cancel(rig, made["id"]))["state"] == "cancelling"


async def test_a_submitted_job_becomes_cancelling(rig: Rig):
    made = await rig.submit()
    await rig.dispatch()
    assert (await cancel(rig, made["id"]))["state"] == "cancelling"


async def test_a_running_job_becomes_cancelling_and_is_not_cancelled_before_that_is_proven(rig: Rig):
    name = await rig.running()
    first = await cancel(rig, name)
    assert (first["state"], first["ended_at"]) == ("cancelling", None)
    again = await cancel(rig, name)
    assert (again["state"], again["version"]) == ("cancelling", first["version"])
    await rig.ended(name)
    assert (await rig.client.get(f"/v1/jobs/{name}")).json()["state"] == "cancelled"


@pytest.mark.parametrize(("exit_code", "state"), [(0, "succeeded"), (1, "failed")])
async def test_an_ended_job_stays_what_it_is(rig: Rig, exit_code: int, state: str):
    name = await rig.running()
    await rig.ended(name, exit_code=exit_code)
    before = (await rig.client.get(f"/v1/jobs/{name}")).json()
    assert before["state"] == state
    assert await cancel(rig, name) == before


async def test_a_cancelled_job_stays_cancelled(rig: Rig):
    made = await rig.submit()
    assert await cancel(rig, made["id"]) == await cancel(rig, made["id"])


async def test_a_cancel_of_nothing_is_404_and_stores_nothing(shared: Rig):
    before = await shared.counts()
    problem(await shared.client.post(f"/v1/jobs/{UNKNOWN}/cancel"), 404, "not-found")
    assert await shared.counts() == before
