"""The local cluster's directory: what survives, and what is said when the disk does not play along."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil

import pytest

from archer.clusters.local.cluster import LocalCluster
from archer.clusters.local.operator import LocalOperator
from archer.errors import ClusterUnavailable, WatchExpired
from tests.cluster.rigs import LocalRig, local_config, manifest, operated, until_state


async def test_versions_stay_good_across_a_restart(tmp_path):
    rig = LocalRig(tmp_path)
    before = (await rig.cluster.list()).resource_version
    async with operated(rig.config):
        await rig.cluster.create(manifest("job-1"))
        await rig.run("job-1")
        again = LocalCluster(rig.config)
        change = await anext(again.watch(before))
        assert change.application is not None
        assert change.application.name == "job-1"
        await rig.end("job-1", exit_code=0)
        await until_state(rig.cluster, "job-1", "COMPLETED")


async def test_a_line_torn_by_a_crash_is_dropped(tmp_path):
    rig = LocalRig(tmp_path)
    await rig.cluster.create(manifest("job-1"))
    version = (await rig.cluster.list()).resource_version
    with rig.config.layout.journal.open("ab") as journal:
        journal.write(b"+ torn")
    await rig.cluster.create(manifest("job-2"))
    assert rig.config.layout.journal.read_text() == "+ job-1\n+ job-2\n"
    change = await anext(rig.cluster.watch(version))
    assert change.application is not None
    assert change.application.name == "job-2"


async def test_a_root_made_anew_is_another_life(tmp_path):
    rig = LocalRig(tmp_path)
    await rig.cluster.create(manifest("job-1"))
    version = (await rig.cluster.list()).resource_version
    shutil.rmtree(rig.config.root)
    again = LocalCluster(rig.config)
    await again.create(manifest("job-2"))
    with pytest.raises(WatchExpired):
        await anext(again.watch(version))


async def test_a_root_that_went_away_is_not_an_empty_one(tmp_path):
    rig = LocalRig(tmp_path)
    await rig.cluster.create(manifest("job-1"))
    version = (await rig.cluster.list()).resource_version
    shutil.rmtree(rig.config.root)
    for question in (
        rig.cluster.get("default", "job-1"),
        rig.cluster.list(),
        rig.cluster.driver("default", "job-1"),
        rig.cluster.create(manifest("job-2")),
        anext(rig.cluster.watch(version)),
    ):
        with pytest.raises(ClusterUnavailable):
            await question


async def test_a_root_that_cannot_be_used_is_unavailable(tmp_path):
    (tmp_path / "root").write_text("a file")
    cluster = LocalCluster(local_config(tmp_path))
    for question in (cluster.probe(), cluster.get("default", "job-1"), cluster.create(manifest("job-1"))):
        with pytest.raises(ClusterUnavailable):
            await question
    with pytest.raises(ClusterUnavailable):
        await LocalOperator(local_config(tmp_path)).run(asyncio.Event())


@pytest.mark.parametrize("call", ["fsync", "pwrite", "rename"])
async def test_a_full_disk_leaves_nothing_half_created(tmp_path, monkeypatch, call):
    rig = LocalRig(tmp_path)
    await rig.cluster.create(manifest("job-1"))
    before = (await rig.cluster.list()).applications

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, call, refuse)
        with pytest.raises(ClusterUnavailable, match="No space left"):
            await rig.cluster.create(manifest("job-2"))
    assert await rig.cluster.get("default", "job-2") is None
    assert (await rig.cluster.list()).applications == before
    assert list(rig.config.layout.assembly.iterdir()) == []
    await rig.cluster.create(manifest("job-2"))
