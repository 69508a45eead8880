"""Watches and lists of a real API server, through networks that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archer.clusters.port import Change
from archer.errors import ClusterUnavailable, WatchExpired
from tests.cluster.faulty_proxy import FaultyProxy
from tests.cluster.kubernetes_rig import KubernetesRig, Served
from tests.cluster.rigs import manifest

pytestmark = pytest.mark.e2e
PATIENCE_SECONDS = 60.0
LARGE_BYTES = 1_350_000  # near what etcd takes


@pytest.fixture
async def proxy(api_server: Served) -> AsyncIterator[FaultyProxy]:
    proxy = FaultyProxy(api_server.server.place.server, api_server.server.pki)
    yield proxy
    await proxy.close()


@pytest.fixture
async def far(api_server: Served, proxy: FaultyProxy, tmp_path: Path) -> AsyncIterator[KubernetesRig]:
    """The adapter, behind the proxy."""
    rig = KubernetesRig(api_server, kubeconfig=await proxy.start(tmp_path), silence_seconds=2.0)
    yield rig
    await rig.clear()


async def test_1200_applications_are_listed_in_pages(far: KubernetesRig, proxy: FaultyProxy):
    body = [manifest(f"many-{number}") for number in range(1200)]
    for start in range(0, len(body), 100):
        await asyncio.gather(*(far.cluster.create(one) for one in body[start : start + 100]))
    proxy.requests.clear()
    listing = await far.cluster.list()
    assert len({one.name for one in listing.applications}) == 1200
    assert len(proxy.requests) == 3
    await far.cluster.create(manifest("later-1"))
    assert _name(await _next(far.cluster.watch(listing.resource_version))) == "later-1"


async def test_a_refusal_is_waited_out_as_long_as_it_says(far: KubernetesRig, proxy: FaultyProxy):
    proxy.refusals, proxy.retry_after = 1, "2"
    with pytest.raises(ClusterUnavailable) as refused:
        await far.cluster.list()
    assert refused.value.retry_after_seconds == 2
    with pytest.raises(ClusterUnavailable) as early:
        await far.cluster.create(manifest("job-1"))
    assert early.value.retry_after_seconds
    with pytest.raises(ClusterUnavailable):
        await _next(far.cluster.watch("1"))
    assert len(proxy.requests) == 1
    await asyncio.sleep(early.value.retry_after_seconds)
    await far.cluster.create(manifest("job-1"))
    assert proxy.requests[1][0] - proxy.requests[0][0] >= 2


async def test_a_silent_stream_is_opened_again_and_misses_nothing(far: KubernetesRig, proxy: FaultyProxy):
    watch = far.cluster.watch((await far.cluster.list()).resource_version)
    await far.cluster.create(manifest("job-1"))
    assert _name(await _next(watch)) == "job-1"
    proxy.stall()
    stalled = asyncio.create_task(_next(watch))
    await far.place.administrator.set_status("job-1", applicationState={"state": "RUNNING"})
    await asyncio.sleep(1.0)
    assert not stalled.done()
    proxy.heal()
    change = await stalled
    assert change.application is not None
    assert change.application.application_state == "RUNNING"


async def test_a_stream_that_cannot_be_opened_again_is_said_to_be_broken(
    far: KubernetesRig, proxy: FaultyProxy
):
    watch = far.cluster.watch((await far.cluster.list()).resource_version)
    waiting = asyncio.create_task(_next(watch))
    await asyncio.sleep(0.5)
    await proxy.close()
    with pytest.raises(ClusterUnavailable):
        await waiting


async def test_bytes_may_come_one_by_one(far: KubernetesRig, proxy: FaultyProxy):
    proxy.piece_bytes = 7
    watch = far.cluster.watch((await far.cluster.list()).resource_version)
    await far.cluster.create(manifest("job-1"))
    assert _name(await _next(watch)) == "job-1"


async def test_half_an_event_is_never_taken_for_one(far: KubernetesRig, proxy: FaultyProxy):
    version = (await far.cluster.list()).resource_version
    await far.cluster.create(manifest("job-1"))
    proxy.cut_after_bytes = 300
    with pytest.raises(ClusterUnavailable):
        await _next(far.cluster.watch(version))
    proxy.cut_after_bytes = None
    assert _name(await _next(far.cluster.watch(version))) == "job-1"


async def test_half_a_list_is_never_taken_for_one(far: KubernetesRig, proxy: FaultyProxy):
    await far.cluster.create(manifest("job-1"))
    proxy.cut_after_bytes = 700
    with pytest.raises(ClusterUnavailable):
        await far.cluster.list()
    with pytest.raises(ClusterUnavailable):
        await far.cluster.get("default", "job-1")


async def test_an_event_of_more_than_a_mebibyte_is_read(far: KubernetesRig):
    await far.cluster.create(manifest("job-1"))
    watch = far.cluster.watch((await far.cluster.list()).resource_version)
    executors = {f"job-1-exec-{number}": "RUNNING" for number in range(LARGE_BYTES // 34)}
    await far.place.administrator.set_status("job-1", executorState=executors)
    change = await _next(watch)
    assert change.application is not None
    assert change.application.executors_running == len(executors)
    assert (await far.cluster.list()).applications == [change.application]


async def test_several_namespaces_are_followed_as_one(api_server: Served):
    for name in ("one", "two"):
        await api_server.administrator.post("/api/v1/namespaces", {"metadata": {"name": name}})
    rig = KubernetesRig(api_server, namespaces=("one", "two"))
    start = (await rig.cluster.list()).resource_version
    watch = rig.cluster.watch(start)
    told = []
    for namespace in ("one", "two", "one", "default"):
        body = manifest(f"job-{len(told) + 1}")
        body["metadata"]["namespace"] = namespace
        await rig.cluster.create(body)
        if namespace != "default":
            told.append(await _next(watch))
    assert [(c.application.namespace, c.application.name) for c in told if c.application] == [
        ("one", "job-1"),
        ("two", "job-2"),
        ("one", "job-3"),
    ]
    # of the quiet one nothing is known after the second change, so that is where to go on
    assert told[0].resource_version == start
    assert [_name(await _next(rig.cluster.watch(told[2].resource_version)))] == ["job-3"]
    assert len((await rig.cluster.list()).applications) == 3
    for namespace in ("one", "two"):
        path = f"/apis/sparkoperator.k8s.io/v1beta2/namespaces/{namespace}/sparkapplications"
        await api_server.administrator.delete(path)
    await rig.clear()


async def test_a_compacted_version_is_expired_and_a_server_may_be_killed(api_server: Served):
    rig = KubernetesRig(api_server)
    made = await rig.cluster.create(manifest("job-1"))
    watch = rig.cluster.watch(made.resource_version)
    waiting = asyncio.create_task(_next(watch))
    await asyncio.to_thread(api_server.server.stop_serving)
    with pytest.raises(ClusterUnavailable):
        await waiting
    with pytest.raises(ClusterUnavailable):
        await rig.cluster.get("default", "job-1")
    await asyncio.to_thread(api_server.server.start)
    await _until_served(rig)
    found = await rig.cluster.get("default", "job-1")
    assert found is not None
    assert found.uid == made.uid
    await rig.run("job-1")
    await asyncio.to_thread(api_server.server.compact)
    await asyncio.to_thread(api_server.server.stop_serving)
    await asyncio.to_thread(api_server.server.start)
    await _until_served(rig)
    with pytest.raises(WatchExpired):
        await _next(rig.cluster.watch(made.resource_version))
    listing = await rig.cluster.list()
    assert [one.application_state for one in listing.applications] == ["RUNNING"]
    await rig.end("job-1", exit_code=0)
    change = await _next(rig.cluster.watch(listing.resource_version))
    assert _name(change) == "job-1"
    await rig.clear()


async def _until_served(rig: KubernetesRig) -> None:
    """A fresh API server answers 404 for what it does not know of yet, which is no absence."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await rig.cluster.list()
            except ClusterUnavailable:
                await asyncio.sleep(0.2)
            else:
                return


def _name(change: Change) -> str:
    assert change.application is not None
    return change.application.name


async def _next(watch) -> Change:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for change in watch:
            if change.kind != "bookmark":
                return change
    raise AssertionError("the watch ended")
