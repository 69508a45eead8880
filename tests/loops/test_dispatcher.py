"""Row to SparkApplication: placed before created, created once, whatever the cluster answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from archer.errors import ClusterUnavailable, ManifestRejected, StoreUnavailable
from archer.store import claims, inventory
from archer.translate import names
from tests import builders
from tests.builders import attempt_row, let_pass, row, rows, states
from tests.fakes.cluster import FakeCluster
from tests.loops.rig import going
from tests.waiting import eventually


async def test_a_job_becomes_an_application_of_its_name(rig):
    job = await rig.dispatched()
    found, attempt = await row(rig.database, job), await attempt_row(rig.database, job)
    made = rig.fake.manifest(f"{job}-1")
    assert (found["state"], found["cluster"], found["claimed_by"]) == ("submitted", "fake", None)
    assert attempt["uid"] == made["metadata"]["uid"]
    assert made["metadata"]["labels"][names.JOB_ID] == job
    assert attempt["spec_sha256"] == made["metadata"]["annotations"][names.SPEC_SHA256]
    assert await states(rig.database, job) == ["queued", "dispatching", "submitted"]


async def test_cluster_and_name_are_committed_before_the_create_call(rig, monkeypatch):
    job = await rig.submit()
    seen = {}

    async def create(manifest):
        seen.update(
            await row(rig.database, job), application=(await attempt_row(rig.database, job))["application"]
        )
        return await FakeCluster.create(rig.fake, manifest)

    monkeypatch.setattr(rig.fake, "create", create)
    await rig.dispatcher().run_once()
    assert (seen["state"], seen["cluster"], seen["application"]) == ("dispatching", "fake", f"{job}-1")


async def test_a_lost_answer_is_met_again_and_the_application_is_adopted(rig, no_rest):
    job = await rig.submit()
    rig.fake.lose_answer("create")
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "dispatching"
    uid = rig.fake.manifest(f"{job}-1")["metadata"]["uid"]
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "submitted"
    assert (await attempt_row(rig.database, job))["uid"] == uid
    assert rig.fake.names() == [f"{job}-1"]


async def test_an_earlier_try_is_adopted_though_the_cluster_would_refuse_it_now(rig, no_rest):
    job = await rig.submit()
    rig.fake.lose_answer("create")
    await rig.dispatcher().run_once()
    rig.fake.fail("create", ManifestRejected("a new policy"))
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "submitted"


async def test_a_strangers_application_under_the_name_is_a_conflict(rig):
    job = await rig.submit()
    stranger = rig.fake.put_stranger(f"{job}-1")
    await rig.dispatcher().run_once()
    found = await row(rig.database, job)
    assert (found["state"], found["reason"], found["fault"]) == ("failed", "name_conflict", "platform")
    assert rig.fake.manifest(f"{job}-1")["metadata"]["uid"] == stranger.uid


async def test_an_application_of_another_attempt_is_not_adopted(rig):
    job = await rig.submit()
    rig.fake.put_stranger(f"{job}-1", labels={names.JOB_ID: job, names.ATTEMPT: "2"})
    await rig.dispatcher().run_once()
    assert (await row(rig.database, job))["reason"] == "name_conflict"


async def test_a_refused_manifest_fails_the_job_with_the_clusters_words(rig):
    job = await rig.submit()
    rig.fake.fail("create", ManifestRejected("spec.driver.cores: must be greater than 0"))
    await rig.dispatcher().run_once()
    found, attempt = await row(rig.database, job), await attempt_row(rig.database, job)
    assert (found["state"], found["reason"], found["fault"]) == ("failed", "submit_invalid", "user")
    assert "spec.driver.cores: must be greater than 0" in attempt["message"]


async def test_a_refusal_that_cannot_be_checked_waits(rig):
    job = await rig.submit()
    rig.fake.fail("create", ManifestRejected("no"))
    rig.fake.fail("get", ClusterUnavailable("timeout"))
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "dispatching"


async def test_a_cluster_that_does_not_answer_keeps_the_job_under_the_same_name(rig):
    await builders.register(rig.database, *rig.profiles, builders.profile("other"))
    rig.profiles.append(builders.profile("other"))
    rig.clusters["other"] = other = FakeCluster("other")
    job = await rig.submit()
    rig.fake.fail("create", ClusterUnavailable("503 from a proxy"))
    await rig.dispatcher().run_once()
    found = await row(rig.database, job)
    assert (found["state"], found["cluster"], found["claimed_by"]) == ("dispatching", "fake", None)
    assert found["waiting"] == "cluster fake does not answer: 503 from a proxy"
    await rig.dispatcher().run_once()  # too early
    assert rig.calls("create") == [f"{job}-1"]
    await let_pass(rig.database, "6 seconds")
    await rig.dispatcher().run_once()
    assert rig.calls("create") == [f"{job}-1"] * 2
    assert (await rig.state(job), other.names()) == ("submitted", [])


@pytest.mark.parametrize(
    ("asked", "too_early", "late_enough"),
    [(120, "110 seconds", "121 seconds"), (1e9, "290 seconds", "301 seconds"), (-5, "0 seconds", "1 second")],
)
async def test_retry_after_is_honoured_within_bounds(rig, asked, too_early, late_enough):
    job = await rig.submit()
    rig.fake.throttle("create", retry_after_seconds=asked)
    await rig.dispatcher().run_once()
    begun = await let_pass(rig.database, too_early)
    assert asked < 0 or await builders.claim(rig.database) == []
    (due,) = await rows(
        rig.database, "SELECT run_after - CAST(:begun AS timestamptz) AS left FROM jobs", begun=begun
    )
    assert due["left"].total_seconds() < 15
    await let_pass(rig.database, late_enough)
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "submitted"


async def test_an_application_that_was_created_and_deleted_again_is_left_to_the_watcher(
    rig, no_rest, monkeypatch
):
    job = await rig.submit()
    rig.fake.put_stranger(f"{job}-1", labels={names.JOB_ID: job, names.ATTEMPT: "1"})

    async def gone(namespace, name):
        return None

    monkeypatch.setattr(rig.fake, "get", gone)
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "submitted"


@pytest.mark.parametrize("state", ["cordoned", "drained", "unreachable"])
async def test_a_job_that_no_cluster_takes_waits_with_the_reasons(rig, no_rest, state):
    job = await rig.submit()
    fact = "is_reachable = false" if state == "unreachable" else f"wanted_state = '{state}'"
    await rows(rig.database, f"UPDATE clusters SET {fact}")
    await rig.dispatcher().run_once()
    found = await row(rig.database, job)
    assert (found["state"], found["claimed_by"]) == ("queued", None)
    assert found["waiting"] == f"no cluster takes it: fake: the cluster is {state}"
    await rows(rig.database, "UPDATE clusters SET wanted_state = 'active', is_reachable = true")
    await rig.dispatcher().run_once()
    assert (await row(rig.database, job))["waiting"] is None


async def test_a_job_that_cannot_be_read_fails_as_poison_and_the_others_go_on(rig):
    bad = await rig.submit()
    await rows(rig.database, "UPDATE job_specs SET request = '{\"name\": 7}'")
    good = await rig.submit()
    await rig.dispatcher().run_once()
    found = await row(rig.database, bad)
    assert (found["state"], found["reason"], found["fault"]) == ("failed", "poison", "platform")
    assert await rig.state(good) == "submitted"


async def test_a_bug_in_one_create_does_not_touch_the_others(rig, monkeypatch):
    bad, good = await rig.submit(), await rig.submit()

    async def create(manifest):
        if manifest["metadata"]["name"] == f"{bad}-1":
            raise RuntimeError("a bug")
        return await FakeCluster.create(rig.fake, manifest)

    monkeypatch.setattr(rig.fake, "create", create)
    await rig.dispatcher().run_once()
    assert (await rig.state(bad), await rig.state(good)) == ("dispatching", "submitted")


async def test_jobs_of_one_batch_are_spread_over_clusters_by_weight(rig):
    heavy = builders.profile("heavy", weight=3)
    await builders.register(rig.database, *rig.profiles, heavy)
    rig.profiles.append(heavy)
    rig.clusters["heavy"] = FakeCluster("heavy")
    for _ in range(12):
        await rig.submit()
    await rig.dispatcher().run_once()
    placed = await rows(rig.database, "SELECT cluster, count(*) AS number FROM jobs GROUP BY 1 ORDER BY 1")
    assert {one["cluster"]: one["number"] for one in placed} == {"fake": 3, "heavy": 9}


async def test_the_decision_is_stored_with_its_rejects(rig):
    cordoned = builders.profile("small", architectures=("arm64",))
    await builders.register(rig.database, *rig.profiles, cordoned)
    rig.profiles.append(cordoned)
    rig.clusters["small"] = FakeCluster("small")
    job = await rig.dispatched(request={"arch": "amd64"})
    placement = (await attempt_row(rig.database, job))["placement"]
    assert placement["cluster"] == "fake"
    assert placement["rejects"][0]["message"] == "the job asks for amd64, the cluster has arm64"


async def test_the_stored_manifest_holds_no_secret(rig):
    job = await rig.dispatched(request={"env": {"DB_PASS": "hunter2"}})
    assert "hunter2" in json.dumps(rig.fake.manifest(f"{job}-1"))
    assert "hunter2" not in (await attempt_row(rig.database, job))["manifest"]


async def test_a_dispatcher_that_slept_past_its_lease_changes_nothing(rig, monkeypatch):
    job = await rig.submit()
    is_asleep, wake = asyncio.Event(), asyncio.Event()

    async def create_slowly(manifest):
        if not is_asleep.is_set():
            is_asleep.set()
            await wake.wait()
        return await FakeCluster.create(rig.fake, manifest)

    monkeypatch.setattr(rig.fake, "create", create_slowly)
    zombie = asyncio.create_task(rig.dispatcher().run_once())
    await is_asleep.wait()
    await let_pass(rig.database, "31 seconds")
    await rig.dispatcher().run_once()
    before = await row(rig.database, job), await attempt_row(rig.database, job)
    assert before[0]["state"] == "submitted"
    wake.set()
    await zombie
    assert (await row(rig.database, job), await attempt_row(rig.database, job)) == before
    assert rig.fake.names() == [f"{job}-1"]


async def test_two_dispatchers_create_each_of_two_hundred_jobs_once(rig):
    await builders.insert(rig.database, *(builders.new_job() for _ in range(200)))

    async def all_are_submitted() -> bool:
        (left,) = await rows(rig.database, "SELECT count(*) AS number FROM jobs WHERE state <> 'submitted'")
        return left["number"] == 0

    async with going(rig.dispatcher(batch=20).run), going(rig.dispatcher(batch=20).run):
        await eventually(all_are_submitted)
    assert len(rig.calls("create")) == len(set(rig.calls("create"))) == 200


async def test_the_loop_survives_a_broken_round_and_an_absent_database(rig, monkeypatch):
    dispatcher, rounds = rig.dispatcher(), []

    async def claim(*_, **__):
        rounds.append(1)
        if len(rounds) < 3:
            raise RuntimeError("a bug") if len(rounds) == 1 else StoreUnavailable("away")
        return []

    async def has_gone_on() -> bool:
        return len(rounds) >= 3

    monkeypatch.setattr(claims, "claim", claim)
    async with going(dispatcher.run):
        await eventually(has_gone_on)


async def test_a_known_cluster_keeps_the_state_that_its_operators_gave_it(rig):
    await rows(rig.database, "UPDATE clusters SET wanted_state = 'cordoned'")
    await builders.register(rig.database, builders.profile(weight=7))
    async with rig.database.transaction() as tx:
        (found,) = await inventory.clusters(tx)
    assert (found["state"], found["weight"]) == ("cordoned", 7)
