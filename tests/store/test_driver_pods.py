"""What driver pods show: times become known, words come and go, and nothing of it ends an attempt."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from archer.store import observations
from archer.store.pods import seen, waits
from archer.store.pods.seen import DriverSeen
from tests.builders import attempt_row, job_in, let_pass, row, rows, states
from tests.builders import seen as observed
from tests.store.blocking import until_blocked
from tests.store.test_observations import record as observe

PULL = "the image spark:9 cannot be pulled"


def driver(job: str, phase: str = "pending", **fields: Any) -> DriverSeen:
    """A driver pod of the job's first attempt."""
    found = DriverSeen(
        job_id=job,
        number=1,
        application_uid=f"uid-{job}",
        pod=f"{job}-1-driver",
        phase=phase,
        scheduled_at=None,
        started_at=None,
        waiting=None,
        image_failure=None,
        is_hopeless=False,
    )
    return replace(found, **fields)


async def record(database, *drivers: DriverSeen, image_seconds: float = 900) -> set[str]:
    async with database.transaction() as tx:
        return await seen.record(tx, drivers, image_seconds=image_seconds)


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


async def since_placing(database, job: str, seconds: float) -> str:
    """A time that is so long after the attempt's placing; lets it pass first."""
    placed_at = (await attempt_row(database, job))["placed_at"]
    await let_pass(database, "10 minutes")
    return (placed_at + timedelta(seconds=seconds)).isoformat()


async def test_a_driver_that_runs_makes_its_job_run_with_the_times_of_its_pod(database):
    job = await job_in(database, "submitted")
    scheduled = await since_placing(database, job, 20)
    started = await since_placing(database, job, 30)
    await record(database, driver(job, scheduled_at=scheduled))
    assert (await row(database, job))["state"] == "submitted"
    assert await record(database, driver(job, "running", scheduled_at=scheduled, started_at=started)) == {job}
    found, attempt = await row(database, job), await attempt_row(database, job)
    assert found["state"] == "running"
    assert found["started_at"].isoformat() == attempt["started_at"].isoformat() == started
    assert attempt["scheduled_at"].isoformat() == scheduled
    assert attempt["driver_pod"] == f"{job}-1-driver"
    assert await states(database, job) == ["queued", "dispatching", "submitted", "running"]


async def test_the_containers_start_counts_more_than_the_operators(database):
    job = await job_in(database, "submitted")
    tried, started = await since_placing(database, job, 5), await since_placing(database, job, 30)
    await observe(database, observed(job, started_at=tried))
    await record(database, driver(job, "running", started_at=started))
    await observe(database, observed(job, started_at=tried, executors_running=2))
    found, attempt = await row(database, job), await attempt_row(database, job)
    assert found["started_at"].isoformat() == attempt["started_at"].isoformat() == started


async def test_what_is_told_twice_changes_nothing_twice(database):
    job = await job_in(database, "submitted")
    at = await since_placing(database, job, 5)
    for one in (driver(job, waiting=PULL, image_failure="x"), driver(job, "running", started_at=at)):
        assert await record(database, one) == {job}
        version = (await row(database, job))["version"]
        assert await record(database, one) == set()
        assert (await row(database, job))["version"] == version


async def test_a_clock_that_is_ahead_moves_a_start_once(database):
    job = await job_in(database, "submitted")
    ahead = ago(-3600)
    await record(database, driver(job, "running", scheduled_at=ahead, started_at=ahead))
    first = (await attempt_row(database, job))["started_at"]
    await let_pass(database, "1 minute")
    assert await record(database, driver(job, "running", scheduled_at=ahead, started_at=ahead)) == set()
    assert (await attempt_row(database, job))["started_at"] == first


async def test_steps_are_in_their_order_whatever_the_clocks_say(database):
    job = await job_in(database, "submitted")
    await record(database, driver(job, "running", scheduled_at=ago(60), started_at=ago(3600)))
    attempt = await attempt_row(database, job)
    assert attempt["placed_at"] <= attempt["submitted_at"] <= attempt["scheduled_at"] <= attempt["started_at"]


ORDER = [
    driver("", waiting=PULL, image_failure="x"),
    driver("", waiting="other"),
    driver("", "running", started_at=ago(0)),
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
async def test_words_do_not_come_back_once_the_driver_ran(database, order):
    job = await job_in(database, "submitted")
    for index in order:
        uid, pod = f"uid-{job}", f"{job}-1-driver"
        await record(database, replace(ORDER[index], job_id=job, application_uid=uid, pod=pod))
    if order[-1] != 2:
        await record(database, driver(job, "running", started_at=ago(0)))
    found, attempt = await row(database, job), await attempt_row(database, job)
    assert (found["state"], found["waiting"]) == ("running", None)
    assert (attempt["image_failure"], attempt["image_deadline_at"]) == (None, None)


async def test_only_new_words_are_a_new_version(database):
    job = await job_in(database, "submitted")
    version = (await row(database, job))["version"]
    told = [PULL, f"{PULL}: not found", PULL, f"{PULL}: not found", "the driver does not start: x", None]
    after = []
    for words in told:
        await record(database, driver(job, waiting=words))
        found = await row(database, job)
        after.append((found["version"] - version, found["waiting"]))
    assert after == [
        (1, PULL),
        (2, f"{PULL}: not found"),
        (2, f"{PULL}: not found"),
        (2, f"{PULL}: not found"),
        (3, "the driver does not start: x"),
        (4, None),
    ]


async def test_a_pod_of_another_application_of_that_name_changes_nothing(database):
    job = await job_in(database, "submitted")
    assert await record(database, driver(job, "running", application_uid="other", started_at=ago(0))) == set()
    assert (await attempt_row(database, job))["driver_pod"] is None


@pytest.mark.parametrize("state", ["succeeded", "failed"])
async def test_what_has_ended_is_left_alone(database, state):
    job = await job_in(database, state)
    before = await attempt_row(database, job)
    assert await record(database, driver(job, "running", started_at=ago(0), waiting=PULL)) == set()
    assert await attempt_row(database, job) == before


async def test_an_image_has_its_time_from_its_first_failure_on(database):
    job = await job_in(database, "submitted")
    await record(database, driver(job, waiting=PULL, image_failure="ErrImagePull: not found"))
    deadline = (await attempt_row(database, job))["image_deadline_at"]
    await let_pass(database, "5 minutes")
    await record(database, driver(job, waiting=PULL, image_failure="ImagePullBackOff"))
    attempt = await attempt_row(database, job)
    assert (attempt["image_deadline_at"], attempt["image_failure"]) == (deadline, "ErrImagePull: not found")
    assert await overdue(database) == {}
    await let_pass(database, "11 minutes")
    assert await overdue(database) == {job: "ErrImagePull: not found"}
    await record(database, driver(job))
    assert await overdue(database) == {}


async def test_an_impossible_name_has_no_time_at_all(database):
    job = await job_in(database, "submitted")
    await record(database, driver(job, waiting=PULL, image_failure="InvalidImageName", is_hopeless=True))
    assert await overdue(database) == {job: "InvalidImageName"}


async def test_a_job_whose_driver_starts_meanwhile_is_not_overdue(database):
    job = await job_in(database, "submitted")
    await record(database, driver(job, image_failure="InvalidImageName", is_hopeless=True))
    async with database.transaction() as starting:
        await seen.record(starting, [driver(job, "running", started_at=ago(0))], image_seconds=900)
        assert await overdue(database) == {}
    assert await overdue(database) == {}


@pytest.mark.parametrize("phase", ["pending", "unknown", "running"])
async def test_a_start_that_is_written_meanwhile_is_not_lost(database, phase):
    job = await job_in(database, "submitted")
    async with database.engine.connect() as other:
        await observations.record(other, [observed(job)])
        at = ago(0) if phase == "running" else None
        recording = asyncio.create_task(record(database, driver(job, phase, started_at=at, waiting=PULL)))
        await until_blocked(database)
        await other.commit()
    await recording
    found, attempt = await row(database, job), await attempt_row(database, job)
    assert (found["state"], found["waiting"]) == ("running", None)
    assert attempt["started_at"] is not None


async def test_an_application_that_no_operator_takes_up_says_so_until_one_does(database):
    job, taken, early = [await job_in(database, "submitted") for _ in range(3)]
    await observe(database, observed(taken, "submitted"))
    await let_pass(database, "61 seconds")
    await rows(database, "UPDATE attempts SET submitted_at = archer_now() WHERE job_id = :job", job=early)
    assert await tell(database) == {job}
    assert await tell(database) == set()
    assert (await row(database, job))["waiting"] == "nobody takes it"
    await observe(database, observed(job, "submitted"))
    assert await tell(database) == {job}
    assert (await row(database, job))["waiting"] is None


async def test_other_words_are_not_overwritten_by_those_about_the_operator(database):
    job = await job_in(database, "submitted")
    await rows(database, "UPDATE jobs SET waiting = 'something else' WHERE id = :job", job=job)
    await let_pass(database, "61 seconds")
    assert await tell(database) == set()


async def tell(database) -> set[str]:
    async with database.transaction() as tx:
        return await waits.tell_unacknowledged(tx, "fake", words="nobody takes it", seconds=60)


async def overdue(database) -> dict[str, str]:
    async with database.transaction() as tx:
        return {job.id: job.image_failure for job in await waits.without_image(tx, limit=10)}
