"""What Archer writes, to a strict API server: no unknown field, and pods that `restricted` lets in."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from archer.translate.spark import to_spark_application
from tests.builders import profile, request
from tests.cluster.administrator import GROUP, Administrator
from tests.cluster.kubernetes_rig import Served
from tests.cluster.spark_pods import CONTAINERS, SparkPods, spark_pods
from tests.unit.organisation import JOBS, translated, wanted
from tests.unit.test_spark_application import attempt

pytestmark = pytest.mark.e2e
GOLDENS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((Path(__file__).parents[1] / "unit" / "goldens").rglob("*.yaml"))
}
ENFORCE = "pod-security.kubernetes.io/enforce"
#: What YuniKorn 1.8.0 makes to hold room for a gang. Source: k8shim ``pkg/cache/placeholder.go``.
PLACEHOLDER = {
    "securityContext": {"runAsUser": 1000, "runAsGroup": 3000},
    "containers": [{"name": "pause", "image": "registry.local/pause:1"}],
    "restartPolicy": "Never",
}


@pytest.fixture(scope="module")
async def namespaces(api_server: Served) -> dict[str, str]:
    """A namespace for each standard, by the standard's name."""
    made = {}
    for standard in ("restricted", "baseline"):
        made[standard] = f"jobs-{standard}-{uuid.uuid4().hex[:8]}"
        labels = {ENFORCE: standard, f"{ENFORCE}-version": "latest"}
        metadata = {"name": made[standard], "labels": labels}
        await api_server.administrator.post("/api/v1/namespaces", {"metadata": metadata})
    for tier, role in itertools.product((1, 2, 3), ("", "-driver")):  # of the organisation's policy
        metadata = {"name": f"moka-tier{tier}{role}"}
        body = {"metadata": metadata, "value": 1000 - 100 * tier + (10 if role else 0)}
        await api_server.administrator.post("/apis/scheduling.k8s.io/v1/priorityclasses", body)
    return made


async def put(administrator: Administrator, namespace: str, pod: dict[str, Any]) -> dict[str, Any]:
    """Create a pod as a strict API server takes it; its name is free again afterwards."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    body = {"apiVersion": "v1", "kind": "Pod", **pod}
    return await administrator.post(path, body, fieldValidation="Strict", dryRun="All")


def bare(template: dict[str, Any], name: str) -> dict[str, Any]:
    """The template as a pod: what Spark adds at least is a name and an image."""
    (container,) = template["spec"]["containers"]
    return {
        "metadata": template["metadata"] | {"name": name},
        "spec": template["spec"] | {"containers": [container | {"image": "registry.example/spark:3.5.9"}]},
    }


@pytest.mark.parametrize("golden", GOLDENS)
async def test_no_field_of_a_manifest_is_unknown(api_server: Served, golden: str):
    body = GOLDENS[golden] | {"metadata": GOLDENS[golden]["metadata"] | {"namespace": "default"}}
    path = f"{GROUP}/namespaces/default/sparkapplications"
    made = await api_server.administrator.post(path, body, fieldValidation="Strict", dryRun="All")
    assert made["spec"] == body["spec"]  # nothing was dropped, nothing was set by default


async def test_a_field_that_is_unknown_would_be_told(api_server: Served):
    body = GOLDENS["python"] | {"metadata": {"name": "j-1", "namespace": "default"}}
    body["spec"] = body["spec"] | {"coresLimit": "1"}
    path = f"{GROUP}/namespaces/default/sparkapplications"
    with pytest.raises(AssertionError, match="coresLimit"):
        await api_server.administrator.post(path, body, fieldValidation="Strict", dryRun="All")


def standard_of(golden: str) -> str:
    return "baseline" if golden == "onprem" else "restricted"


@pytest.mark.parametrize("role", CONTAINERS)
@pytest.mark.parametrize("golden", GOLDENS)
async def test_a_pod_of_a_template_is_let_in(
    api_server: Served, namespaces: dict[str, str], golden: str, role: str
):
    template = GOLDENS[golden]["spec"][role]["template"]
    made = await put(api_server.administrator, namespaces[standard_of(golden)], bare(template, f"a-{role}"))
    assert made["spec"]["schedulerName"] == "yunikorn"
    assert made["metadata"]["annotations"] == template["metadata"]["annotations"]
    wanted_class = template["spec"].get("priorityClassName")
    assert wanted_class is None or made["spec"]["priority"] > 0


@pytest.mark.parametrize("role", CONTAINERS)
async def test_a_pod_for_an_image_that_runs_as_root_is_kept_out(
    api_server: Served, namespaces: dict[str, str], role: str
):
    template = GOLDENS["onprem"]["spec"][role]["template"]
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        await put(api_server.administrator, namespaces["restricted"], bare(template, f"a-{role}"))


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkPods]:
    with spark_pods(tmp_path_factory.mktemp("templates")) as pods:
        yield pods


@pytest.mark.spark
@pytest.mark.parametrize("name", JOBS)
async def test_the_pods_that_spark_makes_for_an_organisation_are_let_in(
    api_server: Served, namespaces: dict[str, str], spark: SparkPods, name: str
):
    if name.startswith("R "):
        pytest.skip("the JVM of these tests builds no driver of R")
    made = spark.of(translated(wanted(name)).manifest)
    for pod in (made.driver, made.executor):
        pod["metadata"].pop("ownerReferences", None)
        pod["spec"].pop("serviceAccountName", None)  # those of the tenant are not in this namespace
        pod["spec"].pop("serviceAccount", None)
        await put(api_server.administrator, namespaces["restricted"], pod)


@pytest.mark.spark
@pytest.mark.parametrize("kind", ["python", "java", "with secrets"])
async def test_the_pods_that_spark_makes_are_let_in(
    api_server: Served, namespaces: dict[str, str], spark: SparkPods, kind: str
):
    given = {"java": {"type": "java", "main_class": "a.B", "main_application_file": "s3a://jars/a.jar"}}
    cluster = profile(secrets=("s3-keys",) if kind == "with secrets" else ())
    manifest = to_spark_application(attempt(), request(**given.get(kind, {})), cluster).manifest
    made = spark.of(manifest)
    for pod in (made.driver, made.executor):
        for owner in pod["metadata"].pop("ownerReferences", []):
            assert owner["kind"] == "Pod"
        await put(api_server.administrator, namespaces["restricted"], pod)


async def test_yunikorns_placeholders_are_kept_out_of_restricted_namespaces(
    api_server: Served, namespaces: dict[str, str]
):
    """Then YuniKorn goes on without the gang; docs/manifest.md says what to do about it."""
    placeholder = {"metadata": {"name": "tg-driver-1"}, "spec": PLACEHOLDER}
    await put(api_server.administrator, namespaces["baseline"], placeholder)
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        await put(api_server.administrator, namespaces["restricted"], placeholder)
