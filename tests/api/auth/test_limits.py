"""How fast and how much: 429 with the seconds to wait, before anything is stored."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from archer.domain.tenancy.policy import Policy
from archer.limits.limits import Rates
from archer.store.engine import Database
from tests.api.auth.people import OURS, bearer, open_guarded, token_of
from tests.api.conftest import EMPTY
from tests.api.rig import Rig, job, problem

SLOW = 0.001  # calls a second: nothing comes back during a test


async def submit(rig: Rig, who: str = "submitter", **fields: Any) -> Any:
    body = job(**({"tenant": OURS} | fields))
    return await rig.client.post("/v1/jobs", json=body, headers=bearer(token_of(who)))


@pytest.fixture
async def empty(one_database: Database) -> Database:
    async with one_database.transaction() as tx:
        await tx.execute(EMPTY)
    return one_database


async def test_a_caller_that_is_too_fast_waits_and_others_do_not(empty: Database):
    async with open_guarded(empty, rates=Rates(caller_per_second=SLOW, caller_burst=2)) as rig:
        statuses = [(await submit(rig)).status_code for _ in range(3)]
        assert statuses == [201, 201, 429]
        refused = await submit(rig)
        problem(refused, 429, "rate-limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 1001
        assert (await submit(rig, "owner")).status_code == 201
        assert (await rig.counts())["jobs"] == 3
        reading = await rig.client.get("/v1/jobs", headers=bearer(token_of("submitter")))
        assert reading.status_code == 200


async def test_a_batch_counts_each_of_its_jobs(empty: Database):
    async with open_guarded(empty, rates=Rates(caller_per_second=SLOW, caller_burst=4)) as rig:
        headers = bearer(token_of("submitter"))
        batch = {"jobs": [job(tenant=OURS)] * 3}
        assert (await rig.client.post("/v1/jobs:batch", json=batch, headers=headers)).status_code == 200
        problem(await rig.client.post("/v1/jobs:batch", json=batch, headers=headers), 429, "rate-limited")
        assert (await rig.counts())["jobs"] == 3


@pytest.mark.parametrize("path", ["/v1/jobs/{}/cancel", "/v1/jobs:render"])
async def test_other_calls_that_cost_are_counted_too(empty: Database, path: str):
    async with open_guarded(empty, rates=Rates(caller_per_second=SLOW, caller_burst=1)) as rig:
        made = (await submit(rig)).json()["id"]
        answer = await rig.client.post(path.format(made), json={}, headers=bearer(token_of("submitter")))
        problem(answer, 429, "rate-limited")


async def test_a_queue_that_is_submitted_to_too_fast_makes_everybody_wait(empty: Database):
    async with open_guarded(empty, rates=Rates(queue_per_second=SLOW, queue_burst=2)) as rig:
        assert [(await submit(rig, who)).status_code for who in ("submitter", "owner", "platform")] == [
            201,
            201,
            429,
        ]
        document = problem(await submit(rig), 429, "rate-limited")
        assert document["errors"][0]["field"] == "queue"
        assert (await submit(rig, queue="root.etl")).status_code == 201


async def test_a_caller_with_too_many_waiting_jobs_is_refused_until_they_go(empty: Database):
    async with open_guarded(empty, rates=Rates(caller_queued_jobs=2)) as rig:
        assert [(await submit(rig)).status_code for _ in range(2)] == [201, 201]
        refused = await submit(rig)
        document = problem(refused, 429, "queue-full")
        assert document["errors"][0]["allowed"] == 2
        assert refused.headers["retry-after"] == "5"
        assert (await submit(rig, "owner")).status_code == 201
        await rig.dispatch()
        await counted_anew(rig)
        assert (await submit(rig)).status_code == 201


SHARED = {"queues": ["root.default"], "locations": ["s3a://jobs/"]}
POLICY = {
    "queues": [{"path": "root.default", "queued_jobs": 3}, {"path": "root.etl"}],
    "tenants": [
        {"name": "ads", "namespace": "ads", "limits": {"queued_jobs": 2}, **SHARED},
        {"name": "finance", "namespace": "finance", **SHARED},
    ],
}


async def test_a_tenant_and_a_queue_hold_as_many_as_the_policy_says(empty: Database):
    async with open_guarded(empty, policy=Policy.model_validate(POLICY)) as rig:
        given = {"queue": "root.default"}
        assert [(await submit(rig, **given)).status_code for _ in range(3)] == [201, 201, 429]
        document = problem(await submit(rig, "platform", **given), 429, "queue-full")
        assert document["errors"][0]["field"] == "tenant"
        assert (await submit(rig, "platform", tenant="finance", **given)).status_code == 201
        document = problem(await submit(rig, "platform", tenant="finance", **given), 429, "queue-full")
        assert document["errors"][0]["field"] == "queue"
        assert (await rig.counts())["jobs"] == 3


async def test_jobs_that_others_stored_are_counted_within_a_second(empty: Database):
    async with (
        open_guarded(empty, rates=Rates(caller_queued_jobs=2)) as rig,
        open_guarded(empty) as other,
    ):
        for _ in range(2):
            await submit(other)
        await counted_anew(rig)
        problem(await submit(rig), 429, "queue-full")


async def test_a_submit_asks_postgres_for_no_counts(empty: Database, monkeypatch: pytest.MonkeyPatch):
    async with open_guarded(empty, rates=Rates(caller_queued_jobs=1000)) as rig:
        reads = 0
        rig.parts.limits._database = copy.copy(
            rig.parts.limits._database
        )  # the submits go on with the one before
        transaction = rig.parts.limits._database.transaction

        def counting() -> Any:
            nonlocal reads
            reads += 1
            return transaction()

        monkeypatch.setattr(rig.parts.limits._database, "transaction", counting)
        rig.parts.limits._clock = lambda: 5.0
        for _ in range(20):
            await submit(rig)
        await rig.parts.limits.looked()
        assert reads == 1


async def counted_anew(rig: Rig) -> None:
    """Let the limits count what is queued now, as they do each second."""
    await rig.parts.limits._look()
