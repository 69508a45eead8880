"""The sparkConf of an attempt, layer upon layer: the later one wins.

Platform default, cluster, what suits the job, Spark version, queue, tenant, request, and what Archer fixes.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from typing import Final

from archer.domain.cluster import ClusterProfile
from archer.domain.request import JobRequest
from archer.domain.tenancy.policy import Terms
from archer.translate import celeborn, nodes, storage, yunikorn
from archer.translate.celeborn import Shuffle
from archer.translate.draft import Draft
from archer.translate.nodes import Nodes

CONF: Final = ("spec", "sparkConf")
DYNAMIC: Final = ("spec", "dynamicAllocation")
PLAIN_OPTION: Final = re.compile(r"[^\s\"'\\]+\Z")
COLLECTOR: Final = re.compile(r"(?<!\S)-XX:\+Use\w+GC(?!\S)")
NOTHING: Final[Mapping[str, str]] = {}


def spark_line(version: str) -> tuple[int, int]:
    """Line of a Spark version: 3.5.9 is of (3, 5)."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def shuffle_of(tenant: str, request: JobRequest, profile: ClusterProfile, terms: Terms) -> Shuffle | None:
    """How Celeborn keeps the shuffle of a job; None where Spark does so by itself."""
    service, version = profile.celeborn, terms.version
    if (
        request.shuffle == "spark"
        or service is None
        or version is None
        or not service.takes(version.celeborn)
    ):
        return None
    return Shuffle(service, version.celeborn, spark_line(version.version), tenant)


def put_conf(
    draft: Draft,
    application: str,
    request: JobRequest,
    profile: ClusterProfile,
    terms: Terms,
    *,
    where: Nodes,
    shuffle: Shuffle | None,
) -> None:
    """Put the sparkConf of the attempt *application*, and its dynamic allocation."""
    policy, version, queue, tenant = (
        part.spark_conf if part else NOTHING
        for part in (terms.policy, terms.version, terms.queue, terms.tenant)
    )
    hadoop = terms.version.hadoop if terms.version else storage.hadoop_line(spark_line(request.spark_version))
    draft.put_all(CONF, policy, "default")
    draft.put_all(CONF, profile.spark_conf, "cluster")
    draft.put_all(CONF, storage.storage_conf(profile), "cluster")
    draft.put_all(CONF, storage.credentials_conf(profile, hadoop), "cluster")
    if profile.prometheus:
        draft.put_all(CONF, storage.PROMETHEUS, "cluster")
    if where.executors_on_spot:
        draft.put_all(CONF, nodes.DECOMMISSION, "derived")
        # Celeborn's files are elsewhere already
        draft.put((*CONF, nodes.DECOMMISSION_SHUFFLE), str(shuffle is None).lower(), "derived")
    if shuffle is not None:
        said = ChainMap(*map(dict, (request.spark_conf, tenant, queue, version, profile.spark_conf, policy)))
        draft.put_all(CONF, celeborn.preferences(shuffle, request, said), "derived")
    draft.put_all(CONF, version, "version")
    draft.put_all(CONF, queue, "queue")
    draft.put_all(CONF, tenant, "tenant")
    draft.put_all(CONF, request.spark_conf, "request", "spark_conf")
    _put_java_options(draft, request)
    if shuffle is not None:
        draft.put_all(CONF, celeborn.necessities(shuffle, request), "platform")
    # Driver and executors share the prefix, so that logs group and names stay within 63 characters.
    draft.put((*CONF, "spark.kubernetes.executor.podNamePrefix"), application, "platform")
    draft.put((*CONF, "spark.ui.killEnabled"), "false", "platform")
    _put_dynamic_allocation(draft, request, shuffle)


def _put_java_options(draft: Draft, request: JobRequest) -> None:
    """Put the options of JVMs: the platform's first, then the request's, which win where both speak."""
    for role, size in (("driver", request.driver), ("executor", request.executor)):
        if not size.java_options:
            continue
        key = f"spark.{role}.extraJavaOptions"
        before = draft.tree["spec"].get("sparkConf", {}).get(key, "")
        if any(COLLECTOR.fullmatch(option) for option in size.java_options):
            before = COLLECTOR.sub("", before)  # a JVM that is told two of them does not start
        options = [*before.split(" "), *map(_quoted, size.java_options)]
        draft.put((*CONF, key), " ".join(filter(None, options)), "request", f"{role}.java_options")


def _quoted(option: str) -> str:
    """Write one option so that Spark reads it as one. Source: ``CommandBuilderUtils.parseOptionString``."""
    if PLAIN_OPTION.match(option):
        return option
    return '"' + option.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _put_dynamic_allocation(draft: Draft, request: JobRequest, shuffle: Shuffle | None) -> None:
    dynamic = request.dynamic_allocation
    if dynamic is None:
        return
    for key, value, field in (
        ("enabled", dynamic.enabled, "enabled"),
        ("minExecutors", dynamic.min_executors, "min_executors"),
        ("maxExecutors", dynamic.max_executors, "max_executors"),
    ):
        draft.put((*DYNAMIC, key), value, "request", f"dynamic_allocation.{field}")
    draft.put((*DYNAMIC, "initialExecutors"), yunikorn.initial_executors(request), "derived")
    # Said either way, since the operator takes silence for true. Without a remote shuffle, executors that
    # hold shuffle files must be known; with one they would only be kept for nothing.
    is_tracked = shuffle is None or shuffle.tracks_executors
    draft.put((*DYNAMIC, "shuffleTrackingEnabled"), is_tracked, "platform")
