"""What the local cluster promises beyond the port."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator

import pytest

from archer.clusters.local import files
from archer.clusters.local.driver import run, submission
from archer.clusters.local.operator import LocalOperator
from archer.errors import AlreadyExists, ClusterUnavailable, LogNotFound
from tests.cluster.rigs import (
    LocalRig,
    manifest,
    operated,
    processes_of,
    until,
    until_gone,
    until_state,
)


@pytest.fixture
async def rig(tmp_path) -> AsyncIterator[LocalRig]:
    local = LocalRig(tmp_path, cancel_grace_seconds=0.3)
    async with operated(local.config):
        yield local


async def test_at_most_so_many_run_at_once_and_the_oldest_go_first(rig: LocalRig):
    order = [f"job{number}-1" for number in (3, 1, 4, 2, 5)]
    for name in order:
        await rig.cluster.create(manifest(name))
    for position, name in enumerate(order):
        for busy in order[position : position + 2]:
            await until(lambda: _said(rig, f"{busy} start"))  # noqa: B023
        if position + 2 < len(order):
            waiting = await until_state(rig.cluster, order[position + 2], "SUBMITTED")
            assert waiting.driver_started_at is None
            driver = await rig.cluster.driver("default", order[position + 2])
            assert driver is not None
            assert (driver.phase, driver.started_at) == ("pending", None)
        await rig.end(name, exit_code=0)
        await until_state(rig.cluster, name, "COMPLETED")
    running = most = 0
    for line in rig.history():
        running += 1 if line.endswith("start") else -1
        most = max(most, running)
    assert most == 2
    assert len(rig.history()) == 10


async def test_a_name_is_used_once_and_its_log_outlives_it(rig: LocalRig):
    made = await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    await rig.cluster.delete("default", "job-1", made.uid)
    await until_gone(rig.cluster, "job-1")
    with pytest.raises(AlreadyExists):
        await rig.cluster.create(manifest("job-1"))
    log = await rig.cluster.read_log("default", "job-1", role="driver", offset=0, limit=1000)
    assert log.complete
    assert log.data.startswith(b"driver of job-1 runs\n")


async def test_deleted_before_its_start_it_never_starts(rig: LocalRig):
    for name in ("first-1", "second-1", "third-1"):
        await rig.cluster.create(manifest(name))
    await rig.run("second-1")
    third = await until_state(rig.cluster, "third-1", "SUBMITTED")
    await rig.cluster.delete("default", "third-1", third.uid)
    await until_gone(rig.cluster, "third-1")
    with pytest.raises(LogNotFound):
        await rig.cluster.read_log("default", "third-1", role="driver", offset=0, limit=10)
    await rig.end("first-1", exit_code=0)
    await until_state(rig.cluster, "first-1", "COMPLETED")
    assert "third-1 start" not in rig.history()


async def test_a_cancelled_driver_may_end_by_itself(rig: LocalRig):
    made = await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    await until(lambda: _said(rig, "job-1 start"))
    await rig.cluster.delete("default", "job-1", made.uid)
    await until_gone(rig.cluster, "job-1")
    assert processes_of(made.uid) == []
    assert rig.history() == ["job-1 start", "job-1 end"]


async def test_a_cancelled_driver_that_does_not_listen_is_killed_with_all_its_children(rig: LocalRig):
    # one in a group of its own, one in a session of its own, as daemons are
    script = rig.script(
        "stubborn", "trap '' TERM\nsetsid sh -c 'trap \"\" TERM; sleep 600' &\nset -m\nsleep 600 &\nset +m\n"
    )
    made = await rig.cluster.create(manifest("job-1", arguments=[script]))
    await until(lambda: _are_running(made.uid, 4))
    await rig.cluster.delete("default", "job-1", made.uid)
    await until_gone(rig.cluster, "job-1")
    assert processes_of(made.uid) == []


async def test_what_a_driver_leaves_behind_ends_with_it(rig: LocalRig):
    script = rig.script("daemon", "setsid sleep 600 &\n")
    made = await rig.cluster.create(manifest("job-1", arguments=[script]))
    await rig.end("job-1", exit_code=0)
    await until_state(rig.cluster, "job-1", "COMPLETED")
    assert processes_of(made.uid) == []


async def test_a_driver_without_its_supervisor_has_vanished(rig: LocalRig):
    made = await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    await until(lambda: _said(rig, "job-1 start"))
    os.kill(_supervisor(rig, "job-1"), signal.SIGKILL)
    ended = await until_state(rig.cluster, "job-1", "FAILED")
    assert "vanished without an exit status" in ended.error_message
    assert processes_of(made.uid) == []
    driver = await rig.cluster.driver("default", "job-1")
    assert driver is not None
    assert (driver.phase, driver.exit_code, driver.reason) == ("failed", None, "DriverVanished")
    assert driver.ended_at


async def test_a_driver_killed_by_a_signal_names_it(rig: LocalRig):
    script = rig.script("suicide", "kill -9 $$\n")
    await rig.cluster.create(manifest("job-1", arguments=[script]))
    await until_state(rig.cluster, "job-1", "FAILED")
    driver = await rig.cluster.driver("default", "job-1")
    assert driver is not None
    assert (driver.exit_code, driver.signal) == (137, 9)


async def test_without_spark_a_driver_fails_with_the_cause(tmp_path):
    rig = LocalRig(tmp_path)
    shutil.rmtree(rig.config.spark / "bin")
    with pytest.raises(ClusterUnavailable, match="spark-submit"):
        await rig.cluster.probe()
    async with operated(rig.config):
        await rig.cluster.create(manifest("job-1"))
        ended = await until_state(rig.cluster, "job-1", "FAILED")
        assert "No such file" in ended.error_message
        driver = await rig.cluster.driver("default", "job-1")
        assert driver is not None
        assert driver.exit_code == 126


async def test_a_driver_sees_its_own_environment_and_nothing_of_ours(rig: LocalRig, monkeypatch):
    monkeypatch.setenv("ARCHER_DATABASE_URL", "postgresql://secret")
    container = {"name": "spark-kubernetes-driver", "env": [{"name": "JOB_SAYS", "value": "hello"}]}
    driver = {"cores": 1, "memory": "512m", "template": {"spec": {"containers": [container]}}}
    script = rig.script("env", "env\n")
    await rig.cluster.create(manifest("job-1", arguments=[script], driver=driver))
    await rig.end("job-1", exit_code=0)
    await until_state(rig.cluster, "job-1", "COMPLETED")
    text = (
        await rig.cluster.read_log("default", "job-1", role="driver", offset=0, limit=100_000)
    ).data.decode()
    assert "JOB_SAYS=hello" in text
    assert "secret" not in text
    assert "ARCHER_" not in text


async def test_of_two_supervisors_one_runs_the_driver(tmp_path):
    rig = LocalRig(tmp_path)
    made = await rig.cluster.create(manifest("job-1"))
    directory = rig.config.layout.apps / "job-1"
    order = submission.Order([str(rig.config.spark / "bin" / "spark-submit")], {"MOKA_RUN": made.uid})
    await asyncio.gather(*(asyncio.to_thread(run.spawn, directory, made.uid, order=order) for _ in range(6)))
    await rig.end("job-1", exit_code=0)
    async with operated(rig.config):
        await until_state(rig.cluster, "job-1", "COMPLETED")
    await asyncio.to_thread(run.spawn, rig.config.layout.deleted / "job-1", made.uid, order=order)
    assert rig.history() == ["job-1 start", "job-1 end"]


async def test_a_second_operator_waits_for_the_first(rig: LocalRig):
    stop = asyncio.Event()
    second = asyncio.create_task(LocalOperator(rig.config).run(stop))
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    assert not second.done()
    stop.set()
    await second


async def test_a_driver_that_cannot_be_started_now_is_started_later(tmp_path, monkeypatch):
    rig = LocalRig(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise ClusterUnavailable("no space left")

    async with operated(rig.config):
        with monkeypatch.context() as full:
            full.setattr(run, "spawn", refuse)
            await rig.cluster.create(manifest("job-1"))
            await until_state(rig.cluster, "job-1", "SUBMITTED")
        await rig.run("job-1")
        await rig.end("job-1", exit_code=0)
        await until_state(rig.cluster, "job-1", "COMPLETED")


async def _said(rig: LocalRig, line: str) -> bool:
    return line in rig.history()


async def _are_running(uid: str, count: int) -> bool:
    return len(processes_of(uid)) >= count


def _supervisor(rig: LocalRig, name: str) -> int:
    started = files.read_json(rig.config.layout.apps / name / "started")
    assert started is not None
    return started["pid"]
