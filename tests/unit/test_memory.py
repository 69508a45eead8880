"""Memory of pods, by Spark's own arithmetic, and the gangs that YuniKorn reserves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.memory import (
    JVM_FACTOR,
    NON_JVM_FACTOR,
    overhead_factor,
    pod_memory_mib,
    role_memory_mib,
    spark_mib,
)
from archer.domain.quantities import memory_mib
from archer.translate.nodes import Nodes
from archer.translate.yunikorn import Gang, cpu, initial_executors, task_groups
from tests.builders import request

OFF_HEAP = {"spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": "1g"}


def groups_of(wanted, **fields) -> list[dict]:
    given = {"conf": {}, "millicores_per_core": 1000, "nodes": Nodes("amd64", "", "", "")} | fields
    return json.loads(task_groups(Gang(wanted, **given)))


@pytest.mark.parametrize(
    ("heap_mib", "factor", "overhead_mib", "expected"),
    [
        pytest.param(1024, JVM_FACTOR, None, 1408, id="small heap: the 384 MiB floor wins"),
        pytest.param(3840, JVM_FACTOR, None, 4224, id="the floor and the factor meet"),
        pytest.param(4096, JVM_FACTOR, None, 4505, id="409.6 MiB rounds down"),
        pytest.param(4096, NON_JVM_FACTOR, None, 5734, id="PySpark takes four times as much"),
        pytest.param(32768, JVM_FACTOR, 2048, 34816, id="a given overhead replaces the factor"),
        pytest.param(32768, JVM_FACTOR, 1, 32769, id="a given overhead has no floor"),
    ],
)
def test_pod_memory(heap_mib, factor, overhead_mib, expected):
    assert pod_memory_mib(heap_mib, factor=factor, overhead_mib=overhead_mib) == expected


@pytest.mark.parametrize(
    ("job_type", "factor"), [("python", 0.4), ("r", 0.4), ("sql", 0.4), ("java", 0.1), ("scala", 0.1)]
)
def test_workers_outside_the_heap_need_more(job_type, factor):
    assert overhead_factor(job_type) == factor


@pytest.mark.parametrize(
    ("text", "unit", "mib"),
    [
        ("4g", "m", 4096),
        ("4GB", "m", 4096),
        ("1k", "m", 0),
        ("2047k", "m", 1),
        ("512", "m", 512),
        ("1073741824", "b", 1024),
        ("1048575b", "m", 0),
        ("1t", "m", 1048576),
        ("1p", "m", 1073741824),
    ],
)
def test_sizes_are_read_as_spark_reads_them(text, unit, mib):
    assert spark_mib(text, unit=unit) == mib


@pytest.mark.parametrize("text", ["", "g", "1.5g", "-1g", "1gi", "1 g", "4gbb"])
def test_what_spark_would_not_read(text):
    with pytest.raises(ValueError, match="no size"):
        spark_mib(text)


# Each of these is compared with Spark's own pods in tests/cluster/test_spark_pods.py.
@pytest.mark.parametrize(
    ("role", "job_type", "conf", "expected"),
    [
        pytest.param("driver", "python", {}, 4096 + 1638, id="a driver"),
        pytest.param("executor", "java", {}, 4096 + 409, id="an executor of a JVM"),
        pytest.param("executor", "python", OFF_HEAP, 4096 + 1638 + 1024, id="off-heap"),
        pytest.param("driver", "python", OFF_HEAP, 4096 + 1638, id="no off-heap in a driver"),
        pytest.param(
            "executor",
            "python",
            OFF_HEAP | {"spark.memory.offHeap.enabled": "false"},
            4096 + 1638,
            id="off-heap that is off",
        ),
        pytest.param(
            "executor",
            "python",
            {"spark.executor.pyspark.memory": "256"},
            4096 + 1638 + 256,
            id="Python's workers",
        ),
        pytest.param(
            "executor",
            "sql",
            {"spark.executor.pyspark.memory": "256"},
            4096 + 1638 + 256,
            id="our driver of SQL is Python",
        ),
        pytest.param(
            "executor",
            "scala",
            {"spark.executor.pyspark.memory": "256"},
            4096 + 409,
            id="no Python no workers",
        ),
        pytest.param(
            "driver", "java", {"spark.kubernetes.memoryOverheadFactor": "0.25"}, 4096 + 1024, id="a factor"
        ),
        pytest.param(
            "executor",
            "java",
            {"spark.kubernetes.memoryOverheadFactor": "0.25", "spark.executor.memoryOverheadFactor": "0.5"},
            4096 + 2048,
            id="a role's own factor wins",
        ),
    ],
)
def test_memory_of_a_role(role, job_type, conf, expected):
    assert role_memory_mib(role, request(executor={"memory": "4g"}).executor, job_type, conf) == expected


@pytest.mark.parametrize(
    ("cores", "millicores_per_core", "written"),
    [(2, 1000, "2"), (1, 200, "200m"), (5, 200, "1"), (3, 500, "1500m"), (128, 50, "6400m")],
)
def test_cpu_is_written_as_kubernetes_writes_it(cores, millicores_per_core, written):
    assert cpu(request(driver={"cores": cores}).driver, millicores_per_core) == written


def test_placeholders_go_where_the_pods_may_go():
    nodes = Nodes("arm64", "a", "on-demand", "spot")
    driver, executor = groups_of(request(), nodes=nodes)
    for group, capacity in ((driver, "on-demand"), (executor, "spot")):
        assert group["nodeSelector"] == {
            "kubernetes.io/arch": "arm64",
            "karpenter.sh/capacity-type": capacity,
            "topology.kubernetes.io/zone": "a",
        }
        assert [one["key"] for one in group["tolerations"]] == ["moka.dev/arch"]


def test_a_gang_is_the_driver_and_the_executors_to_start_with():
    wanted = request(
        driver={"cores": 2, "memory": "4g"}, executor={"cores": 4, "memory": "8g", "instances": 10}
    )
    assert [
        {key: group[key] for key in ("name", "minMember", "minResource")} for group in groups_of(wanted)
    ] == [
        {"name": "driver", "minMember": 1, "minResource": {"cpu": "2", "memory": "5734Mi"}},
        {"name": "executor", "minMember": 10, "minResource": {"cpu": "4", "memory": "11468Mi"}},
    ]


@pytest.mark.parametrize(
    ("dynamic", "executors"),
    [
        pytest.param(None, 3, id="not dynamic"),
        pytest.param({"enabled": False, "max_executors": 9, "initial_executors": 7}, 3, id="switched off"),
        pytest.param({"max_executors": 9}, 0, id="from nothing"),
        pytest.param({"min_executors": 2, "max_executors": 9}, 2, id="from the least"),
        pytest.param(
            {"min_executors": 2, "initial_executors": 5, "max_executors": 9}, 5, id="from the initial"
        ),
        pytest.param(
            {"min_executors": 4, "initial_executors": 1, "max_executors": 9}, 4, id="never below the least"
        ),
    ],
)
def test_executors_to_start_with(dynamic, executors):
    wanted = request(executor={"instances": 3}, dynamic_allocation=dynamic)
    assert initial_executors(wanted) == executors
    groups = groups_of(wanted)
    assert sum(group["minMember"] for group in groups if group["name"] == "executor") == executors
    assert all(group["minMember"] > 0 for group in groups)


@given(st.integers(1, 4096), st.one_of(st.none(), st.integers(1, 4096)))
def test_a_gang_reserves_what_the_pods_will_ask_for(heap_gib, overhead_gib):
    if heap_gib * 1024 > 4 * 1024 * 1024:
        return
    size = {"memory": f"{heap_gib}g", "memory_overhead": f"{overhead_gib}g" if overhead_gib else None}
    (driver, _) = groups_of(request(driver=size))
    reserved = int(driver["minResource"]["memory"].removesuffix("Mi"))
    least = memory_mib(size["memory"]) + (
        memory_mib(size["memory_overhead"]) if size["memory_overhead"] else 384
    )
    assert reserved >= least
