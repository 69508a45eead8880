"""The dispatcher holds a job against the policy of now, which may differ from that of its acceptance."""

from __future__ import annotations

import json

from tests.builders import row
from tests.loops.rig import Rig
from tests.policies import policy


async def submitted(rig: Rig) -> str:
    return await rig.submit(tenant="mine", queue="root.mine.etl", request={"tenant": "mine"})


async def test_a_manifest_holds_what_the_policy_gives_its_tenant(rig: Rig):
    job = await submitted(rig)
    await rig.dispatcher(policy=policy()).run_once()
    made = rig.fake.manifest(f"{job}-1")
    assert made["metadata"]["namespace"] == "spark-mine"
    assert made["spec"]["driver"]["serviceAccount"] == "mine-driver"
    assert made["spec"]["executor"]["serviceAccount"] == "mine-executor"
    assert made["spec"]["image"] == policy().spark_versions[0].images["arm64"]


async def test_a_job_whose_tenant_is_gone_waits_and_says_so(rig: Rig):
    job = await submitted(rig)
    known = policy()
    others = known.model_copy(update={"tenants": known.tenants[:1]})
    dispatcher = rig.dispatcher(policy=others)
    await dispatcher.run_once()
    waiting = await row(rig.database, job)
    assert (waiting["state"], rig.fake.names()) == ("queued", [])
    assert "mine" in waiting["waiting"]


async def test_a_job_runs_once_its_queue_is_its_tenants_again(rig: Rig, no_rest: None):
    job = await submitted(rig)
    known = policy()
    moved = known.tenants[1].model_copy(update={"queues": ("root.mine.adhoc",)})
    without = known.model_copy(update={"tenants": (known.tenants[0], moved, known.tenants[2])})
    dispatcher = rig.dispatcher(policy=without)
    await dispatcher.run_once()
    assert "root.mine.etl" in (await row(rig.database, job))["waiting"]
    dispatcher.reconfigure(rig.clusters, rig.profiles, known)
    await dispatcher.run_once()
    assert await rig.state(job) == "submitted"
    assert json.dumps(rig.fake.manifest(f"{job}-1")).count("root.mine.etl") > 1
