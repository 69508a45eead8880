"""Whatever is lost, doubled, late or silent, the rows come to tell what the cluster holds."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from archer.clusters.port import Change
from archer.errors import ClusterUnavailable
from archer.store import inventory, observations
from archer.translate import names
from tests.builders import attempt_row, let_pass, row, rows, states
from tests.fakes.cluster import FakeCluster
from tests.loops.rig import going, until_watching
from tests.waiting import eventually

PYTHON_ERROR = b"Traceback (most recent call last):\nKeyError: 'missing'\n"


async def cluster_row(database):
    async with database.transaction() as tx:
        found = await inventory.cluster(tx, "fake")
    assert found is not None
    return found


@pytest.mark.parametrize("operation", ["probe", "list", "get"])
async def test_a_call_that_fails_changes_nothing(rig, operation):
    job = await rig.running()
    rig.fake.vanish(f"{job}-1")
    before = await row(rig.database, job)
    rig.fake.fail(operation, ClusterUnavailable("503"))
    with pytest.raises(ClusterUnavailable):
        await rig.watcher().relist()
    assert await row(rig.database, job) == before


@pytest.mark.parametrize("break_it", ["expire_watches", "start_new_life", "break_watches", "end_watches"])
async def test_a_watch_that_ends_for_whatever_reason_is_followed_by_a_list(rig, break_it):
    job = await rig.running()
    async with going(rig.watcher().run):
        await until_watching(rig)
        rig.fake.skip_events(1)
        rig.fake.end(f"{job}-1", exit_code=0)
        getattr(rig.fake, break_it)()
        await rig.until(job, "succeeded")


async def test_a_watch_that_says_nothing_more_is_followed_by_a_list_in_time(rig):
    job = await rig.running()
    async with going(rig.watcher(relist_seconds=0.2).run):
        await until_watching(rig)
        rig.fake.silence_watches()
        rig.fake.end(f"{job}-1", exit_code=0)
        await rig.until(job, "succeeded")


async def test_dropped_events_are_made_up_for_by_the_next_list(rig):
    job = await rig.dispatched()
    async with going(rig.watcher(relist_seconds=0.2).run):
        await until_watching(rig)
        rig.fake.skip_events(100)
        rig.fake.run(f"{job}-1")
        rig.fake.end(f"{job}-1", exit_code=0)
        await rig.until(job, "succeeded")


async def test_doubled_events_change_nothing_twice(rig):
    job = await rig.dispatched()
    async with going(rig.watcher().run):
        await until_watching(rig)
        rig.fake.duplicate_events(10)
        rig.fake.run(f"{job}-1")
        await rig.until(job, "running")
        rig.fake.end(f"{job}-1", exit_code=0)
        await rig.until(job, "succeeded")
    assert await states(rig.database, job) == ["queued", "dispatching", "submitted", "running", "succeeded"]


async def test_reordered_and_stale_events_end_the_same(rig):
    job = await rig.dispatched()
    submitted = rig.fake.move(f"{job}-1", "SUBMITTED")
    running = rig.fake.run(f"{job}-1")
    ended = rig.fake.end(f"{job}-1", exit_code=0)
    watcher = rig.watcher()
    for application in (running, submitted, ended, running, submitted):
        await watcher.applications.apply([application])
    assert await rig.state(job) == "succeeded"
    assert (await attempt_row(rig.database, job))["application_state"] == "COMPLETED"


async def test_many_changes_at_once_are_all_recorded(rig):
    async with going(rig.watcher().run), going(rig.dispatcher().run):
        jobs = [await rig.submit() for _ in range(60)]
        for job in jobs:
            await rig.until(job, "submitted")
        for job in jobs:
            rig.fake.run(f"{job}-1")
            rig.fake.end(f"{job}-1", exit_code=0)
        for job in jobs:
            await rig.until(job, "succeeded")


@pytest.mark.parametrize("operation", ["driver", "read_log"])
async def test_evidence_that_comes_late_is_waited_for(rig, operation):
    job = await rig.running()
    async with going(rig.watcher().run):
        await until_watching(rig)
        rig.fake.fail(operation, ClusterUnavailable("timeout"))
        rig.fake.end(f"{job}-1", exit_code=1, log=PYTHON_ERROR)
        await rig.until(job, "failed")
    attempt = await attempt_row(rig.database, job)
    assert (attempt["reason"], attempt["exit_code"]) == ("user_code", 1)


async def test_evidence_that_a_list_still_owes_does_not_wait_for_a_quiet_watch(rig, monkeypatch):
    monkeypatch.setattr(rig.fake, "_bookmark_seconds", 3600.0)
    job = await rig.running()
    rig.fake.end(f"{job}-1", exit_code=1, log=PYTHON_ERROR)
    rig.fake.fail("read_log", ClusterUnavailable("timeout"), times=2)
    async with going(rig.watcher().run):
        await rig.until(job, "failed")
    assert (await attempt_row(rig.database, job))["reason"] == "user_code"


async def test_a_driver_that_was_rejected_before_it_ran_has_no_start(rig):
    job = await rig.dispatched()
    rig.fake.give_evidence(f"{job}-1", phase="failed", message="queue root.default cannot fit application")
    for state in ("FAILING", "FAILED"):  # as the operator goes, whether or not anything ran
        rig.fake.move(f"{job}-1", state, error="driver container status missing")
        await rig.watcher().relist()
    assert await rig.state(job) == "failed"
    assert (await row(rig.database, job))["started_at"] is None
    assert (await attempt_row(rig.database, job))["started_at"] is None
    assert "running" not in await states(rig.database, job)


async def test_after_three_tries_the_verdict_goes_without_evidence(rig):
    job = await rig.running()
    rig.fake.fail("driver", ClusterUnavailable("timeout"), times=99)
    rig.fake.fail("read_log", ClusterUnavailable("timeout"), times=99)
    rig.fake.move(f"{job}-1", "FAILED", error="driver container failed with ExitCode: 137, Reason: OOMKilled")
    async with going(rig.watcher().run):
        await rig.until(job, "failed")
    attempt = await attempt_row(rig.database, job)
    assert (attempt["reason"], attempt["fault"]) == ("driver_oom", "user")


async def test_an_end_that_was_seen_counts_though_the_application_went_before_its_evidence_came(rig):
    job = await rig.running()
    watcher = rig.watcher()
    rig.fake.fail("driver", ClusterUnavailable("timeout"))
    rig.fake.end(f"{job}-1", exit_code=0)
    await watcher.relist()
    assert watcher.applications.is_owed
    rig.fake.vanish(f"{job}-1")
    await watcher.relist()
    assert await rig.state(job) == "succeeded"
    assert not watcher.applications.is_owed


async def test_evidence_is_owed_no_more_when_another_has_closed_the_attempt(rig):
    job = await rig.running()
    watcher = rig.watcher()
    rig.fake.fail("driver", ClusterUnavailable("timeout"))
    rig.fake.end(f"{job}-1", exit_code=0)
    await watcher.relist()
    await rig.watcher().relist()
    assert await rig.state(job) == "succeeded"
    await watcher.relist()
    assert not watcher.applications.is_owed


async def test_a_cluster_that_does_not_answer_is_unreachable_until_it_does(rig):
    job = await rig.running()
    async with going(rig.watcher().run):
        await until_watching(rig)
        rig.fake.go_down()

        async def is_unreachable() -> bool:
            return (await cluster_row(rig.database))["state"] == "unreachable"

        await eventually(is_unreachable)
        assert await rig.state(job) == "running"
        assert (await cluster_row(rig.database))["message"] != ""
        rig.fake.come_back()
        rig.fake.end(f"{job}-1", exit_code=0)
        await rig.until(job, "succeeded")
    found = await cluster_row(rig.database)
    assert (found["state"], found["message"], found["version"]) == ("active", "", "fake cluster 1")


async def test_a_cordoned_cluster_stays_cordoned_when_it_goes_and_comes(rig):
    await rows(rig.database, "UPDATE clusters SET wanted_state = 'cordoned'")
    await rig.watcher().applications.note_silence("connection refused")
    await rig.watcher().relist()
    assert (await cluster_row(rig.database))["state"] == "cordoned"


async def test_what_was_read_and_how_far_are_written_together(rig, monkeypatch):
    job = await rig.dispatched()
    rig.fake.run(f"{job}-1")

    async def broken(tx, cluster, resource_version):
        raise RuntimeError("crash between the two")

    watcher = rig.watcher()
    (seen,) = (await rig.fake.list()).applications
    monkeypatch.setattr(observations, "checkpoint", broken)
    with pytest.raises(RuntimeError):
        await watcher.applications.record([Change("upserted", seen.resource_version, seen)])
    assert await rig.state(job) == "submitted"
    monkeypatch.undo()
    await watcher.relist()
    assert await rig.state(job) == "running"
    (checkpoint,) = await rows(rig.database, "SELECT * FROM checkpoints")
    assert checkpoint["resource_version"] == (await rig.fake.list()).resource_version


async def test_an_odd_object_does_not_keep_the_others_from_being_recorded(rig):
    job = await rig.dispatched()
    labels = {names.JOB_ID: job, names.ATTEMPT: "99999999999"}
    rig.fake.put_stranger("odd-1", labels=labels)
    rig.fake.put_stranger("odd-2", labels=labels | {names.ATTEMPT: "two"})
    rig.fake.put_stranger("odd-3", labels={names.JOB_ID: "not-a-job", names.ATTEMPT: "1"})
    rig.fake.run(f"{job}-1")
    await rig.watcher().relist()
    assert await rig.state(job) == "running"


async def test_words_that_postgres_cannot_store_are_stored_without_what_it_cannot(rig):
    job = await rig.running()
    rig.fake.end(f"{job}-1", exit_code=1, log=b"ValueError: a\x00b \xff\n")
    rig.fake.move(f"{job}-1", "FAILED", error="bad \x00 byte \ud800")
    await rig.watcher().relist()
    assert "ValueError: a\ufffdb \ufffd" in (await attempt_row(rig.database, job))["evidence"]


async def test_the_loop_survives_a_bug(rig, monkeypatch):
    job = await rig.dispatched()
    calls, relist = [], FakeCluster.list

    async def sometimes():
        calls.append(1)
        if len(calls) < 3:
            raise RuntimeError("a bug")
        return await relist(rig.fake)

    monkeypatch.setattr(rig.fake, "list", sometimes)
    rig.fake.run(f"{job}-1")
    async with going(rig.watcher().run):
        await rig.until(job, "running")


async def test_two_watchers_of_one_cluster_record_each_change_once(rig):
    async with going(rig.watcher().run), going(rig.watcher().run), going(rig.dispatcher().run):
        jobs = [await rig.submit() for _ in range(20)]
        for job in jobs:
            await rig.until(job, "submitted")
            rig.fake.run(f"{job}-1")
        await asyncio.gather(*(rig.until(job, "running") for job in jobs))
        for job in jobs:
            rig.fake.end(f"{job}-1", exit_code=0)
        await asyncio.gather(*(rig.until(job, "succeeded") for job in jobs))
    for job in jobs:
        assert await states(rig.database, job) == [
            "queued",
            "dispatching",
            "submitted",
            "running",
            "succeeded",
        ]


async def test_a_deadline_of_the_cluster_clock_does_not_matter(rig):
    job = await rig.running()
    await let_pass(rig.database, "1 hour")
    rig.fake.end(f"{job}-1", exit_code=0)  # says 2027
    await rig.watcher().relist()
    found, attempt = await row(rig.database, job), await attempt_row(rig.database, job)
    assert found["started_at"] <= found["ended_at"]
    assert attempt["started_at"] <= attempt["ended_at"] <= found["ended_at"]


async def test_an_outage_is_two_lines_of_the_log_however_long_it_is(rig):
    rig.fake.go_down()
    with capture_logs() as logs:
        async with going(rig.watcher().run):

            async def was_asked_often() -> bool:
                return len(rig.calls("probe")) >= 5

            await eventually(was_asked_often)
            rig.fake.come_back()

            async def has_answered() -> bool:
                return bool(told(logs, "a cluster answers again"))

            await eventually(has_answered)
    assert len(told(logs, "a cluster does not answer")) == 2  # for applications and for drivers
    assert told(logs, "a cluster does not answer")[0]["log_level"] == "warning"


def told(logs, event: str) -> list:
    return [line for line in logs if line["event"] == event]
