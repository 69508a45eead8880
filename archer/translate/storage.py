"""A cluster's S3 server, event log and metastore as sparkConf, and which raw keys would contradict it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from archer.domain import memory
from archer.domain.cluster import ClusterProfile
from archer.domain.tenancy.spark_conf import REQUEST_FIELD_OF

S3A: Final = "spark.hadoop.fs.s3a"
MASTERS_KEY: Final = "spark.celeborn.master.endpoints"
# Written by Archer for each attempt, or by the operator from a field of the manifest.
KEPT: Final = frozenset(
    {
        "spark.kubernetes.executor.podNamePrefix",
        "spark.ui.killEnabled",
        "spark.master",
        "spark.kubernetes.namespace",
        "spark.kubernetes.container.image",
        "spark.kubernetes.container.image.pullPolicy",
        *(
            f"spark.kubernetes.{role}.{word}"
            for role in ("driver", "executor")
            for word in ("container.image", "podTemplateFile", "request.cores", "scheduler.name")
        ),
        "spark.kubernetes.scheduler.name",
        *(f"spark.kubernetes.authenticate.{role}.serviceAccountName" for role in ("driver", "executor")),
    }
)
# By the line of Hadoop in the image: 3.3 speaks through version 1 of the AWS SDK, 3.4 through version 2.
# Pod Identity in version 1 needs an SDK of 1.12.746 or newer in the image. Source: EKS user guide, "Use pod
# identity with the AWS SDK"; Hadoop 3.4, "Upgrading S3A to AWS SDK V2".
CREDENTIALS: Final[dict[tuple[str, str], str]] = {
    ("3.3", "irsa"): "com.amazonaws.auth.WebIdentityTokenCredentialsProvider",
    ("3.3", "pod_identity"): "com.amazonaws.auth.EC2ContainerCredentialsProviderWrapper",
    ("3.4", "irsa"): "software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider",
    ("3.4", "pod_identity"): "software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider",
}
CREDENTIALS_KEY: Final = f"{S3A}.aws.credentials.provider"
# Source: Spark docs, "Monitoring", PrometheusServlet and executor metrics.
PROMETHEUS: Final = {
    "spark.ui.prometheus.enabled": "true",
    "spark.executor.processTreeMetrics.enabled": "true",
    "spark.metrics.conf.*.sink.prometheusServlet.class": "org.apache.spark.metrics.sink.PrometheusServlet",
    "spark.metrics.conf.driver.sink.prometheusServlet.path": "/metrics/driver/prometheus/",
    "spark.metrics.conf.executor.sink.prometheusServlet.path": "/metrics/executors/prometheus/",
}


def hadoop_line(spark: tuple[int, int]) -> str:
    """Line of Hadoop that comes with a line of Spark, where no policy says what is in the image."""
    return "3.3" if spark < (4, 0) else "3.4"


def credentials_conf(profile: ClusterProfile, hadoop: str) -> dict[str, str]:
    """Render how pods sign in to S3, for an image with the line *hadoop*; nothing for what is not set."""
    if not profile.s3_credentials:
        return {}
    return {CREDENTIALS_KEY: CREDENTIALS[hadoop, profile.s3_credentials]}


def storage_conf(profile: ClusterProfile) -> dict[str, str]:
    """Render the typed storage settings of a cluster as sparkConf; nothing for what is not set."""
    conf: dict[str, str] = {}
    if profile.event_log:
        conf["spark.eventLog.enabled"] = "true"
        conf["spark.eventLog.dir"] = profile.event_log
        # in one piece, S3 shows the log only after the driver closed it, and never after a kill
        conf["spark.eventLog.rolling.enabled"] = str(profile.event_log_rolling).lower()
    if profile.s3 is not None:
        is_secure = profile.s3.endpoint.startswith("https://")
        conf[f"{S3A}.endpoint"] = profile.s3.endpoint
        conf[f"{S3A}.endpoint.region"] = profile.s3.region
        conf[f"{S3A}.path.style.access"] = str(profile.s3.path_style).lower()
        conf[f"{S3A}.connection.ssl.enabled"] = str(is_secure).lower()
        # "delete", the default of Hadoop 3.3, retries for a minute on servers that show folders; 3.4 keeps
        conf[f"{S3A}.directory.marker.retention"] = "keep"
    if profile.metastore:
        conf["spark.hadoop.hive.metastore.uris"] = profile.metastore
        conf["spark.sql.catalogImplementation"] = "hive"
    return conf


def conf_faults(profile: ClusterProfile) -> Iterator[str]:
    """Say which raw ``spark_conf`` keys of a cluster contradict what is written elsewhere, in words."""
    typed = storage_conf(profile)
    for key, value in profile.spark_conf.items():
        if key in KEPT:
            yield f"spark_conf.{key} is written by Archer"
        elif not (field := REQUEST_FIELD_OF.get(key, "deps.")).startswith("deps."):
            yield f"spark_conf.{key} is set by each job, by its field {field}"
        elif typed.get(key, value) != value:
            yield f"spark_conf.{key} is {value!r}, but event_log, s3 or metastore make it {typed[key]!r}"
        elif key == CREDENTIALS_KEY and profile.s3_credentials:
            yield f"spark_conf.{key} is set by s3_credentials, as each Spark version needs it"
        elif key == MASTERS_KEY:
            yield f"spark_conf.{key} is set by celeborn"
    yield from memory.conf_faults(profile.spark_conf)
