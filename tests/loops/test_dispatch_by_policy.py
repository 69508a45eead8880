"""What a policy says of a tenant decides where and as what its jobs are created, also when it has changed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from archer.domain.tenancy.policy import Policy
from archer.domain.tenancy.rules.check import faults_of
from archer.errors import ClusterUnavailable
from archer.translate.draft import origins_of
from tests.builders import attempt_row, let_pass, row

QUEUE = "root.default"


def policy(**tenant: Any) -> Policy:
    """One tenant, which may use one queue."""
    given = {"name": "default", "namespace": "spark-ours", "queues": [QUEUE]} | tenant
    return Policy.model_validate({"queues": [{"path": QUEUE}], "tenants": [given]})


async def test_a_job_is_created_as_the_policy_says_of_its_tenant(rig):
    job = await rig.submit()
    await rig.dispatcher(policy=policy(executor_service_account="ours")).run_once()
    made = rig.fake.manifest(f"{job}-1")
    assert made["metadata"]["namespace"] == "spark-ours"
    assert made["spec"]["executor"]["serviceAccount"] == "ours"
    assert (await attempt_row(rig.database, job))["namespace"] == "spark-ours"


async def test_each_line_of_what_was_created_keeps_its_layer(rig):
    rig.profiles[0] = replace(rig.profiles[0], spark_conf={"spark.user.a": "cluster"})
    job = await rig.submit(request={"spark_conf": {"spark.user.a": "request"}})
    ours = policy(spark_conf={"spark.user.a": "tenant", "spark.user.password": "confidential"})
    await rig.dispatcher(policy=ours).run_once()
    attempt = await attempt_row(rig.database, job)
    layers = attempt["placement"]["layers"]
    told = {origin.path: origin for origin, _ in origins_of(json.loads(attempt["manifest"]), layers)}
    found = told["/spec/sparkConf/spark.user.a"]
    assert found.source == "request"
    assert [(gone.source, gone.value) for gone in found.replaced] == [
        ("tenant", "tenant"), ("cluster", "cluster")
    ]  # fmt: skip
    assert told["/metadata/namespace"].source == "tenant"
    assert "confidential" not in str(layers)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "others"}, "the policy has no tenant default"),
        ({"queues": ["root.other"]}, "tenant default may not use the queue root.default"),
    ],
)
async def test_a_job_whose_tenant_lost_its_right_waits_with_the_reason(rig, no_rest, fields, words):
    job, raw = await rig.submit(), policy().model_dump(mode="json")
    raw["queues"].append({"path": "root.other"})
    raw["tenants"][0] |= fields
    await rig.dispatcher(policy=Policy.model_validate(raw)).run_once()
    found = await row(rig.database, job)
    assert found["state"] == "queued"
    assert words in found["waiting"]
    assert rig.fake.names() == []
    await let_pass(rig.database, "10 seconds")
    await rig.dispatcher(policy=policy()).run_once()  # it was given back
    assert await rig.state(job) == "submitted"


IMAGE = "registry.example.com/mine/spark@sha256:" + "0123456789abcdef" * 4
WITHDRAWN = pytest.mark.parametrize(
    ("request_", "allowed", "words"),
    [
        ({"image": IMAGE}, {"images": ["registry.example.com/mine"]}, "any more: image "),
        (
            {"spark_conf": {"spark.sql.caseSensitive": "true"}},
            {"open_spark_conf": ["spark.sql.caseSensitive"]},
            "any more: spark_conf.spark.sql.caseSensitive is kept by the platform",
        ),
    ],
    ids=["image", "spark_conf"],
)


@WITHDRAWN
async def test_what_the_policy_does_not_allow_any_more_waits_with_the_reason(
    rig, no_rest, request_, allowed, words
):
    job = await rig.submit(request=request_)
    await rig.dispatcher(policy=policy()).run_once()
    found = await row(rig.database, job)
    assert found["state"] == "queued"
    assert words in found["waiting"]
    assert rig.fake.names() == []
    await let_pass(rig.database, "10 seconds")
    await rig.dispatcher(policy=policy(**allowed)).run_once()
    assert await rig.state(job) == "submitted"


@WITHDRAWN
async def test_what_was_placed_is_judged_again_before_it_is_created(rig, no_rest, request_, allowed, words):
    job = await rig.submit(request=request_)
    rig.fake.fail("create", ClusterUnavailable("away"))
    await rig.dispatcher(policy=policy(**allowed)).run_once()
    assert await rig.state(job) == "dispatching"
    await rig.dispatcher(policy=policy()).run_once()
    assert rig.fake.names() == []
    assert words in (await row(rig.database, job))["waiting"]


async def test_a_job_is_judged_once_under_each_policy(rig, no_rest, monkeypatch):
    judged = []
    monkeypatch.setattr(
        "archer.dispatcher.rechecks.faults_of", lambda *given: judged.append(given) or faults_of(*given)
    )
    await rig.submit(request={"image": IMAGE})
    dispatcher = rig.dispatcher(policy=policy())
    for _ in range(3):
        await dispatcher.run_once()
        await let_pass(rig.database, "10 seconds")
    assert len(judged) == 1


async def test_a_tenant_that_waits_does_not_hold_back_the_others_of_its_queue(rig):
    waits = await rig.submit(tenant="gone", request={"tenant": "gone"})
    goes = await rig.submit()
    dispatcher = rig.dispatcher(policy=policy(), batch=1)
    for _ in range(2):
        await dispatcher.run_once()
    assert (await rig.state(waits), await rig.state(goes)) == ("queued", "submitted")


async def test_what_was_placed_stays_in_its_namespace_when_the_policy_names_another(rig, no_rest):
    job = await rig.submit()
    rig.fake.lose_answer("create")
    await rig.dispatcher(policy=policy()).run_once()
    assert await rig.state(job) == "dispatching"
    await rig.dispatcher(policy=policy(namespace="spark-elsewhere")).run_once()
    assert await rig.state(job) == "submitted"
    assert rig.fake.names() == [f"{job}-1"]
    assert rig.fake.manifest(f"{job}-1")["metadata"]["namespace"] == "spark-ours"
