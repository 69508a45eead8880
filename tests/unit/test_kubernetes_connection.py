"""Credentials as files change, and how streams of several namespaces become one; the server is a stub."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from archer.clusters.kubernetes.cluster import KubernetesCluster
from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.credentials import Credentials
from archer.errors import ClusterUnavailable, WatchExpired
from archer.translate import names

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: one
clusters: [{{name: c, cluster: {{server: "{server}/"}}}}]
users: [{{name: u, user: {user}}}]
contexts:
- {{name: one, context: {{cluster: c, user: u}}}}
"""
SAYS_WHO = "http://127.0.0.1:1"


async def test_a_token_file_is_read_again_without_its_newline(tmp_path: Path):
    token = tmp_path / "token"
    token.write_text("first\n")
    credentials = _credentials(tmp_path, user={"tokenFile": str(token)}, seconds=60)
    known = await credentials.access()
    assert (known.authorization, known.server) == ("Bearer first", SAYS_WHO)
    token.write_text("second\n")
    assert (await credentials.access()).authorization == "Bearer first"
    assert (await credentials.access(refused=known)).authorization == "Bearer second"
    aged = _credentials(tmp_path, user={"tokenFile": str(token)}, seconds=0)
    assert (await aged.access()).authorization == "Bearer second"
    token.write_text("third")
    assert (await aged.access()).authorization == "Bearer third"


async def test_a_changed_kubeconfig_is_read_again(tmp_path: Path):
    credentials = _credentials(tmp_path, user={"token": "first"}, seconds=0)
    assert (await credentials.access()).authorization == "Bearer first"
    _write(tmp_path, {"token": "second"})
    os.utime(tmp_path / "kubeconfig", ns=(1, 1))
    assert (await credentials.access()).authorization == "Bearer second"


async def test_what_was_good_is_kept_while_it_cannot_be_read_anew(tmp_path: Path):
    credentials = _credentials(tmp_path, user={"token": "first"}, seconds=0)
    known = await credentials.access()
    (tmp_path / "kubeconfig").unlink()
    assert (await credentials.access()).authorization == "Bearer first"
    with pytest.raises(ClusterUnavailable, match="credentials"):
        await credentials.access(refused=known)


async def test_a_plugin_is_asked_once_as_long_as_its_token_is_good(tmp_path: Path):
    plugin = tmp_path / "plugin"
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "from-plugin", "expirationTimestamp": "2999-01-01T00:00:00Z"},
    }
    plugin.write_text(f"#!/bin/sh\necho asked >> {tmp_path}/asked\necho '{json.dumps(answer)}'\n")
    plugin.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}}
    credentials = _credentials(tmp_path, user=user, seconds=0)
    known = await credentials.access()
    assert await credentials.access() == await credentials.access() == known
    known = await credentials.access()
    assert known.authorization == "Bearer from-plugin"
    assert (tmp_path / "asked").read_text().count("asked") == 1
    await credentials.access(refused=known)
    assert (tmp_path / "asked").read_text().count("asked") == 2


@pytest.mark.parametrize("content", [None, "", "][", "apiVersion: v1\nkind: Config\n"])
async def test_a_kubeconfig_that_cannot_be_read_is_a_cluster_that_cannot_be_asked(tmp_path: Path, content):
    if content is not None:
        (tmp_path / "kubeconfig").write_text(content)
    cluster = KubernetesCluster(KubernetesConfig("c", tmp_path / "kubeconfig"))
    with pytest.raises(ClusterUnavailable, match="credentials"):
        await cluster.list()
    await cluster.close()


async def test_nobody_listens(tmp_path: Path):
    _write(tmp_path, {})
    cluster = KubernetesCluster(KubernetesConfig("c", tmp_path / "kubeconfig"))
    with pytest.raises(ClusterUnavailable):
        await cluster.get("default", "job-1")
    await cluster.close()
    with pytest.raises(ClusterUnavailable, match="closed"):
        await cluster.get("default", "job-1")


class Stub:
    """Answers of an API server, as a test writes them: the lines of a watch for each namespace."""

    def __init__(self) -> None:
        self.lines: dict[str, list[bytes]] = {}
        self.answer: tuple[int, str] = (200, "{}")
        self.stays_open: set[str] = set()
        self.asked: list[str] = []


@pytest.fixture
async def stub(tmp_path: Path) -> AsyncIterator[Stub]:
    stub = Stub()

    async def answer(request: web.Request) -> web.StreamResponse:
        stub.asked.append(request.path_qs)
        if "watch" not in request.query:
            return web.Response(status=stub.answer[0], text=stub.answer[1])
        namespace = request.path.split("/")[5]
        response = web.StreamResponse()
        await response.prepare(request)
        for line in stub.lines.get(namespace, []):
            await response.write(line)
        if namespace in stub.stays_open:
            await asyncio.sleep(30)
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _write(tmp_path, {}, server=f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield stub
    await runner.cleanup()


@pytest.fixture
async def cluster(stub: Stub, tmp_path: Path) -> AsyncIterator[KubernetesCluster]:
    config = KubernetesConfig("c", tmp_path / "kubeconfig", namespaces=("one", "two"))
    cluster = KubernetesCluster(config)
    yield cluster
    await cluster.close()


async def test_a_version_is_never_ahead_of_any_namespace(stub: Stub, cluster: KubernetesCluster):
    stub.stays_open = {"one", "two"}
    stub.lines = {
        "one": [_event("a-1", 20), _event("a-1", 30), _bookmark(40)],
        "two": [_event("b-1", 25), _bookmark(35)],
    }
    told = []
    async for change in cluster.watch("10"):
        told.append(change)
        if len(told) == 5:
            break
    versions = [int(change.resource_version) for change in told]
    assert versions == sorted(versions)
    reached = {"a": 10, "b": 10}
    for change in told:
        if change.application is not None:
            reached[change.application.name[0]] = int(change.application.resource_version)
            assert int(change.resource_version) <= max(10, *reached.values())
    assert (versions[0], versions[-1]) == (10, 35)


async def test_the_first_broken_stream_breaks_all(stub: Stub, cluster: KubernetesCluster):
    stub.stays_open = {"one"}
    stub.lines = {"one": [_event("a-1", 20)], "two": [b'{"type":"ADDED","obj']}
    with pytest.raises(ClusterUnavailable, match="within an event"):
        _ = [change async for change in cluster.watch("10")]


async def test_an_expired_stream_expires_all(stub: Stub, cluster: KubernetesCluster):
    stub.stays_open = {"one"}
    status = {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"}
    stub.lines = {"two": [json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"]}
    with pytest.raises(WatchExpired):
        _ = [change async for change in cluster.watch("10")]


async def test_a_list_that_expires_on_its_way_is_read_anew_as_a_whole(stub: Stub, cluster: KubernetesCluster):
    status = {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"}
    stub.answer = (410, json.dumps(status))
    with pytest.raises(ClusterUnavailable, match="expires"):
        await cluster.list()
    assert ["limit=" in path for path in stub.asked] == [True, False]


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_page_of_a_proxy_is_no_answer(stub: Stub, cluster: KubernetesCluster, status: int):
    stub.answer = (status, "<html>not found</html>")
    for ask in (
        cluster.get("one", "job-1"),
        cluster.list(),
        cluster.driver("one", "job-1"),
        cluster.probe(),
        cluster.create({"metadata": {"namespace": "one", "name": "job-1"}}),
    ):
        with pytest.raises(ClusterUnavailable):
            await ask


async def test_a_redirect_is_not_followed(stub: Stub, cluster: KubernetesCluster):
    stub.answer = (302, "elsewhere")
    with pytest.raises(ClusterUnavailable):
        await cluster.list()


def _credentials(directory: Path, *, user: dict, seconds: float) -> Credentials:
    _write(directory, user)
    config = KubernetesConfig("c", directory / "kubeconfig", credentials_seconds=seconds)
    return Credentials(config)


def _write(directory: Path, user: dict, *, server: str = SAYS_WHO) -> None:
    (directory / "kubeconfig").write_text(KUBECONFIG.format(server=server, user=json.dumps(user)))


def _event(name: str, version: int) -> bytes:
    metadata = {"name": name, "resourceVersion": str(version), "labels": {names.JOB_ID: name[0]}}
    resource = {"kind": names.KIND, "metadata": metadata}
    return json.dumps({"type": "MODIFIED", "object": resource}).encode() + b"\n"


def _bookmark(version: int) -> bytes:
    resource = {"kind": names.KIND, "metadata": {"resourceVersion": str(version)}}
    return json.dumps({"type": "BOOKMARK", "object": resource}).encode() + b"\n"
