"""Jobs through Archer on real Kubernetes: what callers are promised, from a request to the evidence."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.archer import FAKE, REAL, Client, entry, running_archer
from tests.e2e.test_stack_smoke import WORD_COUNT, history, placeholders, until
from tests.stack import kubectl, s3
from tests.stack.layout import MOKA_A, MOKA_ARM, MOKA_X86, S3_BUCKET, Cluster
from tests.stack.parts.order import part

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("stack")]

# The same cluster once more, for jobs whose image nobody has.
NO_SUCH_IMAGE = "registry.invalid/spark:none"
BROKEN = entry(
    MOKA_A,
    name="moka-broken",
    namespace="moka-jobs",
    image=NO_SUCH_IMAGE,
    image_pull_policy="IfNotPresent",
    spark_versions=("3.3.0",),
)
FAILS = "raise SystemExit('the input of 2026-11-22 is empty')\n"
EATS_MEMORY = "chunks = []\nwhile True:\n    chunks.append(bytearray(b'x' * 50_000_000))\n"
SLEEPS = (
    "import time\nfrom pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate()\ntime.sleep(600)\n"
)


@pytest.fixture(scope="module")
async def archer(stack: None, new_database: Callable[[str], str]) -> AsyncIterator[Client]:
    for file, text in (
        ("wordcount", WORD_COUNT), ("fails", FAILS), ("eats", EATS_MEMORY), ("sleeps", SLEEPS)
    ):  # fmt: skip
        s3.put(f"jobs/{file}.py", text.encode())
    async with running_archer(new_database("jobs"), BROKEN) as client:
        yield client


def program(name: str) -> str:
    return f"s3a://{S3_BUCKET}/jobs/{name}.py"


@contextmanager
def operator_of(cluster: Cluster) -> Iterator[None]:
    """Let the real operator run in a cluster of fake nodes."""
    operator = part(f"spark-operator-{cluster.name}")
    operator.start()
    try:
        yield
    finally:
        operator.stop()


async def test_a_pyspark_job_on_s3_succeeds_through_yunikorn_and_is_in_the_history(archer):
    job = await archer.submit(
        name="word count",
        main_application_file=program("wordcount"),
        arguments=[program("wordcount")],
        spark_version=REAL,
    )
    ended = await archer.end(job)
    attempt = ended["attempts"][0]
    assert (ended["state"], ended["cluster"]) == ("succeeded", MOKA_A.name), ended
    assert (attempt["exit_code"], attempt["application_state"]) == (0, "COMPLETED")
    assert "words:" in await archer.log(job)
    assert placeholders(f"{job}-1") == {"driver": (1, 1), "executor": (1, 1)}
    until(lambda: attempt["spark_app_id"] in history(), seconds=60)


async def test_a_sql_job_reads_a_table_through_the_metastore(archer):
    table = f"t{id(archer)}"
    statements = f"CREATE TABLE {table} AS SELECT id FROM range(7); SELECT sum(id) AS total FROM {table}"
    job = await archer.submit(name="totals", type="sql", sql=statements, spark_version=REAL)
    ended = await archer.end(job)
    log = await archer.log(job)
    assert ended["state"] == "succeeded", log[-3000:]
    assert "21" in log
    assert any(key.endswith(".parquet") or "part-" in key for key in s3.keys(f"warehouse/{table}/"))


@pytest.mark.parametrize(("arch", "cluster"), [("arm64", MOKA_ARM), ("amd64", MOKA_X86)])
async def test_a_job_for_an_architecture_lands_on_such_a_node(archer, arch, cluster):
    with operator_of(cluster):
        job = await archer.submit(
            name="placed", main_application_file="local:///opt/moka/sql.py", arch=arch, spark_version=FAKE
        )
        ended = await archer.end(job)
    assert (ended["state"], ended["cluster"]) == ("succeeded", cluster.name), ended
    node = kubectl.get(cluster, "pod", f"{job}-1-driver")["spec"]["nodeName"]
    assert kubectl.get(cluster, "node", node)["status"]["nodeInfo"]["architecture"] == arch


async def test_a_cancelled_job_leaves_no_pod(archer):
    job = await archer.submit(name="sleeps", main_application_file=program("sleeps"), spark_version=REAL)
    await archer.reach(job, lambda found: found["state"] == "running", seconds=180)
    await archer.cancel(job)
    ended = await archer.end(job, seconds=90)
    assert ended["state"] == "cancelled"
    pods = json.loads(
        kubectl.kubectl(MOKA_A, "get", "pods", f"--selector=moka.dev/job-id={job}", "--output=json")
    )
    assert [pod["metadata"]["name"] for pod in pods["items"]] == []
    assert not kubectl.is_there(MOKA_A, "sparkapplication", f"{job}-1")


async def test_a_driver_that_exits_1_fails_as_the_users_with_its_own_words(archer):
    job = await archer.submit(name="fails", main_application_file=program("fails"), spark_version=REAL)
    ended = await archer.end(job)
    assert (ended["state"], ended["reason"], ended["fault"]) == ("failed", "user_code", "user"), ended
    assert ended["attempts"][0]["exit_code"] == 1
    assert any("the input of 2026-11-22 is empty" in line for line in ended["attempts"][0]["evidence"])


async def test_a_driver_killed_for_memory_fails_as_out_of_memory(archer):
    job = await archer.submit(name="eats", main_application_file=program("eats"), spark_version=REAL)
    ended = await archer.end(job)
    assert (ended["state"], ended["reason"]) == ("failed", "driver_oom"), ended


async def test_an_image_that_does_not_exist_is_waited_for_and_then_fails_the_job(archer):
    job = await archer.submit(name="no image", main_application_file=program("fails"), spark_version="3.3.0")
    waits = await archer.reach(job, lambda found: "image" in (found["waiting"] or ""), seconds=120)
    assert waits["state"] == "submitted"
    assert NO_SUCH_IMAGE in waits["waiting"]
    ended = await archer.end(job, seconds=180)
    assert (ended["state"], ended["reason"], ended["fault"]) == ("failed", "image", "platform"), ended
    assert any(NO_SUCH_IMAGE in line for line in ended["attempts"][0]["evidence"]), ended["attempts"]
    assert not kubectl.is_there(MOKA_A, "pod", f"{job}-1-driver", "--namespace=moka-jobs")


async def test_a_driver_that_is_larger_than_its_queue_fails_with_yunikorns_words(archer):
    job = await archer.submit(
        name="larger than all",
        main_application_file=program("fails"),
        spark_version=REAL,
        driver={"cores": 1, "memory": "500g"},
    )
    ended = await archer.end(job, seconds=120)
    (attempt,) = ended["attempts"]
    assert (ended["state"], ended["reason"], ended["fault"]) == ("failed", "quota", "policy"), ended
    assert any("cannot fit application" in line for line in attempt["evidence"]), attempt
    assert (ended["started_at"], attempt["scheduled_at"]) == (None, None)


async def test_a_driver_that_no_node_can_hold_waits_with_the_schedulers_words_and_can_be_cancelled(archer):
    with operator_of(MOKA_ARM):
        job = await archer.submit(
            name="larger than a node",
            main_application_file="local:///opt/moka/sql.py",
            spark_version=FAKE,
            arch="arm64",
            driver={"cores": 1, "memory": "300g"},
        )
        waits = await archer.reach(job, lambda found: "memory" in (found["waiting"] or ""), seconds=180)
        assert waits["state"] == "submitted", waits
        assert "Insufficient memory" in waits["waiting"]
        await archer.cancel(job)
        assert (await archer.end(job, seconds=90))["state"] == "cancelled"
    assert not kubectl.is_there(MOKA_ARM, "pod", f"{job}-1-driver")


async def test_an_attempt_tells_its_five_times_in_order(archer):
    job = await archer.submit(
        name="times",
        main_application_file=program("wordcount"),
        arguments=[program("wordcount")],
        spark_version=REAL,
    )
    ended = await archer.end(job)
    (attempt,) = ended["attempts"]
    times = [ended["created_at"]]
    times += [attempt[f"{name}_at"] for name in ("placed", "submitted", "scheduled", "started", "ended")]
    assert all(times), times
    assert times == sorted(times), times
    assert attempt["executors_completed"] + attempt["executors_failed"] >= 1, attempt
