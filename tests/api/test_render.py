from dataclasses import replace
from typing import Any

from tests.api.rig import Rig, job, problem

SOURCES = {"default", "cluster", "derived", "version", "queue", "tenant", "request", "platform"}


async def render(rig: Rig, **given: Any) -> dict[str, Any]:
    answer = await rig.client.post("/v1/jobs:render", json=job(**given))
    assert answer.status_code == 200, answer.text
    return answer.json()


def pointers(value: Any, path: str = "") -> list[str]:
    """JSON pointers of all leaves; a list counts as one."""
    if not isinstance(value, dict):
        return [path]
    return [
        leaf
        for key, child in value.items()
        for leaf in pointers(child, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")
    ]


async def test_a_render_stores_nothing(rig: Rig):
    before = await rig.counts()
    found = await render(rig)
    assert found["manifest"]["kind"] == "SparkApplication"
    assert await rig.counts() == before
    assert rig.cluster.calls == []


async def test_every_field_of_the_manifest_has_a_source(rig: Rig):
    found = await render(
        rig,
        labels={"team": "ads"},
        spark_conf={"spark.user.a": "1"},
        env={"A": "b"},
        arguments=["x"],
        dynamic_allocation={"max_executors": 4},
        deps={"jars": ["s3a://jobs/a.jar"]},
    )
    origins = {one["path"]: one for one in found["provenance"]}
    without = [
        leaf
        for leaf in pointers(found["manifest"])
        if not any(leaf == path or leaf.startswith(f"{path}/") for path in origins)
    ]
    assert without == []
    assert {one["source"] for one in found["provenance"]} <= SOURCES
    for one in found["provenance"]:
        assert one["field"] if one["source"] == "request" else one["source"] == "derived" or not one["field"]
    by_field = {one["field"]: one["path"] for one in found["provenance"]}
    assert by_field["main_application_file"] == "/spec/mainApplicationFile"
    assert by_field["labels.team"] == "/metadata/labels/team"


async def test_a_line_says_what_it_replaced(rig: Rig):
    found = await render(rig, spark_conf={"spark.user.a": "1"})
    assert [one["replaced"] for one in found["provenance"] if one["path"].endswith("spark.user.a")] == [[]]
    sites = rig.app.state.parts.sites
    conf = {"spark.user.a": "0", "spark.user.password": "hidden"}
    sites.publish(replace(sites.current, profiles=(replace(sites.current.profiles[0], spark_conf=conf),)))
    found = await render(rig, spark_conf={"spark.user.a": "1", "spark.user.password": "x"})
    replaced = {one["path"].rpartition("/")[2]: one["replaced"] for one in found["provenance"]}
    assert replaced["spark.user.a"] == [{"source": "cluster", "value": "0"}]
    assert replaced["spark.user.password"] == [{"source": "cluster", "value": "*****"}]


async def test_a_render_shows_the_route_that_a_dispatch_would_take(rig: Rig):
    found = await render(rig, arch="arm64")
    assert (found["placement"]["cluster"], found["placement"]["arch"]) == ("here", "arm64")
    assert [one["cluster"] for one in found["placement"]["candidates"]] == ["here"]


async def test_a_job_that_no_cluster_takes_renders_to_the_reasons(rig: Rig):
    found = await render(rig, spark_version="2.4.0")
    assert (found["manifest"], found["provenance"], found["placement"]["cluster"]) == (None, [], None)
    assert found["placement"]["rejects"][0]["rule"] == "spark_version"


async def test_a_render_hides_secrets(rig: Rig):
    found = await render(
        rig, env={"A": "confidential"}, spark_conf={"spark.user.db.password": "confidential"}
    )
    assert "confidential" not in str(found)


async def test_a_render_is_the_manifest_that_is_created(rig: Rig):
    name = await rig.running(spark_conf={"spark.user.a": "1"})
    created = rig.cluster.manifest(f"{name}-1")["spec"]
    shown = (await render(rig, spark_conf={"spark.user.a": "1"}))["manifest"]["spec"]
    drawn = shown["sparkConf"].pop("spark.kubernetes.executor.podNamePrefix")
    assert created["sparkConf"].pop("spark.kubernetes.executor.podNamePrefix") == f"{name}-1"
    assert str(shown).replace(drawn, "X") == str(created).replace(f"{name}-1", "X").replace(name, drawn[:-2])


async def test_what_a_submit_refuses_a_render_refuses(shared: Rig):
    before = await shared.counts()
    problem(await shared.client.post("/v1/jobs:render", json=job(queue="root.nowhere")), 422, "invalid-job")
    problem(await shared.client.post("/v1/jobs:render", json=job(image="no host/x")), 422, "invalid-job")
    problem(
        await shared.client.post("/v1/jobs:render", json=job(env={"LD_PRELOAD": "x"})), 422, "invalid-job"
    )
    assert await shared.counts() == before
