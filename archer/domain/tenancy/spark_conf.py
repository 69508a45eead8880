"""Which sparkConf keys a caller may set.

An allow-list by family: a key that no family opens is refused, so a new key of a new Spark is closed until
someone has looked at it. Keys that the platform sets itself are named apart, because the answer differs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

KEY: Final = re.compile(r"spark\.[A-Za-z0-9_.-]{1,200}\Z")  # no "=", spark-submit splits at the first

OPEN_KEYS: Final = frozenset(
    {
        "spark.sql.broadcastTimeout",
        "spark.sql.autoBroadcastJoinThreshold",
        "spark.sql.session.timeZone",
        "spark.sql.ansi.enabled",
        "spark.default.parallelism",
        "spark.speculation",
        "spark.task.maxFailures",
        "spark.task.cpus",
        "spark.network.timeout",
        "spark.rpc.message.maxSize",
        "spark.serializer",
        "spark.serializer.objectStreamReset",
        "spark.memory.fraction",
        "spark.memory.storageFraction",
        "spark.locality.wait",
        "spark.scheduler.mode",
        "spark.driver.maxResultSize",
        "spark.driver.memoryOverheadFactor",
        "spark.executor.memoryOverheadFactor",
        # of spark.kubernetes.* only what says how fast executors come, and how much they get beside the heap
        "spark.kubernetes.allocation.batch.size",
        "spark.kubernetes.allocation.batch.delay",
        "spark.kubernetes.allocation.executor.timeout",
        "spark.kubernetes.allocation.maxPendingPods",
        "spark.kubernetes.local.dirs.tmpfs",
        "spark.kubernetes.memoryOverheadFactor",
    }
)
OPEN_FAMILIES: Final = (
    "spark.sql.shuffle.",
    "spark.sql.adaptive.",
    "spark.sql.files.",
    "spark.sql.sources.",
    "spark.sql.parquet.",
    "spark.sql.orc.",
    "spark.speculation.",
    "spark.kryoserializer.",
    "spark.shuffle.",
    "spark.io.compression.",
    "spark.locality.wait.",
    "spark.dynamicAllocation.",
    "spark.user.",
)
# Which shuffle a job uses, and where its blocks lie, is chosen with its cluster.
CLOSED_IN_OPEN_FAMILIES: Final = (
    "spark.shuffle.manager",
    "spark.shuffle.sort.io.plugin.",
    "spark.shuffle.service.",
    "spark.shuffle.push.",
    "spark.dynamicAllocation.shuffleTracking.",
)
LOADS_A_CLASS: Final = re.compile(r"(?i)class(es|name)?\Z|manager\Z|plugin")
OF_JOBS: Final = "spark.user."  # the jobs' own: Spark reads nothing there

# What no policy file can open: where a job runs, as whom, which code is loaded there, where its events,
# figures and blocks go, and what is hidden of them.
NEVER_OPEN: Final = (
    "spark.master",
    "spark.submit.",
    "spark.kubernetes.",
    "spark.authenticate",
    "spark.app.",
    "spark.jars",
    "spark.files",
    "spark.archives",
    "spark.yarn.",
    "spark.driver.extra",
    "spark.executor.extra",
    "spark.plugins",
    "spark.ui.proxy",
    "spark.driver.userClassPathFirst",
    "spark.executor.userClassPathFirst",
    "spark.executorEnv.",
    "spark.extraListeners",
    "spark.eventLog.",
    "spark.metrics.",
    "spark.redaction.",
    "spark.security.",
    "spark.pyspark.",
    "spark.celeborn.",
    "spark.shuffle.",
    "spark.sql.catalog",
    "spark.sql.extensions",
    "spark.sql.hive.metastore.",
    "spark.sql.queryExecutionListeners",
    "spark.sql.streaming.streamingQueryListeners",
)
# Of Hadoop a policy opens single keys: in any family of it some key names a class, a credential or a host.
HADOOP: Final = "spark.hadoop."
ACCESS_IN_HADOOP: Final = re.compile(
    r"(?i)[.]impl([.]|\Z)|credential|endpoint|provider|secret|key|token|proxy"
)

REQUEST_FIELD_OF: Final = {
    "spark.app.name": "name",
    "spark.driver.cores": "driver.cores",
    "spark.driver.memory": "driver.memory",
    "spark.driver.memoryOverhead": "driver.memory_overhead",
    "spark.executor.cores": "executor.cores",
    "spark.executor.memory": "executor.memory",
    "spark.executor.memoryOverhead": "executor.memory_overhead",
    "spark.executor.instances": "executor.instances",
    "spark.dynamicAllocation.enabled": "dynamic_allocation.enabled",
    "spark.dynamicAllocation.minExecutors": "dynamic_allocation.min_executors",
    "spark.dynamicAllocation.maxExecutors": "dynamic_allocation.max_executors",
    "spark.dynamicAllocation.initialExecutors": "dynamic_allocation.initial_executors",
    "spark.jars": "deps.jars",
    "spark.files": "deps.files",
    "spark.submit.pyFiles": "deps.py_files",
    "spark.archives": "deps.archives",
    "spark.jars.packages": "deps.packages",
}


def key_fault(key: str, opened: Sequence[str] = ()) -> tuple[str, str] | None:
    """Rule that *key* breaks and the sentence about it, or None when a caller may set it.

    Args:
        key: As the request has it.
        opened: Keys, and families that end in a dot, that a policy opens beside those of this module.
    """
    if KEY.match(key) is None:
        return "key_form", "must be spark. and then letters, digits, dots, dashes or underscores"
    field = REQUEST_FIELD_OF.get(key)
    if field is not None:
        return "has_own_field", f"is set by the field {field}"
    if key in OPEN_KEYS or _is_in_open_family(key):
        return None
    if any(key == one or (one.endswith(".") and key.startswith(one)) for one in opened) and not _is_kept(key):
        return None
    return "not_open", "is kept by the platform; ask its owners to open it"


def _is_in_open_family(key: str) -> bool:
    if not key.startswith(OPEN_FAMILIES) or key.startswith(CLOSED_IN_OPEN_FAMILIES):
        return False
    return key.startswith(OF_JOBS) or LOADS_A_CLASS.search(key) is None


def _is_kept(key: str) -> bool:
    """Whether a policy cannot open *key*, or not with its family."""
    if key.startswith((*NEVER_OPEN, *CLOSED_IN_OPEN_FAMILIES)) or LOADS_A_CLASS.search(key):
        return True
    return key.startswith(HADOOP) and ACCESS_IN_HADOOP.search(key) is not None


def family(text: str) -> str:
    """Check a key, or a family that ends in a dot, that a policy opens. Raises ``ValueError``."""
    if text in REQUEST_FIELD_OF:
        raise ValueError(f"{text} is set by the field {REQUEST_FIELD_OF[text]}")
    if text.endswith(".") and (text.startswith(HADOOP) or HADOOP.startswith(text)):
        raise ValueError(f"{text} cannot be opened: of {HADOOP} only single keys can be")
    if _is_kept(text) or (text.endswith(".") and any(kept.startswith(text) for kept in NEVER_OPEN)):
        raise ValueError(
            f"{text} cannot be opened: it decides where a job runs, as whom, or what it loads there"
        )
    return text
