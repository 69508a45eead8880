"""What the policy says of a tenant is told to those who may submit for it, and to nobody else."""

from __future__ import annotations

import pytest

from archer.store.engine import Database
from tests.api.auth.people import bearer, open_guarded, token_of
from tests.api.conftest import EMPTY
from tests.api.rig import job, problem
from tests.policies import policy


@pytest.mark.parametrize("route", ["/v1/jobs", "/v1/jobs:render"])
@pytest.mark.parametrize("tenant", ["mine", "other", "nowhere", "Mine", "m" * 100])
async def test_a_stranger_learns_nothing_of_a_tenant(one_database: Database, route: str, tenant: str):
    async with one_database.transaction() as tx:
        await tx.execute(EMPTY)
    async with open_guarded(one_database, policy=policy()) as guarded:
        asked = job(tenant=tenant, queue="root.mine.etc", spark_version="9.9.9", image="evil.example.com/x:1")
        answer = await guarded.client.post(route, json=asked, headers=bearer(token_of("owner")))
        document = problem(answer, 403, "forbidden")
    assert [fault["field"] for fault in document["errors"]] == ["tenant"]
    assert not any(word in answer.text for word in ("root.mine", "root.other", "3.5.9", "registry"))
