"""What a cluster may do without a job being lost, doubled, or called failed: die, forget, be out of reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.e2e.archer import FAKE, REAL, Client, running_archer
from tests.e2e.test_jobs import SLEEPS, program
from tests.stack import etcd, kubectl, s3
from tests.stack.host import processes
from tests.stack.layout import MOKA_A, MOKA_ARM, MOKA_X86, Cluster
from tests.stack.parts import proxies
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("fake_operators")]

JOB = {"name": "fault", "main_application_file": "local:///opt/moka/sql.py", "spark_version": FAKE}
CUT_SECONDS = 300


@pytest.fixture(scope="module")
async def archer(fake_operators: None, new_database: Callable[[str], str]) -> AsyncIterator[Client]:
    s3.put("jobs/sleeps.py", SLEEPS.replace("600", "45").encode())
    async with running_archer(new_database("faults")) as client:
        yield client


@pytest.fixture(autouse=True)
def mended() -> Iterator[None]:
    yield
    proxies.reset()


async def created_once(archer: Client, *jobs: str) -> None:
    """Each job has one attempt, and its cluster one object of it, made by us."""
    attempts = await archer.rows(
        "SELECT job_id, number, cluster, uid FROM attempts WHERE job_id = ANY(:ids)", ids=list(jobs)
    )
    assert sorted(one["job_id"] for one in attempts) == sorted(jobs)
    held: dict[str, str] = {}
    for cluster in (MOKA_A, MOKA_ARM, MOKA_X86):
        for item in kubectl.get(cluster, "sparkapplications", "--all-namespaces")["items"]:
            name = item["metadata"]["name"]
            assert name not in held, f"{name} is in two clusters"
            held[name] = item["metadata"]["uid"]
    for one in attempts:
        assert held[f"{one['job_id']}-{one['number']}"] == one["uid"]


async def test_an_api_server_is_killed_and_started_again_under_a_hundred_jobs(archer):
    server = f"apiserver-{MOKA_ARM.name}"
    first = await archer.submit_many(50, arch="arm64", **JOB)
    await eventually(lambda: any_is(archer, first, "submitted", "running"))
    processes.kill(server)
    second = await archer.submit_many(50, arch="arm64", **JOB)
    await eventually(lambda: is_unreachable(archer, MOKA_ARM), seconds=60)
    processes.restart(server)
    assert await archer.all_end([*first, *second], seconds=240) == {"succeeded": 100}
    await created_once(archer, *first, *second)


async def test_a_real_driver_outlives_its_api_server(archer):
    job = await archer.submit(name="sleeps", main_application_file=program("sleeps"), spark_version=REAL)
    await archer.reach(job, lambda found: found["state"] == "running", seconds=240)
    processes.kill(f"apiserver-{MOKA_A.name}")
    await eventually(lambda: is_unreachable(archer, MOKA_A), seconds=60)
    processes.restart(f"apiserver-{MOKA_A.name}")
    ended = await archer.end(job, seconds=240)
    assert (ended["state"], ended["attempt"]) == ("succeeded", 1), ended
    assert ended["attempts"][0]["exit_code"] == 0


async def test_history_is_thrown_away_under_a_watch(archer):
    jobs = await archer.submit_many(50, arch="amd64", **JOB)
    await eventually(lambda: any_is(archer, jobs, "submitted", "running"))
    for _ in range(3):  # the API server answers 410 to what it watched from only once it is started anew
        etcd.compact(MOKA_X86)
        processes.kill(f"apiserver-{MOKA_X86.name}")
        processes.restart(f"apiserver-{MOKA_X86.name}")
        jobs += await archer.submit_many(10, arch="amd64", **JOB)
    assert await archer.all_end(jobs, seconds=240) == {"succeeded": 80}
    await created_once(archer, *jobs)


async def test_a_cluster_is_cut_off_for_five_minutes(archer):
    """Jobs that were there end as they ended; those that could go elsewhere did; the others waited."""
    there = await archer.submit_many(30, arch="arm64", **JOB)
    await eventually(lambda: any_is(archer, there, "submitted", "running"))
    proxies.set_enabled(MOKA_ARM.name, enabled=False)
    mended_at = time.monotonic() + CUT_SECONDS
    bound = await archer.submit_many(20, arch="arm64", **JOB)
    elsewhere: list[str] = []
    while time.monotonic() < mended_at:
        elsewhere.append(await archer.submit(**JOB))
        found = await archer.end(elsewhere[-1], seconds=60)
        assert (found["state"], found["cluster"]) == ("succeeded", MOKA_X86.name), found
        await asyncio.sleep(2)  # the pace of the load, not a wait for something
    (held,) = await archer.rows(
        """SELECT count(*) AS number FROM jobs
            WHERE id = ANY(:ids) AND ended_at IS NULL AND waiting IS NOT NULL""",
        ids=bound,
    )
    assert held["number"] == len(bound)
    failed = await archer.rows("SELECT id FROM jobs WHERE state = 'failed'")
    assert failed == []
    proxies.set_enabled(MOKA_ARM.name, enabled=True)
    assert await archer.all_end([*there, *bound], seconds=240) == {"succeeded": 50}
    await created_once(archer, *there, *bound, *elsewhere)


async def any_is(archer: Client, jobs: list[str], *states: str) -> bool:
    found = await archer.rows(
        "SELECT id FROM jobs WHERE id = ANY(:ids) AND state = ANY(:states) LIMIT 1",
        ids=jobs,
        states=list(states),
    )
    return bool(found)


async def is_unreachable(archer: Client, cluster: Cluster) -> bool:
    clusters = await archer.clusters()
    return clusters[cluster.name]["state"] == "unreachable"
