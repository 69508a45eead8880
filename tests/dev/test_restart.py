"""Nothing is lost and nothing runs twice, whatever is killed in the middle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.dev.rig import Moka, until

pytestmark = pytest.mark.spark

JOBS = 20
BEFORE_THE_KILL = 5
END_SECONDS = 900  # twenty Spark drivers on two busy cores


@pytest.fixture
async def moka(tmp_path: Path) -> AsyncIterator[Moka]:
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)  # as root, Postgres runs as a user of its own
    moka = Moka(tmp_path)
    await moka.start()
    yield moka
    moka.stop()


async def _in_the_middle(moka: Moka, jobs: int) -> list[str]:
    """Submit *jobs* jobs; returns while one runs and others wait."""
    ids = [await moka.submit(number) for number in range(jobs)]

    async def some_ended_and_one_runs() -> bool:
        return len(moka.marked("end")) >= BEFORE_THE_KILL and len(moka.marked("start")) > len(
            moka.marked("end")
        )

    await until(some_ended_and_one_runs, seconds=END_SECONDS)
    return ids


async def _all_ended(moka: Moka) -> bool:
    try:
        return all(job["ended_at"] is not None for job in (await moka.jobs()).values())
    except httpx2.HTTPStatusError as error:
        if error.response.status_code != 503:  # which a machine that has no time for Postgres may answer
            raise
        return False


async def test_archer_and_postgres_killed_in_the_middle_of_20_jobs_lose_none_and_run_none_twice(moka: Moka):
    ids = await _in_the_middle(moka, JOBS)
    moka.kill(moka.control_plane())
    await moka.start()
    await until(lambda: _all_ended(moka), seconds=END_SECONDS)
    jobs = await moka.jobs()
    assert set(jobs) == set(ids)
    assert {job["state"] for job in jobs.values()} == {"succeeded"}
    assert {job["attempt"] for job in jobs.values()} == {1}
    assert moka.marked("start") == moka.marked("end") == list(range(JOBS))


async def test_everything_killed_drivers_too_fails_only_what_ran_and_runs_none_twice(moka: Moka):
    ids = await _in_the_middle(moka, JOBS)
    moka.kill(moka.processes())
    cut_off = set(moka.marked("start")) - set(moka.marked("end"))
    await moka.start()
    await until(lambda: _all_ended(moka), seconds=END_SECONDS)
    jobs = await moka.jobs()
    failed = {number for number, job in enumerate(ids) if jobs[job]["state"] == "failed"}
    assert set(jobs) == set(ids)
    assert cut_off <= failed  # and perhaps one that had been started but had not come to its first line
    assert len(failed) <= 2
    assert all(jobs[ids[number]]["reason"] in ("lost", "driver_killed") for number in failed)
    assert all(jobs[ids[number]]["fault"] == "platform" for number in failed)
    assert all(jobs[job]["state"] == "succeeded" for number, job in enumerate(ids) if number not in failed)
    assert len(moka.marked("start")) == len(set(moka.marked("start")))
    ends = moka.marked("end")
    assert len(ends) == len(set(ends))
    assert set(range(JOBS)) - failed <= set(ends)  # one may have been killed behind its last line
