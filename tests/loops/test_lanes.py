"""One lane for each cluster: what one does touches no other, and a placed job moves only with proof."""

from __future__ import annotations

import asyncio

import pytest

from archer.dispatcher.breaker import THRESHOLD
from archer.dispatcher.window import FIRST
from archer.errors import ClusterUnavailable
from tests import builders
from tests.builders import attempt_row, let_pass, row, rows, states
from tests.fakes.cluster import FakeCluster
from tests.loops.rig import Rig, going
from tests.waiting import eventually


async def add(rig: Rig, name: str, **fields) -> FakeCluster:
    profile = builders.profile(name, **fields)
    await builders.register(rig.database, *rig.profiles, profile)
    rig.profiles.append(profile)
    made = rig.clusters[name] = FakeCluster(name)
    return made


async def drain(rig: Rig, name: str = "fake") -> None:
    await rows(rig.database, "UPDATE clusters SET wanted_state = 'drained' WHERE name = :name", name=name)


async def stranded(rig: Rig) -> str:
    """Store one job that is placed on ``fake`` and was not created there; then drain the cluster."""
    job = await rig.submit()
    rig.fake.fail("create", ClusterUnavailable("refused"))
    await rig.dispatcher().run_once()
    assert (await row(rig.database, job))["cluster"] == "fake"
    await drain(rig)
    return job


async def test_a_cluster_that_hangs_does_not_hold_up_another(rig, monkeypatch):
    other = await add(rig, "other")
    begun, wake = asyncio.Event(), asyncio.Event()

    async def hang(manifest):
        begun.set()
        await wake.wait()
        return await FakeCluster.create(rig.fake, manifest)

    monkeypatch.setattr(rig.fake, "create", hang)
    async with going(rig.dispatcher(batch=10, concurrency=2).run):
        await rig.submit()  # to fake, the first by name
        await begun.wait()
        for _ in range(40):
            await rig.submit()

        async def the_other_has_its_share() -> bool:
            return len(other.names()) >= 20

        await eventually(the_other_has_its_share)
        assert rig.fake.names() == []
        wake.set()

        async def all_are_submitted() -> bool:
            return not await rows(rig.database, "SELECT id FROM jobs WHERE state <> 'submitted'")

        await eventually(all_are_submitted)
    assert len(other.names()) + len(rig.fake.names()) == 41


async def test_a_silent_cluster_gets_no_new_jobs_and_is_tried_with_one(rig, no_rest):
    await builders.insert(rig.database, *(builders.new_job() for _ in range(THRESHOLD)))
    rig.fake.go_down()
    dispatcher = rig.dispatcher()
    await dispatcher.run_once()
    assert len(rig.calls("create")) == THRESHOLD
    late = await rig.submit()
    await dispatcher.run_once()
    found = await row(rig.database, late)
    assert found["waiting"] == "no cluster takes it: fake: the cluster did not answer the last requests"
    assert found["cluster"] is None
    assert len(rig.calls("create")) == THRESHOLD


async def test_jobs_of_a_silent_cluster_are_created_there_when_it_answers_again(rig, no_rest):
    jobs = await builders.insert(rig.database, *(builders.new_job() for _ in range(8)))
    rig.fake.go_down()
    async with going(rig.dispatcher().run):

        async def it_is_given_up() -> bool:
            return len(rig.calls("create")) >= THRESHOLD

        await eventually(it_is_given_up)
        rig.fake.come_back()

        async def all_are_there() -> bool:
            return len(rig.fake.names()) == len(jobs)

        await eventually(all_are_there)
    assert rig.fake.names() == sorted(f"{job}-1" for job in jobs)


async def test_an_operator_that_takes_nothing_up_is_given_no_more_than_its_window(rig, no_rest):
    await builders.insert(rig.database, *(builders.new_job() for _ in range(FIRST + 30)))
    dispatcher = rig.dispatcher(batch=500)
    await dispatcher.run_once()
    assert len(rig.fake.names()) == FIRST
    await let_pass(rig.database, "31 seconds")
    for _ in range(3):
        await builders.insert(rig.database, *(builders.new_job() for _ in range(30)))
        await dispatcher.run_once()
    assert len(rig.fake.names()) == FIRST
    waiting = await rows(rig.database, "SELECT id, waiting FROM jobs WHERE state = 'queued'")
    assert len(waiting) == 30 + 90
    words = "no cluster takes it: fake: its operator has not taken up what it was given before"
    assert {one["waiting"] for one in waiting} == {words}


async def test_what_the_operator_takes_up_makes_room(rig, no_rest, monkeypatch):
    monkeypatch.setattr("archer.dispatcher.window.FIRST", 3)
    monkeypatch.setattr("archer.dispatcher.window.Window.observe", lambda *_, **__: None)
    await builders.insert(rig.database, *(builders.new_job() for _ in range(5)))
    dispatcher = rig.dispatcher()
    for lane in dispatcher._lanes.values():
        lane.window.size = 3
    await dispatcher.run_once()
    assert len(rig.fake.names()) == 3
    await dispatcher.run_once()
    assert len(rig.fake.names()) == 3
    for name in rig.fake.names()[:2]:
        rig.fake.move(name, "SUBMITTED")
    await rig.watcher().relist()
    await dispatcher.run_once()
    assert len(rig.fake.names()) == 5


async def test_jobs_that_wait_for_the_same_are_told_so_without_being_claimed_each(rig, monkeypatch):
    await add(rig, "arm", architectures=("arm64",))
    await rows(rig.database, "UPDATE clusters SET wanted_state = 'cordoned' WHERE name = 'fake'")
    waiting = await builders.insert(
        rig.database, *(builders.new_job(arch="amd64", request={"arch": "amd64"}) for _ in range(30))
    )
    last = await rig.submit(arch="arm64", request={"arch": "arm64"})
    dispatcher = rig.dispatcher(batch=10)
    await dispatcher.run_once()  # ten are found to have no cluster
    await dispatcher.run_once()  # the others of their shape are passed over
    assert await rig.state(last) == "submitted"
    found = await rows(
        rig.database, "SELECT claim_epoch, waiting FROM jobs WHERE id = ANY(:ids)", ids=waiting
    )
    assert [one["claim_epoch"] for one in found].count(1) == 10
    assert [one["claim_epoch"] for one in found].count(0) == 20
    assert all("fake: the cluster is cordoned" in one["waiting"] for one in found)


async def test_a_retried_job_is_not_passed_over_for_the_shape_of_others(rig):
    await rows(rig.database, "UPDATE clusters SET wanted_state = 'cordoned'")
    fresh = await rig.submit()
    dispatcher = rig.dispatcher()
    await dispatcher.run_once()
    retried = await rig.submit()
    await rows(rig.database, "UPDATE jobs SET attempt = 1 WHERE id = :id", id=retried)
    await dispatcher.run_once()
    assert (await row(rig.database, retried))["claim_epoch"] == 1
    assert (await row(rig.database, fresh))["claim_epoch"] == 1


async def test_a_full_lane_leaves_the_rest_to_be_claimed_from_its_rows(rig, monkeypatch):
    monkeypatch.setattr("archer.dispatcher.lane.Lane.room", property(lambda lane: 2 - len(lane.untried)))
    await add(rig, "other", weight=0)  # it has room, too, so four are placed where two can be handed over
    await builders.insert(rig.database, *(builders.new_job() for _ in range(4)))
    dispatcher = rig.dispatcher()
    await dispatcher.run_once()
    assert len(rig.fake.names()) == len(rig.calls("create")) == 4
    epochs = await rows(rig.database, "SELECT claim_epoch FROM jobs ORDER BY claim_epoch")
    assert [one["claim_epoch"] for one in epochs] == [1, 1, 2, 2]


async def test_no_more_is_claimed_than_the_lanes_have_room_for(rig, monkeypatch):
    monkeypatch.setattr("archer.dispatcher.lane.Lane.room", property(lambda lane: 2 - len(lane.untried)))
    await builders.insert(rig.database, *(builders.new_job() for _ in range(7)))
    assert await rig.dispatcher().run_once() == 2
    (queued,) = await rows(rig.database, "SELECT count(*) AS number FROM jobs WHERE state = 'queued'")
    assert queued["number"] == 5
    async with going(rig.dispatcher().run):

        async def all_are_there() -> bool:
            return len(rig.fake.names()) == 7

        await eventually(all_are_there)
    assert len(rig.calls("create")) == 7


@pytest.mark.parametrize("state", ["drained", "gone"])
async def test_a_placed_job_moves_after_its_cluster_has_denied_it_twice_a_minute_apart(rig, state):
    other = await add(rig, "other", weight=0)
    job = await stranded(rig)
    await let_pass(rig.database, "6 seconds")
    if state == "gone":
        rig.profiles[:] = [profile for profile in rig.profiles if profile.name != "fake"]
    await rig.dispatcher().run_once()
    found = await row(rig.database, job)
    assert (found["state"], found["cluster"], found["claimed_by"]) == ("dispatching", "fake", None)
    assert "moves once it is sure" in found["waiting"]
    await let_pass(rig.database, "50 seconds")  # after the first look, too early for the second
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "dispatching"
    await let_pass(rig.database, "11 seconds")
    rig.profiles[-1] = builders.profile("other")
    await rig.dispatcher().run_once()
    await rig.dispatcher().run_once()
    assert (await row(rig.database, job))["cluster"] == "other"
    assert other.names() == [f"{job}-2"]
    assert rig.fake.names() == []
    first = await attempt_row(rig.database, job, 1)
    assert (first["reason"], first["fault"]) == ("moved", "platform")
    assert await states(rig.database, job) == ["queued", "dispatching", "queued", "dispatching", "submitted"]


async def test_a_job_that_is_there_after_all_does_not_move(rig, no_rest):
    await add(rig, "other", weight=0)
    job = await rig.submit()
    rig.fake.lose_answer("create")
    await rig.dispatcher().run_once()
    await drain(rig)
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "submitted"
    assert rig.fake.names() == [f"{job}-1"]


async def test_a_job_whose_driver_runs_without_its_application_does_not_move(rig):
    job = await stranded(rig)
    rig.fake.give_evidence(f"{job}-1", phase="running")
    await let_pass(rig.database, "6 seconds")
    await rig.dispatcher().run_once()
    await let_pass(rig.database, "61 seconds")
    await rig.dispatcher().run_once()
    assert (await row(rig.database, job))["attempt"] == 1


async def test_a_cluster_that_cannot_be_asked_denies_nothing(rig):
    job = await stranded(rig)
    rig.fake.go_down()
    for _ in range(4):
        await let_pass(rig.database, "61 seconds")
        await rig.dispatcher().run_once()
    found = await row(rig.database, job)
    assert (found["state"], found["cluster"], found["attempt"]) == ("dispatching", "fake", 1)
    assert (await attempt_row(rig.database, job))["absent_since"] is None


async def test_a_cluster_that_is_activated_again_creates_what_was_about_to_move(rig):
    job = await stranded(rig)
    await let_pass(rig.database, "6 seconds")
    await rig.dispatcher().run_once()
    assert (await attempt_row(rig.database, job))["absent_since"] is not None
    await rows(rig.database, "UPDATE clusters SET wanted_state = 'active'")
    await let_pass(rig.database, "61 seconds")
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "submitted"
    assert (await attempt_row(rig.database, job))["absent_since"] is None


async def test_a_running_job_of_a_drained_cluster_stays(rig):
    job = await rig.running()
    await drain(rig)
    for _ in range(3):
        await let_pass(rig.database, "61 seconds")
        await rig.dispatcher().run_once()
    assert await rig.state(job) == "running"
    assert rig.fake.names() == [f"{job}-1"]


async def test_an_attempt_that_was_moved_is_no_try_of_the_jobs_retries(rig):
    await add(rig, "other", weight=0)
    job = await rig.submit(request={"retry": {"max_attempts": 2, "on": ["platform"], "backoff_seconds": 1}})
    rig.fake.fail("create", ClusterUnavailable("refused"))
    await rig.dispatcher().run_once()
    await drain(rig)
    for interval in ("6 seconds", "61 seconds"):
        await let_pass(rig.database, interval)
        await rig.dispatcher().run_once()
    await rows(rig.database, "UPDATE clusters SET wanted_state = 'active'")
    await rig.dispatcher().run_once()
    assert rig.fake.names() == [f"{job}-2"]
    await rig.watcher().relist()
    rig.fake.vanish(f"{job}-2")
    await rig.watcher().relist()
    assert await rig.state(job) == "queued"  # its second try is still to come


async def test_a_dispatcher_that_stops_lets_go_of_what_it_has_not_begun(rig, monkeypatch):
    begun, wake = asyncio.Event(), asyncio.Event()

    async def hang(manifest):
        begun.set()
        await wake.wait()
        return await FakeCluster.create(rig.fake, manifest)

    monkeypatch.setattr(rig.fake, "create", hang)
    await builders.insert(rig.database, *(builders.new_job() for _ in range(6)))
    stop = asyncio.Event()
    task = asyncio.create_task(rig.dispatcher(concurrency=1).run(stop))
    await begun.wait()
    stop.set()
    wake.set()
    await asyncio.wait_for(task, 20)
    assert 1 <= len(rig.fake.names()) < 6  # what was begun before it heard of the stop comes to its end
    held = await rows(rig.database, "SELECT id FROM jobs WHERE claimed_by IS NOT NULL")
    assert held == []


async def test_clusters_that_come_and_go_leave_the_lanes_of_others_undisturbed(rig):
    dispatcher = rig.dispatcher()
    before = dispatcher._lanes["fake"]
    async with going(dispatcher.run):
        other = await add(rig, "other", weight=100)
        dispatcher.reconfigure(rig.clusters, rig.profiles)
        assert dispatcher._lanes["fake"] is before
        job = await rig.submit()
        dispatcher.hint()

        async def is_there() -> bool:
            return other.names() == [f"{job}-1"]

        await eventually(is_there)
        del rig.clusters["other"]
        dispatcher.reconfigure(rig.clusters, rig.profiles)
        second = await rig.submit()

        async def is_here() -> bool:
            return rig.fake.names() == [f"{second}-1"]

        await eventually(is_here)
