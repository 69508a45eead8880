"""What every cluster promises, whatever it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from archer.clusters.port import Change, Cluster
from archer.errors import AlreadyExists, LogNotFound, ManifestRejected, UidMismatch, WatchExpired
from tests.cluster.rigs import (
    PATIENCE_SECONDS,
    FakeRig,
    LocalRig,
    Rig,
    manifest,
    operated,
    until,
    until_gone,
    until_state,
)


@pytest.fixture(params=["fake", "local"])
async def rig(request, tmp_path) -> AsyncIterator[Rig]:
    if request.param == "fake":
        yield FakeRig()
        return
    local = LocalRig(tmp_path)
    async with operated(local.config):
        yield local
    await local.cluster.close()


async def test_a_probe_answers_with_a_version(rig: Rig):
    assert "1" in await rig.cluster.probe() or "spark" in await rig.cluster.probe()


async def test_a_created_application_is_there_at_once(rig: Rig):
    made = await rig.cluster.create(manifest("job-1"))
    found = await rig.cluster.get("default", "job-1")
    assert found is not None
    assert (found.uid, found.job_id, found.attempt) == (made.uid, "job", 1)
    assert made.uid
    assert made.created_at
    assert [one.name for one in (await rig.cluster.list()).applications] == ["job-1"]


async def test_a_taken_name_is_refused_and_its_owner_untouched(rig: Rig):
    made = await rig.cluster.create(manifest("job-1"))
    with pytest.raises(AlreadyExists):
        await rig.cluster.create(manifest("job-1", job_id="other"))
    found = await rig.cluster.get("default", "job-1")
    assert found is not None
    assert (found.uid, found.job_id) == (made.uid, "job")


async def test_of_many_creates_at_once_one_wins(rig: Rig):
    outcomes = await asyncio.gather(
        *(rig.cluster.create(manifest("job-1")) for _ in range(12)), return_exceptions=True
    )
    assert sum(isinstance(one, AlreadyExists) for one in outcomes) == 11
    assert len((await rig.cluster.list()).applications) == 1


async def test_a_wrong_manifest_is_refused_and_leaves_nothing(rig: Rig):
    wrong = manifest("job-1")
    del wrong["spec"]["type"]
    with pytest.raises(ManifestRejected, match=r"spec\.type"):
        await rig.cluster.create(wrong)
    assert await rig.cluster.get("default", "job-1") is None


@pytest.mark.parametrize("name", ["nobody-1", "../job-1", "job-1/..", "", "JOB-1", "a" * 300])
async def test_what_does_not_exist_is_said_to_be_absent(rig: Rig, name: str):
    await rig.cluster.create(manifest("job-1"))
    assert await rig.cluster.get("default", name) is None
    assert await rig.cluster.driver("default", name) is None
    await rig.cluster.delete("default", name, "some-uid")
    with pytest.raises(LogNotFound):
        await rig.cluster.read_log("default", name, role="driver", offset=0, limit=10)


async def test_a_name_in_another_namespace_is_another_name(rig: Rig):
    made = await rig.cluster.create(manifest("job-1"))
    assert await rig.cluster.get("elsewhere", "job-1") is None
    await rig.cluster.delete("elsewhere", "job-1", made.uid)
    assert await rig.cluster.get("default", "job-1") is not None


async def test_strangers_take_names_but_are_not_listed(rig: Rig):
    await rig.cluster.create(manifest("stranger-1", job_id=""))
    assert (await rig.cluster.list()).applications == []
    with pytest.raises(AlreadyExists):
        await rig.cluster.create(manifest("stranger-1"))


async def test_a_watch_tells_a_run_from_its_start_to_its_end(rig: Rig):
    watch = rig.cluster.watch((await rig.cluster.list()).resource_version)
    await rig.cluster.create(manifest("job-1"))
    await _next(watch, lambda change: _is(change, "job-1", ""))
    await rig.run("job-1")
    await _next(watch, lambda change: _is(change, "job-1", "RUNNING"))
    await rig.end("job-1", exit_code=0)
    last = await _next(watch, lambda change: _is(change, "job-1", "COMPLETED"))
    assert last.application is not None
    assert last.application.ended_at
    assert last.application.driver_started_at


async def test_a_watch_tells_what_was_missed_since_its_version(rig: Rig):
    before = (await rig.cluster.list()).resource_version
    await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    await rig.cluster.create(manifest("other-1"))
    watch = rig.cluster.watch(before)
    told = {change.application.name for change in [await _next(watch), await _next(watch)] if change.application}
    told |= {(await _next(watch)).application.name} if len(told) < 2 else set()  # type: ignore[union-attr]
    assert told == {"job-1", "other-1"}


async def test_a_watch_goes_on_from_any_version_it_gave(rig: Rig):
    watch = rig.cluster.watch((await rig.cluster.list()).resource_version)
    await rig.cluster.create(manifest("job-1"))
    seen = await _next(watch, lambda change: _is(change, "job-1"))
    await watch.aclose()  # type: ignore[attr-defined]
    await rig.cluster.create(manifest("other-1"))
    resumed = rig.cluster.watch(seen.resource_version)
    await _next(resumed, lambda change: _is(change, "other-1"))


async def test_a_quiet_watch_sends_bookmarks_to_go_on_from(rig: Rig):
    bookmark = await _next(
        rig.cluster.watch((await rig.cluster.list()).resource_version),
        lambda change: change.kind == "bookmark",
    )
    assert bookmark.application is None
    await rig.cluster.create(manifest("job-1"))
    await _next(rig.cluster.watch(bookmark.resource_version), lambda change: _is(change, "job-1"))


@pytest.mark.parametrize("version", ["", "0", "nonsense", "nonsense.0", "ffffffff.1"])
async def test_a_version_of_another_life_is_expired(rig: Rig, version: str):
    with pytest.raises(WatchExpired):
        await anext(rig.cluster.watch(version))


async def test_a_watch_does_not_tell_of_strangers(rig: Rig):
    watch = rig.cluster.watch((await rig.cluster.list()).resource_version)
    await rig.cluster.create(manifest("stranger-1", job_id=""))
    await rig.cluster.create(manifest("job-1"))
    change = await _next(watch, lambda change: change.kind != "bookmark")
    assert _is(change, "job-1")


async def test_a_deleted_application_is_gone_and_told_as_deleted(rig: Rig):
    made = await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    watch = rig.cluster.watch((await rig.cluster.list()).resource_version)
    await rig.cluster.delete("default", "job-1", made.uid)
    change = await _next(watch, lambda change: change.kind == "deleted")
    assert change.application is not None
    assert change.application.uid == made.uid
    assert change.application.application_state == "RUNNING"
    await until_gone(rig.cluster, "job-1")
    assert await rig.cluster.driver("default", "job-1") is None
    assert (await rig.cluster.list()).applications == []
    await rig.cluster.delete("default", "job-1", made.uid)


async def test_a_finished_application_can_be_deleted_twice(rig: Rig):
    made = await rig.cluster.create(manifest("job-1"))
    await rig.run("job-1")
    await rig.end("job-1", exit_code=0)
    await until_state(rig.cluster, "job-1", "COMPLETED")
    await asyncio.gather(*(rig.cluster.delete("default", "job-1", made.uid) for _ in range(2)))
    await until_gone(rig.cluster, "job-1")


async def test_another_uid_deletes_nothing(rig: Rig):
    await rig.cluster.create(manifest("job-1"))
    with pytest.raises(UidMismatch):
        await rig.cluster.delete("default", "job-1", "00000000-0000-0000-0000-000000000000")
    await rig.run("job-1")


@pytest.mark.parametrize(("exit_code", "state", "phase"), [(0, "COMPLETED", "succeeded"), (3, "FAILED", "failed")])
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


async def _read(cluster: Cluster, *, offset: int, limit: int = 1000):
    return await cluster.read_log("default", "job-1", role="driver", offset=offset, limit=limit)


async def _has_log(cluster: Cluster, text: bytes) -> bool:
    try:
        return (await _read(cluster, offset=0)).data == text
    except LogNotFound:
        return False


def _is(change: Change, name: str, *states: str) -> bool:
    found = change.application
    return found is not None and found.name == name and (not states or found.application_state in states)


async def _next(watch, wanted=lambda change: change.kind != "bookmark") -> Change:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for change in watch:
            if wanted(change):
                return change
    raise AssertionError("the watch ended")
