"""SparkApplications for the stack as it is: no webhook of the operator, YuniKorn, files on S3."""

import json
from typing import Any

from tests.stack import s3
from tests.stack.layout import S3_BUCKET, S3_ENDPOINT, SPARK_IMAGE

QUEUE = "root.tier1.ads"
S3A = {
    "endpoint": S3_ENDPOINT,
    "endpoint.region": s3.REGION,
    "path.style.access": "true",
    "connection.ssl.enabled": "false",
    "directory.marker.retention": "keep",
}


def application(
    name: str,
    *,
    argument: str = "",
    file: str = "wordcount.py",
    conf: dict[str, str] | None = None,
    architecture: str | None = None,
    annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One driver and one executor that run ``jobs/<file>`` of the bucket."""
    settings = {
        **{f"spark.hadoop.fs.s3a.{key}": value for key, value in S3A.items()},
        "spark.kubernetes.executor.podNamePrefix": name,
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": f"s3a://{S3_BUCKET}/events",
        **(conf or {}),
    }
    spec = {
        "type": "Python",
        "pythonVersion": "3",
        "mode": "cluster",
        "image": SPARK_IMAGE,
        "imagePullPolicy": "Never",
        "mainApplicationFile": f"s3a://{S3_BUCKET}/jobs/{file}",
        "arguments": [argument],
        "sparkVersion": "3.5.9",
        "restartPolicy": {"type": "Never"},
        "sparkConf": settings,
        "driver": {**_role(name, "driver", architecture), "serviceAccount": "spark"},
        "executor": {**_role(name, "executor", architecture), "instances": 1},
    }
    metadata = {"name": name, "namespace": "default", "annotations": annotations or {}}
    kind = {"apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication"}
    return {**kind, "metadata": metadata, "spec": spec}


def _role(name: str, role: str, architecture: str | None) -> dict[str, Any]:
    """Size and pod; scheduler and environment, which the operator would drop, are in the template."""
    container = {
        "name": f"spark-kubernetes-{role}",
        "envFrom": [{"secretRef": {"name": "moka-s3"}}],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    template = {
        "metadata": {
            "labels": {"yunikorn.apache.org/app-id": name, "yunikorn.apache.org/queue": QUEUE},
            "annotations": _gang(role),
        },
        "spec": {
            "schedulerName": "yunikorn",
            "nodeSelector": {"kubernetes.io/arch": architecture} if architecture else {},
            "containers": [container],
        },
    }
    return {"cores": 1, "coreRequest": "200m", "memory": "512m", "template": template}


def _gang(role: str) -> dict[str, str]:
    """The pod's task group and, on the driver, the places to hold: 896 MiB = 512 + least overhead."""
    member = {"minMember": 1, "minResource": {"cpu": "200m", "memory": "896Mi"}}
    groups = json.dumps([{"name": "driver", **member}, {"name": "executor", **member}])
    name = {"yunikorn.apache.org/task-group-name": role}
    return {**name, "yunikorn.apache.org/task-groups": groups} if role == "driver" else name
