"""Cluster to row: what a list or a watch shows becomes the job's state, and what is gone is asked for."""

from __future__ import annotations

from archer.clusters.port import Change
from archer.errors import ClusterUnavailable
from archer.translate import names
from tests.builders import attempt_row, row, states
from tests.loops.rig import going, until_watching

PYTHON_ERROR = b"Traceback (most recent call last):\nKeyError: 'missing'\n"


async def test_a_list_and_a_watch_are_read_alike(rig):
    listed, watched = await rig.dispatched(), await rig.dispatched()
    rig.fake.run(f"{listed}-1")
    await rig.watcher().relist()
    assert await rig.state(listed) == "running"
    async with going(rig.watcher().run):
        await until_watching(rig)
        rig.fake.run(f"{watched}-1")
        await rig.until(watched, "running")
    one, other = await attempt_row(rig.database, listed), await attempt_row(rig.database, watched)
    for column in ("rank", "application_state", "executors_running"):
        assert one[column] == other[column]
    assert (one["driver_pod"], one["spark_app_id"]) == (f"{listed}-1-driver", f"spark-{listed}-1")


async def test_a_job_goes_from_submit_to_success_by_events_alone(rig):
    async with going(rig.watcher().run), going(rig.dispatcher().run):
        job = await rig.submit()
        await rig.until(job, "submitted")
        rig.fake.run(f"{job}-1")
        await rig.until(job, "running")
        rig.fake.end(f"{job}-1", exit_code=0)
        ended = await rig.until(job, "succeeded")
    assert (ended["reason"], ended["fault"]) == (None, None)
    assert await states(rig.database, job) == ["queued", "dispatching", "submitted", "running", "succeeded"]
    assert (await attempt_row(rig.database, job))["exit_code"] == 0


async def test_a_failed_job_has_reason_fault_and_evidence(rig):
    job = await rig.running()
    rig.fake.end(f"{job}-1", exit_code=1, log=PYTHON_ERROR)
    await rig.watcher().relist()
    found, attempt = await row(rig.database, job), await attempt_row(rig.database, job)
    assert (found["state"], found["reason"], found["fault"]) == ("failed", "user_code", "user")
    assert (attempt["exit_code"], attempt["application_state"]) == (1, "FAILED")
    assert "KeyError: 'missing'" in attempt["evidence"]


async def test_a_success_that_was_never_seen_running_is_a_success(rig):
    job = await rig.dispatched()
    rig.fake.end(f"{job}-1", exit_code=0)
    await rig.watcher().relist()
    assert await rig.state(job) == "succeeded"


async def test_a_job_that_may_try_again_is_queued_and_succeeds_under_the_next_number(rig):
    job = await rig.running(request={"retry": {"max_attempts": 2, "on": ["user"], "backoff_seconds": 0}})
    rig.fake.end(f"{job}-1", exit_code=1, log=PYTHON_ERROR)
    await rig.watcher().relist()
    assert await rig.state(job) == "queued"
    await rig.dispatcher().run_once()
    rig.fake.end(f"{job}-2", exit_code=0)
    await rig.watcher().relist()  # the first attempt's application is still listed as failed
    found = await row(rig.database, job)
    assert (found["state"], found["attempt"]) == ("succeeded", 2)


async def test_an_unknown_word_of_the_operator_means_under_way(rig):
    job = await rig.running()
    rig.fake.move(f"{job}-1", "TELEPORTING")
    await rig.watcher().relist()
    assert await rig.state(job) == "running"


async def test_an_application_that_somebody_deleted_fails_its_job_once_the_cluster_confirms(rig):
    job = await rig.running()
    rig.fake.vanish(f"{job}-1")
    rig.fake.calls.clear()
    await rig.watcher().relist()
    found = await row(rig.database, job)
    assert (found["state"], found["reason"], found["fault"]) == ("failed", "application_deleted", "platform")
    assert rig.calls("get") == [f"{job}-1"]


async def test_a_deletion_that_is_watched_is_confirmed_too(rig):
    job = await rig.running()
    async with going(rig.watcher().run):
        await until_watching(rig)
        rig.fake.vanish(f"{job}-1")
        found = await rig.until(job, "failed")
    assert found["reason"] == "application_deleted"


async def test_a_list_that_lags_behind_ends_nothing(rig):
    rig.fake.freeze_listing()
    job = await rig.dispatched()
    await rig.watcher().relist()
    assert await rig.state(job) == "submitted"


async def test_a_list_from_before_the_end_does_not_bring_it_back(rig):
    job = await rig.running()
    rig.fake.freeze_listing()
    rig.fake.end(f"{job}-1", exit_code=0)
    rig.fake.thaw_listing()
    await rig.watcher().relist()
    version = (await row(rig.database, job))["version"]
    rig.fake.move(f"{job}-1", "RUNNING")
    await rig.watcher().relist()
    found = await row(rig.database, job)
    assert (found["state"], found["version"]) == ("succeeded", version)


async def test_a_job_in_dispatch_is_not_missing(rig):
    job = await rig.submit()
    rig.fake.fail("create", ClusterUnavailable("connection refused"))
    await rig.dispatcher().run_once()
    await rig.watcher().relist()
    assert await rig.state(job) == "dispatching"


async def test_an_application_that_ended_before_anybody_knew_of_it_is_kept_with_its_uid(rig):
    job = await rig.submit()
    rig.fake.lose_answer("create")
    await rig.dispatcher().run_once()
    ended = rig.fake.end(f"{job}-1", exit_code=0)
    await rig.watcher().relist()
    assert await rig.state(job) == "succeeded"
    assert (await attempt_row(rig.database, job))["uid"] == ended.uid


async def test_an_application_that_was_seen_only_as_deleted_still_tells_that_it_was_there(rig):
    job = await rig.submit()
    rig.fake.lose_answer("create")
    await rig.dispatcher().run_once()
    assert await rig.state(job) == "dispatching"
    last = (await rig.fake.list()).applications[0]
    rig.fake.vanish(f"{job}-1")
    await rig.watcher().applications.record([Change("deleted", "1", last)])
    assert (await row(rig.database, job))["reason"] == "application_deleted"


async def test_a_strangers_object_under_the_name_is_not_the_jobs(rig):
    job = await rig.running()
    rig.fake.put_stranger(f"{job}-1")
    await rig.watcher().relist()
    assert (await row(rig.database, job))["reason"] == "application_deleted"


async def test_a_copy_with_another_uid_is_not_the_jobs(rig):
    job = await rig.running()
    rig.fake.vanish(f"{job}-1")
    rig.fake.put_stranger(f"{job}-1", labels={names.JOB_ID: job, names.ATTEMPT: "1"})
    rig.fake.end(f"{job}-1", exit_code=0)
    await rig.watcher().relist()
    found = await row(rig.database, job)
    assert (found["state"], found["reason"]) == ("failed", "application_deleted")
