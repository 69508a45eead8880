"""What every cluster promises, whatever it is made of."""

from __future__ import annotations

import asyncio

import pytest

from archer.clusters.port import Change
from archer.errors import AlreadyExists, LogNotFound, ManifestRejected, UidMismatch, WatchExpired
from tests.cluster.rigs import (
    PATIENCE_SECONDS,
    Rig,
    manifest,
    until_gone,
    until_state,
)


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
    # its very first state may be over before anybody looks
    await _next(watch, lambda change: _is(change, "job-1"))
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
    told: list[str] = []
    while len(set(told)) < 2:
        told.append(_name(await _next(watch)))
    assert set(told) == {"job-1", "other-1"}


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


def _is(change: Change, name: str, *states: str) -> bool:
    found = change.application
    return found is not None and found.name == name and (not states or found.application_state in states)


def _name(change: Change) -> str:
    assert change.application is not None
    return change.application.name


async def _next(watch, wanted=lambda change: change.kind != "bookmark") -> Change:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for change in watch:
            if wanted(change):
                return change
    raise AssertionError("the watch ended")
