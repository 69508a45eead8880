"""What Archer may do in a cluster, and that this is enough; what it writes, and that a cluster takes it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import yaml

from archer.errors import ClusterUnavailable
from tests.cluster.kubernetes_rig import KubernetesRig, Served
from tests.cluster.rigs import manifest, until_gone

pytestmark = pytest.mark.e2e
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
GOLDENS = sorted((Path(__file__).parents[1] / "unit" / "goldens").glob("*.yaml"))
#: Of a Role in each namespace of jobs; the chart grants the same.
RIGHTS = [
    {
        "apiGroups": ["sparkoperator.k8s.io"],
        "resources": ["sparkapplications"],
        "verbs": ["create", "delete", "get", "list", "watch"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
]


Limited = Callable[[str, list], Awaitable[KubernetesRig]]


@pytest.fixture
async def limited(api_server: Served, tmp_path: Path) -> AsyncIterator[Limited]:
    """Makes adapters that may do no more than some rules."""
    made: list[KubernetesRig] = []

    async def limit(name: str, rules: list) -> KubernetesRig:
        made.append(await _limited(api_server, tmp_path, name, rules))
        return made[-1]

    yield limit
    for rig in made:
        await rig.clear()


async def test_few_rights_are_enough(limited: Limited):
    rig = await limited("enough", RIGHTS)
    assert await rig.cluster.probe()
    watch = rig.cluster.watch((await rig.cluster.list()).resource_version)
    drivers = rig.cluster.watch_drivers((await rig.cluster.list_drivers()).resource_version)
    made = await rig.cluster.create(manifest("job-1"))
    change = await asyncio.wait_for(anext(watch), 30)
    assert change.application is not None
    assert change.application.uid == made.uid
    await rig.run("job-1")
    assert (await asyncio.wait_for(anext(drivers), 30)).driver is not None
    assert await rig.cluster.driver("default", "job-1") is not None
    log = await rig.cluster.read_log("default", "job-1", role="driver", offset=0, limit=100)
    assert log.data
    await rig.cluster.delete("default", "job-1", made.uid)
    await until_gone(rig.cluster, "job-1")
    assert await rig.cluster.driver("default", "job-1") is None


async def test_without_events_a_driver_is_described_all_the_same(limited: Limited):
    rig = await limited("no-events", RIGHTS[:2])
    await rig.cluster.create(manifest("job-1"))
    await rig.put_driver("job-1")
    found = await rig.cluster.driver("default", "job-1")
    assert found is not None
    assert found.phase == "pending"
    with pytest.raises(ClusterUnavailable, match="credentials"):
        await rig.cluster.read_log("default", "job-1", role="driver", offset=0, limit=100)


@pytest.fixture(params=GOLDENS, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest) -> dict:
    return yaml.safe_load(request.param.read_text())


async def test_what_archer_writes_has_no_field_that_the_operator_does_not_know(
    golden: dict, limited: Limited
):
    body = golden | {"metadata": golden["metadata"] | {"namespace": "default"}}
    rig = await limited("goldens", RIGHTS)
    made = await rig.cluster.create(body)
    found = await rig.cluster.get("default", made.name)
    assert found is not None
    assert found == made
    assert found.spec_sha256 == body["metadata"]["annotations"]["moka.dev/spec-sha256"]


async def _limited(api_server: Served, directory: Path, name: str, rules: list) -> KubernetesRig:
    """The adapter as a service account that may do no more than *rules*."""
    name = f"{name}-{uuid.uuid4().hex[:8]}"
    administrator = api_server.administrator
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    metadata = {"metadata": {"name": name}}
    await administrator.post(accounts, metadata)
    await administrator.post(f"{RBAC}/roles", metadata | {"rules": rules})
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    await administrator.post(f"{RBAC}/rolebindings", metadata | {"roleRef": role, "subjects": [subject]})
    answer = await administrator.post(
        f"{accounts}/{name}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}},
    )
    file = directory / f"{name}-token"
    file.write_text(answer["status"]["token"])
    return KubernetesRig(api_server, kubeconfig=api_server.server.with_token_file(file))
