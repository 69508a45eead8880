"""The third fence on a real API server: what Archer writes passes, and what goes past Archer does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import Policy, terms_of
from archer.settings import load_inventory
from archer.site.policy_file import laid_over, load_policy
from archer.translate.admission.manifests import API_VERSION, OTHER_KINDS, admission_policies
from archer.translate.spark import Attempt, to_spark_application
from tests.cluster.administrator import GROUP
from tests.cluster.bad_applications import CHANGES, Change
from tests.cluster.kubernetes_rig import Served
from tests.waiting import eventually

pytestmark = pytest.mark.e2e
EXAMPLES = Path(__file__).parents[2] / "examples"
ADMINISTRATOR = "moka-stack"  # of the certificate that tests/stack/certificates.py makes
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POLICIES = f"/apis/{API_VERSION}"
JOB = "j01k8yb3m2e7v8t9x0c1d2f3g4h"
CLUSTER = "eks-graviton"
OPERATOR = "system:serviceaccount:spark-operator:spark-operator-controller"
UNKNOWN = "strict decoding error: unknown field"


def site() -> tuple[Policy, dict[str, Any]]:
    policy = load_policy(EXAMPLES / "policy.yaml")
    assert policy is not None
    laid = laid_over(load_inventory(EXAMPLES / "clusters.yaml"), policy)
    return policy, {entry.name: entry.profile() for entry in laid.clusters}


POLICY, PROFILES = site()
# nodes of both capacities in three zones, as Karpenter makes them
PROFILES[CLUSTER] = replace(
    PROFILES[CLUSTER], capacity_types=("on-demand", "spot"), zones=("us-east-1a", "us-east-1b", "us-east-1c")
)
DIGEST = "@sha256:" + "a" * 64
TYPICAL: dict[str, dict[str, Any]] = {
    "python": {},
    "sql": {"type": "sql", "sql": "SELECT 1", "main_application_file": None},
    "java": {"type": "java", "main_class": "com.example.Main"},
    "s3": {
        "main_application_file": "s3a://ads-code/jobs/x.py",
        "deps": {"py_files": ["s3a://ads-code/libraries/a.zip"], "packages": ["org.example:a_2.12:1.0"]},
    },
    "conf": {"spark_conf": {"spark.sql.shuffle.partitions": "64", "spark.user.ads.flag": "on"}},
    "opened": {"spark_conf": {"spark.sql.hive.convertMetastoreParquet": "false"}},
    "dynamic": {"dynamic_allocation": {"enabled": True, "min_executors": 1, "max_executors": 20}},
    "spot": {"queue": "root.adhoc", "executor": {"instances": 4, "capacity": "spot"}},
    "on demand": {"queue": "root.adhoc", "executor": {"capacity": "on_demand"}},
    "archive": {"deps": {"archives": ["s3a://ads-code/libraries/env.tgz#env"]}},
    "image": {"image": f"registry.example.com/ads/spark/ml{DIGEST}"},
    "rich": {
        "env": {"STAGE": "prod"},
        "secrets": {"DB_PASSWORD": "warehouse-password"},
        "labels": {"team": "ads"},
        "annotations": {"ticket": "ADS-1"},
        "driver": {"cores": 4, "memory": "8g", "java_options": ["-XX:+UseG1GC", "-Duser.timezone=UTC"]},
        "executor": {"cores": 4, "memory": "16g", "memory_overhead": "2g", "instances": 100},
        "correlation_id": "dag/run/task",
    },
    "spark 4": {"spark_version": "4.0"},
}


def rendered(number: int = 1, **asked: Any) -> dict[str, Any]:
    body = {"name": "words", "type": "python", "main_application_file": "local:///opt/jobs/words.py"}
    wanted = {key: value for key, value in (body | {"tenant": "ads"} | asked).items() if value is not None}
    request = JobRequest.model_validate(wanted)
    queue = request.queue or "root.ads.tier1"
    terms = terms_of(POLICY, tenant="ads", queue=queue, spark_version=request.spark_version)
    attempt = Attempt(JOB, number, "ads", "amara", queue, "arm64")
    return to_spark_application(attempt, request, PROFILES[CLUSTER], terms).manifest


class Gate:
    """Asks the API server to take an object, without keeping it."""

    def __init__(self, place: Served) -> None:
        self.administrator = place.administrator

    async def refusal(self, manifest: dict[str, Any]) -> str:
        """Words of the refusal; empty when it was let in."""
        path = f"{GROUP}/namespaces/{manifest['metadata']['namespace']}/sparkapplications"
        status, words = await self.administrator.offer(path, manifest, dryRun="All", fieldValidation="Strict")
        assert status in (201, 422) or UNKNOWN in words, words
        return words

    async def kept(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """What the API server would keep of an object, without the fields that its kind does not have."""
        path = f"{GROUP}/namespaces/{manifest['metadata']['namespace']}/sparkapplications"
        taken = await self.administrator.post(path, manifest, dryRun="All", fieldValidation="Ignore")
        return {"spec": taken["spec"], "labels": taken["metadata"]["labels"]}


@pytest.fixture(scope="module")
async def gate(api_server: Served) -> AsyncIterator[Gate]:
    """The API server with the policies of the example, in force."""
    administrator = api_server.administrator
    made = admission_policies(
        POLICY, PROFILES[CLUSTER], submitters=[ADMINISTRATOR], operators=[ADMINISTRATOR, OPERATOR]
    )
    kinds = {
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    }
    await administrator.post("/api/v1/namespaces", {"metadata": {"name": "spark-ads"}})
    for one in made:
        await administrator.post(f"{POLICIES}/{kinds[one['kind']]}", one)
    gate = Gate(api_server)
    stranger = rendered()
    stranger["spec"]["mode"] = "client"

    elsewhere = rendered()
    elsewhere["metadata"]["namespace"] = "default"

    async def is_in_force() -> bool:
        return bool(await gate.refusal(stranger) and await gate.refusal(elsewhere))

    await eventually(is_in_force, seconds=60)
    yield gate
    for one in made:
        await administrator.delete(f"{POLICIES}/{kinds[one['kind']]}/{one['metadata']['name']}")

    async def is_out_of_force() -> bool:  # others create applications on this API server, too
        return not (await gate.refusal(stranger) or await gate.refusal(elsewhere))

    await eventually(is_out_of_force, seconds=60)


@pytest.mark.parametrize("kind", TYPICAL)
async def test_what_archer_writes_is_let_in(gate: Gate, kind: str):
    assert await gate.refusal(rendered(**TYPICAL[kind])) == ""


BASES = {"rich": TYPICAL["rich"], "dynamic": TYPICAL["dynamic"]}


@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_a_bad_application_is_refused_though_its_creator_may_create(gate: Gate, change: Change):
    for asked in BASES.values():
        good = rendered(**asked)
        bad = change.of(good)
        words = await gate.refusal(bad)
        if UNKNOWN in words:  # no such field in this kind: nobody would keep it
            assert await gate.kept(bad) == await gate.kept(good)
        else:
            assert (
                "ValidatingAdmissionPolicy" in words or f"{'.'.join(map(str, change.path))}: Invalid" in words
            )


OF_THE_PLATFORM = [
    Change("S03", ("spec", "executor", "template", "spec", "nodeSelector", "kubernetes.io/arch"), "amd64x"),
    Change("S03", ("spec", "driver", "template", "spec", "nodeSelector", "topology.kubernetes.io/zone"), "x"),
    Change("S03", ("spec", "driver", "template", "spec", "nodeSelector", "karpenter.sh/capacity-type"), "x"),
    Change("S03", ("spec", "executor", "template", "spec", "terminationGracePeriodSeconds"), 86_400),
    Change("B088", ("spec", "deps", "archives"), ["s3a://ads-code/libraries/env.tgz#.."]),
    Change("B088", ("spec", "deps", "archives"), ["s3a://ads-code/libraries/env.tgz#a#b"]),
]


@pytest.mark.parametrize("change", OF_THE_PLATFORM, ids=str)
async def test_what_is_the_platforms_has_its_values(gate: Gate, change: Change):
    assert "ValidatingAdmissionPolicy" in await gate.refusal(change.of(rendered(**TYPICAL["spot"])))


OTHER_SPECS = {
    "scheduledsparkapplications": {"schedule": "@daily", "template": rendered()["spec"]},
    "sparkconnects": {"sparkVersion": "4.0.1", "server": {}, "executor": {}},
}


@pytest.mark.parametrize("kinds", OTHER_KINDS)
async def test_another_kind_of_the_same_operator_is_closed_in_namespaces_of_tenants(
    gate: Gate, api_server: Served, kinds: str
):
    definition = api_server.server.definition(kinds)
    version = definition["spec"]["versions"][0]["name"]
    await gate.administrator.post(DEFINITIONS, definition)
    try:
        kind = definition["spec"]["names"]["kind"]
        made = {"apiVersion": f"sparkoperator.k8s.io/{version}", "kind": kind, "metadata": {"name": "a"}}
        made["spec"] = OTHER_SPECS[kinds]
        path = f"/apis/sparkoperator.k8s.io/{version}/namespaces/spark-ads/{kinds}"

        async def answer() -> str:
            return (await gate.administrator.offer(path, made, dryRun="All"))[1]

        async def is_served() -> bool:
            return (
                "could not find the requested resource" not in (words := await answer())
                and "404" not in words
            )

        await eventually(is_served, seconds=60)
        assert "and as nothing else" in await answer()
    finally:
        await gate.administrator.delete(f"{DEFINITIONS}/{definition['metadata']['name']}")


async def test_a_status_is_the_operators_to_write(gate: Gate):
    path = f"{GROUP}/namespaces/spark-ads/sparkapplications"
    await gate.administrator.post(path, rendered())
    try:
        for who, status in ((OPERATOR, 200), ("amara", 422)):
            headers = {"Impersonate-User": who, "Impersonate-Group": "system:masters"}
            assert await gate.administrator.change_status(f"{path}/{JOB}-1", headers) == status
    finally:
        await gate.administrator.delete(f"{path}/{JOB}-1")


async def test_somebody_else_may_not_even_create_a_good_one(gate: Gate):
    manifest = rendered()
    path = f"{GROUP}/namespaces/spark-ads/sparkapplications"
    headers = {"Impersonate-User": "amara", "Impersonate-Group": "system:masters"}
    status, words = await gate.administrator.offer(path, manifest, headers=headers, dryRun="All")
    assert status == 422
    assert "only Archer creates applications here" in words


async def test_what_was_written_once_stays_but_for_annotations(gate: Gate):
    path = f"{GROUP}/namespaces/spark-ads/sparkapplications"
    await gate.administrator.post(path, rendered())
    one = f"{path}/{JOB}-1"
    try:
        for refused in (
            {"spec": {"image": f"registry.example.com/ads/spark{DIGEST}"}},
            {"spec": {"arguments": ["other"]}},
            {"metadata": {"labels": {"moka.dev/attempt": "2"}}},
            {"metadata": {"labels": {"yunikorn.apache.org/queue": "root.etl"}}},
            {"metadata": {"finalizers": ["example.com/kept"]}},
        ):
            with pytest.raises(AssertionError, match="ValidatingAdmissionPolicy"):
                await gate.administrator.patch(one, refused)
        await gate.administrator.patch(one, {"metadata": {"annotations": {"ticket": "ADS-2"}}})
        await gate.administrator.patch(
            f"{one}/status", {"status": {"applicationState": {"state": "RUNNING"}, "driverInfo": {}}}
        )
    finally:
        await gate.administrator.delete(one)
