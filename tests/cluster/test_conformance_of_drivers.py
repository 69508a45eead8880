"""What every cluster promises about a driver's end and its log, whatever it is made of."""

from __future__ import annotations

import pytest

from archer.clusters.port import Cluster, LogChunk
from archer.errors import LogNotFound
from tests.cluster.rigs import Rig, manifest, until, until_state


@pytest.mark.parametrize(
    ("exit_code", "state", "phase"), [(0, "COMPLETED", "succeeded"), (3, "FAILED", "failed")]
)
async def test_the_end_of_a_driver_is_known(rig: Rig, exit_code: int, state: str, phase: str):
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    running = await rig.cluster.driver("default", "job-1")
    assert running is not None
    assert (running.phase, running.exit_code, running.pod) == ("running", None, "job-1-driver")
    await rig.end("job-1", exit_code=exit_code)
    ended = await until_state(rig.cluster, "job-1", state)
    assert (str(exit_code) in ended.error_message) == (exit_code != 0)
    driver = await rig.cluster.driver("default", "job-1")
    assert driver is not None
    assert (driver.phase, driver.exit_code, driver.signal) == (phase, exit_code, None)
    assert driver.started_at
    assert driver.ended_at


async def test_a_log_is_read_in_parts_until_it_is_complete(rig: Rig):
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    text = b"driver of job-1 runs\n"
    await until(lambda: _has_log(rig.cluster, text))
    part = await _read(rig.cluster, offset=0, limit=6)
    assert (part.data, part.next_offset, part.size, part.complete) == (b"driver", 6, len(text), False)
    assert (await _read(rig.cluster, offset=6)).data == text[6:]
    assert (await _read(rig.cluster, offset=-5)).data == b"runs\n"
    assert (await _read(rig.cluster, offset=-500)).data == text
    assert not (await _read(rig.cluster, offset=0)).complete
    await rig.end("job-1", exit_code=0)
    await until_state(rig.cluster, "job-1", "COMPLETED")
    text += b"driver of job-1 ends\n"
    whole = await _read(rig.cluster, offset=0)
    assert (whole.data, whole.size, whole.complete) == (text, len(text), True)
    assert not (await _read(rig.cluster, offset=0, limit=6)).complete
    beyond = await _read(rig.cluster, offset=10_000)
    assert (beyond.data, beyond.offset, beyond.complete) == (b"", len(text), True)


async def test_a_log_that_does_not_exist_is_said_so(rig: Rig):
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    with pytest.raises(LogNotFound):
        await rig.cluster.read_log("default", "job-1", role="executor-1", offset=0, limit=10)


async def _read(cluster: Cluster, *, offset: int, limit: int = 1000) -> LogChunk:
    return await cluster.read_log("default", "job-1", role="driver", offset=offset, limit=limit)


async def _has_log(cluster: Cluster, text: bytes) -> bool:
    try:
        return (await _read(cluster, offset=0)).data == text
    except LogNotFound:
        return False
