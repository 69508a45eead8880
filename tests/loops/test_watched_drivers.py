"""Driver pods to rows: when a driver was scheduled and began, what it waits for, and when that has lasted."""

from __future__ import annotations

import pytest

from archer.clusters.port import DriverChange
from archer.errors import ClusterUnavailable, WatchExpired
from archer.watcher import cluster, drivers
from tests.builders import attempt_row, let_pass, row, states
from tests.loops.rig import going, until_watching
from tests.waiting import eventually

IMAGE = "registry.local/spark:9"
PULL = {"reason": "ErrImagePull", "message": f"{IMAGE}: not found", "image": IMAGE}
BACK_OFF = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{IMAGE}"', "image": IMAGE}
WORDS = f"the image {IMAGE} cannot be pulled: {IMAGE}: not found"


async def waiting(rig, job: str) -> str | None:
    return (await row(rig.database, job))["waiting"]


async def until_waiting(rig, job: str, words: str | None) -> None:
    async def is_said() -> bool:
        return await waiting(rig, job) == words

    await eventually(is_said)


async def until_watching_drivers(rig) -> None:
    async def is_watching() -> bool:
        return bool(rig.calls("watch_drivers"))

    await eventually(is_watching)


async def test_the_five_times_of_an_attempt_are_in_their_order(rig):
    job = await rig.running()
    found, attempt = await row(rig.database, job), await attempt_row(rig.database, job)
    times = [
        found["created_at"],
        *(attempt[f"{step}_at"] for step in ("placed", "submitted", "scheduled", "started")),
    ]
    assert None not in times
    assert times == sorted(times)
    assert found["started_at"] == attempt["started_at"]


async def test_a_job_runs_when_its_driver_does_though_no_operator_says_so(rig):
    job = await rig.dispatched()
    async with going(rig.watcher().run):
        await until_watching_drivers(rig)
        rig.fake.give_evidence(f"{job}-1", phase="running", started_at="2026-01-01T00:00:00Z")
        await rig.until(job, "running")
    assert (await states(rig.database, job))[-2:] == ["submitted", "running"]


async def test_what_a_driver_waits_for_is_said_and_taken_back(rig):
    job = await rig.dispatched()
    async with going(rig.watcher().run):
        await until_watching_drivers(rig)
        unplaced = {"reason": "Unschedulable", "message": "0/3 nodes are available."}
        rig.fake.give_evidence(f"{job}-1", **unplaced)
        await until_waiting(rig, job, "the scheduler has not placed the driver yet: 0/3 nodes are available.")
        rig.fake.give_evidence(f"{job}-1", **PULL)
        await until_waiting(rig, job, WORDS)
        rig.fake.run(f"{job}-1")
        await until_waiting(rig, job, None)


async def test_the_turns_of_a_failed_pull_are_one_version(rig):
    job = await rig.dispatched()
    watcher = rig.watcher()
    rig.fake.give_evidence(f"{job}-1", **PULL)
    await watcher.relist()
    version = (await row(rig.database, job))["version"]
    for turn in (BACK_OFF, PULL, BACK_OFF):
        rig.fake.give_evidence(f"{job}-1", **turn)
        await watcher.relist()
    assert (await waiting(rig, job), (await row(rig.database, job))["version"]) == (WORDS, version)


async def test_a_driver_that_says_nothing_is_asked_about(rig, monkeypatch):
    job = await rig.dispatched()
    watcher = rig.watcher()
    rig.fake.give_evidence(f"{job}-1")
    await watcher.relist()
    rig.fake.calls.clear()
    await watcher.tell_waiting()
    assert rig.calls("driver") == []  # it may say it by itself in a moment
    monkeypatch.setattr(drivers, "SILENT_SECONDS", 0.0)
    explained = rig.fake.give_evidence(f"{job}-1", reason="FailedMount", message="no secret")
    silent = rig.fake.give_evidence(f"{job}-1", reason="", message="")
    rig.fake._drivers[f"{job}-1"] = explained  # as its events tell
    await watcher.drivers.record([DriverChange("upserted", "1", silent)])
    await watcher.tell_waiting()
    assert await waiting(rig, job) == "the driver does not start: FailedMount: no secret"
    await watcher.drivers.record([DriverChange("upserted", "2", silent)])
    assert await waiting(rig, job) == "the driver does not start: FailedMount: no secret"
    rig.fake.run(f"{job}-1")
    await watcher.relist()
    assert await waiting(rig, job) is None
    rig.fake.calls.clear()
    await watcher.tell_waiting()
    assert rig.calls("driver") == []


async def test_words_that_were_overwritten_are_said_again(rig):
    job = await rig.submit()
    rig.fake.lose_answer("create")
    await rig.dispatcher().run_once()
    watcher = rig.watcher()
    rig.fake.give_evidence(f"{job}-1", **PULL)
    await watcher.drivers.relist()
    assert await waiting(rig, job) != WORDS  # it is not known to be created yet
    await watcher.applications.relist()
    await watcher.tell_waiting()
    assert await waiting(rig, job) == WORDS


async def test_no_more_drivers_are_kept_in_mind_than_the_bound(rig, monkeypatch):
    monkeypatch.setattr(drivers, "MAX_PENDING", 2)
    jobs = [await rig.dispatched() for _ in range(4)]
    for job in jobs:
        rig.fake.give_evidence(f"{job}-1", **PULL)
    watcher = rig.watcher()
    await watcher.relist()
    assert [await waiting(rig, job) for job in jobs] == [WORDS] * 4
    assert len(watcher.drivers._waiting) == 2
    for job in jobs:
        rig.fake.vanish(f"{job}-1")
    await watcher.relist()
    assert watcher.drivers._waiting == {}


@pytest.mark.parametrize(
    "error", [ClusterUnavailable("403"), WatchExpired("410"), RuntimeError("a bug")], ids=repr
)
async def test_a_broken_stream_of_drivers_leaves_that_of_applications_alone(rig, error):
    rig.fake.fail("list_drivers", error, times=10_000)
    job = await rig.dispatched()
    async with going(rig.watcher().run):
        await until_watching(rig)
        rig.fake.run(f"{job}-1")
        await rig.until(job, "running")
        rig.fake.end(f"{job}-1", exit_code=0)
        await rig.until(job, "succeeded")
    assert rig.calls("watch_drivers") == []


async def test_a_broken_stream_of_applications_leaves_that_of_drivers_alone(rig):
    job = await rig.dispatched()
    rig.fake.fail("list", ClusterUnavailable("503"), times=10_000)
    rig.fake.give_evidence(f"{job}-1", **PULL)
    async with going(rig.watcher().run):
        await until_waiting(rig, job, WORDS)


@pytest.mark.parametrize("break_it", ["expire_watches", "start_new_life", "break_watches", "end_watches"])
async def test_a_watch_of_drivers_that_ends_is_followed_by_another_look(rig, break_it):
    job = await rig.dispatched()
    async with going(rig.watcher().run):
        await until_watching_drivers(rig)
        rig.fake.driver_stream.skip_events(1)
        rig.fake.give_evidence(f"{job}-1", **PULL)
        getattr(rig.fake.driver_stream, break_it)()
        await until_waiting(rig, job, WORDS)


async def test_an_operator_that_takes_nothing_up_is_named(rig, monkeypatch):
    monkeypatch.setattr(cluster, "TELL_SECONDS", 0.02)
    job = await rig.dispatched()
    await let_pass(rig.database, "61 seconds")
    async with going(rig.watcher().run):
        await until_waiting(rig, job, cluster.UNACKNOWLEDGED)
        rig.fake.move(f"{job}-1", "SUBMITTED")
        await until_waiting(rig, job, None)


async def test_what_was_not_seen_is_not_taken_for_an_operator_that_sleeps(rig):
    job = await rig.dispatched()
    await let_pass(rig.database, "61 seconds")
    await rig.watcher().tell_waiting()
    assert await waiting(rig, job) is None


async def test_a_driver_without_its_image_ends_its_job_in_time_with_the_kubelets_words(rig):
    job = await rig.dispatched(request={"retry": {"max_attempts": 3, "on": ["platform"]}})
    rig.fake.move(f"{job}-1", "SUBMITTED")
    rig.fake.give_evidence(f"{job}-1", **PULL)
    await rig.watcher(image_seconds=600).relist()
    await let_pass(rig.database, "599 seconds")
    await rig.janitor().run_once()
    assert await rig.state(job) == "submitted"
    await let_pass(rig.database, "2 seconds")
    rig.fake.holds_deletions = True
    await rig.janitor().run_once()
    assert await rig.state(job) == "cancelling"  # until the cluster has stated that nothing of it is left
    rig.fake.give_evidence(f"{job}-1", reason="", message="")  # as the kubelet shows a pod that goes
    await rig.watcher().drivers.relist()
    rig.fake.finish_deletion(f"{job}-1")
    await let_pass(rig.database, "10 seconds")
    await rig.janitor().run_once()
    found, attempt = await row(rig.database, job), await attempt_row(rig.database, job)
    assert (found["state"], found["reason"], found["fault"]) == ("failed", "image", "platform")
    assert (attempt["reason"], attempt["fault"]) == ("image", "platform")
    assert attempt["evidence"] == [f"ErrImagePull: {IMAGE}: not found"]
    assert IMAGE in attempt["message"]
    assert rig.fake.names() == []


async def test_an_impossible_image_name_ends_its_job_at_once(rig):
    job = await rig.dispatched()
    rig.fake.give_evidence(f"{job}-1", reason="InvalidImageName", message='couldn\'t parse image "A B"')
    await rig.watcher().relist()
    await rig.janitor().run_once()
    assert (await row(rig.database, job))["reason"] == "image"


async def test_an_image_that_came_in_time_is_no_reason_to_end_anything(rig):
    job = await rig.dispatched()
    rig.fake.give_evidence(f"{job}-1", **PULL)
    watcher = rig.watcher(image_seconds=600)
    await watcher.relist()
    rig.fake.run(f"{job}-1")
    await watcher.relist()
    await let_pass(rig.database, "700 seconds")
    await rig.janitor().run_once()
    assert await rig.state(job) == "running"
