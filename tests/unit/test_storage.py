"""A cluster's storage settings as sparkConf, and raw keys that would contradict them."""

from __future__ import annotations

import pytest

from archer.domain.cluster import S3Server
from archer.errors import SettingsError
from archer.settings import ClusterEntry, load_inventory
from archer.translate.spark import to_spark_application
from archer.translate.storage import storage_conf
from tests.builders import profile, request
from tests.unit.test_spark_application import attempt

EVENT_LOG = "s3a://spark-logs/events"
S3 = {"endpoint": "https://s3.example:7070", "region": "eu-1", "path_style": False}
METASTORE = "thrift://metastore:9083"
S3A = "spark.hadoop.fs.s3a."


def entry(**fields) -> ClusterEntry:
    return ClusterEntry(name="a", adapter="kubernetes", **fields)


@pytest.mark.parametrize(
    ("fields", "conf"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param(
            {"event_log": EVENT_LOG},
            {
                "spark.eventLog.enabled": "true",
                "spark.eventLog.dir": EVENT_LOG,
                "spark.eventLog.rolling.enabled": "true",
            },
            id="event log",
        ),
        pytest.param(
            {"event_log": EVENT_LOG, "event_log_rolling": False},
            {
                "spark.eventLog.enabled": "true",
                "spark.eventLog.dir": EVENT_LOG,
                "spark.eventLog.rolling.enabled": "false",
            },
            id="event log in one piece",
        ),
        pytest.param(
            {"s3": S3},
            {
                f"{S3A}endpoint": "https://s3.example:7070",
                f"{S3A}endpoint.region": "eu-1",
                f"{S3A}path.style.access": "false",
                f"{S3A}connection.ssl.enabled": "true",
                f"{S3A}directory.marker.retention": "keep",
            },
            id="S3",
        ),
        pytest.param(
            {"metastore": METASTORE},
            {"spark.hadoop.hive.metastore.uris": METASTORE, "spark.sql.catalogImplementation": "hive"},
            id="metastore",
        ),
    ],
)
def test_settings_become_spark_conf(fields, conf):
    assert storage_conf(entry(**fields).profile()) == conf


def test_an_endpoint_without_tls_is_not_asked_for_tls():
    conf = storage_conf(profile(s3=S3Server("http://10.0.0.1:7070")))
    assert (conf[f"{S3A}connection.ssl.enabled"], conf[f"{S3A}path.style.access"]) == ("false", "true")


def test_what_the_settings_say_is_the_clusters_in_the_manifest():
    made = to_spark_application(attempt(), request(), entry(event_log=EVENT_LOG, s3=S3).profile())
    conf = made.manifest["spec"]["sparkConf"]
    assert conf["spark.eventLog.dir"] == EVENT_LOG
    sources = {origin.path.removeprefix("/spec/sparkConf/"): origin.source for origin in made.origins}
    assert sources["spark.eventLog.dir"] == sources[f"{S3A}endpoint"] == "cluster"


def test_the_life_of_an_ended_application_is_the_clusters():
    made = to_spark_application(attempt(), request(), entry(time_to_live_seconds=7200).profile())
    assert made.manifest["spec"]["timeToLiveSeconds"] == 7200


def test_a_raw_key_may_say_the_same_again():
    assert entry(event_log=EVENT_LOG, spark_conf={"spark.eventLog.enabled": "true"}).event_log


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param(
            {"event_log": EVENT_LOG, "spark_conf": {"spark.eventLog.dir": "s3a://other/events"}},
            "spark_conf.spark.eventLog.dir is 's3a://other/events', but event_log",
            id="another event log",
        ),
        pytest.param(
            {"event_log": EVENT_LOG, "spark_conf": {"spark.eventLog.enabled": "false"}},
            "spark_conf.spark.eventLog.enabled is 'false'",
            id="no event log",
        ),
        pytest.param(
            {"s3": S3, "spark_conf": {f"{S3A}endpoint": "http://elsewhere"}},
            f"spark_conf.{S3A}endpoint is 'http://elsewhere'",
            id="another S3",
        ),
        pytest.param(
            {"metastore": METASTORE, "spark_conf": {"spark.sql.catalogImplementation": "in-memory"}},
            "spark_conf.spark.sql.catalogImplementation is 'in-memory'",
            id="another catalog",
        ),
        pytest.param(
            {"spark_conf": {"spark.kubernetes.executor.podNamePrefix": "x"}},
            "spark_conf.spark.kubernetes.executor.podNamePrefix is written by Archer",
            id="a name that Archer gives",
        ),
        pytest.param(
            {"spark_conf": {"spark.kubernetes.driver.podTemplateFile": "x"}},
            "podTemplateFile is written by Archer",
            id="a template",
        ),
        pytest.param(
            {"spark_conf": {"spark.executor.memory": "64g"}},
            "spark_conf.spark.executor.memory is set by each job, by its field executor.memory",
            id="a size",
        ),
        pytest.param(
            {"spark_conf": {"spark.memory.offHeap.size": "lots"}},
            "spark_conf.spark.memory.offHeap.size must be a size",
            id="a size that is none",
        ),
        pytest.param(
            {"spark_conf": {"spark.kubernetes.memoryOverheadFactor": "nan"}},
            "spark_conf.spark.kubernetes.memoryOverheadFactor must be a number above 0",
            id="a factor that is none",
        ),
    ],
)
def test_a_cluster_does_not_contradict_itself(fields, words):
    with pytest.raises(ValueError, match="spark_conf") as raised:
        entry(**fields)
    assert words in str(raised.value)


def test_jars_of_a_cluster_are_no_contradiction():
    assert entry(spark_conf={"spark.jars": "local:///opt/iceberg.jar"}).spark_conf


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_log", "file:///tmp/events"),
        ("event_log", "s3a://b"),
        ("event_log", "s3a://bucket/a b"),
        ("metastore", "http://metastore:9083"),
        ("metastore", "thrift://metastore"),
        ("s3", {"endpoint": "s3.example"}),
        ("s3", {"endpoint": "https://user:secret@s3.example"}),
        ("s3", {"endpoint": "https://s3.example", "access_key": "x"}),
        ("pod_security", "privileged"),
        ("run_as_user", 0),
        ("time_to_live_seconds", 60),
    ],
)
def test_what_a_cluster_may_not_say(field, value):
    with pytest.raises(ValueError, match=field):
        entry(**{field: value})


def test_a_file_with_a_contradiction_says_where(tmp_path):
    file = tmp_path / "clusters.yaml"
    file.write_text(
        "clusters: [{name: a, adapter: kubernetes, spark_conf: {spark.master: local}}]\n"
        "queues: [{path: root.default}]\n"
    )
    with pytest.raises(SettingsError, match=r"clusters\.0: .*spark_conf\.spark\.master is written by Archer"):
        load_inventory(file)
