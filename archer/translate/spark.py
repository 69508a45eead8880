"""A job request to the SparkApplication of one attempt.

The object is built, field by field; nothing of a request is passed through. The shape is known to run without
the operator's webhook on spark-operator 2.5 with YuniKorn 1.8.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from archer.domain.cluster import ClusterProfile
from archer.domain.identifiers import application_name
from archer.domain.request import LABEL_VALUE, DriverSize, JobRequest
from archer.translate import names, pods, storage, yunikorn
from archer.translate.draft import Draft, Origin

OPERATOR_TYPE: Final = {"python": "Python", "java": "Java", "scala": "Scala", "r": "R", "sql": "Python"}
SQL_PROGRAM: Final = "local:///opt/moka/sql.py"  # in the Spark image; Spark's SQL shell has no cluster mode


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt's manifest is made of, beside the request."""

    job_id: str
    number: int
    tenant: str
    owner: str
    queue: str
    arch: str

    @property
    def application(self) -> str:
        """Name of the SparkApplication."""
        return application_name(self.job_id, self.number)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A manifest, the hash of its spec, and where each field came from."""

    manifest: dict[str, Any]
    spec_sha256: str
    _draft: Draft

    @property
    def origins(self) -> list[Origin]:
        """Where each field came from; told when asked, since a dispatcher never asks."""
        return self._draft.origins


def to_spark_application(attempt: Attempt, request: JobRequest, profile: ClusterProfile) -> Rendered:
    """Render the SparkApplication of *attempt* for the cluster of *profile*; same input, same bytes."""
    draft = Draft()
    draft.put(("apiVersion",), names.API_VERSION, "platform")
    draft.put(("kind",), names.KIND, "platform")
    labels = _labels(attempt)
    _put_metadata(draft, attempt, request, profile, labels)
    _put_program(draft, request, profile)
    _put_conf(draft, attempt, request, profile)
    _put_sizes(draft, request, profile)
    placed = (attempt.queue, attempt.arch)
    pods.put_templates(draft, request, profile, labels=labels, placed=placed)
    sha256 = hashlib.sha256(json.dumps(draft.tree["spec"], sort_keys=True).encode()).hexdigest()
    draft.put(("metadata", "annotations", names.SPEC_SHA256), sha256, "derived")
    return Rendered(draft.tree, sha256, draft)


def _labels(attempt: Attempt) -> dict[str, str]:
    labels = {
        names.JOB_ID: attempt.job_id,
        names.ATTEMPT: str(attempt.number),
        names.TENANT: attempt.tenant,
        yunikorn.APP_ID: attempt.application,
    }
    if LABEL_VALUE.match(attempt.queue):  # a path that is too long, or ends in "_", is in the annotation only
        labels[yunikorn.QUEUE] = attempt.queue
    return labels


def _put_metadata(
    draft: Draft, attempt: Attempt, request: JobRequest, profile: ClusterProfile, labels: dict[str, str]
) -> None:
    draft.put(("metadata", "name"), attempt.application, "derived")
    draft.put(("metadata", "namespace"), profile.namespace_of(attempt.tenant), "cluster")
    for key, value in request.labels.items():
        draft.put(("metadata", "labels", key), value, "request", f"labels.{key}")
    for key, value in labels.items():
        draft.put(("metadata", "labels", key), value, "derived")
    annotations = ("metadata", "annotations")
    draft.put((*annotations, names.JOB_NAME), request.name, "request", "name")
    draft.put((*annotations, names.OWNER), attempt.owner, "derived")
    draft.put((*annotations, names.CORRELATION_ID), request.correlation_id, "request", "correlation_id")


def _put_program(draft: Draft, request: JobRequest, profile: ClusterProfile) -> None:
    draft.put(("spec", "type"), OPERATOR_TYPE[request.type], "request", "type")
    draft.put(("spec", "mode"), "cluster", "platform")
    draft.put(("spec", "sparkVersion"), request.spark_version, "request", "spark_version")
    draft.put(("spec", "image"), profile.image, "cluster")
    draft.put(("spec", "imagePullPolicy"), profile.image_pull_policy, "cluster")
    draft.put(("spec", "restartPolicy", "type"), "Never", "platform")  # only Archer starts attempts
    draft.put(("spec", "timeToLiveSeconds"), profile.time_to_live_seconds, "cluster")
    if request.type in ("python", "sql"):
        draft.put(("spec", "pythonVersion"), "3", "platform")
    if request.type == "sql":
        draft.put(("spec", "mainApplicationFile"), SQL_PROGRAM, "platform")
        given = (
            ["--sql", request.sql] if request.sql is not None else ["--file", request.main_application_file]
        )
        field = "sql" if request.sql is not None else "main_application_file"
        draft.put(("spec", "arguments"), [*given, *request.arguments], "request", field)
    else:
        draft.put(
            ("spec", "mainApplicationFile"), request.main_application_file, "request", "main_application_file"
        )
        draft.put(("spec", "mainClass"), request.main_class, "request", "main_class")
        draft.put(("spec", "arguments"), list(request.arguments), "request", "arguments")
    for field, key in (
        ("jars", "jars"),
        ("files", "files"),
        ("py_files", "pyFiles"),
        ("archives", "archives"),
        ("packages", "packages"),
    ):
        draft.put(("spec", "deps", key), list(getattr(request.deps, field)), "request", f"deps.{field}")


def _put_conf(draft: Draft, attempt: Attempt, request: JobRequest, profile: ClusterProfile) -> None:
    conf = ("spec", "sparkConf")
    for key, value in (profile.spark_conf | storage.storage_conf(profile)).items():
        draft.put((*conf, key), value, "cluster")
    for key, value in request.spark_conf.items():
        draft.put((*conf, key), value, "request", f"spark_conf.{key}")
    # Driver and executors share the prefix, so that logs group and names stay within 63 characters.
    draft.put((*conf, "spark.kubernetes.executor.podNamePrefix"), attempt.application, "platform")
    draft.put((*conf, "spark.ui.killEnabled"), "false", "platform")
    dynamic = request.dynamic_allocation
    if dynamic is not None:
        where = ("spec", "dynamicAllocation")
        draft.put((*where, "enabled"), dynamic.enabled, "request", "dynamic_allocation.enabled")
        draft.put(
            (*where, "minExecutors"), dynamic.min_executors, "request", "dynamic_allocation.min_executors"
        )
        draft.put(
            (*where, "maxExecutors"), dynamic.max_executors, "request", "dynamic_allocation.max_executors"
        )
        draft.put((*where, "initialExecutors"), yunikorn.initial_executors(request), "derived")
        # Without a remote shuffle service, executors that hold shuffle files must be known.
        draft.put((*where, "shuffleTrackingEnabled"), True, "platform")


def _put_sizes(draft: Draft, request: JobRequest, profile: ClusterProfile) -> None:
    for role, size in (("driver", request.driver), ("executor", request.executor)):
        _put_size(draft, role, size, millicores_per_core=profile.millicores_per_core)
        draft.put(("spec", role, "serviceAccount"), profile.service_account, "cluster")
    if request.dynamic_allocation is None or not request.dynamic_allocation.enabled:
        draft.put(
            ("spec", "executor", "instances"), request.executor.instances, "request", "executor.instances"
        )


def _put_size(draft: Draft, role: str, size: DriverSize, *, millicores_per_core: int) -> None:
    where = ("spec", role)
    draft.put((*where, "cores"), size.cores, "request", f"{role}.cores")
    if millicores_per_core != yunikorn.FULL_CORE:
        draft.put((*where, "coreRequest"), yunikorn.cpu(size, millicores_per_core), "cluster")
    draft.put((*where, "memory"), size.memory, "request", f"{role}.memory")
    draft.put((*where, "memoryOverhead"), size.memory_overhead, "request", f"{role}.memory_overhead")
