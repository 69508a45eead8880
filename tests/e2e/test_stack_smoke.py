"""The stack itself: a PySpark file on S3 runs through the operator and YuniKorn, and its log is found."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.application import application
from tests.stack import etcd, kubectl, s3
from tests.stack.host import processes
from tests.stack.layout import (
    CLUSTERS,
    HISTORY_ADDRESS,
    JOB_NAMESPACES,
    METASTORE_ADDRESS,
    MOKA_A,
    MOKA_ARM,
    MOKA_X86,
    S3_BUCKET,
    YUNIKORN_ADDRESS,
    Cluster,
)
from tests.stack.parts import answers, proxies
from tests.stack.parts.order import part

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("stack")]

WORD_COUNT = """
import sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
lines = spark.read.text(sys.argv[1])
counts = lines.selectExpr("explode(split(value, ' ')) AS word").groupBy("word").count()
print("words:", counts.repartition(2).count())
spark.stop()
"""
TABLE = """
import sys
from pyspark.sql import SparkSession

spark = SparkSession.builder.enableHiveSupport().getOrCreate()
table = sys.argv[1]
spark.range(7).write.saveAsTable(table)
known = [t.name for t in spark.catalog.listTables() if t.name == table]  # others may have theirs there
print("catalog:", known, "rows:", spark.table(table).count())
spark.stop()
"""


def test_a_pyspark_file_on_s3_runs_through_yunikorn_and_is_in_the_history():
    name = f"smoke-{time.time_ns():x}"
    s3.put("jobs/wordcount.py", WORD_COUNT.encode())
    kubectl.apply(MOKA_A, application(name, argument=f"s3a://{S3_BUCKET}/jobs/wordcount.py"))
    ended = until(lambda: final_state(MOKA_A, name), seconds=240)
    assert ended["applicationState"] == {"state": "COMPLETED"}, ended
    assert "words:" in kubectl.kubectl(MOKA_A, "logs", f"{name}-driver")
    assert placeholders(name) == {"driver": (1, 1), "executor": (1, 1)}
    until(lambda: ended["sparkApplicationId"] in history(), seconds=60)


def test_a_table_in_the_metastore_lies_on_s3():
    name = f"smoke-{time.time_ns():x}"
    table = name.replace("-", "_")
    s3.put("jobs/table.py", TABLE.encode())
    hive = {
        "spark.hadoop.hive.metastore.uris": METASTORE_ADDRESS,
        "spark.sql.warehouse.dir": f"s3a://{S3_BUCKET}/warehouse",
    }
    kubectl.apply(MOKA_A, application(name, file="table.py", argument=table, conf=hive))
    ended = until(lambda: final_state(MOKA_A, name), seconds=240)
    output = kubectl.kubectl(MOKA_A, "logs", f"{name}-driver")
    assert ended["applicationState"] == {"state": "COMPLETED"}, output[-3000:]
    assert f"catalog: ['{table}'] rows: 7" in output
    assert any(key.endswith(".parquet") for key in s3.keys(f"warehouse/{table}/"))


@pytest.mark.parametrize("cluster", CLUSTERS, ids=lambda cluster: cluster.name)
def test_a_cluster_is_reached_through_its_proxy_and_lets_drivers_make_executors(cluster):
    for namespace in JOB_NAMESPACES:
        account = f"system:serviceaccount:{namespace}:spark"
        question = ["auth", "can-i", "create", "pods", f"--namespace={namespace}", f"--as={account}"]
        assert kubectl.kubectl(cluster, f"--server={cluster.proxied_server}", *question).strip() == "yes"


@pytest.mark.parametrize("cluster", [MOKA_ARM, MOKA_X86], ids=lambda cluster: cluster.name)
def test_an_application_for_an_architecture_lands_on_such_a_node(cluster):
    name = f"smoke-{time.time_ns():x}"
    operator = part(f"spark-operator-{cluster.name}")
    operator.start()
    try:
        kubectl.apply(cluster, application(name, architecture=cluster.fake_architecture))
        ended = until(lambda: final_state(cluster, name), seconds=120)
    finally:
        operator.stop()
    assert ended["applicationState"]["state"] == "COMPLETED", ended
    node = kubectl.get(cluster, "pod", f"{name}-driver")["spec"]["nodeName"]
    assert (
        kubectl.get(cluster, "node", node)["status"]["nodeInfo"]["architecture"] == cluster.fake_architecture
    )


def test_a_fake_operator_moves_an_application_to_its_end_without_a_pod():
    cluster = MOKA_ARM
    name = f"smoke-{time.time_ns():x}"
    operator = part(f"fake-operator-{cluster.name}")
    operator.start()
    try:
        kubectl.apply(cluster, application(name, annotations={"kwok.moka.dev/fails": "yes"}))
        ended = until(lambda: final_state(cluster, name), seconds=30)
    finally:
        operator.stop()
    assert ended["applicationState"]["state"] == "FAILED"
    assert not kubectl.is_there(cluster, "pod", f"{name}-driver")


def test_a_cluster_is_cut_off_by_its_proxy_and_the_others_are_not():
    proxies.set_enabled(MOKA_ARM.name, enabled=False)
    try:
        assert not answers.http_ok(f"{MOKA_ARM.proxied_server}/readyz")
        assert answers.http_ok(f"{MOKA_X86.proxied_server}/readyz")
        assert answers.http_ok(f"{MOKA_ARM.server}/readyz")
    finally:
        proxies.reset()
    assert answers.http_ok(f"{MOKA_ARM.proxied_server}/readyz")


def test_versions_before_a_compaction_are_gone_once_the_api_server_starts_again():
    etcd.compact(MOKA_ARM)
    process = processes.restart(f"apiserver-{MOKA_ARM.name}")
    ready = f"{MOKA_ARM.server}/readyz"
    processes.wait("the API server", lambda: answers.http_ok(ready), seconds=90, process=process)
    watch = "/api/v1/namespaces?watch=1&resourceVersion=1&timeoutSeconds=5"
    event = json.loads(kubectl.kubectl(MOKA_ARM, "get", "--raw", watch).splitlines()[0])
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def until(ask: Callable[[], Any], *, seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.5)
    return answer


def final_state(cluster: Cluster, name: str) -> dict[str, Any] | None:
    status = kubectl.get(cluster, "sparkapplication", name).get("status") or {}
    ended = status.get("applicationState", {}).get("state") in {"COMPLETED", "FAILED"}
    return status if ended else None


def placeholders(name: str) -> dict[str, tuple[int, int]]:
    """Task group -> how many pods held its place, how many of these were replaced by real ones."""
    seen = read_json(f"{YUNIKORN_ADDRESS}/ws/v1/partition/default/application/{name}")["placeholderData"]
    return {group["taskGroupName"]: (group["count"], group["replaced"]) for group in seen}


def history() -> list[str]:
    return [entry["id"] for entry in read_json(f"{HISTORY_ADDRESS}/api/v1/applications")]


def read_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)
