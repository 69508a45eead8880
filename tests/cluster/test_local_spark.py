"""Real Spark in the local cluster: few runs, all started at once, each test looks at one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archer.clusters.local.cluster import LocalCluster
from archer.clusters.local.config import LocalConfig
from archer.translate.observe import Application
from tests.cluster.rigs import manifest, operated, processes_of, until, until_gone

pytestmark = pytest.mark.spark

JOBS = Path(__file__).parents[2] / "examples" / "jobs"
SPARK_SECONDS = 300.0
SQL = """
-- one; statement
create temporary view numbers as select explode(sequence(1, 10)) as n;
select sum(n) as total, ';' as mark, :greeting as greeting from numbers;
select * from nowhere;
select 'never reached'
"""
MANIFESTS = [
    manifest("words-1", mainApplicationFile=f"file://{JOBS}/wordcount.py", arguments=["8000"]),
    manifest("broken-1", mainApplicationFile=f"file://{JOBS}/fails.py"),
    manifest("missing-1", mainApplicationFile=f"file://{JOBS}/no-such-file.py"),
    manifest("sql-1", arguments=["--sql", SQL, "greeting=hello; world"]),
    manifest("sleeps-1", mainApplicationFile=f"file://{JOBS}/sleeps.py", arguments=["600"]),
]


@pytest.fixture(scope="module")
async def cluster(tmp_path_factory) -> AsyncIterator[LocalCluster]:
    config = LocalConfig("local", tmp_path_factory.mktemp("spark") / "root", slots=2)
    cluster = LocalCluster(config)
    async with operated(config):
        for one in MANIFESTS:
            one["metadata"]["annotations"] = {"moka.dev/job-name": "A job of people"}
            await cluster.create(one)
        yield cluster


async def test_a_spark_job_prints_what_only_spark_computed(cluster: LocalCluster):
    ended, log = await _end(cluster, "words-1")
    assert ended.application_state == "COMPLETED"
    assert "RESULT words=24000 distinct=9 partitions=2" in log
    assert ended.spark_app_id is not None
    assert ended.spark_app_id.startswith("local-")


async def test_an_exception_of_a_job_fails_it_with_its_words(cluster: LocalCluster):
    ended, _ = await _end(cluster, "broken-1")
    assert ended.application_state == "FAILED"
    driver = await cluster.driver("default", "broken-1")
    assert driver is not None
    assert driver.exit_code == 1
    assert "row 7 is broken" in driver.message


async def test_a_missing_program_is_named(cluster: LocalCluster):
    ended, _ = await _end(cluster, "missing-1")
    assert ended.application_state == "FAILED"
    driver = await cluster.driver("default", "missing-1")
    assert driver is not None
    assert "no-such-file.py" in driver.message


async def test_sql_prints_tables_and_says_what_is_wrong_without_a_stack_trace(cluster: LocalCluster):
    ended, log = await _end(cluster, "sql-1")
    assert ended.application_state == "FAILED"
    assert "| total | mark | greeting     |" in log
    assert "| 55    | ;    | hello; world |" in log
    assert "AnalysisException in statement 3 of 4: [TABLE_OR_VIEW_NOT_FOUND]" in log
    assert "never reached" not in log
    assert "Traceback" not in log
    assert "\tat " not in log
    driver = await cluster.driver("default", "sql-1")
    assert driver is not None
    assert driver.exit_code == 1


async def test_a_cancelled_spark_job_leaves_no_process(cluster: LocalCluster):
    found = await cluster.get("default", "sleeps-1")
    assert found is not None
    await until(lambda: _has_workers(cluster, found.uid), SPARK_SECONDS)
    await cluster.delete("default", "sleeps-1", found.uid)
    await until_gone(cluster, "sleeps-1")
    assert processes_of(found.uid) == []


async def _end(cluster: LocalCluster, name: str) -> tuple[Application, str]:
    async def ended():
        found = await cluster.get("default", name)
        return found if found is not None and found.state.is_final else None

    application = await until(ended, SPARK_SECONDS)
    assert application is not None
    log = await cluster.read_log("default", name, role="driver", offset=0, limit=1_000_000)
    assert log.complete
    return application, log.data.decode()


async def _has_workers(cluster: LocalCluster, uid: str) -> bool:
    """Whether Python workers of Spark run; they are in a process group of their own."""
    commands = [Path(f"/proc/{pid}/cmdline") for pid in processes_of(uid)]
    try:
        return sum(b"pyspark.daemon" in path.read_bytes() for path in commands) >= 2
    except OSError:
        return False
