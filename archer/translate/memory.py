"""Memory of driver and executor pods, by Spark's own arithmetic."""

from __future__ import annotations

from typing import Final

MIN_OVERHEAD_MIB: Final = 384  # Spark running-on-kubernetes.md, spark.kubernetes.memoryOverheadFactor
JVM_FACTOR: Final = 0.1
NON_JVM_FACTOR: Final = 0.4


def overhead_factor(job_type: str) -> float:
    """Share of the heap that Spark adds: more for Python and R, whose workers live outside it."""
    return NON_JVM_FACTOR if job_type in ("python", "r", "sql") else JVM_FACTOR


def pod_memory_mib(heap_mib: int, *, factor: float, overhead_mib: int | None = None) -> int:
    """Memory that one driver or executor pod requests.

    Spark adds an overhead to the heap: ``overhead_mib`` as given, else ``heap * factor`` rounded down, but at
    least 384 MiB.

    Args:
        heap_mib: ``spark.{driver,executor}.memory``, in MiB.
        factor: Share of the heap, no unit.
        overhead_mib: ``spark.{driver,executor}.memoryOverhead``, in MiB; replaces the factor and the floor.

    Returns:
        MiB. Write it as ``f"{n}Mi"``, as Spark does, also above one GiB.

    Source:
        Spark ``running-on-kubernetes.md``, ``spark.kubernetes.memoryOverheadFactor``; the operator's
        ``yunikorn/resourceusage/memory.go``. Not counted: off-heap and PySpark memory.
    """
    if overhead_mib is None:
        overhead_mib = max(int(heap_mib * factor), MIN_OVERHEAD_MIB)
    return heap_mib + overhead_mib
