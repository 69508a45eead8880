"""Shuffle by Celeborn as sparkConf, for the client of each line.

Source: Celeborn docs, "Quick Start", "Configuration", "Migration Guide"; names by the line that knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from archer.domain.cluster import Celeborn
from archer.domain.memory import spark_mib
from archer.domain.request import JobRequest

CLIENT: Final = "spark.celeborn.client"
WRITER: Final = f"{CLIENT}.spark.shuffle.writer"
PUSH_BUFFER_KIB: Final = 64  # celeborn.client.push.buffer.max.size
BUFFER_SHARE: Final = 8  # of the heap one eighth at most; beside it Spark's own memory fraction is in use
PARTITION_KEYS: Final = ("spark.sql.shuffle.partitions", "spark.default.parallelism")
PARTITIONS: Final = 200  # spark.sql.shuffle.partitions
RELIABLE_FROM: Final = (3, 5)  # SPARK-42689: a plugin may say that shuffle files outlive their executor
# Of 0.5 by another name, or not known to it.
OLD_IDENTITY: Final = "spark.celeborn.quota.identity.user-specific"
IDENTITY: Final = "spark.celeborn.identity.user-specific"


@dataclass(frozen=True, slots=True)
class Shuffle:
    """A job whose shuffle Celeborn keeps; *client* is the line in its image."""

    service: Celeborn
    client: str
    spark: tuple[int, int]
    tenant: str

    @property
    def tracks_executors(self) -> bool:
        """Whether dynamic allocation must keep executors that wrote shuffle files.

        Before 3.5 Spark refuses dynamic allocation without it, unless it was patched.
        """
        return self.spark < RELIABLE_FROM


def preferences(shuffle: Shuffle, request: JobRequest, conf: Mapping[str, str]) -> dict[str, str]:
    """What suits a job best, and owners and callers may set otherwise. *conf* is what they set."""
    is_new = shuffle.client != "0.5"
    wanted = {
        WRITER: writer(request, conf),
        f"{CLIENT}.push.replicate.enabled": str(shuffle.service.replicate).lower(),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.adaptive.skewJoin.enabled": "true",
        # its partitions lie on workers: a reader beside the mapper reads every one of them in pieces
        "spark.sql.adaptive.localShuffleReader.enabled": "false",
        f"{CLIENT}.spark.shuffle.fallback.policy": "NEVER" if _may_not_fall_back(request) else "AUTO",
    }
    if is_new:
        wanted[f"{CLIENT}.shuffle.integrityCheck.enabled"] = "true"  # from 0.6.1 on; 0.6.0 passes over it
    return wanted


def necessities(shuffle: Shuffle, request: JobRequest) -> dict[str, str]:
    """What Celeborn does not work without; nobody may set it otherwise."""
    is_new = shuffle.client != "0.5"
    identity = IDENTITY if is_new else OLD_IDENTITY
    conf = {
        "spark.shuffle.manager": "org.apache.spark.shuffle.celeborn.SparkShuffleManager",
        # Java's serializer cannot move records of one stream apart
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        "spark.celeborn.master.endpoints": ",".join(shuffle.service.masters),
        "spark.shuffle.service.enabled": "false",
        f"{identity}.tenant": shuffle.tenant,
        f"{identity}.userName": shuffle.tenant,
        f"{CLIENT}.spark.{'stageRerun.enabled' if is_new else 'fetch.throwsFetchFailure'}": "true",
    }
    if is_new:
        conf[f"{CLIENT}.application.uuidSuffix.enabled"] = "true"
    if shuffle.spark < (4, 0):
        conf["spark.executor.userClassPathFirst"] = "false"
    if is_dynamic(request) and not shuffle.tracks_executors:
        conf["spark.shuffle.sort.io.plugin.class"] = "org.apache.spark.shuffle.celeborn.CelebornShuffleDataIO"
    return conf


def writer(request: JobRequest, conf: Mapping[str, str]) -> str:
    """``hash`` while its buffers, one for each partition of each running task, fit beside the rest."""
    tasks = max(request.executor.cores // max(_number(conf, "spark.task.cpus", 1), 1), 1)
    partitions = max(_number(conf, key, PARTITIONS) for key in PARTITION_KEYS)
    buffers_mib = partitions * tasks * PUSH_BUFFER_KIB // 1024
    return "hash" if buffers_mib <= spark_mib(request.executor.memory) // BUFFER_SHARE else "sort"


def is_dynamic(request: JobRequest) -> bool:
    """Whether Spark adds and removes executors by itself."""
    return request.dynamic_allocation is not None and request.dynamic_allocation.enabled


def _may_not_fall_back(request: JobRequest) -> bool:
    """Whether a shuffle of Spark's own would be lost, or is not what was asked for.

    It would lie on executors that dynamic allocation takes away, since it believes the files to be elsewhere.
    """
    return request.shuffle == "celeborn" or is_dynamic(request)


def _number(conf: Mapping[str, str], key: str, default: int) -> int:
    text = conf.get(key, "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else default
