"""What a real API server refuses, and what the adapter makes of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes.aio.config import incluster_config

from archer.errors import AlreadyExists, ClusterUnavailable, ManifestRejected, UidMismatch
from archer.translate import names
from tests.cluster.kubernetes_rig import KubernetesRig, Served
from tests.cluster.rigs import manifest, until_gone
from tests.waiting import eventually

pytestmark = pytest.mark.e2e
RBAC = "/apis/rbac.authorization.k8s.io/v1"
FORGOTTEN_SECONDS = 40.0  # an API server remembers a token that was good for 10 seconds


@pytest.fixture
async def real(api_server: Served) -> AsyncIterator[KubernetesRig]:
    rig = KubernetesRig(api_server)
    yield rig
    await rig.clear()


async def test_a_second_create_changes_nothing_of_the_first(real: KubernetesRig):
    made = await real.cluster.create(manifest("job-1", arguments=["first"]))
    with pytest.raises(AlreadyExists):
        await real.cluster.create(manifest("job-1", arguments=["second"]))
    path = "/apis/sparkoperator.k8s.io/v1beta2/namespaces/default/sparkapplications/job-1"
    stored = await real.place.administrator.get(path)
    assert (stored["metadata"]["uid"], stored["spec"]["arguments"]) == (made.uid, ["first"])
    assert stored["metadata"]["generation"] == 1


async def test_manifests_that_the_cluster_never_takes_are_rejected_in_its_words(real: KubernetesRig):
    unknown = manifest("job-1")
    unknown["spec"]["driver"]["coers"] = 1
    with pytest.raises(ManifestRejected, match=r'unknown field "spec\.driver\.coers"'):
        await real.cluster.create(unknown)
    nowhere = manifest("job-1")
    nowhere["metadata"]["namespace"] = "nowhere"
    with pytest.raises(ManifestRejected, match='namespaces "nowhere" not found'):
        await real.cluster.create(nowhere)
    with pytest.raises(ManifestRejected, match="larger"):
        await real.cluster.create(manifest("job-1", arguments=["x" * 1_100_000]))
    mislabelled = manifest("job-1", job_id="no label!")
    with pytest.raises(ManifestRejected, match="Invalid value"):
        await real.cluster.create(mislabelled)
    assert (await real.cluster.list()).applications == []


async def test_a_namespace_that_ends_takes_no_more(real: KubernetesRig):
    administrator = real.place.administrator
    await administrator.post("/api/v1/namespaces", {"metadata": {"name": "ending"}})
    await administrator.delete("/api/v1/namespaces/ending")  # which no controller brings to its end here
    late = manifest("job-1")
    late["metadata"]["namespace"] = "ending"
    with pytest.raises(ManifestRejected, match="because it is being terminated"):
        await real.cluster.create(late)


async def test_missing_rights_are_not_the_manifests_fault(api_server: Served, tmp_path: Path):
    file = tmp_path / "powerless"
    file.write_text(await _token(api_server, "powerless"))
    rig = KubernetesRig(api_server, kubeconfig=api_server.server.with_token_file(file))
    for ask in (
        rig.cluster.create(manifest("job-1")),
        rig.cluster.get("default", "job-1"),
        rig.cluster.list(),
        rig.cluster.delete("default", "job-1", "some-uid"),
        rig.cluster.driver("default", "job-1"),
    ):
        with pytest.raises(ClusterUnavailable, match="credentials"):
            await ask
    await rig.cluster.close()


async def test_a_rotated_token_is_taken_up_without_a_failed_call(api_server: Served, tmp_path: Path):
    administrator = api_server.administrator
    file = tmp_path / "rotated"
    first, second = await _token(api_server, "first"), await _token(api_server, "second")
    subjects = [{"kind": "ServiceAccount", "name": n, "namespace": "default"} for n in ("first", "second")]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    await administrator.post(
        f"{RBAC}/clusterrolebindings", {"metadata": {"name": "both"}, "roleRef": role, "subjects": subjects}
    )
    file.write_text("no token of anybody\n")
    rig = KubernetesRig(api_server, kubeconfig=api_server.server.with_token_file(file))
    with pytest.raises(ClusterUnavailable, match="credentials"):
        await rig.cluster.list()
    file.write_text(first + "\n")
    await eventually(lambda: _lists(rig), seconds=10)
    file.write_text(second + "\n")
    await administrator.delete("/api/v1/namespaces/default/serviceaccounts/first")
    async with asyncio.timeout(FORGOTTEN_SECONDS):
        while await _is_known(api_server, first, tmp_path):
            await rig.cluster.list()
            await asyncio.sleep(0.5)
    await rig.cluster.list()
    await rig.cluster.close()


async def test_the_service_account_of_a_pod_is_enough(
    api_server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    token = tmp_path / "token"
    token.write_text(await _token(api_server, "in-cluster"))
    subject = {"kind": "ServiceAccount", "name": "in-cluster", "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "in-cluster"}, "roleRef": role, "subjects": [subject]}
    await api_server.administrator.post(f"{RBAC}/clusterrolebindings", binding)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(api_server.server.pki / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api_server.server.place.api_port))
    rig = KubernetesRig(api_server, kubeconfig=None, namespaces=())
    await rig.cluster.create(manifest("job-1"))
    assert [one.name for one in (await rig.cluster.list()).applications] == ["job-1"]
    await rig.clear()


async def test_a_server_that_does_not_answer_is_given_up_in_time(api_server: Served):
    rig = KubernetesRig(api_server, timeout_seconds=1.0, list_timeout_seconds=1.0)
    await rig.cluster.probe()
    api_server.server.pause()
    try:
        async with asyncio.timeout(10):
            for ask in (rig.cluster.get("default", "job-1"), rig.cluster.list(), rig.cluster.probe()):
                with pytest.raises(ClusterUnavailable, match="in time"):
                    await ask
    finally:
        api_server.server.resume()
    assert await rig.cluster.get("default", "job-1") is None
    await rig.cluster.close()


async def test_pods_are_ended_with_their_application_and_after_it(real: KubernetesRig):
    made = await real.cluster.create(manifest("job-1"))
    labels = {names.JOB_ID: "job", names.ATTEMPT: "1"}
    pods = real.place.administrator
    await real.put_driver("job-1")
    await pods.put_pod("job-1-exec-1", container=names.EXECUTOR_CONTAINER, labels=labels)
    await pods.put_pod("other", container="other", labels=labels | {names.ATTEMPT: "2"})
    with pytest.raises(UidMismatch):
        await real.cluster.delete("default", "job-1", "00000000-0000-0000-0000-000000000000")
    assert len(await _pods(real)) == 3
    await real.cluster.delete("default", "job-1", made.uid)
    await until_gone(real.cluster, "job-1")
    assert await _pods(real) == ["other"]
    # the operator had begun to submit before the application was gone
    await pods.put_pod("job-1-driver", container=names.DRIVER_CONTAINER, labels=labels)
    assert await real.cluster.driver("default", "job-1") is not None
    await real.cluster.delete("default", "job-1", made.uid)
    assert await real.cluster.driver("default", "job-1") is None
    assert await _pods(real) == ["other"]


async def test_a_pod_that_waits_says_why(real: KubernetesRig):
    await real.cluster.create(manifest("job-1"))
    assert await real.cluster.driver("default", "job-1") is None
    made = await real.put_driver("job-1")
    event = {
        "metadata": {"name": "job-1-driver.1", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "job-1-driver"}
        | {"uid": made["metadata"]["uid"]},
        "type": "Warning",
        "reason": "FailedMount",
        "message": 'MountVolume.SetUp failed: configmap "none" not found',
        "lastTimestamp": "2027-01-01T00:00:00Z",
    }
    await real.place.administrator.post("/api/v1/namespaces/default/events", event)
    found = await real.cluster.driver("default", "job-1")
    assert found is not None
    assert (found.phase, found.reason, found.node) == ("pending", "FailedMount", "fake-node")
    assert "configmap" in found.message
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    await real.write_driver("job-1", phase="Pending", state=waiting)
    found = await real.cluster.driver("default", "job-1")
    assert found is not None
    assert (found.phase, found.reason) == ("pending", "ImagePullBackOff")


async def _pods(rig: KubernetesRig) -> list[str]:
    found = await rig.place.administrator.get("/api/v1/namespaces/default/pods")
    return sorted(pod["metadata"]["name"] for pod in found["items"])


async def _lists(rig: KubernetesRig) -> bool:
    with contextlib.suppress(ClusterUnavailable):
        await rig.cluster.list()
        return True
    return False


async def _is_known(place: Served, token: str, directory: Path) -> bool:
    """Whether the API server still takes a token."""
    file = directory / "still-known"
    file.write_text(token)
    rig = KubernetesRig(place, kubeconfig=place.server.with_token_file(file))
    try:
        return await _lists(rig)
    finally:
        await rig.cluster.close()


async def _token(place: Served, account: str) -> str:
    path = "/api/v1/namespaces/default/serviceaccounts"
    await place.administrator.post(path, {"metadata": {"name": account}})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = await place.administrator.post(f"{path}/{account}/token", request)
    return answer["status"]["token"]
