"""Labels and annotations by which Archer knows its own objects again."""

from __future__ import annotations

from typing import Final

API_VERSION: Final = "sparkoperator.k8s.io/v1beta2"
KIND: Final = "SparkApplication"

JOB_ID: Final = "moka.dev/job-id"
ATTEMPT: Final = "moka.dev/attempt"
TENANT: Final = "moka.dev/tenant"
SPEC_SHA256: Final = "moka.dev/spec-sha256"
JOB_NAME: Final = "moka.dev/job-name"
OWNER: Final = "moka.dev/owner"
CORRELATION_ID: Final = "moka.dev/correlation-id"

# Source: Spark resource-managers/kubernetes Constants.scala, SPARK_ROLE_LABEL.
SPARK_ROLE: Final = "spark-role"
DRIVER_ROLE: Final = "driver"
DRIVER_SUFFIX: Final = "-driver"  # of the driver pod, after its application's name

# Container names that Spark and the operator expect in pod templates.
DRIVER_CONTAINER: Final = "spark-kubernetes-driver"
EXECUTOR_CONTAINER: Final = "spark-kubernetes-executor"
