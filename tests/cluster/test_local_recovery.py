"""kill -9 of the process that operates a local cluster: everything ends, nothing runs twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from archer.clusters.local import files
from archer.clusters.local.driver import run
from archer.clusters.local.driver.run import Phase
from archer.clusters.local.operator import LocalOperator
from tests.cluster.rigs import LocalRig, manifest, operated, processes_of, until, until_gone, until_state

OPERATE = """
import asyncio, sys
from pathlib import Path
from archer.clusters.local.config import LocalConfig
from archer.clusters.local.operator import LocalOperator
config = LocalConfig("local", Path(sys.argv[1]), slots=3, spark_home=Path(sys.argv[2]), poll_seconds=0.02)
asyncio.run(LocalOperator(config).run(asyncio.Event()))
"""
JOBS = 12
KILLS = 8


def operate(rig: LocalRig) -> subprocess.Popen[bytes]:
    """Run an operator in a process of its own."""
    root = str(Path(__file__).parents[2])
    arguments = [str(rig.config.root), str(rig.config.spark)]
    return subprocess.Popen(
        [sys.executable, "-c", OPERATE, *arguments], env={**os.environ, "PYTHONPATH": root}
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@pytest.mark.parametrize("seed", [1, 2])
async def test_however_often_the_operator_is_killed_each_driver_runs_once(tmp_path, seed):
    rig, chance = LocalRig(tmp_path, slots=3), random.Random(seed)
    names = [f"job{number:02}-1" for number in range(JOBS)]
    for name in names:
        await rig.cluster.create(manifest(name))
        await rig.end(name, exit_code=chance.choice([0, 0, 4]))
    for _ in range(KILLS):
        process = operate(rig)
        size = rig.config.layout.journal.stat().st_size
        # somewhere in the middle of what a few changes need
        more = chance.randrange(1, 60)
        await until(lambda: _grew(rig, size + more))  # noqa: B023
        kill(process)
    async with operated(rig.config):
        for name in names:
            ended = await until_state(rig.cluster, name, "COMPLETED", "FAILED")
            code = (rig.control / name).read_text()
            assert (ended.application_state, "vanished" in ended.error_message) == (
                "COMPLETED" if code == "0" else "FAILED",
                False,
            )
    assert Counter(rig.history()) == Counter(f"{name} {word}" for name in names for word in ("start", "end"))


async def test_drivers_run_on_without_an_operator_and_are_found_again(tmp_path):
    rig = LocalRig(tmp_path, slots=3)
    process = operate(rig)
    runs = [await rig.cluster.create(manifest(f"job{number}-1")) for number in range(4)]
    for made in runs[:3]:
        await rig.run(made.name)
        await until(lambda: _started(rig, made.name))  # noqa: B023
    kill(process)
    assert all(processes_of(made.uid) for made in runs[:3])
    await rig.end("job0-1", exit_code=0)
    await rig.end("job1-1", exit_code=5)
    await until(lambda: _has_ended(rig, "job0-1"))
    async with operated(rig.config):
        await until_state(rig.cluster, "job0-1", "COMPLETED")
        await until_state(rig.cluster, "job1-1", "FAILED")
        await rig.run("job3-1")
        still = await rig.cluster.get("default", "job2-1")
        assert still is not None
        assert still.application_state == "RUNNING"
        for name in ("job2-1", "job3-1"):
            await rig.end(name, exit_code=0)
            await until_state(rig.cluster, name, "COMPLETED")
    assert sorted(line for line in rig.history() if line.endswith("start")) == [
        f"job{number}-1 start" for number in range(4)
    ]


async def test_everything_killed_at_once_ends_as_vanished_and_is_not_started_again(tmp_path):
    rig = LocalRig(tmp_path, slots=3)
    process = operate(rig)
    made = await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    await until(lambda: _started(rig, "job-1"))
    kill(process)
    supervisor = run.observe(rig.config.layout.apps / "job-1", made.uid).pid
    for pid in (supervisor, *processes_of(made.uid)):
        os.kill(pid, signal.SIGKILL)
    async with operated(rig.config):
        ended = await until_state(rig.cluster, "job-1", "FAILED")
        assert "vanished" in ended.error_message
    assert rig.history() == ["job-1 start"]


async def test_a_start_that_may_have_happened_is_not_repeated(tmp_path):
    rig = LocalRig(tmp_path)
    await rig.cluster.create(manifest("job-1"))
    # as a supervisor leaves it that died between its mark and its driver
    files.claim(
        rig.config.layout.apps / "job-1" / "started", {"pid": 2**22 + 1, "at": "2027-01-01T00:00:00Z"}
    )
    async with operated(rig.config):
        ended = await until_state(rig.cluster, "job-1", "FAILED")
        assert "vanished" in ended.error_message
    assert rig.history() == []


async def test_a_stranger_with_our_old_session_number_is_left_alone(tmp_path):
    rig = LocalRig(tmp_path)
    await rig.cluster.create(manifest("job-1"))
    with subprocess.Popen(["/bin/sleep", "600"], start_new_session=True) as stranger:  # noqa: ASYNC220
        started = {"pid": stranger.pid, "at": "2027-01-01T00:00:00Z"}
        files.claim(rig.config.layout.apps / "job-1" / "started", started)
        async with operated(rig.config):
            await until_state(rig.cluster, "job-1", "FAILED")
        assert stranger.poll() is None
        stranger.kill()


async def test_a_deletion_asked_before_the_crash_is_finished_after_it(tmp_path):
    rig = LocalRig(tmp_path, slots=3)
    process = operate(rig)
    made = await rig.cluster.create(manifest("job-1"))
    await until(lambda: _started(rig, "job-1"))
    kill(process)
    await rig.cluster.delete("default", "job-1", made.uid)
    assert await rig.cluster.get("default", "job-1") is not None
    assert processes_of(made.uid)
    async with operated(rig.config):
        await until_gone(rig.cluster, "job-1")
    assert processes_of(made.uid) == []


async def test_a_withdrawn_run_never_begins(tmp_path):
    rig = LocalRig(tmp_path)
    made = await rig.cluster.create(manifest("job-1"))
    directory = rig.config.layout.apps / "job-1"
    assert run.withdraw(directory, at="2027-01-01T00:00:00Z", error="deleted")
    assert not run.withdraw(directory, at="2027-01-01T00:00:00Z", error="deleted")
    stop = asyncio.Event()
    loop = asyncio.create_task(LocalOperator(rig.config).run(stop))
    await until_state(rig.cluster, "job-1", "FAILED")
    stop.set()
    await loop
    assert run.observe(directory, made.uid).phase is Phase.ENDED
    assert rig.history() == []


async def _grew(rig: LocalRig, size: int) -> bool:
    applications = (await rig.cluster.list()).applications
    return rig.config.layout.journal.stat().st_size >= size or all(one.ended_at for one in applications)


async def _has_ended(rig: LocalRig, name: str) -> bool:
    return (rig.config.layout.apps / name / "exit.json").exists()


async def _started(rig: LocalRig, name: str) -> bool:
    return f"{name} start" in rig.history()
