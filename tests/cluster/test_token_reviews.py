"""Tokens of service accounts, as a real API server makes and judges them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from archer.clusters.kubernetes.config import KubernetesConfig
from archer.clusters.kubernetes.identity.reviews import Reviews
from archer.errors import ClusterUnavailable
from tests.cluster.kubernetes_rig import Served
from tests.waiting import eventually

pytestmark = pytest.mark.e2e
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
Issue = Callable[..., Awaitable[str]]


@pytest.fixture
async def account(api_server: Served) -> str:
    name = f"caller-{uuid.uuid4().hex[:8]}"
    await api_server.administrator.post(ACCOUNTS, {"metadata": {"name": name}})
    return name


@pytest.fixture
def issue(api_server: Served, account: str) -> Issue:
    async def made(*audiences: str) -> str:
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": list(audiences)},
        }
        answer = await api_server.administrator.post(f"{ACCOUNTS}/{account}/token", request)
        return answer["status"]["token"]

    return made


@pytest.fixture
async def reviews(api_server: Served) -> AsyncIterator[Reviews]:
    made = Reviews(KubernetesConfig("real", kubeconfig=api_server.server.kubeconfig))
    yield made
    await made.close()


async def test_a_token_for_archer_is_of_its_account(reviews: Reviews, issue: Issue, account: str):
    user = f"system:serviceaccount:default:{account}"
    assert await reviews.review(await issue("archer"), "archer") == user
    assert await reviews.review(await issue("other", "archer"), "archer") == user


async def test_a_token_for_another_audience_is_nobodys(reviews: Reviews, issue: Issue):
    assert await reviews.review(await issue("vault"), "archer") is None
    assert await reviews.review(await issue("https://kubernetes.default.svc"), "archer") is None


async def test_a_token_that_is_not_whole_is_nobodys(reviews: Reviews, issue: Issue):
    token = await issue("archer")
    head, body, signature = token.split(".")
    for bad in (
        "x",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{body[::-1]}.{signature}",
    ):
        assert await reviews.review(bad, "archer") is None


async def test_a_deleted_account_is_nobodys(reviews: Reviews, issue: Issue, account: str, api_server: Served):
    token = await issue("archer")
    assert await reviews.review(token, "archer")
    await api_server.administrator.delete(f"{ACCOUNTS}/{account}")

    async def is_refused() -> bool:  # the API server remembers a good token for some seconds
        return await reviews.review(token, "archer") is None

    await eventually(is_refused, seconds=60)


async def test_an_api_server_that_is_away_has_said_nothing(api_server: Served, issue: Issue):
    token = await issue("archer")
    away = Reviews(KubernetesConfig("away", kubeconfig=api_server.server.through(1), timeout_seconds=2))
    with pytest.raises(ClusterUnavailable):
        await away.review(token, "archer")
    await away.close()


async def test_an_archer_that_may_not_ask_has_learnt_nothing(api_server: Served, issue: Issue, tmp_path):
    token = await issue("archer")
    file = tmp_path / f"rightless-{uuid.uuid4().hex[:8]}"
    file.write_text(await issue())
    config = KubernetesConfig("rightless", kubeconfig=api_server.server.with_token_file(file))
    rightless = Reviews(replace(config, timeout_seconds=5))
    with pytest.raises(ClusterUnavailable):
        await rightless.review(token, "archer")
    await rightless.close()
