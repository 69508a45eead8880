"""How much a job may need at its worst: its driver, and every executor that it may ever have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from archer.domain.memory import (
    FACTORS,
    OFF_HEAP_ENABLED_KEY,
    OFF_HEAP_SIZE_KEY,
    PYSPARK_KEY,
    role_memory_mib,
)
from archer.domain.request import DEFAULT_SPARK_VERSION, DriverSize, ExecutorSize
from archer.domain.tenancy.policy import Policy, Queue, Resources, Tenant
from archer.errors import FieldFault

CONF_OF_MEMORY: Final = frozenset({OFF_HEAP_ENABLED_KEY, OFF_HEAP_SIZE_KEY, PYSPARK_KEY, *FACTORS})
DEFAULTS: Final = {"driver": DriverSize.model_validate({}), "executor": ExecutorSize.model_validate({})}


@dataclass(frozen=True, slots=True)
class Size:
    """What a request asks for each pod of a role."""

    cores: int
    memory: str
    memory_overhead: str | None


@dataclass(frozen=True, slots=True)
class Worst:
    """The most that a job may need, and the field that says so."""

    field: str
    executors: int
    cores: int
    memory_mib: int


def order_faults(raw: Mapping[str, Any]) -> Iterator[FieldFault]:
    """Find bounds of dynamic allocation that contradict each other."""
    dynamic = raw.get("dynamic_allocation")
    if not isinstance(dynamic, dict):
        return
    most = dynamic.get("max_executors")
    for word in ("min", "initial"):
        given = dynamic.get(f"{word}_executors")
        if isinstance(most, int) and isinstance(given, int) and given > most:
            field = f"dynamic_allocation.{word}_executors"
            yield FieldFault(field, "order", "must not be above max_executors", most)


def limit_faults(
    raw: Mapping[str, Any], policy: Policy, tenant: Tenant, queue: Queue | None
) -> Iterator[FieldFault]:
    """Find what is above the limits of *tenant* and the largest job of *queue*."""
    timeout = raw.get("timeout_seconds")
    longest = tenant.limits.timeout_seconds
    if isinstance(timeout, int) and timeout > longest:
        words = f"must be at most {longest} for the tenant {tenant.name}"
        yield FieldFault("timeout_seconds", "above_limit", words, longest)
    worst = _worst(raw, policy, tenant, queue)
    if worst is None:
        return
    if worst.executors > tenant.limits.executors:
        yield _fault(
            worst, "executors", worst.executors, f"the tenant {tenant.name}", tenant.limits.executors
        )
    if tenant.limits.job is not None:
        yield from _resource_faults(worst, tenant.limits.job, f"the tenant {tenant.name}")
    if queue is not None and queue.largest_job is not None:
        largest, whose = queue.largest_job, f"the queue {queue.path}"
        if worst.executors > largest.executors:
            yield _fault(worst, "executors", worst.executors, whose, largest.executors)
        yield from _resource_faults(worst, largest, whose)


def _resource_faults(worst: Worst, limit: Resources, whose: str) -> Iterator[FieldFault]:
    if worst.cores > limit.cores:
        yield _fault(worst, "cores", worst.cores, whose, limit.cores)
    if worst.memory_mib > limit.memory_mib:
        needed = -(-worst.memory_mib // 1024)
        yield _fault(worst, "memory", f"{needed}g of memory, overhead included,", whose, limit.memory)


def _fault(worst: Worst, what: str, needed: object, whose: str, allowed: object) -> FieldFault:
    words = needed if what == "memory" else f"{needed} {what}"
    message = f"the job may need {words} at its worst; {whose} takes at most {allowed}"
    return FieldFault(worst.field, f"above_limit_of_{what}", message, allowed)


def _worst(raw: Mapping[str, Any], policy: Policy, tenant: Tenant, queue: Queue | None) -> Worst | None:
    """The worst case, or None where a size is not of its form: the model refuses that."""
    driver, executor = _size(raw, "driver"), _size(raw, "executor")
    counted = _executors(raw)
    if driver is None or executor is None or counted is None:
        return None
    field, count = counted
    conf = _conf_of_memory(raw, policy, tenant, queue)
    found = _memory(str(raw.get("type")), driver, executor, tuple(conf.items()))
    if found is None:
        return None
    driver_mib, executor_mib = found
    if count == 1 and driver_mib > executor_mib:
        field = "driver.memory"
    return Worst(field, count, driver.cores + count * executor.cores, driver_mib + count * executor_mib)


@lru_cache(maxsize=4096)  # sizes come again with each run of a job
def _memory(
    kind: str, driver: Size, executor: Size, conf: tuple[tuple[str, str], ...]
) -> tuple[int, int] | None:
    """Memory of a driver and of an executor in MiB, or None where a size is not of its form."""
    try:
        return (
            role_memory_mib("driver", driver, kind, dict(conf)),
            role_memory_mib("executor", executor, kind, dict(conf)),
        )
    except ValueError:
        return None


def _size(raw: Mapping[str, Any], role: str) -> Size | None:
    default, given = DEFAULTS[role], raw.get(role, {})
    if not isinstance(given, dict):
        return None
    cores, memory = given.get("cores", default.cores), given.get("memory", default.memory)
    overhead = given.get("memory_overhead")
    if not (isinstance(cores, int) and isinstance(memory, str) and isinstance(overhead, str | None)):
        return None
    return Size(cores, memory, overhead)


def _executors(raw: Mapping[str, Any]) -> tuple[str, int] | None:
    """How many executors there may ever be, and the field that says so."""
    executor, dynamic = raw.get("executor", {}), raw.get("dynamic_allocation")
    default = DEFAULTS["executor"]
    least = getattr(default, "instances", 1)
    instances = executor.get("instances", least) if isinstance(executor, dict) else None
    if not isinstance(instances, int):
        return None
    if not isinstance(dynamic, dict) or dynamic.get("enabled") is False:
        return "executor.instances", instances
    most = dynamic.get("max_executors")
    if not isinstance(most, int):
        return None
    return (
        ("dynamic_allocation.max_executors", most) if most >= instances else ("executor.instances", instances)
    )


def _conf_of_memory(
    raw: Mapping[str, Any], policy: Policy, tenant: Tenant, queue: Queue | None
) -> dict[str, str]:
    """What of all layers decides a pod's memory; a later one wins. Of clusters none: it is not chosen yet."""
    wanted = raw.get("spark_version", DEFAULT_SPARK_VERSION)
    version = policy.spark_version(wanted) if isinstance(wanted, str) else None
    given = raw.get("spark_conf")
    layers = (
        policy.spark_conf,
        version.spark_conf if version else {},
        queue.spark_conf if queue else {},
        tenant.spark_conf,
        given if isinstance(given, dict) else {},
    )
    return {
        key: value
        for layer in layers
        if layer
        for key, value in layer.items()
        if key in CONF_OF_MEMORY and isinstance(value, str)
    }
