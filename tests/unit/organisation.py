"""An organisation to translate for: a policy, a cluster that has everything, and ten typical jobs."""

from __future__ import annotations

from typing import Any, Final

import yaml

from archer.domain.cluster import Celeborn, ClusterFacts, ClusterProfile, ClusterState
from archer.domain.placement import choose, wish_of
from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import Policy, Terms, terms_of
from archer.translate.spark import Attempt, Rendered, to_spark_application
from tests.builders import profile, request

JOB: Final = "j01k8yb3m2e7v8t9x0c1d2f3g4h5"
DIGEST: Final = "@sha256:" + "ab" * 32


def _images(version: str, *architectures: str) -> dict[str, str]:
    return {arch: f"registry.example/spark-{version}-{arch}{DIGEST}" for arch in architectures}


POLICY: Final = Policy.model_validate(
    {
        "spark_conf": {
            "spark.sql.shuffle.partitions": "400",
            "spark.network.timeout": "300s",
            "spark.executor.extraJavaOptions": "-XX:+UseG1GC",
        },
        "priority_classes": "moka",
        "repositories": ["https://maven.example/releases"],
        "queues": [
            {"path": "root.tier1.ads", "tier": 1, "preemptible": False, "arch": "arm64",
             "spark_conf": {"spark.speculation": "false"}},
            {"path": "root.tier2.etl", "tier": 2, "spot": "allowed",
             "spark_conf": {"spark.sql.shuffle.partitions": "800"}},
            {"path": "root.tier3.adhoc", "tier": 3, "spot": "default"},
        ],
        "tenants": [
            {
                "name": "ads",
                "namespace": "spark-ads",
                "driver_service_account": "ads-driver",
                "executor_service_account": "ads-executor",
                "queues": ["root.tier1.ads", "root.tier2.etl", "root.tier3.adhoc"],
                "images": ["registry.example/ads"],
                "secrets": {"warehouse": {"secret": "ads-warehouse", "key": "password"}},
                "spark_conf": {"spark.network.timeout": "600s"},
            },
            {
                "name": "legacy",
                "namespace": "spark-legacy",
                "namespaces": {"use1-a": "legacy-here"},
                "queues": ["root.tier2.etl"],
                "architectures": ["amd64", "arm64"],
            },
        ],
        "spark_versions": [
            {"version": "3.5.9", "images": _images("3.5.9", "arm64", "amd64"), "celeborn": "0.6",
             "spark_conf": {"spark.sql.adaptive.enabled": "true"}},
            {"version": "3.4.4", "images": _images("3.4.4", "arm64"), "celeborn": "0.5"},
            {"version": "4.0.1", "images": _images("4.0.1", "arm64", "amd64"), "hadoop": "3.4",
             "celeborn": "0.7"},
            {"version": "3.3.4", "images": _images("3.3.4", "amd64")},
        ],
    }
)  # fmt: skip
CLUSTER: Final = profile(
    "use1-a",
    adapter="kubernetes",
    architectures=("arm64", "amd64"),
    image="registry.example/never",
    namespace="never",
    service_account="never",
    spark_conf={"spark.network.timeout": "200s", "spark.ui.killEnabled": "true"},
    event_log="s3a://spark-logs/events",
    s3_credentials="irsa",
    metastore="thrift://metastore:9083",
    celeborn=Celeborn(("celeborn-0:9097", "celeborn-1:9097", "celeborn-2:9097")),
    capacity_types=("on-demand", "spot"),
    zones=("us-east-1a", "us-east-1b", "us-east-1c"),
    prometheus=True,
)
JAR: Final = {"main_application_file": "s3a://ads-code/etl.jar", "main_class": "com.example.Etl"}
#: Of the tenant ads, in root.tier1.ads, unless the job says otherwise.
JOBS: Final[dict[str, dict[str, Any]]] = {
    "a nightly report": {
        "arguments": ["--date", "2026-11-22"],
        "env": {"STAGE": "prod"},
        "secrets": {"WAREHOUSE_PASSWORD": "warehouse"},
        "labels": {"team": "ads"},
        "annotations": {"runbook": "https://runbooks.example/report"},
        "correlation_id": "dag/run/task/-1",
    },
    "a large join": {
        "type": "scala", **JAR, "queue": "root.tier2.etl",
        "driver": {"cores": 4, "memory": "16g"},
        "executor": {"cores": 4, "memory": "8g", "instances": 200},
        "spark_conf": {"spark.sql.shuffle.partitions": "12000"},
    },
    "dynamic with Celeborn": {
        "queue": "root.tier2.etl", "executor": {"cores": 4, "memory": "16g"},
        "dynamic_allocation": {"min_executors": 2, "initial_executors": 5, "max_executors": 50},
    },
    "dynamic without Celeborn": {
        "shuffle": "spark", "dynamic_allocation": {"max_executors": 50},
    },
    "on spot": {
        "type": "java", **JAR, "queue": "root.tier2.etl", "shuffle": "spark",
        "executor": {"instances": 20, "capacity": "spot", "java_options": ["-XX:+UseZGC"]},
    },
    "ad hoc SQL": {
        "type": "sql", "main_application_file": None, "sql": "select 1;\nselect 2",
        "queue": "root.tier3.adhoc",
    },
    "Spark 4": {"spark_version": "4.0", "shuffle": "celeborn", "dynamic_allocation": {"max_executors": 9}},
    "an old Spark": {
        "spark_version": "3.4.4", "queue": "root.tier2.etl", "dynamic_allocation": {"max_executors": 9},
    },
    "an image of its own": {
        "image": f"registry.example/ads/features{DIGEST}", "arch": "amd64",
        "deps": {"jars": ["s3a://ads-code/a.jar"], "packages": ["org.x:y_2.12:1.0"]},
    },
    "R on the only architecture": {
        "type": "r", "main_application_file": "s3a://legacy/model.R", "tenant": "legacy",
        "spark_version": "3.3.4", "queue": "root.tier2.etl",
    },
}  # fmt: skip


def wanted(name: str) -> JobRequest:
    """The request of one of the ten jobs."""
    return request(**({"tenant": "ads", "queue": "root.tier1.ads"} | JOBS[name]))


def terms_for(job: JobRequest, policy: Policy = POLICY) -> Terms:
    """What the policy says of a job that names its queue."""
    return terms_of(policy, tenant=job.tenant, queue=job.queue or "", spark_version=job.spark_version)


def translated(job: JobRequest, cluster: ClusterProfile = CLUSTER, *, number: int = 1) -> Rendered:
    """Place *job* on *cluster* and render it, as a dispatcher does."""
    terms, queue = terms_for(job), job.queue or ""
    decision = choose(wish_of(job, queue, terms), [ClusterFacts(cluster, ClusterState.ACTIVE, 0)])
    assert decision.arch is not None, decision.rejects
    attempt = Attempt(JOB, number, job.tenant, "amara", queue, decision.arch)
    return to_spark_application(attempt, job, cluster, terms)


def file_of(name: str) -> str:
    """Where the manifest of a job is kept."""
    return name.lower().replace(" ", "-") + ".yaml"


if __name__ == "__main__":  # prints what a golden should be, to be read before it is kept
    for name in JOBS:
        print(f"# {file_of(name)}\n{yaml.safe_dump(translated(wanted(name)).manifest, sort_keys=False)}")
