"""What `make kind` would apply, on a real API server, chart and S3 server; only Docker itself is not here."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.administrator import Administrator
from tests.cluster.kubernetes_rig import Served
from tests.stack.build.binaries import binary
from tests.stack.host.commands import run
from tests.stack.layout import TOOLS
from tests.stack.parts.answers import http_ok

pytestmark = pytest.mark.e2e
FILES = Path(__file__).parents[2] / "examples" / "kind"
MANIFESTS = ("jobs.yaml", "queues.yaml", "s3.yaml")
STRICT = {"fieldValidation": "Strict", "dryRun": "All"}
KEYS = {"AWS_ACCESS_KEY_ID": "moka", "AWS_SECRET_ACCESS_KEY": "moka-moka"}


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def collection(document: dict[str, Any]) -> str:
    """The path that an object is posted to."""
    group, kind = document["apiVersion"], document["kind"]
    # Helm's own namespace, where a chart names none; and the operator's names one for ClusterRoles, too
    namespace = document["metadata"].get("namespace", "spark-operator")
    within = "" if kind.startswith("Cluster") else f"/namespaces/{namespace}"
    return f"/{'apis' if '/' in group else 'api'}/{group}{within}/{kind.lower()}s"


async def ensure(administrator: Administrator, namespace: dict[str, Any]) -> None:
    """Make a namespace, since nothing can be tried in one that is not there."""
    names = [found["metadata"]["name"] for found in (await administrator.get("/api/v1/namespaces"))["items"]]
    if namespace["metadata"]["name"] not in names:
        await administrator.post("/api/v1/namespaces", namespace, fieldValidation="Strict")


@pytest.mark.parametrize("file", MANIFESTS)
async def test_the_api_server_takes_every_object(api_server: Served, file: str):
    for document in documents((FILES / file).read_text()):
        if document["kind"] == "Namespace":
            await ensure(api_server.administrator, document)
        else:
            await api_server.administrator.post(collection(document), document, **STRICT)


async def test_the_pods_of_the_s3_server_are_let_in(api_server: Served):
    found = documents((FILES / "s3.yaml").read_text())
    await ensure(api_server.administrator, found[0])
    templates = [one["spec"]["template"] for one in found if one["kind"] in ("Deployment", "Job")]
    assert len(templates) == 2
    for template in templates:
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}
        pod["metadata"] = {"generateName": "s3-", "namespace": "moka-s3"}
        await api_server.administrator.post(collection(pod), pod, **STRICT)


def rendered() -> list[dict[str, Any]]:
    """The official chart of the operator, as its module brings it, with our values."""
    module = ["go", "list", "-m", "-f", "{{.Dir}}", "github.com/kubeflow/spark-operator/v2"]
    chart = Path(run(*module, cwd=TOOLS / "spark-operator").strip()) / "charts" / "spark-operator-chart"
    options = ["--namespace", "spark-operator", "--values", FILES / "spark-operator.yaml"]
    return documents(run(binary("helm"), "template", "spark-operator", chart, *options))


async def test_the_chart_of_the_operator_takes_our_values(api_server: Served):
    made = rendered()
    assert [one["kind"] for one in made if "Webhook" in one["kind"]] == []
    (controller,) = [one for one in made if one["kind"] == "Deployment"]
    (container,) = controller["spec"]["template"]["spec"]["containers"]
    assert "--namespaces=moka-jobs" in container["args"]
    assert container["image"].endswith(":2.5.0")
    for name in ("spark-operator", "moka-jobs"):
        await ensure(api_server.administrator, {"metadata": {"name": name}})
    for document in made:
        await api_server.administrator.post(collection(document), document, **STRICT)
    # the rights of drivers are ours, in jobs.yaml
    accounts = [one["metadata"] for one in made if one["kind"] == "ServiceAccount"]
    assert [account for account in accounts if account.get("namespace") == "moka-jobs"] == []


@contextlib.contextmanager
def s3_server(directory: Path) -> Iterator[tuple[str, Path]]:
    """The S3 server as s3.yaml starts it, on a port and folders of the test; its address and its objects."""
    (deployment,) = [one for one in documents((FILES / "s3.yaml").read_text()) if one["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    here = {
        ":7070": address,
        "/data/meta": str(directory / "meta"),
        "/data/objects": str(directory / "objects"),
    }
    for folder in ("meta", "objects"):
        (directory / folder).mkdir()
    keys = {one["name"]: KEYS[one["valueFrom"]["secretKeyRef"]["key"]] for one in container["env"]}
    with (directory / "log").open("wb") as log:
        arguments = [here.get(argument, argument) for argument in container["args"]]
        command = [str(binary("versitygw")), *map(str, arguments)]
        server = subprocess.Popen(command, env=keys, stdout=log, stderr=log)
    health = container["readinessProbe"]["httpGet"]["path"]
    try:
        deadline = time.monotonic() + 30
        while not http_ok(f"http://{address}{health}"):
            assert server.poll() is None, (directory / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"http://{address}", directory / "objects"
    finally:
        server.terminate()
        server.wait(30)


def test_the_bucket_is_made_once_and_its_keys_are_in_it(tmp_path: Path):
    with s3_server(tmp_path) as (address, objects):
        command = [sys.executable, str(FILES / "bucket.py"), address, "moka", "events/"]
        for _ in range(2):
            subprocess.run(command, env={**os.environ, **KEYS}, check=True, timeout=60)
        # its own files begin with a dot
        assert [path.name for path in objects.iterdir() if not path.name.startswith(".")] == ["moka"]
        assert (objects / "moka" / "events").is_dir()
        wrong = {**os.environ, **KEYS, "AWS_SECRET_ACCESS_KEY": "another"}
        assert subprocess.run(command, env=wrong, stderr=subprocess.DEVNULL, check=False).returncode != 0
