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
from archer.domain.tenancy.policy import FREE, Terms
from archer.translate import names, pods, yunikorn
from archer.translate.conf import put_conf, shuffle_of
from archer.translate.draft import Draft, Origin, Source
from archer.translate.nodes import nodes_of

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
    namespace: str = ""  # of one that was placed before: where it was placed, whatever the files say now

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
        """Where each line came from, and what it replaced; told when asked."""
        return self._draft.origins

    def layers(self) -> dict[str, Any]:
        """The same in few bytes, to be kept beside the manifest."""
        return self._draft.layers()


def to_spark_application(
    attempt: Attempt, request: JobRequest, profile: ClusterProfile, terms: Terms = FREE
) -> Rendered:
    """Render the SparkApplication of *attempt* for the cluster of *profile*; same input, same bytes.

    Args:
        attempt: Which attempt of which job, and where it goes.
        request: What the caller asked for.
        profile: The cluster that it is made for.
        terms: What the policy says of the job.

    Raises:
        ValueError: The policy knows no such tenant, or no such secret of it.
    """
    if terms.policy is not None and terms.tenant is None:
        # else its job would run in the cluster's own namespace, with the rights that are there
        raise ValueError(f"the policy has no tenant {attempt.tenant}")
    draft = Draft()
    draft.put(("apiVersion",), names.API_VERSION, "platform")
    draft.put(("kind",), names.KIND, "platform")
    labels = _labels(attempt)
    where = nodes_of(
        attempt.job_id, attempt.number, attempt.arch, request=request, profile=profile, queue=terms.queue
    )
    shuffle = shuffle_of(attempt.tenant, request, profile, terms)
    _put_metadata(draft, attempt, request, profile, terms, labels)
    _put_program(draft, attempt, request, profile, terms)
    put_conf(draft, attempt.application, request, profile, terms, where=where, shuffle=shuffle)
    _put_sizes(draft, request, profile, terms)
    pods.put_templates(draft, request, pods.Pods(labels, attempt.queue, where, profile, terms))
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
    draft: Draft,
    attempt: Attempt,
    request: JobRequest,
    profile: ClusterProfile,
    terms: Terms,
    labels: dict[str, str],
) -> None:
    draft.put(("metadata", "name"), attempt.application, "derived")
    draft.put(("metadata", "namespace"), *_namespace(attempt, profile, terms))
    draft.put_all(("metadata", "labels"), request.labels, "request", "labels")
    draft.put_all(("metadata", "labels"), labels, "derived")
    annotations = ("metadata", "annotations")
    draft.put_all(annotations, request.annotations, "request", "annotations")
    draft.put((*annotations, names.JOB_NAME), request.name, "request", "name")
    draft.put((*annotations, names.OWNER), attempt.owner, "derived")
    draft.put((*annotations, names.CORRELATION_ID), request.correlation_id, "request", "correlation_id")


def _namespace(attempt: Attempt, profile: ClusterProfile, terms: Terms) -> tuple[str, Source]:
    source: Source = "cluster" if terms.tenant is None else "tenant"
    if attempt.namespace:
        return attempt.namespace, source
    if terms.tenant is None:
        return profile.namespace_of(attempt.tenant), source
    return terms.tenant.namespace_on(profile.name), source


def _image(
    attempt: Attempt, request: JobRequest, profile: ClusterProfile, terms: Terms
) -> tuple[str, Source, str | None]:
    if request.image is not None:
        return request.image, "request", "image"
    ours = terms.version.images.get(attempt.arch) if terms.version else None  # pyright: ignore[reportArgumentType]
    return (profile.image, "cluster", None) if ours is None else (ours, "version", None)


def _put_program(
    draft: Draft, attempt: Attempt, request: JobRequest, profile: ClusterProfile, terms: Terms
) -> None:
    draft.put(("spec", "type"), OPERATOR_TYPE[request.type], "request", "type")
    draft.put(("spec", "mode"), "cluster", "platform")
    draft.put(("spec", "sparkVersion"), request.spark_version, "request", "spark_version")
    if terms.version is not None and terms.version.version != request.spark_version:  # 3.5 means 3.5.9
        draft.put(("spec", "sparkVersion"), terms.version.version, "version")
    draft.put(("spec", "image"), *_image(attempt, request, profile, terms))
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
    if request.deps.packages and terms.policy is not None:
        draft.put(("spec", "deps", "repositories"), list(terms.policy.repositories), "default")


def _put_sizes(draft: Draft, request: JobRequest, profile: ClusterProfile, terms: Terms) -> None:
    for role, size in (("driver", request.driver), ("executor", request.executor)):
        _put_size(draft, role, size, millicores_per_core=profile.millicores_per_core)
        draft.put(("spec", role, "serviceAccount"), *_service_account(role, profile, terms))
    if request.dynamic_allocation is None or not request.dynamic_allocation.enabled:
        draft.put(
            ("spec", "executor", "instances"), request.executor.instances, "request", "executor.instances"
        )


def _service_account(role: str, profile: ClusterProfile, terms: Terms) -> tuple[str, Source]:
    tenant = terms.tenant
    if tenant is None:
        return profile.service_account, "cluster"
    return (tenant.driver_service_account if role == "driver" else tenant.executor_service_account), "tenant"


def _put_size(draft: Draft, role: str, size: DriverSize, *, millicores_per_core: int) -> None:
    where = ("spec", role)
    draft.put((*where, "cores"), size.cores, "request", f"{role}.cores")
    if millicores_per_core != yunikorn.FULL_CORE:
        draft.put((*where, "coreRequest"), yunikorn.cpu(size, millicores_per_core), "cluster")
    draft.put((*where, "memory"), size.memory, "request", f"{role}.memory")
    draft.put((*where, "memoryOverhead"), size.memory_overhead, "request", f"{role}.memory_overhead")
