"""Spark's own pods of our manifests: a gang reserves what they ask for, and our templates are in them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from archer.domain.identifiers import application_name
from archer.domain.request import JobRequest
from archer.translate.spark import to_spark_application
from tests.builders import profile, request
from tests.cluster.spark_pods import Made, SparkPods, spark_pods
from tests.unit.organisation import JOBS, translated, wanted
from tests.unit.test_spark_application import CLUSTER, CLUSTERS, JAVA, JOB, REQUESTS, attempt

pytestmark = pytest.mark.spark

OFF_HEAP = {"spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "1536m"}
SIZES = {
    "the floor": (request(), {}),
    "the factor": (request(driver={"memory": "7g"}, executor={"memory": "33g", "cores": 5}), {}),
    "of a JVM": (request(**JAVA, driver={"memory": "5g"}, executor={"memory": "9g"}), {}),
    "SQL": (request(type="sql", main_application_file=None, sql="select 1", executor={"memory": "9g"}), {}),
    "odd": (request(driver={"memory": "1921m"}, executor={"memory": "4099m"}), {}),
    "KiB": (request(executor={"memory": "1500001k", "memory_overhead": "400000k"}), {}),
    "own overhead": (
        request(driver={"memory": "1g", "memory_overhead": "1m"}, executor={"memory_overhead": "3g"}),
        {},
    ),
    "off-heap": (request(executor={"memory": "4g"}), OFF_HEAP),
    "off-heap in bytes": (request(), OFF_HEAP | {"spark.memory.offHeap.size": "1000000000"}),
    "off-heap that is off": (request(), {"spark.memory.offHeap.size": "1g"}),
    "Python's workers": (request(), {"spark.executor.pyspark.memory": "700"}),
    "Python's workers in a JVM": (request(**JAVA), {"spark.executor.pyspark.memory": "1g"}),
    "a factor for all": (
        request(executor={"memory": "8g"}),
        {"spark.kubernetes.memoryOverheadFactor": "0.25"},
    ),
    "a factor for all of a JVM": (
        request(**JAVA, driver={"memory": "8g"}),
        {"spark.kubernetes.memoryOverheadFactor": "0.33"},
    ),
    "a factor of a role": (
        request(driver={"memory": "6g"}, executor={"memory": "6g"}),
        {"spark.driver.memoryOverheadFactor": "0.2", "spark.executor.memoryOverheadFactor": "0.6"},
    ),
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkPods]:
    with spark_pods(tmp_path_factory.mktemp("templates")) as pods:
        yield pods


def requested(pod: dict) -> dict[str, str]:
    return pod["spec"]["containers"][0]["resources"]["requests"]


def reserved(made: Made) -> dict[str, dict[str, str]]:
    groups = json.loads(made.driver["metadata"]["annotations"]["yunikorn.apache.org/task-groups"])
    return {group["name"]: group["minResource"] for group in groups}


def pods_of(spark: SparkPods, job: JobRequest, **cluster) -> Made:
    return spark.of(to_spark_application(attempt(), job, profile(**cluster)).manifest)


@pytest.mark.parametrize("name", SIZES)
def test_a_gang_reserves_exactly_what_spark_asks_for(spark, name):
    size, conf = SIZES[name]
    made = pods_of(spark, size, spark_conf=conf)
    assert reserved(made) == {"driver": requested(made.driver), "executor": requested(made.executor)}


@pytest.mark.parametrize("millicores", [50, 200, 333, 500, 1000])
def test_a_gang_reserves_the_cpu_that_spark_asks_for(spark, millicores):
    size = request(driver={"cores": 5}, executor={"cores": 2})
    made = pods_of(spark, size, millicores_per_core=millicores)
    assert reserved(made) == {"driver": requested(made.driver), "executor": requested(made.executor)}
    for pod in (made.driver, made.executor):
        assert "cpu" not in pod["spec"]["containers"][0]["resources"]["limits"]


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_everything_of_our_templates_is_in_sparks_pods(spark, name):
    manifest = to_spark_application(attempt(), REQUESTS[name], CLUSTERS.get(name, CLUSTER)).manifest
    made = spark.of(manifest)
    for role, pod in (("driver", made.driver), ("executor", made.executor)):
        template = manifest["spec"][role]["template"]
        assert missing(template, pod) == []


@pytest.mark.parametrize("name", [name for name in JOBS if not name.startswith("R ")])
def test_sparks_pods_of_an_organisations_jobs_have_what_its_policy_says(spark, name):
    manifest = translated(wanted(name)).manifest
    made, spec = spark.of(manifest), manifest["spec"]
    # an executor's requests and limits are what its gang holds for it, unless none is there at the start
    groups = reserved(made)
    assert groups["driver"] == requested(made.driver)
    assert groups.get("executor", requested(made.executor)) == requested(made.executor)
    for role, pod in (("driver", made.driver), ("executor", made.executor)):
        assert missing(spec[role]["template"], pod) == []
        assert pod["spec"]["serviceAccountName"] == spec[role]["serviceAccount"]
        assert {one["image"] for one in pod["spec"]["containers"]} == {spec["image"]}
        assert pod["spec"]["priorityClassName"] == spec[role]["template"]["spec"]["priorityClassName"]
    options = spec["sparkConf"]["spark.executor.extraJavaOptions"].split()
    env = {one["name"]: one.get("value") for one in made.executor["spec"]["containers"][0]["env"]}
    assert [env[f"SPARK_JAVA_OPT_{n}"] for n in range(len(options))] == options
    is_on_spot = spec["sparkConf"].get("spark.decommission.enabled") == "true"
    assert ("lifecycle" in made.executor["spec"]["containers"][0]) is is_on_spot  # Spark's own preStop


def test_an_option_with_a_blank_stays_one_option(spark):
    options = ["-Dlog.path=/var/my logs", '-Dquote=a"b', "-Dslash=a\\b", "-XX:+UseZGC"]
    manifest = translated(
        request(tenant="ads", queue="root.tier1.ads", executor={"java_options": options})
    ).manifest
    env = {
        one["name"]: one.get("value") for one in spark.of(manifest).executor["spec"]["containers"][0]["env"]
    }
    assert [env[f"SPARK_JAVA_OPT_{n}"] for n in range(len(options))] == options


def missing(wanted: object, found: object, path: str = "") -> list[str]:
    """What of *wanted* is not in *found*; found may hold more, in lists too."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict):
            return [path]
        return [gap for key in wanted for gap in missing(wanted[key], found.get(key), f"{path}/{key}")]
    if isinstance(wanted, list):
        if not isinstance(found, list):
            return [path]
        return [
            f"{path}/{number}"
            for number, one in enumerate(wanted)
            if not any(missing(one, other) == [] for other in found)
        ]
    return [] if wanted == found else [path]


@pytest.mark.parametrize("number", [1, 10, 9999])
def test_no_name_that_spark_makes_is_too_long(spark, number):
    manifest = to_spark_application(attempt(number=number), request(), CLUSTER).manifest
    made = spark.of(manifest)
    name = application_name(JOB, number)
    (service,) = [found for kind, found in made.others if kind == "Service"]
    # Spark gives another name, which nobody finds again, to a service whose own is too long
    assert service.startswith(f"{name}-")
    assert service.endswith("-driver-svc")
    assert len(service) <= 63
    assert made.executor["metadata"]["name"] == f"{name}-exec-1"
    assert len(f"{name}-exec-99999") <= 63
    assert all(len(found) <= 253 for _, found in made.others)
    for pod in (made.driver, made.executor):
        assert all(len(value) <= 63 for value in pod["metadata"]["labels"].values())
