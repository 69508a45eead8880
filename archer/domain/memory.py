"""Memory of driver and executor pods, by Spark's own arithmetic.

What a gang reserves must be what its pods will ask for, to the MiB. Source: Spark 3.5
``BasicDriverFeatureStep``, ``BasicExecutorFeatureStep``, ``ResourceProfile.getResourcesForClusterManager``;
``tests/cluster/test_spark_pods.py`` lets Spark itself make the pods and compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

MIN_OVERHEAD_MIB: Final = 384  # ResourceProfile.MEMORY_OVERHEAD_MIN_MIB
JVM_FACTOR: Final = 0.1  # spark.kubernetes.memoryOverheadFactor
NON_JVM_FACTOR: Final = 0.4  # Constants.NON_JVM_MEMORY_OVERHEAD_FACTOR
FACTOR_KEY: Final = "spark.kubernetes.memoryOverheadFactor"
OFF_HEAP_ENABLED_KEY: Final = "spark.memory.offHeap.enabled"
OFF_HEAP_SIZE_KEY: Final = "spark.memory.offHeap.size"
PYSPARK_KEY: Final = "spark.executor.pyspark.memory"
FACTORS: Final = (
    FACTOR_KEY,
    "spark.driver.memoryOverheadFactor",
    "spark.executor.memoryOverheadFactor",
)

SIZE: Final = re.compile(r"([0-9]{1,15})([bkmgtp]?)b?\Z")
FACTOR: Final = re.compile(r"(?=[0-9.]*[1-9])[0-9]{1,3}(\.[0-9]{1,9})?\Z")
BYTES_PER_UNIT: Final = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
BYTES_PER_MIB: Final = 2**20


class Sized(Protocol):
    """What a request asks for each pod of a role."""

    @property
    def memory(self) -> str:
        """Heap in Spark's notation."""
        ...

    @property
    def memory_overhead(self) -> str | None:
        """Memory beside the heap."""
        ...


def spark_mib(text: str, *, unit: str = "m") -> int:
    """Read a size as Spark reads it: lower units are rounded down.

    Args:
        text: Such as ``4g``, ``1025k`` or ``512``.
        unit: What a bare number counts, of ``b k m g t p``.

    Returns:
        MiB.

    Raises:
        ValueError: It is no size.

    Source:
        Spark ``JavaUtils.byteStringAs``, ``ByteUnit.convertFrom``.
    """
    match = SIZE.match(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is no size in Spark's notation, such as 512m or 4g")
    return int(match[1]) * BYTES_PER_UNIT[match[2] or unit] // BYTES_PER_MIB


def overhead_factor(job_type: str) -> float:
    """Share of the heap that Spark adds: more for Python and R, whose workers live outside it."""
    return NON_JVM_FACTOR if job_type in ("python", "r", "sql") else JVM_FACTOR


def pod_memory_mib(heap_mib: int, *, factor: float, overhead_mib: int | None = None) -> int:
    """Memory that one driver or executor pod requests for its heap and beside it.

    Spark adds an overhead to the heap: ``overhead_mib`` as given, else ``heap * factor`` rounded down, but at
    least 384 MiB.

    Args:
        heap_mib: ``spark.{driver,executor}.memory``, in MiB.
        factor: Share of the heap, no unit.
        overhead_mib: ``spark.{driver,executor}.memoryOverhead``, in MiB; replaces the factor and the floor.

    Returns:
        MiB. Write it as ``f"{n}Mi"``, as Spark does, also above one GiB.
    """
    if overhead_mib is None:
        overhead_mib = max(int(heap_mib * factor), MIN_OVERHEAD_MIB)
    return heap_mib + overhead_mib


def role_memory_mib(role: str, size: Sized, job_type: str, conf: Mapping[str, str]) -> int:
    """Memory that the pod of a driver or of an executor requests.

    Args:
        role: ``driver`` or ``executor``.
        size: What the request asks for.
        job_type: Of the request.
        conf: The job's whole sparkConf.

    Returns:
        MiB.

    Raises:
        ValueError: A key of *conf* that counts here has no number.
    """
    own_factor = conf.get(f"spark.{role}.memoryOverheadFactor", conf.get(FACTOR_KEY))
    heap = pod_memory_mib(
        spark_mib(size.memory),
        factor=overhead_factor(job_type) if own_factor is None else float(own_factor),
        overhead_mib=None if size.memory_overhead is None else spark_mib(size.memory_overhead),
    )
    if role == "driver":  # Spark gives off-heap memory and Python workers' memory to executors only
        return heap
    return heap + _off_heap_mib(conf) + _pyspark_mib(job_type, conf)


def conf_faults(conf: Mapping[str, str]) -> Iterator[str]:
    """Say which keys of *conf* that count for a pod's memory have no number, in words."""
    for key, value in conf.items():
        if key in (OFF_HEAP_SIZE_KEY, PYSPARK_KEY) and SIZE.match(value.strip().lower()) is None:
            yield f"spark_conf.{key} must be a size, such as 512m or 4g"
        elif key in FACTORS and FACTOR.match(value.strip()) is None:
            yield f"spark_conf.{key} must be a number above 0, such as 0.4"


def _off_heap_mib(conf: Mapping[str, str]) -> int:
    if conf.get(OFF_HEAP_ENABLED_KEY, "").strip().lower() != "true":
        return 0
    return spark_mib(conf.get(OFF_HEAP_SIZE_KEY, "0"), unit="b")


def _pyspark_mib(job_type: str, conf: Mapping[str, str]) -> int:
    return spark_mib(conf.get(PYSPARK_KEY, "0")) if job_type in ("python", "sql") else 0
