"""A policy of three tenants, as tests of rules and of manifests need it."""

from __future__ import annotations

from typing import Any

from archer.domain.tenancy.policy import Policy

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE = f"registry.example.com/mine/spark@{DIGEST}"


def policy(**fields: Any) -> Policy:
    """Tenants `default`, `mine` and `other`; *fields* replace or add."""
    said: dict[str, Any] = {
        "open_spark_conf": ["spark.hadoop.fs.s3a.threads.max"],
        "repositories": ["https://maven.example.com/releases"],
        "queues": [
            {"path": "root.default"},
            {
                "path": "root.mine.etl",
                "tier": 2,
                "largest_job": {"executors": 100, "cores": 400, "memory": "1t"},
                "spot": "allowed",
            },
            {"path": "root.mine.adhoc"},
            {"path": "root.other", "tier": 1, "preemptible": False},
        ],
        "tenants": [
            _tenant("default", ["root.default"], locations=["s3a://jobs/"]),
            _tenant(
                "mine",
                ["root.mine.etl", "root.mine.adhoc"],
                locations=["s3a://mine/programs/", "s3a://shared/mine/"],
                images=["registry.example.com/mine"],
                secrets={"db": {"secret": "db-login", "key": "password"}},
                architectures=["arm64"],
                limits={
                    "executors": 500,
                    "job": {"cores": 1000, "memory": "2t"},
                    "timeout_seconds": 86_400,
                },
                open_spark_conf=[
                    "spark.sql.caseSensitive",
                    "spark.hadoop.fs.s3a.readahead.range",
                    "spark.sql.ml.",
                ],
            ),
            _tenant("other", ["root.other"], locations=["s3a://other-tenant/"]),
        ],
        "spark_versions": [
            {
                "version": "3.5.9",
                "images": {
                    arch: f"registry.example.com/spark@{DIGEST[:-1]}{digit}"
                    for arch, digit in (("arm64", "1"), ("amd64", "2"))
                },
            }
        ],
    }
    return Policy.model_validate(said | fields)


def _tenant(name: str, queues: list[str], **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": f"spark-{name}",
        "driver_service_account": f"{name}-driver",
        "executor_service_account": f"{name}-executor",
        "queues": queues,
    } | fields
