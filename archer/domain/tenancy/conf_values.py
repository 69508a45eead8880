"""Values of sparkConf that are bounded: classes that Spark would load, and numbers that cost others.

Source: Spark 3.5 ``configuration.md``, ``running-on-kubernetes.md`` and ``internal/config/package.scala``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# A tab is fine. A line break ends a line of the properties file that spark-submit writes for the driver.
FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
WHOLE: Final = re.compile(r"-?[0-9]{1,18}\Z")
DECIMAL: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,9})?\Z")


@dataclass(frozen=True, slots=True)
class Number:
    """A number within bounds, both included."""

    least: float
    most: float
    form: re.Pattern[str] = WHOLE

    def fault(self, value: str) -> str | None:
        """Say in words what is wrong with *value*, or None."""
        if self.form.match(value) and self.least <= float(value) <= self.most:
            return None
        kind = "a whole number" if self.form is WHOLE else "a number"
        return f"must be {kind} from {self.least:g} to {self.most:g}"

    @property
    def allowed(self) -> object:
        """Its bounds."""
        return {"least": self.least, "most": self.most}


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words."""

    words: tuple[str, ...]

    def fault(self, value: str) -> str | None:
        """Say in words what is wrong with *value*, or None."""
        return None if value in self.words else "must be one of those that allowed names"

    @property
    def allowed(self) -> object:
        """The words."""
        return list(self.words)


@dataclass(frozen=True, slots=True)
class Form:
    """A text of a form."""

    form: re.Pattern[str]
    example: str

    def fault(self, value: str) -> str | None:
        """Say in words what is wrong with *value*, or None."""
        return None if self.form.match(value) else f"must be of the form of {self.example}"

    @property
    def allowed(self) -> object:
        """An example."""
        return self.example


CODECS: Final = OneOf(("lz4", "lzf", "snappy", "zstd"))
IS_ON: Final = OneOf(("true", "false"))
SIZE: Final = Form(re.compile(r"[0-9]{1,10}([bkmgt]b?)?\Z"), "512m")
TIME: Final = Form(re.compile(r"[0-9]{1,9}(us|ms|s|m|min|h|d)?\Z"), "120s")
FACTOR: Final = Number(0.01, 10, DECIMAL)
SHARE: Final = Number(0, 1, DECIMAL)

BOUNDED: Final[Mapping[str, Number | OneOf | Form]] = {
    "spark.serializer": OneOf(
        ("org.apache.spark.serializer.KryoSerializer", "org.apache.spark.serializer.JavaSerializer")
    ),
    "spark.io.compression.codec": CODECS,
    "spark.shuffle.mapStatus.compression.codec": CODECS,
    "spark.scheduler.mode": OneOf(("FIFO", "FAIR")),
    "spark.speculation": IS_ON,
    "spark.sql.adaptive.enabled": IS_ON,
    "spark.sql.ansi.enabled": IS_ON,
    "spark.kubernetes.local.dirs.tmpfs": IS_ON,
    "spark.sql.shuffle.partitions": Number(1, 200_000),
    "spark.default.parallelism": Number(1, 200_000),
    "spark.task.maxFailures": Number(1, 100),
    "spark.task.cpus": Number(1, 128),
    "spark.rpc.message.maxSize": Number(1, 2047),
    "spark.kubernetes.allocation.batch.size": Number(1, 100),
    "spark.kubernetes.allocation.maxPendingPods": Number(1, 5000),
    "spark.memory.fraction": SHARE,
    "spark.memory.storageFraction": SHARE,
    "spark.driver.memoryOverheadFactor": FACTOR,
    "spark.executor.memoryOverheadFactor": FACTOR,
    "spark.kubernetes.memoryOverheadFactor": FACTOR,
    "spark.driver.maxResultSize": SIZE,
    "spark.memory.offHeap.size": SIZE,
    "spark.executor.pyspark.memory": SIZE,
    "spark.network.timeout": TIME,
    "spark.kubernetes.allocation.batch.delay": TIME,
    "spark.kubernetes.allocation.executor.timeout": TIME,
    "spark.dynamicAllocation.executorIdleTimeout": TIME,
    "spark.dynamicAllocation.schedulerBacklogTimeout": TIME,
}


def value_fault(key: str, value: str) -> tuple[str, str, object | None] | None:
    """Rule that *value* breaks, the sentence about it and what is allowed; None when it is fine."""
    if FORBIDDEN.search(value):
        return "control_character", "must not hold control characters", None
    bound = BOUNDED.get(key)
    words = bound.fault(value) if bound else None
    return ("value", words, bound.allowed) if bound and words else None
