"""Logs through a real API server, from a kubelet that a test plays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from archer.clusters.kubernetes import logs
from archer.errors import ClusterUnavailable, LogNotFound
from tests.cluster.kubernetes_rig import KubernetesRig, Served
from tests.cluster.rigs import manifest

pytestmark = pytest.mark.e2e


@pytest.fixture
async def real(api_server: Served) -> AsyncIterator[KubernetesRig]:
    rig = KubernetesRig(api_server)
    yield rig
    await rig.clear()


async def test_a_long_log_is_read_in_windows(real: KubernetesRig):
    await real.cluster.create(manifest("job-1"))
    await real.run("job-1")
    text = b"".join(b"line %07d\n" % number for number in range(300_000))
    real.place.kubelet.logs["job-1-driver"] = text
    await real.end("job-1", exit_code=0)
    text = real.place.kubelet.logs["job-1-driver"]
    part = await _read(real, offset=2_000_000, limit=100)
    assert (part.data, part.offset) == (text[2_000_000:2_000_100], 2_000_000)
    assert part.size > part.next_offset
    assert not part.complete
    last = await _read(real, offset=-1000, limit=1000)
    assert (last.data, last.size, last.complete) == (text[-1000:], len(text), True)
    assert last.offset == len(text) - 1000


async def test_the_end_of_a_log_that_nobody_counts_is_read_by_lines(
    real: KubernetesRig, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs, "COUNTED_BYTES", 100_000)
    await real.cluster.create(manifest("job-1"))
    await real.run("job-1")
    real.place.kubelet.logs["job-1-driver"] = text = b"x\n" * 100_000
    last = await _read(real, offset=-5001, limit=10_000)
    assert last.data == text[-5001:]
    assert last.size >= 100_000


async def test_what_the_kubelet_says_of_lost_files_is_not_taken_for_a_log(real: KubernetesRig):
    await real.cluster.create(manifest("job-1"))
    await real.run("job-1")
    lost = b"unable to retrieve container logs for containerd://0123456789"
    real.place.kubelet.logs["job-1-driver"] = lost
    with pytest.raises(LogNotFound):
        await _read(real, offset=0, limit=100)


async def test_a_log_that_cannot_be_had_is_not_an_empty_one(real: KubernetesRig):
    await real.cluster.create(manifest("job-1"))
    await real.put_driver("job-1")
    with pytest.raises(LogNotFound):  # the kubelet knows no such container
        await _read(real, offset=0, limit=10)
    status: dict[str, Any] = {"daemonEndpoints": {"kubeletEndpoint": {"Port": 9}}}
    node = await real.place.administrator.get("/api/v1/nodes/fake-node")
    await real.place.administrator.patch("/api/v1/nodes/fake-node/status", {"status": status})
    with pytest.raises(ClusterUnavailable):
        await _read(real, offset=0, limit=10)
    good = {"daemonEndpoints": node["status"]["daemonEndpoints"]}
    await real.place.administrator.patch("/api/v1/nodes/fake-node/status", {"status": good})


async def test_a_pod_that_came_to_no_node_has_no_log(real: KubernetesRig):
    await real.cluster.create(manifest("job-1"))
    await real.put_driver("job-1", node=None)
    with pytest.raises(LogNotFound):
        await _read(real, offset=0, limit=10)
    with pytest.raises(LogNotFound):
        await _read(real, offset=-10, limit=10)


async def _read(rig: KubernetesRig, *, offset: int, limit: int):
    return await rig.cluster.read_log("default", "job-1", role="driver", offset=offset, limit=limit)
