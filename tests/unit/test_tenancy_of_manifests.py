"""Whatever a valid request says, its manifest has namespace, accounts, queue and image of its tenant."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings

from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import terms_of
from archer.domain.tenancy.rules.check import faults_of
from archer.translate.spark import Attempt, to_spark_application
from tests.builders import new_id, profile
from tests.policies import policy
from tests.unit.test_rules_properties import requests

REQUESTS = 5_000
POLICY = policy()
OTHERS = {"namespace": "of-nobody", "service_account": "of-nobody", "image": "of-nobody"}
PROFILE = profile(spark_versions=("3.5.9",), **OTHERS)
JOB = new_id(1)


@settings(max_examples=REQUESTS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(requests())
def test_the_manifest_of_a_valid_request_is_its_tenants(raw: dict[str, Any]):
    assert faults_of(raw, POLICY) == []
    asked = JobRequest.model_validate(raw)
    tenant = POLICY.tenant_of["mine"]
    queue = asked.queue or tenant.queues[0]
    terms = terms_of(POLICY, tenant="mine", queue=queue, spark_version=asked.spark_version)
    attempt = Attempt(JOB, 1, "mine", "amara", queue, "arm64")
    manifest = to_spark_application(attempt, asked, PROFILE, terms).manifest

    metadata, spec = manifest["metadata"], manifest["spec"]
    assert metadata["name"] == f"{JOB}-1"
    assert metadata["namespace"] == "spark-mine"
    assert spec["image"] == (asked.image or POLICY.spark_versions[0].images["arm64"])
    for role in ("driver", "executor"):
        template = spec[role]["template"]
        assert spec[role]["serviceAccount"] == f"mine-{role}"
        assert template["spec"].get("serviceAccountName", f"mine-{role}") == f"mine-{role}"
        assert template["metadata"]["annotations"]["yunikorn.apache.org/queue"] == queue
        assert template["spec"]["schedulerName"] == "yunikorn"
        assert "image" not in spec[role]
        assert all(one.get("image") is None for one in template["spec"]["containers"])
    roles = [spec[role]["template"]["metadata"]["labels"] for role in ("driver", "executor")]
    for labels in (metadata["labels"], *roles):
        assert labels["moka.dev/job-id"] == JOB
        assert labels["moka.dev/tenant"] == "mine"
        assert labels["yunikorn.apache.org/queue"] == queue
        assert labels["yunikorn.apache.org/app-id"] == f"{JOB}-1"
        assert set(labels) - set(asked.labels) == {
            "moka.dev/job-id",
            "moka.dev/attempt",
            "moka.dev/tenant",
            "yunikorn.apache.org/queue",
            "yunikorn.apache.org/app-id",
        }
    whose = ("spark.kubernetes.authenticate", "spark.submit", "spark.master")
    assert not any(key.startswith(whose) for key in spec["sparkConf"])
    assert "of-nobody" not in str(manifest)
