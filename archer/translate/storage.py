"""A cluster's S3 server, event log and metastore as sparkConf, and which raw keys would contradict it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from archer.domain.cluster import ClusterProfile
from archer.domain.tenancy.spark_conf import REQUEST_FIELD_OF
from archer.translate import memory

S3A: Final = "spark.hadoop.fs.s3a"
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
    yield from memory.conf_faults(profile.spark_conf)
