"""Memory of pods, by Spark's own arithmetic, and the gangs that YuniKorn reserves."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archer.domain.quantities import memory_mib
from archer.translate.memory import JVM_FACTOR, NON_JVM_FACTOR, overhead_factor, pod_memory_mib
from archer.translate.yunikorn import initial_executors, task_groups
from tests.builders import request


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


def test_a_gang_is_the_driver_and_the_executors_to_start_with():
    wanted = request(
        driver={"cores": 2, "memory": "4g"}, executor={"cores": 4, "memory": "8g", "instances": 10}
    )
    assert json.loads(task_groups(wanted)) == [
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
    groups = json.loads(task_groups(wanted))
    assert sum(group["minMember"] for group in groups if group["name"] == "executor") == executors
    assert all(group["minMember"] > 0 for group in groups)


@given(st.integers(1, 4096), st.one_of(st.none(), st.integers(1, 4096)))
def test_a_gang_reserves_what_the_pods_will_ask_for(heap_gib, overhead_gib):
    if heap_gib * 1024 > 4 * 1024 * 1024:
        return
    size = {"memory": f"{heap_gib}g", "memory_overhead": f"{overhead_gib}g" if overhead_gib else None}
    (driver, _) = json.loads(task_groups(request(driver=size)))
    reserved = int(driver["minResource"]["memory"].removesuffix("Mi"))
    least = memory_mib(size["memory"]) + (
        memory_mib(size["memory_overhead"]) if size["memory_overhead"] else 384
    )
    assert reserved >= least
